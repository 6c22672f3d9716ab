"""The journal: its events, and the segments on the disk."""
