"""Requests to the server: whether it can be reached, and how many run at once."""
