"""What the reconciler needs from the rest of the program.

Concurrency contract: everything here is used from one trio thread. Methods that are not ``async``
do not block beyond a few microseconds of memory and page-cache work, and are atomic with respect to
other tasks. ``async`` methods are cancellable; a cancelled one leaves each side as it was or as it
would be after completion, never in between, unless its docstring says more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from reconciler.lookups import Lookups, Snapshot
from reconciler.model import (
    Action,
    Base,
    Entry,
    Leftover,
    NodeId,
    Outcome,
    Place,
    Settings,
)


class Content(Protocol):
    """An open local content. Its descriptor stays valid, and its bytes unchanged by the reconciler,
    until closed.

    Local writers do change it in place; who needs a still version compares ``Local.version`` before
    and after.
    """

    @property
    def fd(self) -> int: ...
    def missing(self, start: int, stop: int) -> tuple[int, int] | None:
        """The first part of [start, stop) that is not here yet, clipped to the file's size; None
        when all is here."""
        ...

    def close(self) -> None: ...


class Incoming(Protocol):
    """Content on its way from the server into a new object beside the present one. Parts may arrive
    in any order.

    Made for one remote version (size, mtime); what an earlier process wrote of that version is
    kept.
    """

    @property
    def fd(self) -> int:
        """To read what arrived."""
        ...

    @property
    def size(self) -> int: ...
    @property
    def dropped(self) -> bool:
        """The node went, or another version was asked for: nobody can take this in any more."""
        ...

    def missing(self, start: int, stop: int) -> tuple[int, int] | None:
        """As ``Content.missing``."""
        ...

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """pwrite. Raises OSError (ENOSPC, EIO)."""
        ...

    def restart(self) -> None:
        """Throws away all that arrived."""
        ...

    def close(self) -> None:
        """Keeps what arrived for a later resumption."""
        ...


class UploadLog(Protocol):
    """What may lie on the server of uploads that broke off, or whose answer was lost. Each change
    is one event, acknowledged when the call returns."""

    def note_leftover(self, leftover: Leftover) -> None:
        """Remembers it, in place of what was remembered of that name in that folder."""
        ...

    def drop_leftover(self, parent: NodeId, name: str) -> None:
        """Nothing of ours lies there. A no-op when nothing was remembered."""
        ...

    def leftovers(self) -> list[Leftover]: ...


class Replica(Lookups, Protocol):
    """The local store, as the reconciler sees it. Every change is one event, acknowledged when the
    call returns."""

    # reading --------------------------------------------------------------------------------------
    def identity_moves(self) -> int:
        """How often a base went from one node to another (an editor's save by rename). A listing
        that was compared while this grew cannot be trusted and is done again."""
        ...

    def snapshot(self, ids: int = 0) -> Snapshot:
        """The present state, with so many ids for new nodes; those that end unused are lost. Blocks
        for a commit."""
        ...

    # changing, each one event ---------------------------------------------------------------------
    def set_base(self, node: NodeId, base: Base | None) -> None:
        """Both sides agree on this state, or (None) the node is gone from both. Local operations
        that this settles leave the journal."""
        ...

    def set_bases(self, bases: Iterable[tuple[NodeId, Base | None]]) -> None:
        """``set_base`` for many, in batches of events."""
        ...

    def place_folder(
        self, node: NodeId, base: Base, like: NodeId | None = None, *, was_here: bool = False
    ) -> None:
        """A remote folder appears locally, its base with it, and the attributes that only this side
        has: those of ``like``, if that is here and of its kind. ``was_here``: the node was on this
        side before, so its inode may be another file's by now, or be open still: it gets another
        one. Raises FileExistsError when the place is taken."""
        ...

    def place_file(
        self, node: NodeId, base: Base, like: NodeId | None = None, *, was_here: bool = False
    ) -> None:
        """As ``place_folder``: a remote file appears locally, its content not yet here
        (``base.version`` is set by the replica)."""
        ...

    def move_local(self, node: NodeId, target: Place, base: Base | None) -> None:
        """The node gets another place; with ``base``, that becomes its base in the same event.
        Raises FileExistsError when the target is taken, FileNotFoundError when the node or the
        parent is gone."""
        ...

    def touch_local(self, node: NodeId, mtime_ns: int, base: Base | None) -> None: ...

    def delete_local(self, node: NodeId, *, keep: bool, why: str) -> None:
        """The node, and all below it, goes from the local tree, and the bases of all of it with it.
        With ``keep`` the contents go to the bin; content that the server never had goes there in
        any case. Handles stay usable."""
        ...

    # content --------------------------------------------------------------------------------------
    def sent_name(self, node: NodeId) -> NodeId | None:
        """Another node that is the same file here, and whose base says that the server has the
        present content; None for none."""
        ...

    def open_content(self, node: NodeId) -> Content:
        """Raises FileNotFoundError when the node is gone or no file."""
        ...

    def incoming(self, node: NodeId, size: int, mtime: int, inode: int = 0) -> Incoming:
        """The one incoming content of a node for that remote version; the same object while it is
        open anywhere. Asking for another version drops what arrived of the former: one of another
        size in bytes, another mtime in seconds, or another inode where both are known (0: not)."""
        ...

    def install_content(
        self,
        node: NodeId,
        incoming: Incoming,
        base: Base,
        expect_version: int,
        *,
        keep: bool,
        why: str,
    ) -> None:
        """The complete incoming content becomes the node's content and ``base`` its base, in one
        event.

        When the node's content was not here and ``base`` is the version it stood for, the node only
        becomes present: its version stays. Otherwise it gets a new version, and readers keep the
        old content. With ``keep`` the former content goes to the bin first; content that the server
        never had goes there in any case. Raises LocalChanged when the node is gone, is busy or its
        version is not ``expect_version``; ValueError when a part is missing.
        """
        ...

    def absent(self) -> Iterator[NodeId]:
        """Files whose content is not here, in no special order. A snapshot."""
        ...

    def drop_stale_incoming(self, before_ns: int) -> None:
        """Removes what arrived of contents and nobody will ask for again: its last byte came before
        this time, nobody has it open, and no absent file waits for it."""
        ...

    # checksums ------------------------------------------------------------------------------------
    def checksum_of(self, node: NodeId, version: int) -> str | None:
        """SHA-512/256 (lower-case hex) of the node's content in this version, if it was counted and
        still is the node's or its base's version."""
        ...

    def counted(self, contents: Iterable[tuple[NodeId, int, str]]) -> None:
        """Keeps checksums (node, version, hex) for ``checksum_of``."""
        ...

    def rotted(self, node: NodeId, why: str) -> bool:
        """The node's content is not what both sides agreed on any more: it goes to the bin, and the
        node is absent, to be fetched again. False, and nothing done, when the server does not have
        it or somebody writes to it."""
        ...

    @property
    def uploads(self) -> UploadLog:
        """What was left on the server."""
        ...

    # history --------------------------------------------------------------------------------------
    def begin_run(self) -> None:
        """What is recorded from now on belongs to another run."""
        ...

    def record(self, outcome: Outcome, path: str, new_path: str | None) -> None:
        """Keeps an action in the history of transfers."""
        ...

    # wake-ups -------------------------------------------------------------------------------------
    async def wait_local_change(self, after: int) -> int:
        """Returns the sequence number of the last local operation once it is greater than
        ``after``."""
        ...


Reader = Callable[[int, int], Awaitable[bytes]]
"""``await reader(offset, length)`` gives up to ``length`` bytes; ``b""`` at the end; LocalChanged
when it changed."""


@dataclass(frozen=True, slots=True)
class Found:
    """What HEAD tells of a server file: bytes and milliseconds since the epoch (the parts of its
    etag)."""

    size: int
    mtime_ms: int

    @property
    def mtime(self) -> int:
        return self.mtime_ms // 1000


SettingsSource = Callable[[], Awaitable[Settings]]
"""``await settle_settings()`` agrees with the server on how to synchronize, before each run. Raises
RemoteError, whose kinds mean what they mean for a listing, and ``guards.Halted`` when the run must
not begin."""


class RemoteFolder(Protocol):
    """The server's side of one synchronization. Paths are relative to its folder, names joined by
    ``/``, and never leave it: an empty, ``.``, ``..`` or NUL-holding part raises Refused before
    anything is sent.

    Every method raises a RemoteError (see ``reconciler.errors``) and nothing else but Cancelled.
    """

    @property
    def proves_all(self) -> bool:
        """Whether every upload is compared with its checksum there: others could change it on the
        way."""
        ...

    @property
    def root(self) -> str:
        """Where the folder is for the server, as ``personal/docs``: another path once the settings
        said that somebody moved it there."""
        ...

    def listing(
        self, snapshot: Callable[[], Iterator[Entry]] | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[list[Entry]]]:
        """The whole folder, in batches, parents before children. With ``snapshot`` checksums are
        told too: it gives what an earlier such listing told, and is iterated in pieces between
        which everything may change.

        Iteration raises ListingBroken when the stream ends without ``done``, and Missing when the
        folder itself is gone. Names that could escape (``..``, NUL) come as an Entry with
        ``problem``."""
        ...

    async def greet(self) -> None:
        """The smallest exchange, which is about no file: returns when the server is there and gives
        access. Raises Unauthorized when it lets nobody in, any other RemoteError when it is not
        there."""
        ...

    async def checksums(self, paths: Sequence[str]) -> dict[str, Entry]:
        """What a listing tells of these files alone, checksums included: the server counts no
        others. What is not there or could not be read is missing in it. Raises as iterating a
        ``listing``."""
        ...

    async def is_there(self) -> bool:
        """Whether the folder itself is on the server."""
        ...

    async def find(self, path: str) -> Found | None:
        """HEAD: the file's state, None when there is none (404). A folder raises Exists."""
        ...

    async def look(self, path: str) -> list[Entry] | None:
        """What is in one folder ("" for the whole one) and nothing of what is below, without
        checksums; an inode is 0 where none is told. An Entry with ``problem`` is one that cannot be
        understood. None when the folder is not there, or the server tells nothing of it."""
        ...

    async def inodes(self, path: str) -> dict[str, int] | None:
        """What is in a folder ("" for the whole one), by name: inodes, 0 where one is not told.
        None when the folder is not there, or the server tells nothing of it."""
        ...

    def download(
        self, path: str, *, start: int, stop: int, expect: Found
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Bytes [start, stop) in pieces of at most 256 KiB. Raises Changed when the server's file
        is not ``expect`` any more (in size or whole second), Missing when gone, Unreachable when it
        breaks off."""
        ...

    async def upload(
        self,
        path: str,
        reader: Reader,
        *,
        size: int,
        mtime: int,
        checksum: str,
        replace: bool,
        start: int = 0,
        prove: bool = True,
    ) -> int:
        """POST (``replace=False``, raises Exists) or PUT. ``checksum`` is lower-case hex
        SHA-512/256 of the whole; with ``prove`` or ``proves_all`` the server compares what it
        received with it, else it may be empty. ``start`` resumes the server's partial from that
        byte. LocalChanged and Rotten from the reader pass through. The inode that the answer tells,
        0 when it tells none that can be one."""
        ...

    async def partial(self, path: str) -> int:
        """Bytes on the server of a partial upload to ``path``, else 0."""
        ...

    async def make_folder(self, path: str, mtime: int) -> int:
        """Fine if the folder exists. Missing parents are created. The folder's inode, 0 when it was
        not told."""
        ...

    async def move(self, path: str, target: str, *, overwrite: bool = False) -> None:
        """One rename of a file or folder, contents, mtime and inode kept. Without ``overwrite`` an
        existing target raises Exists and nothing happens, and so does a missing folder of the
        target (Missing); with it the old target goes to the server's trash."""
        ...

    async def copy(self, path: str, target: str, mtime: int) -> int:
        """The server copies a file. What was at ``target`` goes to the server's trash. The copy's
        inode, 0 when it was not told."""
        ...

    async def touch(self, path: str, mtime: int) -> None: ...

    async def delete(self, path: str) -> None:
        """To the owner's trash, a folder with all below it. Missing when it is gone already."""
        ...


class Progress(Protocol):
    """Where long work is reported. The terminal, the JSON output and the status are its views."""

    def listing(self, entries: int) -> None: ...
    def comparing(self, done: int, of: int, *, there: bool = False) -> None:
        """So many contents are compared, ``of`` all that are in this run; ``there``: the server
        has told the checksums of so many."""
        ...

    def read(self, size: int) -> None:
        """So many bytes more of local contents were read, to compare them."""
        ...

    def planned(self, actions: Sequence[Action]) -> None:
        """These are to be carried out now."""
        ...

    def started(self, action: Action, path: str) -> None: ...
    def preparing(self, action: Action, size: int) -> None:
        """So many bytes more of the content were read for its checksum; none of it is sent yet."""
        ...

    def resumes(self, action: Action, at: int) -> None:
        """The content is sent from this byte on: what is before it is on the server."""
        ...

    def advanced(self, action: Action, size: int) -> None:
        """So many bytes more were sent."""
        ...

    def ended(self, outcome: Outcome, path: str) -> None: ...
    def broke_off(self, action: Action) -> None:
        """It was cancelled, or the server was lost: there is no outcome."""
        ...


class Clock(Protocol):
    """Wall time. Pauses go through trio, whose clock tests replace."""

    def now_ns(self) -> int: ...
