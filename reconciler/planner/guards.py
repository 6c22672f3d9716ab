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

_WAY_OUT = "Look with “sync --dry-run”; if it is meant, run “sync --yes”."


class Danger(enum.Enum):
    """Why nothing is done."""

    EMPTIED = "emptied"
    MASS_DELETION = "mass deletion"
    ROOT_GONE = "root gone"
    SPELLING = "spelling"
    UNREGISTERED = "unregistered"
    RIGHTS_GONE = "rights gone"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Halt:
    """``sentence`` says what was found and what to do. ``passable`` says whether ``sync --yes`` may
    go on. ``only`` is the side on which nothing may be deleted, where all else may go on; None:
    nothing at all may be done."""

    danger: Danger
    sentence: str
    passable: bool = True
    only: Side | None = None


class Halted(Exception):
    """Raised by who asks for the settings when a run must not begin."""

    def __init__(self, why: Halt) -> None:
        super().__init__(why.sentence)
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
        where, other = (
            ("here", "the server's folder")
            if side is Side.LOCAL
            else ("on the server", "the folder here")
        )
        if base_count > 1 and _emptied(view, Side.REMOTE if side is Side.LOCAL else Side.LOCAL):
            sentence = (
                f"Nothing was done: {other} is empty now, so all that is {where} would be deleted."
                f" {_WAY_OUT}"
            )
            return Halt(Danger.EMPTIED, sentence, only=side if side is Side.REMOTE else None)
        nodes, files = found.size(past.allowed)
        if base_count == 0 and 2 * nodes > _present(view, side):
            sentence = (
                f"Nothing was done: this first run would delete more {where} than it keeps."
                f" {_WAY_OUT}"
            )
            return Halt(Danger.MASS_DELETION, sentence)
        before, files_before = past.nodes.get(side, 0), past.files.get(side, 0)
        if is_mass(nodes + before, files + files_before, base_count + before):
            count = files + files_before
            already = (
                f", {files_before} of them went in the last hour already" if files_before else ""
            )
            sentence = (
                f"Nothing is deleted {where}, and all else goes on: {count} files, more than half"
                f" of all, would be deleted {where}{already}. {_WAY_OUT}"
            )
            return Halt(Danger.MASS_DELETION, sentence, only=side)
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
    return Halt(
        Danger.ROOT_GONE,
        f"Nothing was done: the folder “{remote_path}” is not on the server any more. Restore it"
        " there (the trash may have it), or remove this synchronization; the files here stay as"
        " they are.",
        passable=False,
    )


def unregistered(remote_path: str, name: str) -> Halt:
    """The server does not know this synchronization any more: somebody may have removed it on
    purpose."""
    return Halt(
        Danger.UNREGISTERED,
        f"Nothing was done: the server has no synchronization of “{remote_path}” for this computer"
        " any more (it may have been removed on the account page, or its share or space was taken"
        " away). What was not sent yet stays here. Register it again with “syncin-mount edit"
        f" {name} --register”, or remove it with “syncin-mount remove {name}”.",
        passable=False,
    )


def disabled(remote_path: str, name: str) -> Halt:
    """Somebody disabled this synchronization on the server's page while the drive was mounted."""
    return Halt(
        Danger.DISABLED,
        f"Nothing was done: the synchronization of “{remote_path}” was disabled on the account"
        f" page. Enable it there, or here with “syncin-mount enable {name}”; what is here stays,"
        " and waits.",
        passable=False,
    )


def rights_gone(remote_path: str, waiting: int) -> Halt:
    """The server took a right away while changes waited here: following it would take them out of
    the drive."""
    changes = "1 change that waits" if waiting == 1 else f"{waiting} changes that wait"
    return Halt(
        Danger.RIGHTS_GONE,
        f"Nothing was done: the server gives no right to change “{remote_path}” any more, and"
        f" {changes} here would go to the bin. Ask for the right, copy what you need elsewhere, or"
        " run “sync --yes” to have it in the bin.",
    )


def respelled(agreed: str, now: str) -> Halt | None:
    """The server names another folder for this synchronization that differs in case, accents or
    Unicode form only: its database takes such names for the same, so it may mean a neighbour of the
    folder that was agreed on."""
    if agreed == now or _folded(agreed) != _folded(now):
        return None
    return Halt(
        Danger.SPELLING,
        f"Nothing was done: the server now says “{now}” for the folder “{agreed}”, which differs in"
        " spelling only and may be another folder. Rename one of them on the server, or add the"
        " synchronization anew.",
        passable=False,
    )


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
