"""One path: which nodes are meant, and why nothing is done about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler.filters import Filter
from reconciler.lookups import Lookups
from reconciler.model import ROOT, Action, NodeId, Op, Plan
from reconciler.phrases import Phrase
from reconciler.planner import reasons
from reconciler.trees.remote_tree import RemoteTree


def nodes_at(known: Lookups, tree: RemoteTree, path: str) -> list[NodeId]:
    """The nodes that are at this path here, on the server, or in the base: one, if both sides agree
    on who is who."""
    found: list[NodeId] = []
    for look in (known.local_child, tree.child, _base_child(known)):
        node: NodeId | None = ROOT
        for name in path.split("/"):
            node = look(node, name) if node is not None else None
        if node is not None and node not in found:
            found.append(node)
    return found


def _base_child(known: Lookups) -> Callable[[NodeId, str], NodeId | None]:
    def child(parent: NodeId, name: str) -> NodeId | None:
        entry = known.base_entry(parent, name)
        return entry.node if entry is not None else None

    return child


def above(known: Lookups, tree: RemoteTree, node: NodeId) -> Iterator[NodeId]:
    """The node, and every folder above it on either side and in the base."""
    seen: list[NodeId] = [node]
    for each in seen:
        yield each
        for state in (known.local(each), tree.get(each), known.base(each)):
            if state is not None and state.parent not in seen and state.parent != ROOT:
                seen.append(state.parent)


def concerning(known: Lookups, tree: RemoteTree, made: Plan, node: NodeId) -> list[Action]:
    """The plan's actions on the node, and those on folders above it that take it along."""
    nodes = set(above(known, tree, node))
    taking = (Op.MOVE, Op.DELETE)
    return [a for a in made.actions if a.node == node or (a.node in nodes and a.op in taking)]


def idle_because(
    tree: RemoteTree, made: Plan | None, filters: Filter, node: NodeId, path: str
) -> str:
    """Why nothing is done about the node, as a sentence; ``made`` is None when the server could not
    be asked."""
    if filters.left_out(path):
        return Phrase("It is left out by a filter or by its name.")
    if made is None:
        return Phrase("The server could not be asked, so what would happen is not known.")
    for waiting in made.waiting:
        if waiting.node == node:
            return waiting.why
    unknown = tree.unknown(node)
    if unknown is not None:
        return reasons.untold(unknown)
    return Phrase("Nothing is to be done: both sides are the same.")
