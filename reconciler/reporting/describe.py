"""Plans and nodes in words: where things are, what is planned for them, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from reconciler.filters import Filter
from reconciler.lookups import Lookups
from reconciler.model import Action, Base, Local, NodeId, Op, Plan, Remote, Side
from reconciler.planner.plan_id import plan_id
from reconciler.reporting.explain import concerning, idle_because, nodes_at
from reconciler.reporting.report import Explained, State, Step
from reconciler.trees.remote_tree import RemoteTree


class PlanDescriber:
    """Of one server tree, with what is known here."""

    def __init__(self, known: Lookups, tree: RemoteTree) -> None:
        self._known = known
        self._tree = tree

    def paths(self, action: Action) -> tuple[str, str | None]:
        """Where the action is on its side, and where a move leads there."""
        path = self._path(action.node, action.side)
        if action.op is not Op.MOVE or action.target is None:
            return path, None
        parent = self._path(action.target.parent, action.side)
        return path, f"{parent}/{action.target.name}" if parent else action.target.name

    def _path(self, node: NodeId, side: Side) -> str:
        """Where the node is on that side, else on the other, else where it was last."""
        here, there = self._known.local_path, self._tree.path
        looks = (there, here) if side is Side.REMOTE else (here, there)
        return first_path(node, *looks, self._known.base_path)

    def path(self, node: NodeId) -> str:
        """Where the node is here, else on the server, else where it was last."""
        return self._path(node, Side.LOCAL)

    def plan_id(self, made: Plan) -> str:
        """Of the plan: another one if anything else would be done."""
        return plan_id((action, *self.paths(action)) for action in made.actions)

    def steps(self, actions: Iterable[Action]) -> Iterator[Step]:
        """What is planned for people to see; what only records an agreement is left out."""
        for action in actions:
            if action.side is Side.BASE:
                continue
            path, new_path = self.paths(action)
            states = self._states(action.node, action.base, action.local, action.remote)
            yield Step(
                action.op.value,
                action.side.value,
                path,
                new_path,
                content_bytes(action),
                action.reason,
                *states,
            )

    def explained(self, path: str, made: Plan | None, filters: Filter) -> list[Explained]:
        """What there is at the path, and what would be done; without a plan, nothing is said of the
        server."""
        known, tree = self._known, self._tree
        found = []
        for node in nodes_at(known, tree, path):
            base, local, remote = known.base(node), known.local(node), tree.get(node)
            states = self._states(node, base, local, remote if made is not None else None)
            actions = concerning(known, tree, made, node) if made is not None else []
            why = idle_because(tree, made, filters, node, path)
            told = made is not None and tree.unknown(node) is None
            found.append(Explained(path, *states, told, why, tuple(self.steps(actions))))
        return found

    def _states(
        self, node: NodeId, base: Base | None, local: Local | None, remote: Remote | None
    ) -> tuple[State | None, State | None, State | None]:
        """Base, local and remote state of the node, each with its own path."""
        looks = self._known.base_path, self._known.local_path, self._tree.path
        states: tuple[Base | Local | Remote | None, ...] = base, local, remote
        found = [
            None
            if state is None
            else State(state.kind.value, first_path(node, look), state.size, state.mtime)
            for state, look in zip(states, looks, strict=True)
        ]
        return found[0], found[1], found[2]


GONE = "(deleted)"
"""Stands for the path of what has none any more."""


def first_path(node: NodeId, *looks: Callable[[NodeId], str]) -> str:
    """The node's path by the first look that knows it; ``GONE`` when none does."""
    for look in looks:
        try:
            return look(node)
        except KeyError:
            continue
    return GONE


def content_bytes(action: Action) -> int:
    """Bytes of content that the action moves over the network."""
    if action.op is Op.SEND and action.local is not None:
        return action.local.size
    if action.op is Op.FETCH and action.remote is not None:
        return action.remote.size
    return 0
