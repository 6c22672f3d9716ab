"""The three trees as one ``View`` for the planner: the replica's two, and the server's as observed
or assumed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.lookups import Lookups
from reconciler.model import ROOT, Base, Local, NodeId, Remote
from reconciler.trees.local_checksums import Sums
from reconciler.trees.remote_tree import RemoteTree


class Trees:
    """Look-ups in the replica, or a snapshot of it, and a remote tree. ``nodes`` are those to plan
    for. ``sums`` adds checksums."""

    def __init__(
        self,
        known: Lookups,
        tree: RemoteTree,
        nodes: Iterable[NodeId],
        sums: Sums | None = None,
        *,
        withheld: frozenset[NodeId] = frozenset(),
    ) -> None:
        """``withheld`` are left alone on both sides, as if somebody held them."""
        self._withheld = withheld
        self._known = known
        self._tree = tree
        self._sums = sums
        self._nodes = tuple(dict.fromkeys(node for node in nodes if node != ROOT))

    def touched(self) -> Iterable[NodeId]:
        return self._nodes

    def base(self, node: NodeId) -> Base | None:
        return self._known.base(node)

    def local(self, node: NodeId) -> Local | None:
        local = self._known.local(node)
        if local is None or self._sums is None:
            return local
        checksum = self._sums.get(node, local.version)
        return local if checksum is None else replace(local, checksum=checksum)

    def remote(self, node: NodeId) -> Remote | None:
        return self._tree.get(node)

    def unknown(self, node: NodeId) -> str | None:
        return self._tree.unknown(node)

    def held(self, node: NodeId) -> bool:
        return node in self._withheld or self._known.is_held(node)

    def base_children(self, node: NodeId) -> Iterable[tuple[str, NodeId]]:
        return self._known.base_children(node)

    def local_children(self, node: NodeId) -> Iterable[tuple[str, NodeId]]:
        return self._known.local_children(node)

    def remote_children(self, node: NodeId) -> Iterable[tuple[str, NodeId]]:
        return self._tree.children(node)

    def local_child(self, parent: NodeId, name: str) -> NodeId | None:
        return self._known.local_child(parent, name)

    def remote_child(self, parent: NodeId, name: str) -> NodeId | None:
        return self._tree.child(parent, name)

    def base_count(self) -> int:
        """The number of files and folders that both sides agreed on."""
        return self._known.base_count()

    def hides(self, node: NodeId) -> bool:
        return self._tree.hides(node)


def closure(known: Lookups, nodes: Iterable[NodeId]) -> list[NodeId]:
    """The nodes that a plan for ``nodes`` must see besides them, themselves included.

    A new node needs its new parents planned with it; one that takes a place needs the node whose
    base still holds that place (which was moved away or deleted here, perhaps a moment ago) planned
    with it.
    """
    found = list(dict.fromkeys(nodes))
    seen = set(found)

    def add(node: NodeId) -> None:
        if node not in seen and known.changed_ns(node):
            seen.add(node)
            found.append(node)

    for node in found:
        local = known.local(node)
        if local is None:
            continue
        add(local.parent)
        holder = known.base_entry(local.parent, local.name)
        if holder is not None:
            add(holder.node)
    return found
