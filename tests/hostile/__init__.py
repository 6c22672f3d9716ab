"""Hostile answers: every field of every answer that is recorded, wrong in every way; see
docs/internals/testing.md."""
