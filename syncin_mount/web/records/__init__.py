"""Calls about what happened: lists of it, and the conflicts."""
