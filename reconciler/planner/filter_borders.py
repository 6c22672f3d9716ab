"""What crosses a filter's border, or differs behind it, is no longer agreed upon.

A filter removes nothing: both sides keep what they have behind it, and go on by themselves. As long
as both still have a node where its base says, the base is kept, so that an edit is known as one
when the filter goes. When one side no longer has it there (it was deleted, or moved to where the
filter does not reach), the base ends: then taking the filter away is a first union of both sides,
and no deletion is read out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from reconciler.filters import Filter
from reconciler.model import ROOT, Action, Base, Kind, Local, NodeId, Op, Remote, Side
from reconciler.names import is_swap_name
from reconciler.planner import reasons
from reconciler.planner.resolve import NodeStates
from reconciler.planner.view import View

_Tree = Callable[[NodeId], Base | Local | Remote | None]


def crossings(
    view: View, filters: Filter, nodes: Iterable[NodeId]
) -> list[tuple[NodeId, Base | None]]:
    """The bases to set, those of folders after those in them. ``nodes`` are those that may differ
    from their base.

    A file that goes where it is left out, while another takes its place here, is an editor's
    backup: the other one gets its base, and counts as edited.
    """
    crossing = _Crossing(view, filters)
    ended: dict[NodeId, Base] = {}
    pending = list(nodes)
    for node in pending:
        base = view.base(node) if node != ROOT and node not in ended else None
        if base is None:
            continue
        # What was deleted here in a folder that crossed is on the server still, and comes back with
        # its folder.
        gone_with_folder = base.parent in ended and view.local(node) is None
        if gone_with_folder or crossing.ends(node, base):
            ended[node] = base
            # what is in it has crossed too, without differing by itself
            if base.kind is Kind.FOLDER:
                pending += [child for _, child in view.base_children(node)]
    needed = [
        node for node in ended if any(child not in ended for _, child in view.base_children(node))
    ]
    for node in needed:
        base = ended.pop(node, None)
        if base is not None:
            needed.append(base.parent)
    deepest_first = sorted(ended, key=lambda node: -crossing.path(node, view.base).count("/"))
    return [*((node, None) for node in deepest_first), *_successors(view, ended, crossing)]


def superseded(view: View, filters: Filter, nodes: Iterable[NodeId]) -> Iterator[Action]:
    """Yield what fetches a file that is left out here and has no content yet, whose content the
    server replaced or has where it is not left out. The former content is nowhere any more, or is
    awaited where the server has nothing: without the new one the file could neither be read nor
    leave its base, and what the server has could never come. When the server has none any more, the
    file goes: nobody can ever read it."""
    crossing = _Crossing(view, filters)
    pending = list(nodes)
    passed: set[NodeId] = set()
    for node in pending:
        if node in passed:
            continue
        passed.add(node)
        base, local, remote = view.base(node), view.local(node), view.remote(node)
        if base is None or local is None or view.unknown(node) is not None:
            continue
        if remote is None:
            if local.kind is Kind.FILE and not local.present:
                why = reasons.NEVER_FETCHED
                yield Action(Op.DELETE, Side.LOCAL, node, base, local, None, None, reason=why)
            continue
        here, agreed, there = (
            crossing.path(node, tree) for tree in (view.local, view.base, view.remote)
        )
        if not filters.left_out(here) or filters.left_out(there):
            continue
        if local.kind is Kind.FOLDER and agreed != there:
            # what is in it has moved too, without differing by itself
            pending += [child for _, child in view.base_children(node)]
        if local.kind is not Kind.FILE or local.present or remote.kind is not Kind.FILE:
            continue
        if NodeStates(node, base, local, remote).remote_edited:
            why = reasons.EDITED_ON_SERVER
        elif agreed != there:
            why = reasons.MOVED_NOT_FETCHED
        else:
            continue
        yield Action(Op.FETCH, Side.LOCAL, node, base, local, remote, base.place, reason=why)


def _successors(
    view: View, ended: dict[NodeId, Base], crossing: _Crossing
) -> Iterator[tuple[NodeId, Base]]:
    for base in ended.values():
        if base.kind is not Kind.FILE or base.parent in ended:
            continue
        other = view.local_child(base.parent, base.name)
        local = view.local(other) if other is not None else None
        if (
            other is None
            or local is None
            or local.kind is not Kind.FILE
            or view.base(other) is not None
        ):
            continue
        if not crossing.is_left_out(other, view.local) and view.remote(other) is None:
            yield other, replace(base, version=0)


class _Crossing:
    def __init__(self, view: View, filters: Filter) -> None:
        self._view = view
        self._filters = filters

    def ends(self, node: NodeId, base: Base) -> bool:
        view = self._view
        local, unknown = view.local(node), view.unknown(node) is not None
        # A swap broke off: its name stands for the base's, so it was agreed on. Without a base it
        # would be a new file of that name.
        if local is not None and is_swap_name(local.name):
            return False
        # only the server has its content: nothing may be forgotten
        if local is not None and not local.present:
            return False
        if not self.is_left_out(node, view.base):
            return local is not None and self.is_left_out(node, view.local)
        if local is None or not self.is_left_out(node, view.local):
            return True
        return not unknown and (
            view.remote(node) is None or not self.is_left_out(node, view.remote)
        )

    def is_left_out(self, node: NodeId, tree: _Tree) -> bool:
        return self._filters.left_out(self.path(node, tree))

    def path(self, node: NodeId, tree: _Tree) -> str:
        """Where the node is in one of the trees, as far as that tree knows."""
        names: list[str] = []
        passed: set[NodeId] = set()
        while node != ROOT and node not in passed:
            state = tree(node)
            if state is None:
                break
            passed.add(node)
            names.append(state.name)
            node = state.parent
        return "/".join(reversed(names))
