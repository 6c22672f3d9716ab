"""What is not in a listing may be what the server could not read in it: somebody moved it there.

An unreadable entry tells nothing but its path. So as long as one is there that was readable, or not
there, a moment ago, what is gone elsewhere is not taken as deleted. One that was unreadable in
three listings in a row will stay so (a file or folder that the server's user may not read); waiting
for it would keep every deletion away for ever.
"""

from __future__ import annotations

from reconciler.model import NodeId, Op, Plan, Side
from reconciler.trees.remote_tree import RemoteTree

LISTINGS_UNTIL_TRUSTED = 3
"""Listings in a row."""


class UnreadablePaths:
    """Remembers, from listing to listing of one process, how often each path could not be read in a
    row."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}

    def absences_unproven(self, tree: RemoteTree) -> bool:
        """Whether absences of this listing prove nothing. To be asked once for each listing that
        came to its end."""
        self._times = {path: self._times.get(path, 0) + 1 for path in tree.unreadable}
        return any(times < LISTINGS_UNTIL_TRUSTED for times in self._times.values()) and tree.gone()


class Torn:
    """What somebody moves while a listing runs may be in neither place of it. Where something would
    be made on the server anew for that, one more listing has to show it gone: it would be there
    twice else."""

    def __init__(self) -> None:
        self._gone: frozenset[NodeId] = frozenset()

    def absences_unproven(self, made: Plan) -> bool:
        """Whether the plan brings back what the listing before did not show gone. To be asked once
        for each plan."""
        before = self._gone
        self._gone = frozenset(
            each.node
            for each in made.actions
            if each.side is Side.REMOTE
            and each.op in (Op.MAKE, Op.SEND)
            and each.base
            and each.remote is None
        )
        return not self._gone <= before
