"""A remote Sync-in folder as a drive that is always there: complete local copy, journal,
reconciler."""

from syncin_mount import own_packages

own_packages.lead()

__version__ = "0.1.0"
