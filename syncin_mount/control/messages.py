"""What the daemon and its clients say to each other: one JSON object a message.

Sizes are bytes, times seconds since the epoch, durations seconds.
"""

from __future__ import annotations

import enum
from typing import Any, Literal

import msgspec

from syncin_mount.language import said


def plain(value: object) -> object:
    """For msgspec's ``enc_hook``: a text that carries more than itself, as an error's `Reason`
    or a `Phrase` does, goes out in the language of who asked. Raises NotImplementedError for
    anything else."""
    if isinstance(value, str):
        return said(value)
    raise NotImplementedError(type(value).__name__)


def encoded(message: object) -> bytes:
    """The message as JSON, its texts in the language of who asked. File names need not be text:
    what is none is shown as an escape, ``\\udcff``, as JSON has no other way."""
    try:
        return msgspec.json.encode(message, enc_hook=plain)
    except UnicodeEncodeError:
        return msgspec.json.encode(_readable(msgspec.to_builtins(message, enc_hook=plain)))


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {_readable(key): _readable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(each) for each in value]
    return value


class Running(msgspec.Struct, frozen=True):
    """A transfer under way. ``done`` of ``size`` bytes are across. ``speed`` is bytes per second,
    lately; ``left`` the seconds that the rest takes at that speed. Both None as long as there is
    too little to tell. ``phase`` is ``preparing`` while the checksum of what is to be sent is
    counted (``done`` are the bytes that were read for it, then), ``transferring``, and
    ``finishing`` when all bytes are across and their arrival is not confirmed yet."""

    op: str
    side: str
    path: str
    done: int
    size: int
    speed: float | None = None
    left: float | None = None
    phase: str = "transferring"


class Problem(msgspec.Struct, frozen=True):
    """Something that waits or, ``lasting``, needs somebody to do something. ``path`` is relative to
    the synchronized folder."""

    path: str
    why: str
    lasting: bool = False


class Status(msgspec.Struct, frozen=True):
    """How a synchronization is now.

    ``online`` is None while nobody has asked the server yet. ``waiting`` counts the nodes that
    differ from what both sides last agreed on; ``absent`` the files whose content is not here yet;
    ``known`` the files and folders that both sides have, ``files`` the files among them and
    ``bytes`` their sizes, None where that is not counted (yet). ``running`` is what goes on,
    ``halted`` which guard stopped it, ``refused`` why the server did, ``failed`` why the last run
    came to no end though the server is there. ``restriction`` says why the direction in force is
    not the one that is set. ``bin`` says where what loses here goes. ``held`` counts the files and
    folders whose changes somebody stopped. ``schedule`` is how often runs start (``15m``, ``off``:
    by what happens); ``next_run`` when the next one does, None without any; ``waits_for_turn``: it
    is due, and another drive's run goes first. ``paused``: nothing is synchronized until somebody
    resumes it, or until ``paused_until``. The limits are bytes a second, None: as fast as it goes.
    ``work`` tells how far the work is as a whole, None while there is none. ``state`` is one word
    for all of this: ``paused``, ``halted``, ``refused``, ``unmounted``, ``offline``,
    ``waits_for_turn``, ``syncing``, ``downloading``, ``failed``, ``problems``, ``waiting`` or
    ``idle``; the first that holds. ``offline_since`` is when the server was lost. ``direction`` is
    the one in force; ``read_only`` says that programs cannot change the drive, which only follows
    the server then. ``halt`` is the guard's word for why it is ``halted``: ``mass deletion``,
    ``unregistered``, ``disabled`` and others.
    """

    name: str
    server: str
    remote: str
    mountpoint: str
    mounted: bool
    pid: int | None = None
    manual: bool = False
    online: bool | None = None
    why_offline: str | None = None
    running: str = ""
    waiting: int = 0
    absent: int = 0
    known: int = 0
    last_run: float | None = None
    next_try: float | None = None
    transfers: tuple[Running, ...] = ()
    problems: tuple[Problem, ...] = ()
    conflicts: int = 0
    halted: str | None = None
    refused: str | None = None
    restriction: str | None = None
    bin: str | None = None
    schedule: str = "off"
    next_run: float | None = None
    waits_for_turn: bool = False
    paused: bool = False
    limit_up: int | None = None
    limit_down: int | None = None
    failed: str | None = None
    held: int = 0
    work: Progress | None = None
    state: str = ""
    offline_since: float | None = None
    direction: str = "both"
    read_only: bool = False
    paused_until: float | None = None
    halt: str | None = None
    files: int | None = None
    bytes: int | None = None


class Summary(msgspec.Struct, frozen=True):
    """A drive at one moment, as briefly as an icon shows it. ``state`` is as in `Status`, and so
    are ``waiting``, ``conflicts`` and the sentences. ``files`` counts the contents that the work
    under way transfers, ``files_done`` those that are across, and ``left`` is the seconds that the
    rest takes, as far as one can tell. ``problems`` counts what needs somebody."""

    state: str
    waiting: int = 0
    files: int = 0
    files_done: int = 0
    left: float | None = None
    problems: int = 0
    conflicts: int = 0
    halted: str | None = None
    refused: str | None = None
    failed: str | None = None


class JournalEntry(msgspec.Struct, frozen=True):
    """A local operation that the server has not confirmed yet. ``state`` is a word for programs,
    ``why`` says it for people: why it waits, and ``until`` when it is left alone. ``held`` says
    that somebody stopped it."""

    sequence: int
    time: float
    op: str
    path: str
    new_path: str | None = None
    size: int | None = None
    why: str | None = None
    state: str = ""
    until: float | None = None
    held: bool = False


class JournalRequest(msgspec.Struct, frozen=True):
    """Lists what waits; with ``everything``, also what a filter or its name leaves here."""

    everything: bool = False


class ChangeRequest(msgspec.Struct, frozen=True):
    """Stops, lets go or undoes the changes of these numbers: ``what`` is ``hold``, ``release`` or
    ``discard``."""

    what: Literal["hold", "release", "discard"]
    sequences: tuple[int, ...]


class Changed(msgspec.Struct, frozen=True):
    """What became of one of them, as a sentence; not ``done`` where it was refused."""

    sequence: int
    done: bool
    said: str


class Transfer(msgspec.Struct, frozen=True):
    """A completed or failed action of the history. ``sequence`` counts those of its
    synchronization; ``size`` is the content's, ``moved`` what crossed the network."""

    sequence: int
    time: float
    synchronization: str
    op: str
    side: str
    path: str
    new_path: str | None
    size: int
    seconds: float
    result: str
    why: str | None = None
    run: int = 0
    moved: int = 0


class TransferQuery(msgspec.Struct, frozen=True):
    """Which transfers are asked for, None being any: the newest first, but with ``after`` the first
    behind that one. ``search`` is a part of a path without regard to case, ``until`` is not among
    them, ``before`` and ``after`` are ``sequence`` numbers."""

    op: str | None = None
    side: str | None = None
    search: str | None = None
    since: float | None = None
    failed: bool = False
    limit: int = 100
    until: float | None = None
    run: int | None = None
    before: int | None = None
    after: int | None = None


class BinEntry(msgspec.Struct, frozen=True):
    """Something in a bin: a file, or a folder with what of it was kept. ``entry`` is by what it is
    known, ``where`` is ``local``, ``trash`` (the desktop's) or ``server``; ``path`` is where it
    was, ``time`` when that ended."""

    entry: str
    where: str
    path: str
    time: float
    size: int
    files: int
    folder: bool
    why: str


class RestoreRequest(msgspec.Struct, frozen=True):
    """Brings an entry of the bin back: to where it was, or to the path ``to``."""

    entry: str
    to: str | None = None


class Restored(msgspec.Struct, frozen=True):
    """Where it is now."""

    path: str


class EmptyRequest(msgspec.Struct, frozen=True):
    """Removes these entries of the bin for good."""

    entries: tuple[str, ...]


class EmptyResult(msgspec.Struct, frozen=True):
    """How many went."""

    count: int


class Progress(msgspec.Struct, frozen=True, tag_field="event", tag="progress"):
    """How far the work is: a run's, or what a mounted drive does by itself. ``actions`` counts all
    that is planned, ``files`` the contents among it, of ``bytes``, those included that come after
    the run; ``to_fetch`` counts the latter that are still to come. ``speed`` is bytes per second,
    lately, ``left`` the seconds that the rest takes, as far as one can tell; ``transfers`` are
    under way, and ``current`` has the paths of what is in work. While contents are compared
    (phases ``checksums``: the server counts them, ``comparing``: this computer), ``compared`` says
    how many are, of ``to_compare``, and ``read`` how many bytes of large ones were read for it."""

    phase: str
    entries: int = 0
    actions: int = 0
    actions_done: int = 0
    bytes: int = 0
    bytes_done: int = 0
    fetched: int = 0
    to_fetch: int = 0
    current: tuple[str, ...] = ()
    compared: int = 0
    to_compare: int = 0
    files: int = 0
    files_done: int = 0
    speed: float | None = None
    left: float | None = None
    transfers: tuple[Running, ...] = ()
    read: int = 0


class NodeState(msgspec.Struct, frozen=True):
    """What a file or folder (``kind``) is like on one side, or was when both sides agreed."""

    kind: str
    path: str
    size: int
    mtime: int


class PlannedAction(msgspec.Struct, frozen=True):
    """One step that a run would take. ``why`` says what each side did and which rule decided; the
    states are those that it rests on."""

    op: str
    side: str
    path: str
    new_path: str | None = None
    size: int = 0
    why: str = ""
    base: NodeState | None = None
    local: NodeState | None = None
    remote: NodeState | None = None


class Report(msgspec.Struct, frozen=True, tag_field="event", tag="report"):
    """How a run ended. ``failed`` and ``waiting`` are listed in ``problems``.

    ``fetched`` counts the contents that came after the actions. ``plan`` identifies what a dry run
    found: a run can be bound to it. ``halted`` is a guard's sentence, ``offline`` why the server
    could not be reached, ``refused`` what it refused.
    """

    name: str
    dry_run: bool
    done: int = 0
    failed: int = 0
    waiting: int = 0
    conflicts: int = 0
    bytes: int = 0
    fetched: int = 0
    seconds: float = 0.0
    halted: str | None = None
    offline: str | None = None
    refused: str | None = None
    actions: tuple[PlannedAction, ...] = ()
    problems: tuple[Problem, ...] = ()
    plan: str | None = None


class Explained(msgspec.Struct, frozen=True):
    """What is at a path, here or on the server: its states, what a run would do, or ``why``
    nothing. ``known`` tells whether the server's state is."""

    path: str
    base: NodeState | None = None
    local: NodeState | None = None
    remote: NodeState | None = None
    known: bool = True
    why: str = ""
    actions: tuple[PlannedAction, ...] = ()


class Explanation(msgspec.Struct, frozen=True):
    """``nodes`` at the path: none, one, or more where the sides mean different ones. The rest is as
    in a Report."""

    name: str
    path: str
    nodes: tuple[Explained, ...] = ()
    halted: str | None = None
    offline: str | None = None
    refused: str | None = None


class ExplainRequest(msgspec.Struct, frozen=True):
    """``path`` is relative to the synchronized folder."""

    path: str


class Failure(msgspec.Struct, frozen=True, tag_field="event", tag="failure"):
    """A call that did not work. ``kind`` is the name of an error of ``reconciler.errors``, or
    empty."""

    kind: str
    message: str


SyncEvent = Progress | Report | Failure


class SyncRequest(msgspec.Struct, frozen=True):
    """``dry_run`` only plans. ``confirmed`` lets a run pass that a guard would halt; with ``plan``,
    only that plan is carried out. The limits are in force for the run: bytes a second, 0: none,
    None: those that are set."""

    dry_run: bool = False
    confirmed: bool = False
    plan: str | None = None
    limit_up: int | None = None
    limit_down: int | None = None


class Call(enum.Enum):
    """The calls of the control API, with method and path."""

    STATUS = ("GET", "/status")
    METRICS = ("GET", "/metrics")
    WATCH = ("POST", "/watch")
    FOLLOW = ("POST", "/follow")
    JOURNAL = ("POST", "/journal")
    CHANGE = ("POST", "/journal/change")
    TRANSFERS = ("POST", "/transfers")
    SYNC = ("POST", "/sync")
    WAIT_SYNCED = ("POST", "/settle")
    EXPLAIN = ("POST", "/explain")
    FOLDER = ("POST", "/folder")
    TRIAL = ("POST", "/filters/try")
    RELOAD = ("POST", "/reload")
    RETRY = ("POST", "/retry")
    STOP = ("POST", "/stop")
    BIN = ("GET", "/bin")
    RESTORE = ("POST", "/bin/restore")
    EMPTY = ("POST", "/bin/empty")
    CONFLICTS = ("POST", "/conflicts")
    ACKNOWLEDGE = ("POST", "/conflicts/acknowledge")
    SWAP = ("POST", "/conflicts/swap")
    KEEP_BOTH = ("POST", "/conflicts/both")
    UNDO = ("POST", "/conflicts/undo")
    VERSIONS = ("POST", "/conflicts/versions")
    READ_VERSION = ("POST", "/conflicts/read")
    STATES = ("POST", "/states")
    STATE_CHANGES = ("POST", "/states/follow")
