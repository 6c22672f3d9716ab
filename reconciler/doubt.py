"""What is not in a listing may be what the server could not read in it: somebody moved it there.

An unreadable entry tells nothing but its path. So as long as one is there that was readable, or not there, a moment
ago, what is gone elsewhere is not taken as deleted. One that was unreadable in three listings in a row will stay so (a
file or folder that the server's user may not read); waiting for it would keep every deletion away for ever.
"""

from __future__ import annotations

from reconciler.remote_tree import RemoteTree

SURE = 3
"""Listings in a row."""


class Unreadable:
    """Remembers, from listing to listing of one process, how often each path could not be read in a row."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}

    def cast_doubt(self, tree: RemoteTree) -> bool:
        """Whether absences of this listing prove nothing. To be asked once for each listing that came to its end."""
        self._times = {path: self._times.get(path, 0) + 1 for path in tree.unreadable}
        return any(times < SURE for times in self._times.values()) and tree.gone()
