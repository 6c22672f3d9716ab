"""What the reconciler does to the local tree and the bases.

Owns: the base tree, and how nodes come, move and go in the local tree when the server's change is
followed. The user's own operations are in `posix_ops`.

Invariant: each method is one event (``set_bases``: one a batch), so a kill leaves all of it or
nothing; listeners are notified after the event.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterable

from reconciler.model import Base, NodeId, Place
from syncin_mount import system
from syncin_mount.store.changes import AttrChanged
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.conversions import place_name, recordable_text, to_record
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.errors import NotRecordable
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.tables.lmdb_tables import ROOT
from syncin_mount.store.index.tree_walk import below, contains, is_within, require_node
from syncin_mount.store.journal import events
from syncin_mount.store.records import FILE, FOLDER, Node
from syncin_mount.store.replica.batches import batched
from syncin_mount.store.replica.change_notifier import ChangeNotifier
from syncin_mount.store.replica.open_writers import OpenWriters
from syncin_mount.store.replica.tree_reader import TreeReader

log = logging.getLogger(__name__)

FILE_MODE, FOLDER_MODE = 0o644, 0o755


def check_free(index: Index, parent: int, name: bytes, node: int) -> None:
    """Raises FileNotFoundError unless ``parent`` is a folder, FileExistsError when another node
    than ``node`` has the name there."""
    if require_node(index, parent).kind != FOLDER:
        raise FileNotFoundError(errno.ENOENT, "the parent is not a folder")
    if index.entry(parent, name) not in {None, node}:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


class SyncTree:
    """The contracts of its methods are in ``reconciler.ports.Replica``."""

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

    # bases ----------------------------------------------------------------------------------------

    def set_base(self, node: NodeId, base: Base | None) -> None:
        self.set_bases([(node, base)])

    def set_bases(self, bases: Iterable[tuple[NodeId, Base | None]]) -> None:
        for batch in batched(bases):
            try:
                self._set_bases(batch)
            except NotRecordable:
                if len(batch) == 1:
                    raise
                self._set_bases_apart(batch)
            for node, _ in batch:
                if self._ix.node(node) is None:
                    self._objects.drop_incoming(node)

    def _set_bases(self, bases: list[tuple[NodeId, Base | None]]) -> None:
        """What is known already is no event: a run that proves it once more, as it does while
        something waits, leaves nothing in the journal."""
        records = [(int(node), None if base is None else to_record(base)) for node, base in bases]
        news = [(node, record) for node, record in records if record != self._ix.base(node)]
        if news:
            self._writer.record(events.BasesSet(self._now(), news))

    def _set_bases_apart(self, bases: list[tuple[NodeId, Base | None]]) -> None:
        """One that cannot be recorded keeps no other from it."""
        for each in bases:
            try:
                self._set_bases([each])
            except NotRecordable as error:
                log.warning(
                    "what the server has of node %d is left out: %s", each[0], error.strerror
                )

    # the local tree -------------------------------------------------------------------------------

    def place_folder(
        self, node: NodeId, base: Base, like: NodeId | None = None, *, was_here: bool = False
    ) -> None:
        self._place(node, base, FOLDER_MODE, like, was_here)

    def place_file(
        self, node: NodeId, base: Base, like: NodeId | None = None, *, was_here: bool = False
    ) -> None:
        self._place(node, base, FILE_MODE, like, was_here)

    def _place(
        self, node: NodeId, base: Base, mode: int, like: NodeId | None, was_here: bool
    ) -> None:
        name = place_name(base.place)
        check_free(self._ix, base.parent, name, node)
        if self._ix.node(node) is not None:
            raise FileExistsError(errno.EEXIST, "the node is here already")
        self._objects.drop_incoming(node)
        came_back = was_here or self._ix.base(node) is not None or self._is_inode(int(node))
        ino = int(self._writer.new_id()) if came_back else 0
        record, owner = to_record(base), system.OWNER
        kin = None if like is None else self._ix.node(like)
        xattrs: list[tuple[bytes, bytes | None]] = []
        if like is not None and kin is not None and kin.kind == record.kind:
            mode, owner = kin.mode, (kin.uid, kin.gid)
            table = self._ix.xattr_table
            xattrs = [(each, table.value(like, each)) for each in table.names(like)]
        self._writer.record(events.Placed(self._now(), node, record, mode, *owner, ino), grows=True)
        for each, value in xattrs:
            self._writer.record(events.XattrSet(self._now(), node, each, value), grows=True)
        self._writers.forget(node)  # whoever still writes has the former inode
        self._notifier.notify_entry(base.parent, name)
        self._notifier.notify_name(base.parent, name, None)

    def _is_inode(self, number: int) -> bool:
        """Whether something has this inode: a content that went to another node took it along."""
        holder = self._ix.node(self._ix.node_table.by_ino(number))
        return holder is not None and holder.ino == number

    def move_local(self, node: NodeId, target: Place, base: Base | None) -> None:
        name = place_name(target)
        record = require_node(self._ix, node)
        check_free(self._ix, target.parent, name, node)
        if is_within(self._ix, target.parent, node):
            raise FileNotFoundError(errno.ENOENT, "a folder cannot be moved into itself")
        new_base = None if base is None else to_record(base)
        self._writer.record(events.Moved(self._now(), node, target.parent, name, new_base))
        self._notifier.notify_entry(record.parent, record.name)
        self._notifier.notify_entry(target.parent, name)
        self._notifier.notify(AttrChanged(record.ino))
        self._notifier.notify_moved(record, target.parent, name)

    def touch_local(self, node: NodeId, mtime_ns: int, base: Base | None) -> None:
        """Sets the mtime. A file that nobody writes gets another inode: the kernel's writeback
        cache keeps the mtime of an inode that it knows, whatever it is told."""
        record = require_node(self._ix, node)
        renew = (
            record.kind == FILE
            and not record.writing
            and not self._reader.is_written_to(node, record)
        )
        parts = renew and record.links > 1
        ino = self._writer.new_id() if renew else record.ino
        number = self._ix.applied + 1
        event = events.Touched(
            self._now(), node, mtime_ns, None if base is None else to_record(base), ino, parts
        )
        if parts:
            self._writer.require_space()
        try:
            if parts:  # the file's other names keep their time
                self._objects.copy_object(record.owner, record.number, node, number)
            with self._notifier.unnaming([node] if renew else []):
                self._writer.record(event, grows=parts)
        except BaseException:
            if parts:
                self._objects.stray(number)
            raise
        if renew:
            self._notifier.notify_entry(record.parent, record.name)
        self._notifier.notify(AttrChanged(record.ino))
        if renew:
            self._notifier.notify_name(record.parent, record.name, (node, record))

    def delete_local(self, node: NodeId, *, keep: bool, why: str) -> None:
        if node == ROOT:
            raise ValueError("the root of a replica is never deleted")
        record = self._ix.node(node)
        arriving = [one for one in self._objects.all_arriving() if contains(self._ix, node, one)]
        shared = self._shared_below(node)
        with self._notifier.unnaming([] if record is None else below(self._ix, node, record)):
            self._writer.record(events.Deleted(self._now(), node, keep, recordable_text(why)))
        for one in arriving:
            self._objects.drop_incoming(one)
        if record is not None:
            self._notifier.notify_entry(record.parent, record.name)
            self._notifier.notify_name(record.parent, record.name, (node, record))
        for each in shared:
            self._notifier.notify_links(each)

    def _shared_below(self, top: int) -> list[Node]:
        """The node and those below it that share their file with others."""
        if not self._ix.linking:
            return []
        todo, shared = [top], []
        for node in todo:
            record = self._ix.node(node)
            if record is not None and record.kind == FOLDER:
                todo += [child for _, child in self._ix.children(node)]
            elif record is not None and record.links > 1:
                shared.append(record)
        return shared
