"""How many conflicts there were: each is counted once, however many runs it takes until it is
settled."""

from __future__ import annotations

from collections.abc import Container, Iterable

from reconciler.lookups import Lookups
from reconciler.model import Local, NodeId, Remote
from reconciler.trees.remote_tree import RemoteTree

_Sides = tuple[Local | None, Remote | None]


class Conflicts:
    """``count`` grows while the process lives. What a conflict is between is remembered for as long
    as it lasts."""

    def __init__(self) -> None:
        self.count = 0
        self._open: dict[NodeId, _Sides] = {}

    def note(
        self, found: Iterable[NodeId], known: Lookups, tree: RemoteTree, touched: Container[NodeId]
    ) -> None:
        """A full run's plan settles these; ``touched`` is all that differs at all. A conflict is
        another one when either side is not as it was."""
        still = {node: sides for node, sides in self._open.items() if node in touched}
        for node in found:
            sides = known.local(node), tree.get(node)
            if still.get(node) != sides:
                self.count += 1
            still[node] = sides
        self._open = still
