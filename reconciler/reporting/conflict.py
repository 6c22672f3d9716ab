"""A resolved conflict as people are told of it: what lost, and where that is."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model import Action, NodeId, Op, Side
from reconciler.names import CONFLICT_MARK


class Lost(enum.Enum):
    """What a conflict did not choose."""

    LOCAL = "local"  # the local content: it is in the bin on this computer
    REMOTE = "remote"  # the server's content: it is in the server's trash
    COPY = "copy"  # a file's name: it is beside, as a conflict copy
    DELETION = "deletion"  # the other side had deleted it
    PLACE = "place"  # the other side had it elsewhere


@dataclass(frozen=True, slots=True)
class ResolvedConflict:
    """One conflict that was resolved. ``path`` is where the winner is, or was; ``copy`` where the
    conflict copy is, or the place that won. ``why`` says what each side did and which rule
    decided."""

    node: NodeId
    path: str
    lost: Lost
    why: str
    copy: str | None = None


def deciding(actions: Iterable[Action], conflicts: Iterable[NodeId]) -> dict[NodeId, Action]:
    """The action that resolves each of these conflicts: what becomes of a content says more than
    what becomes of a place, unless the place is a conflict copy's. Pure."""
    wanted, found = set(conflicts), dict[NodeId, Action]()
    for action in actions:
        if action.node in wanted and action.side is not Side.BASE:
            known = found.get(action.node)
            if known is None or _rank(action) > _rank(known):
                found[action.node] = action
    return found


def _rank(action: Action) -> int:
    if _is_copy(action):
        return 2
    return int(action.op in (Op.SEND, Op.FETCH, Op.DELETE, Op.MAKE))


def _is_copy(action: Action) -> bool:
    return action.target is not None and CONFLICT_MARK in action.target.name


def resolved_conflict(action: Action, path: str, new_path: str | None) -> ResolvedConflict:
    """What the deciding action, done, says of its conflict. Pure."""
    node, why = action.node, action.reason
    if _is_copy(action):
        copy = new_path or path
        return ResolvedConflict(node, path if new_path else original(copy), Lost.COPY, why, copy)
    if action.op is Op.MOVE:
        return ResolvedConflict(node, path, Lost.PLACE, why, new_path)
    there = action.remote if action.side is Side.REMOTE else action.local
    if there is None or action.op in (Op.MAKE, Op.TOUCH):
        return ResolvedConflict(node, path, Lost.DELETION, why)
    return ResolvedConflict(
        node, path, Lost.REMOTE if action.side is Side.REMOTE else Lost.LOCAL, why
    )


def original(copy: str) -> str:
    """The path of which this is a conflict copy."""
    folder, slash, name = copy.rpartition("/")
    stem, _, rest = name.partition(CONFLICT_MARK)
    return folder + slash + stem + rest.rpartition(")")[2]
