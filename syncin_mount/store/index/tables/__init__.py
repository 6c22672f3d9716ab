"""The index's tables, each with the part that owns it."""
