"""Contents of files: open ones, ones that arrive from the server, and their checksums.

Owns: which content object is a node's, when the server's version takes its place; the contents on
their way; the index's tables ``absent`` and ``checksums``.

Order of ``install_content`` and ``copy_to_bin``: the object gets the number of the event that comes
next, then the event is recorded; a kill between the two leaves an object that no event names, which
the next start brings to the bin.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator

from reconciler.errors import LocalChanged
from reconciler.model import Base, NodeId
from reconciler.ports import Incoming
from syncin_mount.store.content.handles import Content, IncomingFile
from syncin_mount.store.content.incoming_version import IncomingVersion
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.conversions import recordable_text, to_record
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.index.apply_sync import arrives
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.tree_walk import require_node
from syncin_mount.store.journal import events
from syncin_mount.store.records import FILE, U64, decode_node, key
from syncin_mount.store.replica.batches import batched
from syncin_mount.store.replica.change_notifier import ChangeNotifier
from syncin_mount.store.replica.open_writers import OpenWriters
from syncin_mount.store.replica.tree_reader import PAGE, TreeReader


class Contents:
    """Each change is one event."""

    def __init__(
        self,
        index: Index,
        objects: Objects,
        writer: EventWriter,
        reader: TreeReader,
        writers: OpenWriters,
        notifier: ChangeNotifier,
    ) -> None:
        self._ix = index
        self._objects = objects
        self._writer = writer
        self._now = writer.now_ns
        self._reader = reader
        self._writers = writers
        self._notifier = notifier

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
        version = None if base is None else IncomingVersion.of_base(node, base)
        if version is None or (arriving is not None and not arriving.may_be(version)):
            # Another version is on its way: nothing of this one will come any more.
            return Content(self._objects.open_nothing(), folder, absent=record.size)
        incoming = self._objects.incoming(version)
        return Content(os.dup(incoming.fd), folder, incoming)

    # arriving contents ----------------------------------------------------------------------------

    def incoming(self, node: NodeId, size: int, mtime: int, inode: int = 0) -> IncomingFile:
        """Raises OSError (ENOSPC), FileNotFoundError when there is no such file."""
        record = require_node(self._ix, node)
        if record.kind != FILE:
            raise FileNotFoundError(errno.ENOENT, "the node is no file")
        self._writer.require_space()
        return self._objects.incoming(IncomingVersion(node, size, mtime, inode))

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
        record = self._ix.node(node)
        if not isinstance(incoming, IncomingFile) or incoming.node != node:
            raise ValueError("this is no incoming content of the node")
        if (
            record is None
            or record.version != expect_version
            or record.writing
            or self._reader.is_written_to(node, record)
            or not self._objects.is_current(incoming)
        ):
            raise LocalChanged("the file was changed here while the server's version arrived")
        missing = incoming.missing(0, incoming.size)
        if missing is not None or incoming.size != base.size:
            raise ValueError(
                f"the incoming content is not complete: {missing} of {base.size} bytes is missing"
            )
        new_base = to_record(base)
        same = arrives(record, self._ix.base(node), new_base)
        ino = record.ino if same else self._writer.new_id()
        number = self._ix.applied + 1
        self._objects.take(incoming, number)
        try:
            with self._notifier.unnaming([] if same else [node]):
                self._writer.record(
                    events.TakenIn(self._now(), node, new_base, ino, keep, recordable_text(why))
                )
        except BaseException:
            self._objects.undo_install(incoming, number)
            raise
        self._objects.taken(incoming, number)
        if ino != record.ino:
            self._notifier.notify_entry(record.parent, record.name)
            self._notifier.notify_name(record.parent, record.name, (node, record))
            self._notifier.notify_links(record)

    def drop_stale_incoming(self, before_ns: int) -> None:
        for node in self._objects.stale_incoming(before_ns):
            base, record = self._ix.base(node), self._ix.node(node)
            arriving = self._objects.arriving(node)
            if (
                record is None
                or record.present
                or base is None
                or arriving is None
                or not arriving.may_be(IncomingVersion.of_base(node, base))
            ):
                self._objects.drop_incoming(node)

    # contents and nodes ---------------------------------------------------------------------------

    def absent(self) -> Iterator[NodeId]:
        """Yield the files whose content is not here."""
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

    def copy_to_bin(self, node: NodeId, why: str) -> int | None:
        record = require_node(self._ix, node)
        if record.kind != FILE or not record.present:
            return None
        sequence = self._ix.applied + 1
        self._objects.copy_to_bin(
            sequence, record.name, record.owner, record.number, record.size, record.mtime
        )
        try:
            self._writer.record(events.Copied(self._now(), node, recordable_text(why)))
        except BaseException:
            self._objects.stray(sequence)
            raise
        return sequence

    def rotted(self, node: NodeId, why: str) -> bool:
        record, base = self._ix.node(node), self._ix.base(node)
        if (
            record is None
            or record.kind != FILE
            or not record.present
            or record.writing
            or node in self._writers
        ):
            return False
        if base is None or base.kind != FILE or base.version != record.version or not base.size:
            return False
        found = self._objects.stat(record.owner, record.number)
        left = 0 if found is None else found.st_size
        self._writer.record(
            events.Rotted(self._now(), node, self._writer.new_id(), left, recordable_text(why))
        )
        self._notifier.notify_entry(record.parent, record.name)
        return True

    # checksums ------------------------------------------------------------------------------------

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
        found = self._ix.checksum_table.checksum(node, version)
        return None if found is None else found.hex()

    # wake-ups -------------------------------------------------------------------------------------

    def counted(self, contents: Iterable[tuple[NodeId, int, str]]) -> None:
        """Keeps SHA-512/256 (hex) of contents in these versions, for ``checksum_of``. Counted of
        what the version was before and after; those of versions that are out of date are
        dropped."""
        for batch in batched(contents):
            sums = [
                (int(node), version, bytes.fromhex(checksum)) for node, version, checksum in batch
            ]
            self._writer.record(events.Counted(self._now(), sums))
