"""Makes the verdicts on single nodes fit one tree.

A folder in which something stays comes back, a circle of folders is opened, two nodes at one place
get two names, and a folder goes only when everything in it goes or leaves. What cannot be settled
waits and keeps its place.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.filters import Filter
from reconciler.model import (
    ROOT,
    Base,
    Kind,
    Local,
    NodeId,
    Op,
    Place,
    Remote,
    Settings,
    Side,
)
from reconciler.names import conflict_name, unsyncable
from reconciler.planner import reasons
from reconciler.planner.conflict_rules import side_without_time
from reconciler.planner.resolve import NodeStates, Verdict, brought_back, resolve_node
from reconciler.planner.view import View


class Present:
    """Which nodes a filter leaves out, by where they are now: here, else on the server, else in the
    base."""

    def __init__(self, view: View, filters: Filter) -> None:
        self._view = view
        self._filters = filters
        self._paths: dict[NodeId, str | None] = {ROOT: ""}  # None: left out
        self._by_rule: set[NodeId] = set()  # among those, by a rule rather than by a name

    def left_out(self, node: NodeId) -> bool:
        climb: list[tuple[NodeId, str]] = []
        while node not in self._paths:
            state = self._view.local(node) or self._view.remote(node) or self._view.base(node)
            climb.append((node, state.name if state is not None else ""))
            self._paths[node] = ""  # stands if the trees are mixed so that this climb meets itself
            node = state.parent if state is not None else ROOT
        path, by_rule = self._paths[node], node in self._by_rule
        for each, name in reversed(climb):
            if path is not None:
                path = f"{path}/{name}" if path else name
                if self._filters.ignored(path):
                    by_rule = not self._filters.named(path)
                    path = None
            self._paths[each] = path
            if by_rule:
                self._by_rule.add(each)
        return path is None

    def goes_along(self, node: NodeId) -> bool:
        """Whether the node is left out because of a name, its own or a folder's above: it goes with
        its folder."""
        return self.left_out(node) and node not in self._by_rule


class VerdictFitter:
    """One attempt to fit the verdicts to one tree, with ``waiting`` nodes left where they are.

    ``fit`` finds nodes that must wait besides; when there are none, it stands: ``verdicts`` say
    what becomes of each node, ``deletions`` what goes from each side, ``undeletable`` which folders
    cannot go yet, ``others`` which links and devices make room, ``depth_of`` how deep each node
    will lie.
    """

    def __init__(
        self,
        view: View,
        settings: Settings,
        stamp: str,
        present: Present,
        trees: dict[NodeId, NodeStates],
        waiting: dict[NodeId, str],
    ) -> None:
        self._view = view
        self.settings = settings
        self._stamp = stamp
        self._present = present
        self.trees = trees
        self.waiting = waiting
        self._carried: dict[NodeId, bool] = {}
        self.depth_of: dict[NodeId, int] = {ROOT: 0}  # of the places where nodes will be
        self.others: dict[NodeId, Place] = {}  # local-only nodes that make room
        self.deletions: dict[Side, set[NodeId]] = {}
        self.undeletable: set[NodeId] = set()  # folders that cannot be deleted yet
        self.verdicts: dict[NodeId, Verdict] = {}
        for node, each in trees.items():
            if (
                node not in waiting
                and (each.local or each.remote or each.base)
                and each.kind is not Kind.OTHER
            ):
                self.verdicts[node] = resolve_node(each, settings, self._moved_along(each))

    def fit(self) -> dict[NodeId, str]:
        """Fits the verdicts to one tree. Returns nodes that must wait, and why; then this draft is
        void."""
        found = self._busy()
        if found:
            return found
        while True:
            self._bring_back_folders()
            if not self._break_cycles():
                break
        found = self._trace_all()
        if found:
            return found
        self._resolve_name_clashes()
        self.deletions = {side: self._deletable(side) for side in (Side.LOCAL, Side.REMOTE)}
        return {}

    # existence ------------------------------------------------------------------------------------

    def _moved_along(self, trees: NodeStates) -> bool:
        """Whether the side that still has the node moved it, or a folder above it that the other
        side deleted too."""
        here = trees.local is not None
        passed: list[NodeId] = []
        carried = False
        while trees.base is not None and (trees.local is None) is not (trees.remote is None):
            if trees.node in self._carried:
                carried = self._carried[trees.node]
                break
            passed.append(trees.node)
            carried = trees.local_moved if here else trees.remote_moved
            state = trees.local if here else trees.remote
            if carried or state is None or state.parent not in self.trees:
                break
            trees = self.trees[state.parent]
            if (trees.local is not None) is not here:
                break
        for node in passed:
            self._carried[node] = carried
        return carried

    def _busy(self) -> dict[NodeId, str]:
        """Files that may be deleted only when nobody writes them any more."""
        return {
            node: self.says(node)
            for node, verdict in self.verdicts.items()
            if verdict.waits and not verdict.lives
        }

    def _bring_back_folders(self) -> None:
        pending = [
            verdict.place.parent for verdict in self.verdicts.values() if verdict.place is not None
        ]
        for parent in pending:
            verdict = self.verdicts.get(parent)
            if verdict is None or verdict.lives:
                continue
            back = brought_back(self.trees[parent])
            if back is not None and back.place is not None:
                self.verdicts[parent] = back
                pending.append(back.place.parent)

    def says(self, node: NodeId) -> str:
        """Why the action of a node must not happen now, as a sentence."""
        local = self._view.local(node)
        name = local.name if local is not None else str(node)
        shown = name.encode("utf-8", "backslashreplace").decode()
        return reasons.being_written(shown)

    # place ----------------------------------------------------------------------------------------

    def _place(self, node: NodeId) -> Place | None:
        """Where the node will be, or where one is that goes, waits or is not looked at."""
        verdict = self.verdicts.get(node)
        if verdict is not None and verdict.place is not None:
            return verdict.place
        trees = self.trees.get(node)
        state: Base | Local | Remote | None
        if trees is not None:
            state = trees.local or trees.remote or trees.base
        else:
            state = self._view.base(node)
        return None if state is None else state.place

    def _break_cycles(self) -> bool:
        """Undoes the losing side's moves among folders that would lie in each other. Whether there
        were any.

        Each circle holds a move of the loser that can be undone: the winner's tree has no circle,
        and the parent of a node that is placed by the winner is in the winner's tree.
        """
        sound: set[NodeId] = {ROOT}
        opened = False
        for node, verdict in list(self.verdicts.items()):
            if not verdict.lives:
                continue
            path: list[NodeId] = []
            on_path: set[NodeId] = set()
            step = node
            while step not in sound and step not in on_path:
                path.append(step)
                on_path.add(step)
                place = self._place(step)
                step = place.parent if place is not None else ROOT
            if step in on_path:
                for each in path[path.index(step) :]:
                    opened = self._undo_move(each) or opened
            else:
                sound |= on_path
        return opened

    def _undo_move(self, node: NodeId) -> bool:
        trees, verdict = self.trees.get(node), self.verdicts.get(node)
        if trees is None or verdict is None or trees.local is None or trees.remote is None:
            return False
        server = side_without_time(self.settings.conflict) is Side.REMOTE
        place = trees.remote_place if server else trees.local_place
        if verdict.place == place:
            return False
        rule = self.settings.conflict.value
        moved = reasons.moved_into_each_other(rule, local_wins=not server)
        self.verdicts[node] = replace(verdict, place=place, moved=moved, conflict=True)
        return True

    def _trace_all(self) -> dict[NodeId, str]:
        """Follows every node to the root. Returns what cannot be settled because of its name or its
        folders."""
        found: dict[NodeId, str] = {}
        for node in self.trees:
            self._trace(node, found)
        return {
            node: why
            for node, why in found.items()
            if node in self.verdicts and self.verdicts[node].op is not Op.FORGET
        }

    def _trace(self, node: NodeId, found: dict[NodeId, str]) -> None:
        climb: list[tuple[NodeId, Place | None]] = []
        while node not in self.depth_of:
            place = self._place(node)
            climb.append((node, place))
            self.depth_of[node] = -1  # met again only in a circle of folders that wait
            node = ROOT if place is None else place.parent
        if self.depth_of[node] < 0:
            found.setdefault(node, reasons.CIRCLE)
        for each, place in reversed(climb):
            self.depth_of[each] = 0 if place is None else self.depth_of[place.parent] + 1
            why = (
                reasons.FOLDER_UNKNOWN
                if place is None
                else self._reason_to_wait(each, place, found)
            )
            if why is not None:
                found.setdefault(each, why)

    def _reason_to_wait(self, node: NodeId, place: Place, found: dict[NodeId, str]) -> str | None:
        parent = place.parent
        if parent in self.waiting or parent in found:
            return reasons.FOLDER_WAITS
        if node in self.waiting:
            return None
        verdict = self.verdicts.get(node)
        if verdict is None:  # not planned for: the folder of something that is
            if self._view.base(node) is None:
                return reasons.NOT_PLANNED
            return self._view.unknown(node)
        if verdict.place is not None:
            above = self.verdicts.get(parent)
            if above is not None and not above.lives:
                return reasons.FOLDER_GONE
            return unsyncable(place.name)
        return None

    # names ----------------------------------------------------------------------------------------

    def _resolve_name_clashes(self) -> None:
        """Two nodes at one place: a folder keeps the name, else the one that has it on the server
        already."""
        at: dict[Place, list[NodeId]] = {}
        for node, verdict in self.verdicts.items():
            if verdict.place is not None:
                at.setdefault(verdict.place, []).append(node)
        taken = set(at)
        for place, nodes in at.items():
            occupant = self._node_in_place(place)
            if len(nodes) > 1:
                nodes.sort(key=lambda node: self._claim(node, place))
            for loser in nodes if occupant is not None else nodes[1:]:
                self._rename(loser, place, nodes[0] if occupant is None else occupant, taken)
            if occupant is None:
                self._move_other_away(place, nodes[0], taken)

    def _node_in_place(self, place: Place) -> NodeId | None:
        """Who has the place on both sides, and is not planned for. One that an interrupted run left
        under a temporary name, or whose move is undone, may find its former place taken so."""
        node = self._view.local_child(place.parent, place.name)
        if (
            node is None
            or node in self.trees
            or node != self._view.remote_child(place.parent, place.name)
        ):
            return None
        return node

    def _claim(self, node: NodeId, place: Place) -> tuple[bool, bool, NodeId]:
        trees = self.trees[node]
        on_server = trees.remote is not None and trees.remote.place == place
        return trees.kind is not Kind.FOLDER, not on_server, node

    def _rename(self, node: NodeId, place: Place, winner: NodeId, taken: set[Place]) -> None:
        target = self._free_name(place, self.trees[node].kind, taken)
        state = self._view.local(winner) or self._view.remote(winner)
        is_folder = state is not None and state.kind is Kind.FOLDER
        self.verdicts[node] = replace(
            self.verdicts[node],
            place=target,
            moved=reasons.FOLDER_HAS_NAME if is_folder else reasons.FILE_HAS_NAME,
            conflict=True,
        )

    def _move_other_away(self, place: Place, node: NodeId, taken: set[Place]) -> None:
        """A link or device is nothing to the server, but it occupies its name here."""
        local = self.trees[node].local
        if local is not None and local.place == place:
            return
        holder = self._view.local_child(place.parent, place.name)
        state = self._view.local(holder) if holder is not None else None
        if holder is not None and state is not None and state.kind is Kind.OTHER:
            self.others[holder] = self._free_name(place, Kind.OTHER, taken)

    def _free_name(self, place: Place, kind: Kind, taken: set[Place]) -> Place:
        number = 0
        while True:
            number += 1
            name = conflict_name(
                place.name, self._stamp, self.settings.host, number, is_folder=kind is Kind.FOLDER
            )
            target = Place(place.parent, name)
            local, remote = self._view.local_child, self._view.remote_child
            if (
                target not in taken
                and local(place.parent, name) is None
                and remote(place.parent, name) is None
            ):
                taken.add(target)
                return target

    # deletions ------------------------------------------------------------------------------------

    def _deletable(self, side: Side) -> set[NodeId]:
        """What goes from a side. A folder stays as long as something in it neither goes nor
        leaves."""
        local = side is Side.LOCAL
        children = self._view.local_children if local else self._view.remote_children
        deletions = {
            node
            for node, verdict in self.verdicts.items()
            if not verdict.lives
            and (self.trees[node].local if local else self.trees[node].remote) is not None
        }
        undeletable = [
            node
            for node in deletions
            if self.trees[node].kind is Kind.FOLDER
            and (
                any(
                    child not in deletions and not self._lets_go(child, node)
                    for _, child in children(node)
                )
                or (not local and self._view.hides(node))
            )
        ]
        for node in undeletable:
            if node not in deletions:
                continue
            deletions.discard(node)
            self.undeletable.add(node)
            state = self.trees[node].local if local else self.trees[node].remote
            if state is not None:
                undeletable.append(state.parent)
        return deletions

    def _lets_go(self, node: NodeId, folder: NodeId) -> bool:
        """Whether a node that does not go itself lets the folder go that it is in on one side."""
        verdict = self.verdicts.get(node)
        if verdict is not None:
            return verdict.place is not None and verdict.place.parent != folder
        local = self._view.local(node)
        if local is not None and local.kind is Kind.OTHER:  # to the bin with its folder
            return True
        return self._present.goes_along(node)
