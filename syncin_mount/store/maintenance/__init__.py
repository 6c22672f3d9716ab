"""Checks and repairs a replica."""
