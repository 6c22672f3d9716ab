"""The daemon's local API over a Unix socket, and its client."""
