"""The supervisor: keeps the drives of a user running."""
