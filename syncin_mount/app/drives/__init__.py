"""One drive, mounted or not: its state, its waiting changes, its conflicts and its trash."""
