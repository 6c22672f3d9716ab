"""Synchronizations as they are set up: added, edited, renamed, registered and removed."""
