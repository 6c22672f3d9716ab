"""A remote Sync-in folder as a drive that is always there: complete local copy, journal,
reconciler."""

__version__ = "0.1.0"
