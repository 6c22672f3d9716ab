"""When a plan must not be carried out without being asked for: too much would be deleted at once.

The predicates are pure and look at what is about to happen, not at why. ``sync --dry-run`` shows
such a plan, and ``sync --yes`` carries it out.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model import ROOT, Kind, NodeId, Op, Plan, Side
from reconciler.planner.deletion_history import Going, Past
from reconciler.planner.view import View

MANY = 20
"""Up to so many deleted files are nobody's accident."""

NOTHING = NodeId(0)
"""A folder that is not there: no node has this id."""

_NO_PAST = Past()


class Danger(enum.Enum):
    """Why nothing is done."""

    EMPTIED = "emptied"
    MASS_DELETION = "mass deletion"
    FIRST_RUN = "first run"
    OTHER_PLAN = "other plan"
    ROOT_GONE = "root gone"
    SPELLING = "spelling"
    UNREGISTERED = "unregistered"
    RIGHTS_GONE = "rights gone"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a plan, or a run, is not carried out; people get a sentence about it from above.

    ``passable`` says whether somebody may confirm it. ``only`` is the side on which nothing may be
    deleted, where all else may go on; None: nothing at all may be done. ``side`` is where too much
    would be deleted, ``count`` how many files that are, or how many changes are pending, and
    ``before`` how many of the files went in the last hour already. ``folder`` is the remote
    folder's path, ``told`` what the server names instead, or the plan that was confirmed.
    """

    danger: Danger
    passable: bool = True
    only: Side | None = None
    side: Side | None = None
    count: int = 0
    before: int = 0
    folder: str = ""
    told: str = ""

    def __str__(self) -> str:
        """For logs."""
        side = "" if self.side is None else f"side {self.side.value}"
        count = f"{self.count} in all" if self.count else ""
        before = f"{self.before} of them before" if self.before else ""
        parts = [each for each in (side, count, before, self.folder, self.told) if each]
        return f"{self.danger.value} ({', '.join(parts)})" if parts else self.danger.value


class Halted(Exception):
    """Raised by who asks for the settings when a run must not begin."""

    def __init__(self, why: Halt) -> None:
        super().__init__(str(why))
        self.halt = why


def going(view: View, plan: Plan, side: Side) -> Going:
    """What the plan deletes on a side, and all that is lost with it."""
    roots = [
        action.node for action in plan.actions if action.op is Op.DELETE and action.side is side
    ]
    return Going({root: tuple(_below(view, side, root)) for root in roots})


def halt(view: View, plan: Plan, base_count: int, past: Past = _NO_PAST) -> Halt | None:
    """Whether the plan empties a side, or deletes more than half of all files and more than 20, on
    either side; or deletes more than it keeps, where nothing was ever agreed on.

    ``base_count`` is the number of files and folders that both sides agreed on, without the root;
    ``past`` what went already in the span over which deletions are counted.
    """
    for side in (Side.LOCAL, Side.REMOTE):
        found = going(view, plan, side)
        if not found.counted or found.nodes <= past.allowed:
            continue
        if base_count > 1 and _emptied(view, Side.REMOTE if side is Side.LOCAL else Side.LOCAL):
            only = side if side is Side.REMOTE else None
            return Halt(Danger.EMPTIED, side=side, only=only)
        nodes, files = found.size(past.allowed)
        if base_count == 0 and 2 * nodes > _present(view, side):
            return Halt(Danger.FIRST_RUN, side=side)
        before, files_before = past.nodes.get(side, 0), past.files.get(side, 0)
        if is_mass(nodes + before, files + files_before, base_count + before):
            count = files + files_before
            return Halt(
                Danger.MASS_DELETION, side=side, only=side, count=count, before=files_before
            )
    return None


def is_mass(nodes: int, files: int, of: int) -> bool:
    """Whether that many are more than anybody deletes by accident: more than ``MANY`` files and
    half of all nodes."""
    return files > MANY and 2 * nodes > of


def kept_below(view: View, side: Side, folder: NodeId) -> NodeId | None:
    """Something below a folder on a side that the other side has too, or may have; None when the
    folder may go.

    A plan moves everything out that stays before it deletes a folder. An executor asks this just
    before the deletion, as one of those moves may have failed.
    """
    local = side is Side.LOCAL
    children = view.local_children if local else view.remote_children
    state, other = (view.local, view.remote) if local else (view.remote, view.local)
    pending = [folder]
    for node in pending:
        if other(node) is not None or view.unknown(node) is not None:
            return node
        found = state(node)
        if found is not None and found.kind is Kind.FOLDER:
            pending += [child for _, child in children(node)]
    return None


def root_gone(remote_path: str) -> Halt:
    """The server's folder itself is not there any more: then nothing can be said of what was in
    it."""
    return Halt(Danger.ROOT_GONE, passable=False, folder=remote_path)


def unregistered(remote_path: str) -> Halt:
    """The server does not know this synchronization any more: somebody may have removed it on
    purpose."""
    return Halt(Danger.UNREGISTERED, passable=False, folder=remote_path)


def disabled(remote_path: str) -> Halt:
    """Somebody disabled this synchronization on the server's page while the drive was mounted."""
    return Halt(Danger.DISABLED, passable=False, folder=remote_path)


def rights_gone(remote_path: str, pending: int) -> Halt:
    """The server took a right away while changes were pending here: following it would take them
    out of the drive."""
    return Halt(Danger.RIGHTS_GONE, folder=remote_path, count=pending)


def respelled(agreed: str, now: str) -> Halt | None:
    """The server names another folder for this synchronization that differs in case, accents or
    Unicode form only: its database takes such names for the same, so it may mean a neighbour of the
    folder that was agreed on."""
    if agreed == now or _folded(agreed) != _folded(now):
        return None
    return Halt(Danger.SPELLING, passable=False, folder=agreed, told=now)


def other_plan(plan_id: str) -> Halt:
    """The plan that somebody confirmed is not what would be done now."""
    return Halt(Danger.OTHER_PLAN, passable=False, told=plan_id)


def _folded(path: str) -> str:
    plain = unicodedata.normalize("NFKD", path)
    return "".join(char for char in plain if not unicodedata.combining(char)).casefold()


def _emptied(view: View, side: Side) -> bool:
    """Whether a side holds nothing at all. Links and devices do not count: they were never part of
    it."""
    if side is Side.REMOTE:
        return next(iter(view.remote_children(ROOT)), None) is None
    for _, node in view.local_children(ROOT):
        local = view.local(node)
        if local is not None and local.kind is not Kind.OTHER:
            return False
    return True


def _present(view: View, side: Side) -> int:
    state = view.local if side is Side.LOCAL else view.remote
    return sum(state(node) is not None for node in view.touched())


def _below(view: View, side: Side, root: NodeId) -> Iterator[tuple[NodeId, bool]]:
    """The nodes that go with this one, and whether each is a file. What moves out before is left
    out, and so is what the other side has anew under the same path: git, tar and `rm -r` with a new
    build replace files in that way."""
    local = side is Side.LOCAL
    children = view.local_children if local else view.remote_children
    new_child = view.remote_child if local else view.local_child
    state, other = (view.local, view.remote) if local else (view.remote, view.local)
    first = state(root)
    pending = [] if first is None else [(root, first.parent)]
    for node, there in pending:  # and the folder that the other side has where the node's is
        found = state(node)
        if found is None or other(node) is not None:
            continue
        new = new_child(there, found.name)
        new_state = None if new is None else other(new)
        if new is None or new_state is None or new_state.kind is not found.kind:
            new = NOTHING
            yield node, found.kind is Kind.FILE
        if found.kind is Kind.FOLDER:
            pending += [(child, new) for _, child in children(node)]
