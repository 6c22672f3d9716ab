"""The demonstration: a server, a drive and a self-check."""
