"""Conflicts that were settled: which there were, where the versions are, and choosing again."""
