"""What the replica knows, for the file system and for the reconciler."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

import trio

from reconciler.model import Base, Kind, Leftover, NodeId, Place, Unconfirmed
from reconciler.names import MAX_NAME_BYTES, is_name
from syncin_mount.store import system
from syncin_mount.store.content.handles import Content
from syncin_mount.store.content.unlinked_contents import Kept
from syncin_mount.store.errors import NotRecordable
from syncin_mount.store.records import (
    FILE,
    FOLDER,
    U64,
    BaseRecord,
    Node,
    decode_bin,
    decode_leftover,
    decode_node,
    decode_pending,
    key,
)
from syncin_mount.store.replica.core import Core
from syncin_mount.store.replica.tree_reader import PAGE, ReplicaSnapshot
from syncin_mount.store.types import TYPES, Attr, BinEntry, Operation, OpKind, Status


class Lookups(Core):
    """Look-ups. Names are bytes for the file system, ``str`` with surrogateescape for the
    reconciler."""

    _wake: trio.Event | None = None

    # for the file system --------------------------------------------------------------------------

    def attr(self, node: NodeId) -> Attr | None:
        record = self._ix.peek(node)
        return None if record is None else to_attr(node, record)

    def blocks(self, node: NodeId) -> int | None:
        """The blocks of 512 bytes that a file's content takes on the local disk; None where there
        is no object of its own (content that is not here, or has never been opened)."""
        record = self._ix.peek(node)
        if record is None or record.kind != FILE or not record.present:
            return None
        found = self._objects.stat(record.owner, record.number)
        return None if found is None else getattr(found, "st_blocks", None)

    def by_ino(self, ino: int) -> NodeId | None:
        """The node that has this inode *now*; None for one whose content was replaced or
        removed."""
        node = self._ix.by_ino(ino)
        record = self._ix.peek(node)
        return NodeId(node) if record is not None and record.ino == ino else None

    def lookup(self, parent: NodeId, name: bytes) -> NodeId | None:
        node = self._ix.entry(parent, name)
        return None if node is None else NodeId(node)

    def look(self, parent: NodeId, name: bytes) -> tuple[Attr, dict[bytes, bytes]] | None:
        """What has this name, with its extended attributes."""
        node = self._ix.entry(parent, name)
        if node is None:
            return None
        return to_attr(node, self._node(node)), self._xattrs_of(node)

    def _xattrs_of(self, node: int) -> dict[bytes, bytes]:
        names = self._ix.xattr_names(node) if self._node(node).xattrs else ()
        return {name: self.get_xattr(NodeId(node), name) for name in names}

    def keep_content(self, node: NodeId) -> Kept | None:
        """Before the node's inode may lose its name: its content stays openable until the result is
        let go. None for what is no file, or not here."""
        record = self._ix.peek(node)
        if record is None or record.kind != FILE or not record.present:
            return None
        return self._objects.kept.keep(record.owner, record.number, record.size)

    def children(
        self, parent: NodeId, after: bytes | None, limit: int
    ) -> list[tuple[bytes, NodeId]]:
        return [(name, NodeId(node)) for name, node in self._ix.children(parent, after, limit)]

    def get_xattr(self, node: NodeId, name: bytes) -> bytes:
        """Raises OSError: ENODATA, ENOENT."""
        value = self._ix.txn.get(key(node) + name, db=self._ix.xattrs)
        if value is None:
            self._node(node)
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
        return value

    def list_xattrs(self, node: NodeId) -> list[bytes]:
        return self._ix.xattr_names(node) if self._node(node).xattrs else []

    def statfs(self) -> os.statvfs_result:
        return system.file_system(self.folder)

    def status(self, node: NodeId) -> Status:
        """That of the file, whichever of its names this is. Raises FileNotFoundError."""
        record = self._node(node)
        if record.kind > FOLDER or not is_utf8(self._ix.path(node)):
            return Status.LOCAL_ONLY
        if any(self._ix.is_dirty(each) for each in self._ix.names_of(node, record)):
            return Status.CHANGED
        return Status.SYNCED if record.present else Status.ABSENT

    def pending(self) -> Iterator[Operation]:
        """The journal of operations that the server does not have yet, oldest first. Safe across
        changes."""
        after = b""
        while True:
            page = self._ix.page("pending", after, PAGE)
            for place, raw in page:
                record = decode_pending(raw)
                new_path = None if record.new_path is None else os.fsdecode(record.new_path)
                sequence = U64.unpack(place)[0]
                kind = OpKind(record.kind)
                yield Operation(
                    sequence,
                    kind,
                    NodeId(record.node),
                    os.fsdecode(record.path),
                    new_path,
                    record.time,
                )
            if len(page) < PAGE:
                return
            after = page[-1][0] + b"\0"

    def pending_count(self) -> int:
        return self._ix.count(self._ix.pending)

    def bin_entries(self) -> list[BinEntry]:
        """What is in the bin, oldest first."""
        entries = []
        for place, raw in self._ix.items("bin"):
            one = decode_bin(raw)
            sequence, path = U64.unpack(place)[0], os.fsdecode(one.path)
            entries.append(
                BinEntry(
                    sequence, one.name, path, one.folder, one.files, one.size, one.time, one.why
                )
            )
        return entries

    # for the reconciler ---------------------------------------------------------------------------

    def snapshot(self, ids: int = 0) -> ReplicaSnapshot:
        if self._ix.applied != self._ix.committed:
            self._commit_index()
        first = int(self.new_id())
        self._next_id += ids
        return ReplicaSnapshot(self._ix.still(), self._writers, range(first, first + ids))

    def has_open_snapshot(self) -> bool:
        """Whether a snapshot is being read: a commit would end it."""
        return self._ix.has_open_snapshot()

    def leftovers(self) -> list[Leftover]:
        found = []
        for place, raw in self._ix.items("leftovers"):
            one, parent = decode_leftover(raw), NodeId(U64.unpack_from(place)[0])
            name = os.fsdecode(place[8:])
            sent = one.unconfirmed
            unconfirmed = (
                None
                if sent is None
                else Unconfirmed(
                    NodeId(sent.node),
                    os.fsdecode(sent.name),
                    sent.mtime,
                    sent.version,
                    sent.checksum,
                    sent.new,
                    sent.mtime_here,
                )
            )
            found.append(
                Leftover(
                    parent, name, one.size, one.seen, one.seen_size, one.seen_mtime_ms, unconfirmed
                )
            )
        return found

    def absent(self) -> Iterator[NodeId]:
        return (NodeId(node) for node in self._ix.marked(self._ix.absent))

    def absent_count(self) -> int:
        return self._ix.count(self._ix.absent)

    def sent_name(self, node: NodeId) -> NodeId | None:
        """Another name of this file that the server has in the present version; None for none."""
        record = self._ix.peek(node)
        for each in () if record is None or record.links == 1 else self._ix.names_of(node, record):
            base = self._ix.base(each)
            if (
                each != node
                and base is not None
                and record is not None
                and base.version == record.version
            ):
                return NodeId(each)
        return None

    def open_content(self, node: NodeId) -> Content:
        """Raises FileNotFoundError when the node is gone or no file. Of an absent content, what
        arrives of it."""
        record = self._ix.peek(node)
        if record is None or record.kind != FILE:
            raise FileNotFoundError(errno.ENOENT, "there is no such file")
        if record.present:
            fd = self._objects.open(record.owner, record.number, record.size)
            return Content(fd, self._objects.folder(record.number))
        folder = self._objects.folder(record.number)
        base = self._ix.base(node)
        arriving = self._objects.arriving(node)
        if base is None or (
            arriving is not None and arriving != f"{node}-{base.size}-{base.mtime}"
        ):
            # Another version is on its way: nothing of this one will come any more.
            return Content(self._objects.open_nothing(), folder, absent=record.size)
        incoming = self._objects.incoming(node, base.size, base.mtime)
        return Content(os.dup(incoming.fd), folder, incoming)

    # checksums ------------------------------------------------------------------------------------

    def now_ns(self) -> int:
        """The replica's clock."""
        return self._now()

    def contents_from(self, node: int, limit: int = PAGE) -> list[NodeId]:
        """The first files from this node's number on whose content is here; at most so many, none
        at the end."""
        found: list[NodeId] = []
        while len(found) < limit and (page := self._ix.page("nodes", key(node), limit)):
            for place, raw in page:
                record = decode_node(raw)
                if record.kind == FILE and record.present and record.size:
                    found.append(NodeId(U64.unpack(place)[0]))
            node = U64.unpack(page[-1][0])[0] + 1
        return found

    def checksum_of(self, node: NodeId, version: int) -> str | None:
        """SHA-512/256 (lower-case hex) of the node's content in this version, if it was counted and
        still is the node's or its base's version."""
        found = self._ix.checksum(node, version)
        return None if found is None else found.hex()

    # wake-ups -------------------------------------------------------------------------------------

    def _local_change(self, sequence: int) -> None:
        self._last_local = sequence
        if self._wake is not None:
            self._wake.set()
            self._wake = None

    async def wait_local_change(self, after: int) -> int:
        while self._last_local <= after:
            if self._wake is None:
                self._wake = trio.Event()
            await self._wake.wait()
        await trio.lowlevel.checkpoint()
        return self._last_local


def to_attr(node: int, record: Node) -> Attr:
    """The record as the file system sees it."""
    return Attr(
        NodeId(node),
        record.ino,
        TYPES[record.kind],
        record.mode,
        record.links,
        record.uid,
        record.gid,
        record.rdev,
        record.size,
        record.atime,
        record.mtime,
        record.ctime,
        record.birth,
        record.version,
        record.present,
        record.target,
    )


def to_record(base: Base) -> BaseRecord:
    """The reconciler's base as a record. ValueError for a kind or name that no base can have,
    NotRecordable for a name that is no bytes. (Numbers are looked at when it is recorded.)"""
    if base.kind is Kind.OTHER:
        raise ValueError("a link or device has no base")
    name = raw_name(base.name)
    if len(name) > MAX_NAME_BYTES:
        raise ValueError(f"the name {base.name[:40]}… is longer than {MAX_NAME_BYTES} bytes")
    kind = FILE if base.kind is Kind.FILE else FOLDER
    return BaseRecord(
        kind,
        base.parent,
        name,
        base.size,
        base.mtime,
        base.inode,
        base.version,
        base.checksum,
        base.mtime_here,
        base.ms,
        base.former,
    )


def raw_name(name: str) -> bytes:
    """The name's bytes. NotRecordable for one with surrogates that stand for no byte."""
    try:
        return os.fsencode(name)
    except UnicodeEncodeError:
        raise NotRecordable(f"{name[:40]!r} is no name that a disk can hold") from None


def place_name(place: Place) -> bytes:
    """The name as bytes. ValueError for one that could lead elsewhere, NotRecordable for one that
    is no bytes."""
    name = raw_name(place.name)
    if not is_name(name):
        raise ValueError(f"{place.name[:40]!r} is no name for a file or folder")
    return name


def is_utf8(path: bytes) -> bool:
    """Whether the server could hold this path."""
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True
