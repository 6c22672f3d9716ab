"""Replicas as released versions left them, and that this version goes on with each."""
