"""The history of transfers."""
