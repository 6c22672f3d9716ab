"""The log files and their format."""
