"""Processes of the program: starting them, and telling them of what changed."""
