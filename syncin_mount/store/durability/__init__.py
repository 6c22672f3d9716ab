"""How an event, its file effects and the contents get to the disk, and what a start repairs."""
