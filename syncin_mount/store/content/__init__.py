"""Contents: the objects on the disk and their open handles."""
