"""Settings that have rules of their own, and those of the whole program."""
