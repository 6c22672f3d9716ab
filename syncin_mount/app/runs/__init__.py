"""Runs of synchronizations: how far they are, and waiting for them."""
