"""What runs in a mounted drive's process, beside the file system."""
