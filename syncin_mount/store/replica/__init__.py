"""The replica: what the file system and the reconciler use of the store."""
