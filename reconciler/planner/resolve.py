"""What becomes of one node: the conflict table, without regard to any other node.

Existence, place and content are settled independently, so that a rename on one side and an edit on
the other both survive. What one side alone changed goes to the other side whatever the setting
says; the setting decides only where both changed the same thing differently.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.model import (
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
from reconciler.names import is_swap_name, swap_name
from reconciler.planner import reasons
from reconciler.planner.conflict_rules import (
    change_wins,
    local_time_wins,
    local_wins,
    side_without_time,
)


@dataclass(frozen=True, slots=True)
class NodeStates:
    """One node in the three trees. ``tag`` is the settings'."""

    node: NodeId
    base: Base | None
    local: Local | None
    remote: Remote | None
    tag: str = ""

    @property
    def kind(self) -> Kind:
        state = self.local or self.remote or self.base
        assert state is not None
        return state.kind

    @property
    def local_place(self) -> Place | None:
        return self._intended_place(self.local)

    @property
    def remote_place(self) -> Place | None:
        return self._intended_place(self.remote)

    def _intended_place(self, state: Local | Remote | None) -> Place | None:
        """Where a side wants the node: a temporary name that an interrupted run left is nobody's
        wish. It stands for the name that was agreed on, or that the other side has."""
        if state is None or not state.name.startswith(swap_name(self.node, self.tag)):
            return None if state is None else state.place
        meant = self.base or (self.remote if state is self.local else self.local)
        return state.place if meant is None else Place(state.parent, meant.name)

    @property
    def local_moved(self) -> bool:
        return (
            self.base is not None and self.local is not None and self.local_place != self.base.place
        )

    @property
    def remote_moved(self) -> bool:
        return (
            self.base is not None
            and self.remote is not None
            and self.remote_place != self.base.place
        )

    @property
    def local_edited(self) -> bool:
        """Written anew, and not with the same bytes, as far as checksums tell."""
        local, base = self.local, self.base
        if local is None or base is None:
            return local is not None and local.kind is Kind.FILE and local.present
        return self.rewritten and (local.checksum is None or local.checksum != base.checksum)

    @property
    def rewritten(self) -> bool:
        """The content was written here since both sides agreed on it. What is not here stands for
        the base, so it cannot have been."""
        local, base = self.local, self.base
        if local is None or base is None or local.kind is not Kind.FILE or not local.present:
            return False
        return local.version != base.version

    @property
    def remote_edited(self) -> bool:
        """By checksums where both are known (mode `secure`, or a doubt that was settled), else by
        size and second."""
        remote, base = self.remote, self.base
        if remote is None or remote.kind is not Kind.FILE:
            return False
        if base is None:
            return True
        if base.checksum is not None and remote.checksum is not None:
            return base.checksum != remote.checksum
        return (base.size, base.mtime) != (remote.size, remote.mtime)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of a node.

    ``place`` is None for one that goes. ``op`` and ``side`` are the one action besides moves; None
    when there is none. ``moved`` is the reason for a move, ``reason`` the one for ``op``.
    ``waits`` says that ``op`` must not happen now, as the file is being written.
    """

    place: Place | None
    op: Op | None = None
    side: Side = Side.BASE
    keep: bool = False
    conflict: bool = False
    reason: str = ""
    moved: str = ""
    waits: bool = False

    @property
    def lives(self) -> bool:
        return self.place is not None


def resolve_node(trees: NodeStates, settings: Settings, moved_along: bool) -> Verdict:
    """The verdict for one node that is in at least one tree. ``moved_along``: the side that still
    has the node moved it, or a folder above it, away from where the other side deleted it."""
    if trees.local is None and trees.remote is None:
        return Verdict(None, Op.FORGET, Side.BASE, reason=reasons.DELETED_ON_BOTH)
    if settings.direction.leader is not None:
        return _mirrored(trees, settings)
    if trees.local is not None and trees.remote is not None:
        return _on_both_sides(trees, settings)
    verdict = (
        _created(trees)
        if trees.base is None
        else _deleted_on_one_side(trees, settings, moved_along)
    )
    return replace(verdict, op=None, waits=True) if _must_wait(verdict, trees.local) else verdict


def _must_wait(verdict: Verdict, local: Local | None) -> bool:
    """Somebody writes the content that the verdict would read, or may write the one that it would
    replace."""
    if local is None or (verdict.op is None and verdict.lives):
        return False
    return local.busy or (not local.may_be_exchanged and verdict.side is Side.LOCAL)


def _created(trees: NodeStates) -> Verdict:
    place = trees.local_place or trees.remote_place
    if trees.local is not None:
        return Verdict(
            place, _creation_op(trees, Side.REMOTE), Side.REMOTE, reason=reasons.NEW_HERE
        )
    return Verdict(place, _creation_op(trees, Side.LOCAL), Side.LOCAL, reason=reasons.NEW_ON_SERVER)


def _creation_op(trees: NodeStates, side: Side) -> Op:
    """The action by which a node comes into being on a side."""
    if trees.kind is Kind.FOLDER:
        return Op.MAKE
    return Op.SEND if side is Side.REMOTE else Op.FETCH


def _deleted_on_one_side(trees: NodeStates, settings: Settings, moved_along: bool) -> Verdict:
    """Deleted on one side. Only a change on the other side can bring it back."""
    here = trees.local is not None
    owner, other = (Side.LOCAL, Side.REMOTE) if here else (Side.REMOTE, Side.LOCAL)
    edited = trees.local_edited if here else trees.remote_edited
    if not edited and (not moved_along or _never_fetched(trees)):
        reason = reasons.DELETED_ON_SERVER if here else reasons.DELETED_HERE
        return Verdict(None, Op.DELETE, owner, keep=trees.rewritten, reason=reason)
    conflict = edited or trees.local_moved or trees.remote_moved
    wins, rule = change_wins(owner, settings.conflict), settings.conflict.value
    reason = (
        reasons.deleted_and_edited(rule, here=here, edit_wins=wins)
        if edited
        else reasons.deleted_and_moved(rule, here=here, move_wins=wins)
    )
    if wins:
        place = trees.local_place or trees.remote_place
        return Verdict(place, _creation_op(trees, other), other, conflict=conflict, reason=reason)
    return Verdict(
        None, Op.DELETE, owner, keep=edited or trees.rewritten, conflict=conflict, reason=reason
    )


def _on_both_sides(trees: NodeStates, settings: Settings) -> Verdict:
    place, moved, torn = _place(trees, settings)
    verdict = _content(trees, settings)
    if verdict.op is not None and _must_wait(verdict, trees.local):
        verdict = Verdict(None, waits=True)
    if (
        verdict.op is None
        and (trees.base is None or trees.rewritten or _agreed_move(trees))
        and not verdict.waits
    ):
        verdict = Verdict(None, Op.AGREE, reason=reasons.SAME)
    return replace(verdict, place=place, moved=moved, conflict=verdict.conflict or torn)


def _mirrored(trees: NodeStates, settings: Settings) -> Verdict:
    """One side is made like the other, whatever happened there."""
    up = settings.direction.leader is Side.LOCAL
    model, copy = (trees.local, trees.remote) if up else (trees.remote, trees.local)
    side = Side.REMOTE if up else Side.LOCAL
    # Nothing is moved on the server to please a drive that follows it, whatever an interrupted run
    # left there. And what was listed in the middle of another device's swap has its name from
    # there: that one gives it its own back.
    there = trees.remote.place if trees.remote is not None else None
    place = trees.local_place if up else there
    if up and place and there and is_swap_name(place.name) and not is_swap_name(there.name):
        place = there
    rule = settings.direction.value
    here_edited, there_edited = trees.local_edited, trees.remote_edited
    if model is None:
        # else it is in no other bin
        keep = here_edited or trees.rewritten or (trees.base is None and not up)
        verdict = Verdict(None, Op.DELETE, side, keep=keep, reason=reasons.not_on_other(rule))
    elif copy is None and _never_fetched(trees):
        verdict = Verdict(None, Op.DELETE, Side.LOCAL, reason=reasons.NEVER_FETCHED)
    elif copy is None:
        verdict = Verdict(
            place, _creation_op(trees, side), side, reason=reasons.only_on_other(rule)
        )
    else:
        verdict = replace(
            _mirrored_content(trees, settings, rule), place=place, moved=reasons.elsewhere(rule)
        )
        moved = _agreed_move(trees) if up else _at_one_place(trees)
        if verdict.op is None and (trees.base is None or trees.rewritten or moved):
            verdict = replace(verdict, op=Op.AGREE, side=Side.BASE, reason=reasons.SAME)
        verdict = replace(
            verdict, conflict=here_edited and there_edited and verdict.op in (Op.SEND, Op.FETCH)
        )
    if verdict.op is not None and _must_wait(verdict, trees.local):
        return replace(verdict, op=None, waits=True)
    return verdict


def _never_fetched(trees: NodeStates) -> bool:
    """A file whose content was never here: it cannot be sent, only its name is left."""
    return trees.local is not None and trees.kind is Kind.FILE and not trees.local.present


def _mirrored_content(trees: NodeStates, settings: Settings, rule: str) -> Verdict:
    """The content of a node that both sides have. The verdict's place is left open."""
    local, remote, base = trees.local, trees.remote, trees.base
    assert local is not None
    assert remote is not None
    up = settings.direction.leader is Side.LOCAL
    if trees.kind is not Kind.FILE:
        return Verdict(None)
    here, there = trees.local_edited, trees.remote_edited
    if not here and not there:
        if not _at_one_time(local, remote, base):
            return Verdict(
                None,
                Op.TOUCH,
                Side.REMOTE if up else Side.LOCAL,
                reason=reasons.other_time(rule),
            )
        if base is None or (local.mtime, remote.mtime) == (base.local_mtime, base.mtime):
            return Verdict(None)
        return Verdict(None, Op.AGREE, reason=reasons.SAME_TIME_SET)
    # Where one side alone has another content than the base, size and time prove nothing: that it
    # is another is known.
    if here and there and same_content(local, remote, base):
        if local.mtime == remote.mtime:
            return Verdict(None, Op.AGREE, reason=reasons.SAME)
        return Verdict(
            None, Op.TOUCH, Side.REMOTE if up else Side.LOCAL, reason=reasons.other_time(rule)
        )
    if up and local.present:
        keep = there or remote.doubtful
        return Verdict(None, Op.SEND, Side.REMOTE, keep=keep, reason=reasons.other_content(rule))
    return Verdict(None, Op.FETCH, Side.LOCAL, keep=here, reason=reasons.other_content(rule))


def _agreed_move(trees: NodeStates) -> bool:
    return trees.local_moved and trees.local_place == trees.remote_place


def _at_one_place(trees: NodeStates) -> bool:
    """Both sides have the node where the base has it not."""
    local, remote, base = trees.local, trees.remote, trees.base
    if base is None or local is None or remote is None:
        return False
    return local.place == remote.place != base.place


def _place(trees: NodeStates, settings: Settings) -> tuple[Place, str, bool]:
    """Where a node goes that both sides have; why; whether they disagreed."""
    here, there = trees.local_place, trees.remote_place
    assert here is not None
    assert there is not None
    if here == there:
        return here, reasons.BACK_TO_ITS_NAME, False
    if trees.base is None or (trees.local_moved and trees.remote_moved):
        is_local = side_without_time(settings.conflict) is Side.LOCAL
        reason = reasons.moved_on_both(settings.conflict.value, local_wins=is_local)
        return here if is_local else there, reason, trees.base is not None
    if trees.local_moved:
        return here, reasons.MOVED_HERE, False
    return there, reasons.MOVED_ON_SERVER, False


def _content(trees: NodeStates, settings: Settings) -> Verdict:
    """The content of a node that both sides have. The verdict's place is left open."""
    local, remote, base = trees.local, trees.remote, trees.base
    assert local is not None
    assert remote is not None
    if trees.kind is not Kind.FILE:
        return Verdict(None)
    here, there = trees.local_edited, trees.remote_edited
    if here and there:
        return _edited_both(local, remote, base, settings)
    if here:
        why = reasons.EDITED_PERHAPS_BOTH if remote.doubtful else reasons.EDITED_HERE
        return Verdict(None, Op.SEND, Side.REMOTE, keep=remote.doubtful, reason=why)
    if there:
        return Verdict(None, Op.FETCH, Side.LOCAL, reason=reasons.EDITED_ON_SERVER)
    return _touched(local, remote, base)


def _edited_both(local: Local, remote: Remote, base: Base | None, settings: Settings) -> Verdict:
    created = base is None
    if same_content(local, remote, base):
        if local.mtime == remote.mtime:
            reason = reasons.CREATED_ALIKE if created else reasons.EDITED_ALIKE
            return Verdict(None, Op.AGREE, reason=reason)
        side = (
            Side.REMOTE if local_time_wins(local, remote, base, settings.conflict) else Side.LOCAL
        )
        reason = reasons.CREATED_ALIKE_LATER if created else reasons.EDITED_ALIKE_LATER
        return Verdict(None, Op.TOUCH, side, reason=reason)
    wins = local_wins(local, remote, settings.conflict)
    why = reasons.changed_on_both(settings.conflict.value, created=created, local_wins=wins)
    if wins:
        return Verdict(None, Op.SEND, Side.REMOTE, keep=True, conflict=True, reason=why)
    return Verdict(None, Op.FETCH, Side.LOCAL, keep=True, conflict=True, reason=why)


def _touched(local: Local, remote: Remote, base: Base | None) -> Verdict:
    """Equal contents; only the times may differ. (In mode ``fast`` another time on the server is
    another content.)"""
    if base is None:
        return Verdict(None)
    here, there = local.mtime != base.local_mtime, remote.mtime != base.mtime
    if here and there and local.mtime == remote.mtime:
        return Verdict(None, Op.AGREE, reason=reasons.SAME_TIME_SET)
    if here and (not there or local.mtime > remote.mtime):
        return Verdict(None, Op.TOUCH, Side.REMOTE, reason=reasons.TIME_SET_HERE)
    if there:
        return Verdict(None, Op.TOUCH, Side.LOCAL, reason=reasons.TIME_SET_ON_SERVER)
    return Verdict(None)


def _at_one_time(local: Local, remote: Remote, base: Base | None) -> bool:
    """Whether no side's time was changed, or both have the same one now."""
    if base is not None and (local.mtime, remote.mtime) == (base.local_mtime, base.mtime):
        return True
    return local.mtime == remote.mtime


def same_content(local: Local, remote: Remote, base: Base | None) -> bool:
    """Whether contents that both sides have changed are the same: by checksums where both are
    known, else supposed of the same size and time. These prove nothing where the base has them,
    too: then the server's file is known to be another one all the same."""
    if local.checksum is not None and remote.checksum is not None:
        return local.checksum == remote.checksum
    if base is not None and (base.size, base.mtime) == (remote.size, remote.mtime):
        return False
    return (local.size, local.mtime) == (remote.size, remote.mtime)


def brought_back(trees: NodeStates) -> Verdict | None:
    """A folder that one side deleted comes back because something in it stays. None when no side
    has it."""
    place = trees.local_place or trees.remote_place
    if place is None or trees.kind is not Kind.FOLDER:
        return None
    if trees.local is not None:
        return Verdict(place, Op.MAKE, Side.REMOTE, reason=reasons.STAYS_HERE)
    return Verdict(place, Op.MAKE, Side.LOCAL, reason=reasons.STAYS_ON_SERVER)
