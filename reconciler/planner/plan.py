"""What must happen so that both sides are the same: ``plan`` is pure, without I/O and clock.

Each node is settled by itself (``resolve``), the verdicts are made to fit one tree (``fit``), the
difference between that tree and each side becomes actions, and ``order`` brings them into stages.
What needs a place that is held by something that waits must wait too, so fitting is repeated until
nobody new has to wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.filters import DEFAULT, Filter
from reconciler.model import (
    Action,
    Kind,
    Local,
    NodeId,
    Op,
    Place,
    Plan,
    Remote,
    Settings,
    Side,
    Waiting,
)
from reconciler.planner import reasons
from reconciler.planner.filter_borders import superseded
from reconciler.planner.fit import Present, VerdictFitter
from reconciler.planner.order import arrange
from reconciler.planner.resolve import NodeStates, Verdict
from reconciler.planner.view import View


def plan(view: View, settings: Settings, *, stamp: str, filters: Filter = DEFAULT) -> Plan:
    """The plan for ``view.touched()``. ``stamp`` is the date that goes into conflict names.

    An action's states are those to be found when its turn comes: contents as they are now, places
    as the plan's own moves, which come before all contents, will have left them. Of an AGREE,
    ``remote`` is at ``target``, the place for the base.

    The same trees give the same plan, whatever the order in which the view tells them.
    """
    present = Present(view, filters)
    touched = sorted(view.touched())
    left_out = [node for node in touched if present.left_out(node)]
    trees = {
        node: NodeStates(node, view.base(node), view.local(node), view.remote(node), settings.tag)
        for node in touched
        if not present.left_out(node)
    }
    waiting: dict[NodeId, str] = {
        node: reasons.untold(why) for node in trees if (why := view.unknown(node))
    }
    waiting |= {node: reasons.HELD for node in trees if view.held(node)}
    while True:
        fitting = VerdictFitter(view, settings, stamp, present, trees, waiting)
        found = fitting.fit()
        if not found:
            actions = _Actions(view, fitting).all()
            found = _hindered(view, fitting, actions) | _not_ours(settings, actions)
            if not found:
                # What is left out takes no place from anything, and nothing of it can wait.
                actions += superseded(view, filters, left_out)
                return _plan(view, fitting, actions)
        # Else the next round would be this one again, for ever, and nothing else would go on.
        assert not found.keys() <= waiting.keys(), "what waits hinders the plan all the same"
        waiting = waiting | found


class _Actions:
    """The difference between the fitted tree and each side."""

    def __init__(self, view: View, fitting: VerdictFitter) -> None:
        self._view = view
        self._fitting = fitting

    def all(self) -> list[Action]:
        """All actions, parents before children, then by node."""
        fitting = self._fitting
        actions: list[Action] = []
        for node in sorted(fitting.verdicts, key=lambda node: (fitting.depth_of[node], node)):
            trees, verdict = fitting.trees[node], fitting.verdicts[node]
            if verdict.place is None:
                actions += self._going(trees, verdict)
            else:
                actions += self._staying(trees, verdict, verdict.place)
        for node in sorted(fitting.others):
            local, target = self._view.local(node), fitting.others[node]
            actions.append(
                Action(
                    Op.MOVE,
                    Side.LOCAL,
                    node,
                    None,
                    local,
                    None,
                    target,
                    reason=reasons.OUT_OF_THE_WAY,
                )
            )
        return actions

    def _going(self, trees: NodeStates, verdict: Verdict) -> list[Action]:
        node, side = trees.node, verdict.side
        if verdict.op is Op.FORGET:
            return [
                Action(Op.FORGET, Side.BASE, node, trees.base, None, None, reason=verdict.reason)
            ]
        deletions = self._fitting.deletions[side]
        state = trees.local if side is Side.LOCAL else trees.remote
        # held back, or gone with its folder
        if node not in deletions or state is None or state.parent in deletions:
            return []
        keep = verdict.keep or (side is Side.LOCAL and self._keeps_below(node, deletions))
        return [
            Action(
                Op.DELETE,
                side,
                node,
                trees.base,
                trees.local,
                trees.remote,
                keep=keep,
                reason=verdict.reason,
            )
        ]

    def _keeps_below(self, node: NodeId, deletions: set[NodeId]) -> bool:
        folders = [node]
        for folder in folders:
            if self._fitting.trees[folder].kind is Kind.FOLDER:
                for _, child in self._view.local_children(folder):
                    if child in deletions:
                        if self._fitting.verdicts[child].keep:
                            return True
                        folders.append(child)
        return False

    def _staying(self, trees: NodeStates, verdict: Verdict, place: Place) -> list[Action]:
        actions: list[Action] = []
        states: tuple[tuple[Side, Local | Remote | None], ...]
        states = (Side.LOCAL, trees.local), (Side.REMOTE, trees.remote)
        for side, state in states:
            if state is not None and state.place != place:
                moved = verdict.moved or reasons.BACK_TO_ITS_NAME
                actions.append(
                    Action(
                        Op.MOVE,
                        side,
                        trees.node,
                        trees.base,
                        trees.local,
                        trees.remote,
                        place,
                        reason=moved,
                    )
                )
        if verdict.op is not None:
            local, remote, target = trees.local, trees.remote, place
            if verdict.op is Op.AGREE:  # comes before the moves, and tells the base where it is
                target = _agreed(trees, actions)
            elif local is not None:  # comes after the moves
                local = replace(local, parent=place.parent, name=place.name)
            if remote is not None:
                remote = replace(remote, parent=target.parent, name=target.name)
            op, side, keep, reason = verdict.op, verdict.side, verdict.keep, verdict.reason
            actions.append(
                Action(op, side, trees.node, trees.base, local, remote, target, keep, reason)
            )
        return actions


def _hindered(view: View, fitting: VerdictFitter, actions: Iterable[Action]) -> dict[NodeId, str]:
    """Nodes whose destination is held by something that will not leave it."""
    leaving = {(a.side, a.node) for a in actions if a.op is Op.MOVE}
    found: dict[NodeId, str] = {}
    for action in actions:
        if action.target is None or action.op not in (Op.MAKE, Op.MOVE, Op.SEND, Op.FETCH):
            continue
        child = view.local_child if action.side is Side.LOCAL else view.remote_child
        holder = child(action.target.parent, action.target.name)
        if holder is None or holder == action.node or (action.side, holder) in leaving:
            continue
        if holder not in fitting.deletions[action.side]:
            found[action.node] = reasons.PLACE_TAKEN
    return found


def _not_ours(settings: Settings, actions: Iterable[Action]) -> dict[NodeId, str]:
    """Nodes that could only be put right on a server which this drive does but follow."""
    if settings.direction.changes_server:
        return {}
    return {action.node: reasons.ONLY_FOLLOWED for action in actions if action.side is Side.REMOTE}


def _plan(view: View, fitting: VerdictFitter, actions: Iterable[Action]) -> Plan:
    waiting = {node: Waiting(node, why) for node, why in fitting.waiting.items()}
    waiting |= {node: Waiting(node, reasons.CANNOT_BE_EMPTIED) for node in fitting.undeletable}
    for node, verdict in fitting.verdicts.items():
        if verdict.waits:
            waiting[node] = Waiting(node, fitting.says(node))
    conflicts = [
        node for node, verdict in fitting.verdicts.items() if verdict.conflict and not verdict.waits
    ]
    late, never = _late_forgets(fitting)
    lasting = (each for each in actions if each.node not in never)
    stages = arrange(view, lasting, frozenset(late), tag=fitting.settings.tag)
    return Plan(stages, tuple(sorted(conflicts)), tuple(waiting[node] for node in sorted(waiting)))


def _late_forgets(fitting: VerdictFitter) -> tuple[set[NodeId], set[NodeId]]:
    """Folders gone from both sides in which, by the base, something is that stays: forgotten after
    it has another base, or not at all when it waits."""
    late: set[NodeId] = set()
    never: set[NodeId] = set()
    for node, trees in fitting.trees.items():
        verdict = fitting.verdicts.get(node)
        waits = verdict is None or verdict.waits or node in fitting.undeletable
        if verdict is not None and verdict.op is Op.FORGET:
            continue
        into, base = never if waits else late, trees.base
        while base is not None:
            above = fitting.verdicts.get(base.parent)
            if above is None or above.op is not Op.FORGET or base.parent in into:
                break
            into.add(base.parent)
            base = fitting.trees[base.parent].base
    return late, never


def _agreed(trees: NodeStates, moves: Iterable[Action]) -> Place:
    """The place that the base gets when contents agree: that of the side that is still to be moved,
    so that an interrupted run finds the other side's move again."""
    sides = {move.side for move in moves}
    assert trees.local is not None
    assert trees.remote is not None
    if sides and trees.base is not None:
        return trees.base.place
    return trees.local.place if sides == {Side.LOCAL} else trees.remote.place
