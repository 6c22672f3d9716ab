"""The order of a plan: stages that run one after another, each of actions that may run together.

First what only the base learns. Then, in rounds, what gives both trees their shape: folders, moves,
and the deletions that make room. Then all contents at once, then the other deletions. Because all
shaping comes before, no path changes while contents are on their way.

A round holds what is possible when it begins, in whatever order: the parent is there, the place is
free, and nothing in the round moves a folder that lies above the place another action leaves or
takes (its path would change under it). When nothing is possible any more, places are taken in a
circle; one of the nodes then makes room under a temporary name beside its place. That is always
possible, as some pending move waits for a taken place: among the pending moves the one whose
destination is least deep leads into folders that are where they shall be, so it cannot lead below
itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import zip_longest

from reconciler.model import ROOT, Action, NodeId, Op, Place, Side
from reconciler.names import swap_name
from reconciler.planner import reasons
from reconciler.planner.view import View

Stages = tuple[tuple[Action, ...], ...]


def arrange(
    view: View,
    actions: Iterable[Action],
    late_forgets: frozenset[NodeId] = frozenset(),
    *,
    tag: str = "",
) -> Stages:
    """The stages of a plan. ``late_forgets`` are nodes whose base must outlast the moves out of
    them; ``tag`` is the settings'."""
    actions = list(actions)
    learn = [a for a in actions if a.op is Op.FORGET and a.node not in late_forgets]
    # what is forgotten goes from below upwards, what is agreed from above downwards
    learn.reverse()
    learn += [a for a in actions if a.op is Op.AGREE]
    late = [a for a in actions if a.op is Op.FORGET and a.node in late_forgets]
    late.reverse()
    shapes = [
        _Shaping(view, side, [a for a in actions if a.side is side], tag)
        for side in (Side.LOCAL, Side.REMOTE)
    ]
    rounds = [shape.run() for shape in shapes]
    stages = [learn]
    stages += [[*here, *there] for here, there in zip_longest(*rounds, fillvalue=())]
    stages.append([a for a in actions if a.op in (Op.SEND, Op.FETCH, Op.TOUCH)])
    stages.append([a for shape in shapes for a in shape.last])
    stages.append(late)
    return tuple(tuple(stage) for stage in stages if stage)


class _Shaping:
    """Gives one side its shape, in rounds, on a sketch of its tree."""

    def __init__(self, view: View, side: Side, actions: list[Action], tag: str) -> None:
        self._side = side
        self._tag = tag
        self._child = view.local_child if side is Side.LOCAL else view.remote_child
        self._state = view.local if side is Side.LOCAL else view.remote
        # where nodes are now, if not where the view says
        self._places: dict[NodeId, Place | None] = {}
        # who is at a place now, if not who the view says
        self._taken: dict[Place, NodeId | None] = {}
        wanted = {
            a.target
            for a in actions
            if a.target is not None and a.op in (Op.MAKE, Op.MOVE, Op.SEND, Op.FETCH)
        }
        self._pending: dict[NodeId, Action] = {}
        self.last: list[Action] = []
        """Deletions that nothing waits for."""
        for action in actions:
            if action.op in (Op.MAKE, Op.MOVE) or (
                action.op is Op.DELETE and self._place(action.node) in wanted
            ):
                self._pending[action.node] = action
            elif action.op is Op.DELETE:
                self.last.append(action)
        # a folder to delete -> nodes that must move out before
        self._leaving: dict[NodeId, set[NodeId]] = {}
        self._leaves: dict[NodeId, list[NodeId]] = {}
        for node, action in self._pending.items():
            if action.op is Op.MOVE:
                for above in self._above(node):
                    if above in self._pending and self._pending[above].op is Op.DELETE:
                        self._leaving.setdefault(above, set()).add(node)
                        self._leaves.setdefault(node, []).append(above)

    # the sketch -----------------------------------------------------------------------------------

    def _place(self, node: NodeId) -> Place | None:
        if node in self._places:
            return self._places[node]
        state = self._state(node)
        return None if state is None else state.place

    def _holder(self, place: Place) -> NodeId | None:
        if place in self._taken:
            return self._taken[place]
        return self._child(place.parent, place.name)

    def _above(self, node: NodeId) -> list[NodeId]:
        """The folders above a node now, without the root."""
        above: list[NodeId] = []
        place = self._place(node)
        while place is not None and place.parent != ROOT:
            above.append(place.parent)
            place = self._place(place.parent)
        return above

    def _put(self, node: NodeId, place: Place | None) -> None:
        before = self._place(node)
        if before is not None and self._holder(before) == node:
            self._taken[before] = None
        self._places[node] = place
        if place is not None:
            self._taken[place] = node

    # rounds ---------------------------------------------------------------------------------------

    def run(self) -> list[list[Action]]:
        rounds: list[list[Action]] = []
        waiting: dict[NodeId, list[Action]] = {}  # who must act before -> what waits for it
        ready = list(self._pending.values())
        while self._pending:
            step, again = self._round(ready, waiting)
            if not step:
                step = [self._make_room()]
            rounds.append(step)
            ready = again
            for action in step:
                self._apply(action)
                ready += waiting.pop(action.node, [])
                for above in self._leaves.get(action.node, ()):
                    if not self._leaving[above]:
                        ready += waiting.pop(NodeId(-above), [])
        return rounds

    def _round(
        self, ready: list[Action], waiting: dict[NodeId, list[Action]]
    ) -> tuple[list[Action], list[Action]]:
        """What can be done now, together; and what to look at again in the next round."""
        step: list[Action] = []
        again: list[Action] = []
        moving: set[NodeId] = set()
        passed: set[NodeId] = set()  # folders on the paths of what is in this step
        for action in ready:
            if action.node not in self._pending:
                continue
            blocker = self._blocker(action)
            if blocker is not None:
                waiting.setdefault(blocker, []).append(action)
                continue
            path = set(self._above(action.node))
            if action.target is not None and action.target.parent != ROOT:
                path.update((action.target.parent, *self._above(action.target.parent)))
            if action.node in path or not path.isdisjoint(moving) or action.node in passed:
                again.append(action)
                continue
            step.append(action)
            passed |= path
            if action.op is not Op.MAKE:
                moving.add(action.node)
        return step, again

    def _blocker(self, action: Action) -> NodeId | None:
        """The node that must act before, or None."""
        if action.op is Op.DELETE:
            return NodeId(-action.node) if self._leaving.get(action.node) else None
        assert action.target is not None
        if action.target.parent != ROOT and self._place(action.target.parent) is None:
            return action.target.parent
        holder = self._holder(action.target)
        return holder if holder != action.node else None

    def _apply(self, action: Action) -> None:
        self._put(action.node, action.target)
        pending = self._pending[action.node]
        if action is not pending:  # it only makes room: what it is there for comes later
            if pending.op is Op.DELETE:
                self.last.append(pending)
                del self._pending[action.node]
            return
        del self._pending[action.node]
        for above in self._leaves.get(action.node, ()):
            self._leaving[above].discard(action.node)

    def _least_deep_holder(self) -> NodeId:
        """Who has the place that some move waits for, where that who waits for whom ends with a
        move below itself: the least deep of these places leads into folders that are where they
        shall be."""
        found = [
            (len(self._above(blocker)), blocker)
            for action in self._pending.values()
            if (blocker := self._blocker(action)) is not None
            and blocker > 0
            and self._place(blocker) is not None
        ]
        return min(found)[1]

    def _make_room(self) -> Action:
        """Breaks a circle: follows who waits for whom until it closes, and moves one of those whose
        place is wanted."""
        path: list[NodeId] = []
        holders: list[NodeId] = []  # holders[i]: whose place path[i] waits for, or 0
        node = next(n for n, a in self._pending.items() if self._blocker(a) is not None)
        while node not in path:
            path.append(node)
            action = self._pending[node]
            blocker = self._blocker(action)
            if blocker is None:  # it would go below itself: others must move first
                holders.append(NodeId(0))
                break
            if blocker < 0:
                blocker = min(self._leaving[node])
                holders.append(NodeId(0))
            else:
                holders.append(blocker if self._place(blocker) is not None else NodeId(0))
            node = blocker
        else:
            holders = holders[path.index(node) :] if any(holders[path.index(node) :]) else holders
        holder = next((h for h in reversed(holders) if h), None) or self._least_deep_holder()
        place = self._place(holder)
        assert place is not None
        target = Place(place.parent, swap_name(holder, self._tag))
        while self._holder(target) is not None:  # somebody gave that name to another node
            target = Place(place.parent, target.name + "~")
        return replace(
            self._pending[holder],
            op=Op.MOVE,
            target=target,
            keep=False,
            reason=reasons.MAKES_ROOM,
        )
