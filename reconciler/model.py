"""The reconciler's words: nodes, the three states of a node, settings, actions, outcomes.

Every type here is frozen and slotted. Sizes are bytes; ``mtime`` is whole seconds since the epoch
(all the server keeps); ``mtime_ns`` is nanoseconds since the epoch. Names are ``str``; bytes that
are not UTF-8 appear as lone surrogates (``surrogateescape``), which is how a name that the server
cannot hold is recognised.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import NamedTuple, NewType, assert_never

from reconciler.filters import DEFAULT, Filter

NodeId = NewType("NodeId", int)
"""64-bit identity of a file or folder in one replica; never reused, kept through renames and
edits."""

LAST_SECOND = 9_223_372_036
"""Times are at most so many seconds before or after the epoch: what 64 bits hold of ns."""

ROOT = NodeId(1)
"""The synchronized folder itself, on both sides. It is never planned for."""


class Kind(enum.Enum):
    """What a node is. ``OTHER`` (symlink, fifo, socket, device) exists locally only and is never
    sent."""

    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"


class Direction(enum.Enum):
    """Sync-in's own values on the wire."""

    BOTH = "both"
    UPLOAD = "upload"
    DOWNLOAD = "download"

    @property
    def leader(self) -> Side | None:
        """The side that the other is made like; None where each follows the other."""
        match self:
            case Direction.BOTH:
                return None
            case Direction.UPLOAD:
                return Side.LOCAL
            case Direction.DOWNLOAD:
                return Side.REMOTE
            case _:
                assert_never(self)

    @property
    def changes_server(self) -> bool:
        """Whether local changes go to the server."""
        return self.leader is not Side.REMOTE


class Mode(enum.Enum):
    """How equal content is recognised: ``FAST`` by size and whole-second mtime, ``SECURE`` by
    SHA-512/256."""

    FAST = "fast"
    SECURE = "secure"

    @property
    def uses_checksums(self) -> bool:
        """Whether every content is compared by its checksum."""
        match self:
            case Mode.FAST:
                return False
            case Mode.SECURE:
                return True
            case _:
                assert_never(self)


class Conflict(enum.Enum):
    """Who wins when both sides changed the same thing differently."""

    RECENT = "recent"
    LOCAL = "local"
    REMOTE = "remote"


class Side(enum.Enum):
    """Where an action acts. ``BASE`` actions only record that both sides agree already."""

    LOCAL = "local"
    REMOTE = "remote"
    BASE = "base"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is: the name under a parent."""

    parent: NodeId
    name: str


UNPROVED = (1 << 63) - 1
"""The inode of a base whose contents were taken for equal by size and second alone, unread: no file
has it, so every listing raises a doubt about it until the contents are compared."""


@dataclass(frozen=True, slots=True)
class Base:
    """A node's state when both sides last agreed.

    ``inode`` is the server's, 0 until an answer or a listing has told it. ``version`` is the local
    content version that equals the server's content (0 for a folder). ``mtime`` is what the server
    holds, and ``ms`` the milliseconds that it has beyond that, None when nobody told them.
    ``mtime_here`` is the local second that goes with it where that is another one: an edit that
    kept size and second was sent with a later one, so that every client sees it. ``former`` is the
    second that the content before this one had on the server, if it was of the same size.
    """

    kind: Kind
    parent: NodeId
    name: str
    size: int
    mtime: int
    inode: int
    version: int
    checksum: str | None = None
    mtime_here: int | None = None
    ms: int | None = None
    former: int | None = None

    @property
    def place(self) -> Place:
        return Place(self.parent, self.name)

    def after(self, before: Base | None) -> Base:
        """This base, which follows another one of the node, with what is to be remembered of
        that."""
        if before is None or before.kind is not Kind.FILE or before.size != self.size:
            return self
        if before.mtime == self.mtime or (
            self.checksum is not None and before.checksum == self.checksum
        ):
            return replace(self, former=before.former)
        return replace(self, former=before.mtime)

    @property
    def local_mtime(self) -> int:
        """The second that the local file has as long as nobody sets another, as `Local.mtime` tells
        it: of a file that the server has from before 1970, too."""
        return max(self.mtime if self.mtime_here is None else self.mtime_here, 1)

    def on_server(self) -> Remote:
        """What the server has, as far as this says."""
        return Remote(
            self.kind,
            self.parent,
            self.name,
            self.size,
            self.mtime,
            self.inode,
            self.checksum,
            self.ms,
        )


@dataclass(frozen=True, slots=True)
class Local:
    """A node's state in the replica.

    ``version`` changes with every change of the content and never comes back. ``present`` says that
    the whole content is here (hydrated). ``busy`` says that the content has changes which are not
    recorded yet: nothing can be done with it. ``open_for_writing`` says that a handle is open for
    writing: the content may be sent, but neither replaced nor deleted. ``checksum`` is the
    content's, where somebody counted it for a comparison (mode `secure`); the replica tells none.
    ``doubtful`` says that a power cut or a full disk may have left other bytes than were written:
    what it replaces must be kept. ``pinned`` says that somebody has the file open on a system that
    shows one content a name: it may be sent, but neither replaced nor deleted.
    """

    kind: Kind
    parent: NodeId
    name: str
    size: int
    mtime_ns: int
    version: int
    present: bool = True
    busy: bool = False
    open_for_writing: bool = False
    checksum: str | None = None
    doubtful: bool = False
    pinned: bool = False

    @property
    def may_be_exchanged(self) -> bool:
        """Whether nobody would notice that the content is another, or gone."""
        return not (self.busy or self.open_for_writing or self.pinned)

    @property
    def place(self) -> Place:
        return Place(self.parent, self.name)

    @property
    def mtime(self) -> int:
        """Whole seconds, rounded down, as they go to the server: at least 1, as 0 would mean "now"
        to it."""
        return max(self.mtime_ns // 1_000_000_000, 1)


@dataclass(frozen=True, slots=True)
class Remote:
    """A node's state on the server, as the listing or a reply told it. ``inode`` is 0 when it was
    not told, ``ms`` (see
    ``Base``) None. ``doubtful`` says that it may be another content than the base's, of the same
    size and second, and
    that nobody can find out: the base's is not known any more. Then it must be kept when something
    replaces it."""

    kind: Kind
    parent: NodeId
    name: str
    size: int
    mtime: int
    inode: int
    checksum: str | None = None
    ms: int | None = None
    doubtful: bool = False

    @property
    def place(self) -> Place:
        return Place(self.parent, self.name)

    def as_base(self, version: int) -> Base:
        """What both sides have if the local content of this version is the server's."""
        return Base(
            self.kind,
            self.parent,
            self.name,
            self.size,
            self.mtime,
            self.inode,
            version,
            self.checksum,
            ms=self.ms,
        )


class Entry(NamedTuple):
    """One entry of a listing. ``path`` is relative to the synchronized folder, names joined by
    ``/``.

    ``problem`` is set for an entry that the server could not read: it, and all below it, is
    unknown. ``filtered`` is set where the server says that a filter dropped it. Then the other
    fields say nothing.
    """

    path: str
    is_folder: bool
    size: int
    mtime: int
    inode: int
    checksum: str | None = None
    problem: str | None = None
    filtered: bool = False

    def as_remote(self, parent: NodeId, name: str) -> Remote:
        """What it tells of a node that is at this place."""
        kind = Kind.FOLDER if self.is_folder else Kind.FILE
        return Remote(kind, parent, name, self.size, self.mtime, self.inode, self.checksum)


class Op(enum.Enum):
    """What an action does on its side."""

    MAKE = "make"  # a folder comes into being (LOCAL, REMOTE)
    SEND = "send"  # content goes to the server: a new file or new content (REMOTE)
    FETCH = "fetch"  # content comes from the server: a new file or new content (LOCAL)
    MOVE = "move"  # another parent or name (LOCAL, REMOTE)
    TOUCH = "touch"  # another mtime, same content (REMOTE, LOCAL)
    DELETE = "delete"  # to the bin of that side, a folder with all below it (LOCAL, REMOTE)
    AGREE = "agree"  # both sides are the same: the base becomes ``remote`` (BASE)
    FORGET = "forget"  # gone on both sides: the base goes (BASE)


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a plan.

    ``base``, ``local`` and ``remote`` are the states the decision was made from; the executor acts
    only while they still hold. ``target`` is the place a MOVE leads to or where a MAKE, SEND or
    FETCH creates (the node's present place when it exists already). ``keep`` says that the version
    which is replaced on ``side`` was not seen by its loser's other side and must go to that side's
    bin. ``reason`` is one clause for people: what each side did and which rule decided.
    """

    op: Op
    side: Side
    node: NodeId
    base: Base | None
    local: Local | None
    remote: Remote | None
    target: Place | None = None
    keep: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A node that differs and cannot be settled now. ``why`` is one sentence for people."""

    node: NodeId
    why: str


@dataclass(frozen=True, slots=True)
class Settings:
    """How one synchronization settles differences. ``host`` goes into the names of conflict copies;
    ``filters`` say what is no part of it. ``tag`` goes into temporary names on the server: no other
    device's synchronization has it. ``meeting``: both sides bring contents that may be the same at
    other times (an import). ``restricted``: the direction is DOWNLOAD because the server gives no
    other right, not because somebody set it."""

    direction: Direction = Direction.BOTH
    mode: Mode = Mode.FAST
    conflict: Conflict = Conflict.RECENT
    host: str = "this computer"
    filters: Filter = DEFAULT
    tag: str = ""
    restricted: bool = False
    meeting: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What must happen, in order.

    ``stages`` run one after another; the actions of one stage do not depend on each other and may
    run together. ``conflicts`` are the nodes that both sides changed differently, whoever won.
    ``waiting`` are left alone.
    """

    stages: tuple[tuple[Action, ...], ...]
    conflicts: tuple[NodeId, ...] = ()
    waiting: tuple[Waiting, ...] = ()

    @property
    def actions(self) -> tuple[Action, ...]:
        return tuple(action for stage in self.stages for action in stage)


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A version that was being sent to the name ``name`` in a folder, and of which nobody knows
    whether it arrived: the answer was lost, or this process. ``checksum`` is empty as long as not
    all of it was sent. ``new`` says that the node had no base then; ``mtime`` is in whole seconds,
    as is ``mtime_here`` (see ``Base``)."""

    node: NodeId
    name: str
    mtime: int
    version: int
    checksum: str
    new: bool
    mtime_here: int | None = None


@dataclass(frozen=True, slots=True)
class Leftover:
    """A name in a folder of the server under which this replica sent something, and where remains
    of that may lie.

    ``size`` is that of the whole content: more than that was never sent. ``seen_ns`` is when the
    remains were first seen to be ``seen_size`` bytes written at ``seen_mtime_ms`` (the server's
    clock), 0 for not since the last try.
    """

    parent: NodeId
    name: str
    size: int
    seen_ns: int = 0
    seen_size: int = 0
    seen_mtime_ms: int = 0
    unconfirmed: Unconfirmed | None = None


class Result(enum.Enum):
    """How an action ended."""

    DONE = "done"
    STALE = "stale"  # what was expected no longer holds: plan again
    WAITS = "waits"  # a temporary refusal: later, with growing pauses
    FAILED = "failed"  # refused for good until something changes


@dataclass(frozen=True, slots=True)
class Outcome:
    """An action and how it ended. ``moved_bytes`` is content that crossed the network; ``seconds``
    is its duration."""

    action: Action
    result: Result
    why: str = ""
    moved_bytes: int = 0
    seconds: float = 0.0
