"""What the reconciler does: ``reconciler.ports.Replica`` where it changes something, and the
bin."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from reconciler.errors import LocalChanged
from reconciler.model import Base, Leftover, NodeId, Outcome, Place
from reconciler.ports import Incoming
from syncin_mount.store import system
from syncin_mount.store.content.handles import IncomingFile
from syncin_mount.store.content.objects import DEEP
from syncin_mount.store.errors import NotRecordable
from syncin_mount.store.index.apply_sync import arrives
from syncin_mount.store.index.tables import ROOT
from syncin_mount.store.journal import events
from syncin_mount.store.records import (
    FILE,
    FOLDER,
    U64,
    LeftoverRecord,
    Node,
    UnconfirmedRecord,
    key,
)
from syncin_mount.store.replica.changes import AttrChanged, EntryChanged, NameChanged
from syncin_mount.store.replica.lookups import place_name, to_attr, to_record
from syncin_mount.store.replica.posix_ops import check_name
from syncin_mount.store.replica.unlinked_inodes import Unnaming
from syncin_mount.store.types import BinEntry, NodeType

log = logging.getLogger(__name__)

T = TypeVar("T")

BATCH = 500
FILE_MODE, FOLDER_MODE = 0o644, 0o755


class SyncOperations(Unnaming):
    """Each method is one event. Listeners are told after it what the kernel may have remembered
    wrongly."""

    def notify_attr_changed(self, ino: int) -> None:
        """Has listeners told that the inode's attributes may be remembered wrongly, though nothing
        changed."""
        self._tell(AttrChanged(ino))

    def tell_entry(self, parent: NodeId, name: bytes) -> None:
        """Has listeners told that the name came: the kernel did not do it."""
        self._tell_entry(parent, name)
        self._tell_name(parent, name, None)

    def _tell_entry(self, parent: int, name: bytes) -> None:
        if self._listeners:
            folder = self._ix.node(parent)
            if folder is not None:
                self._tell(EntryChanged(folder.ino, name), AttrChanged(folder.ino))

    def _tell_name(self, parent: int, name: bytes, was: tuple[int, Node] | None) -> None:
        """What became of the name, which ``was`` (node and record) had."""
        folder = self._ix.peek(parent) if self._listeners else None
        if folder is not None:
            self._tell(NameChanged(folder.ino, name, None if was is None else to_attr(*was)))

    def _tell_moved(self, was: Node, parent: int, name: bytes) -> None:
        above, new_above = self._ix.peek(was.parent), self._ix.peek(parent)
        if self._listeners and above is not None and new_above is not None:
            self._tell(NameChanged(above.ino, was.name, None, (new_above.ino, name)))

    # bases ----------------------------------------------------------------------------------------

    def set_base(self, node: NodeId, base: Base | None) -> None:
        self.set_bases([(node, base)])

    def set_bases(self, bases: Iterable[tuple[NodeId, Base | None]]) -> None:
        for batch in _batched(bases):
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
        records = [(int(node), None if base is None else to_record(base)) for node, base in bases]
        self._do(events.BasesSet(self._now(), records))

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

    def _check_free(self, parent: int, name: bytes, node: int) -> None:
        if self._node(parent).kind != FOLDER:
            raise FileNotFoundError(errno.ENOENT, "the parent is not a folder")
        if self._ix.entry(parent, name) not in {None, node}:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    def place_folder(self, node: NodeId, base: Base, like: NodeId | None = None) -> None:
        self._place(node, base, FOLDER_MODE, like)

    def place_file(self, node: NodeId, base: Base, like: NodeId | None = None) -> None:
        self._place(node, base, FILE_MODE, like)

    def _place(self, node: NodeId, base: Base, mode: int, like: NodeId | None) -> None:
        name = place_name(base.place)
        self._check_free(base.parent, name, node)
        if self._ix.node(node) is not None:
            raise FileExistsError(errno.EEXIST, "the node is here already")
        self._objects.drop_incoming(node)
        came_back = self._ix.base(node) is not None
        ino = int(self.new_id()) if came_back else 0
        record, owner = to_record(base), system.OWNER
        kin = None if like is None else self._ix.node(like)
        xattrs: list[tuple[bytes, bytes | None]] = []
        if like is not None and kin is not None and kin.kind == record.kind:
            mode, owner = kin.mode, (kin.uid, kin.gid)
            xattrs = [(each, self._ix.xattr(like, each)) for each in self._ix.xattr_names(like)]
        self._do(events.Placed(self._now(), node, record, mode, *owner, ino), grows=True)
        for each, value in xattrs:
            self._do(events.XattrSet(self._now(), node, each, value), grows=True)
        self._writers.pop(node, None)  # whoever still writes has the former inode
        self._tell_entry(base.parent, name)
        self._tell_name(base.parent, name, None)

    def move_local(self, node: NodeId, target: Place, base: Base | None) -> None:
        name = place_name(target)
        record = self._node(node)
        self._check_free(target.parent, name, node)
        at: int = target.parent
        while at not in {node, ROOT}:
            at = self._node(at).parent
        if at == node:
            raise FileNotFoundError(errno.ENOENT, "a folder cannot be moved into itself")
        new_base = None if base is None else to_record(base)
        self._do(events.Moved(self._now(), node, target.parent, name, new_base))
        self._tell_entry(record.parent, record.name)
        self._tell_entry(target.parent, name)
        self._tell(AttrChanged(record.ino))
        self._tell_moved(record, target.parent, name)

    def touch_local(self, node: NodeId, mtime_ns: int, base: Base | None) -> None:
        """Sets the mtime. A file that nobody writes gets another inode: the kernel's writeback
        cache keeps the mtime of an inode that it knows, whatever it is told."""
        record = self._node(node)
        renew = record.kind == FILE and not record.writing and not self._is_written_to(node, record)
        parts = renew and record.links > 1
        ino = self.new_id() if renew else record.ino
        number = self._ix.applied + 1
        event = events.Touched(
            self._now(), node, mtime_ns, None if base is None else to_record(base), ino, parts
        )
        if parts:
            self.require_space()
        try:
            if parts:  # the file's other names keep their time
                self._objects.copy_object(record.owner, record.number, node, number)
            with self._unnaming([node] if renew else []):
                self._do(event, grows=parts)
        except BaseException:
            if parts:
                self._objects.stray(number)
            raise
        if renew:
            self._tell_entry(record.parent, record.name)
        self._tell(AttrChanged(record.ino))
        if renew:
            self._tell_name(record.parent, record.name, (node, record))

    def delete_local(self, node: NodeId, *, keep: bool, why: str) -> None:
        if node == ROOT:
            raise ValueError("the root of a replica is never deleted")
        record = self._ix.node(node)
        arriving = [one for one in self._objects.all_arriving() if self._has_above(one, node)]
        shared = self._shared_below(node)
        with self._unnaming([] if record is None else self._below(node, record)):
            self._do(events.Deleted(self._now(), node, keep, _text(why)))
        for one in arriving:
            self._objects.drop_incoming(one)
        if record is not None:
            self._tell_entry(record.parent, record.name)
            self._tell_name(record.parent, record.name, (node, record))
        for each in shared:
            self._tell_links(each)

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

    def _tell_links(self, record: Node) -> None:
        """Has listeners told that the file of a node that left has fewer names now."""
        if record.links > 1 and record.kind != FOLDER:
            self._tell(AttrChanged(record.ino))

    def _has_above(self, node: int, top: int) -> bool:
        """Whether the node is ``top`` or below it."""
        while node not in {top, ROOT}:
            record = self._ix.node(node)
            if record is None:
                return False
            node = record.parent
        return node == top

    # contents -------------------------------------------------------------------------------------

    def incoming(self, node: NodeId, size: int, mtime: int) -> IncomingFile:
        """Raises OSError (ENOSPC), FileNotFoundError when there is no such file."""
        record = self._node(node)
        if record.kind != FILE:
            raise FileNotFoundError(errno.ENOENT, "the node is no file")
        self.require_space()
        return self._objects.incoming(node, size, mtime)

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
            or self._is_written_to(node, record)
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
        ino = record.ino if same else self.new_id()
        number = self._ix.applied + 1
        self._objects.take(incoming, number)
        try:
            with self._unnaming([] if same else [node]):
                self._do(events.TakenIn(self._now(), node, new_base, ino, keep, _text(why)))
        except BaseException:
            self._objects.undo_install(incoming, number)
            raise
        self._objects.taken(incoming, number)
        if ino != record.ino:
            self._tell_entry(record.parent, record.name)
            self._tell_name(record.parent, record.name, (node, record))
            self._tell_links(record)

    def copy_to_bin(self, node: NodeId, why: str) -> None:
        record = self._node(node)
        if record.kind != FILE or not record.present:
            return
        sequence = self._ix.applied + 1
        self._objects.copy_to_bin(
            sequence, record.name, record.owner, record.number, record.size, record.mtime
        )
        try:
            self._do(events.Copied(self._now(), node, _text(why)))
        except BaseException:
            self._objects.stray(sequence)
            raise

    def drop_stale_incoming(self, before_ns: int) -> None:
        for node in self._objects.stale_incoming(before_ns):
            base, record = self._ix.base(node), self._ix.node(node)
            awaited = f"{node}-{base.size}-{base.mtime}" if base is not None else None
            if record is None or record.present or self._objects.arriving(node) != awaited:
                self._objects.drop_incoming(node)

    # what was left on the server ------------------------------------------------------------------

    def note_leftover(self, leftover: Leftover) -> None:
        name, sent, unconfirmed = (
            place_name(Place(leftover.parent, leftover.name)),
            leftover.unconfirmed,
            None,
        )
        if sent is not None:
            called = os.fsencode(sent.name)
            unconfirmed = UnconfirmedRecord(
                sent.node,
                called,
                sent.mtime,
                sent.version,
                sent.checksum,
                sent.new,
                sent.mtime_here,
            )
        left = LeftoverRecord(
            leftover.size, leftover.seen_ns, leftover.seen_size, leftover.seen_mtime_ms, unconfirmed
        )
        self._do(events.LeftoverNoted(self._now(), leftover.parent, name, left))

    def drop_leftover(self, parent: NodeId, name: str) -> None:
        raw = os.fsencode(name)
        if self._ix.txn.get(key(parent) + raw, db=self._ix.leftovers) is not None:
            self._do(events.LeftoverNoted(self._now(), parent, raw, None))

    # checksums ------------------------------------------------------------------------------------

    def counted(self, contents: Iterable[tuple[NodeId, int, str]]) -> None:
        """Keeps SHA-512/256 (hex) of contents in these versions, for ``checksum_of``. Counted of
        what the version was before and after; those of versions that are out of date are
        dropped."""
        for batch in _batched(contents):
            sums = [
                (int(node), version, bytes.fromhex(checksum)) for node, version, checksum in batch
            ]
            self._do(events.Counted(self._now(), sums))

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
        self._do(events.Rotted(self._now(), node, self.new_id(), left, _text(why)))
        self._tell_entry(record.parent, record.name)
        return True

    # history --------------------------------------------------------------------------------------

    def begin_run(self) -> None:
        self.history.begin_run()

    def record(self, outcome: Outcome, path: str, new_path: str | None) -> None:
        self.history.record(outcome, path, new_path)

    # the bin --------------------------------------------------------------------------------------

    def bin_empty(self, sequences: Iterable[int] | None = None) -> None:
        """Removes these entries, or all, for good. Blocks for syncs of the file system. KeyError
        for one that is not there, OSError (EBUSY)."""
        there = [entry.sequence for entry in self.bin_entries()]
        wanted = there if sequences is None else list(sequences)
        if unknown := set(wanted) - set(there):
            raise KeyError(min(unknown))
        if wanted:
            self._check_staying(wanted)
            self.bin_drop(wanted)
            self._do_all_effects()

    def bin_drop(self, sequences: list[int]) -> None:
        """``bin_empty`` of entries that are elsewhere by now: their files go with a later
        commit."""
        self._do(events.BinDropped(self._now(), sequences))

    def durable_bin_entries(self) -> list[BinEntry]:
        """The entries that are whole, on the disk too: nothing of them waits for a commit or a sync
        any more, nor would be done again after a power cut. Oldest first."""
        if self._swept > self._ix.committed:
            return []
        first = next(self._ix.items("effects"), None)
        entries = self.bin_entries()
        if first is None:
            return entries
        waits_from = U64.unpack_from(first[0])[0]
        return [entry for entry in entries if entry.sequence < waits_from]

    def bin_folder(self) -> bytes:
        """Where the bin's content lies: ``NUMBER/…`` and ``NUMBER.json`` for each entry. Only to be
        read."""
        return os.fsencode(self.folder / "bin")

    @contextlib.contextmanager
    def lease_bin_entry(self, sequence: int) -> Iterator[bytes]:
        """For as long as this lasts, the entry is neither restored nor emptied (EBUSY), and its
        folder, which this gives, may be changed by another thread. In the end ``bin_drop`` it, or
        leave in the folder what was there."""
        self._leaving.add(sequence)
        try:
            yield self._objects.bin_place(sequence)
        finally:
            self._leaving.discard(sequence)

    def _check_staying(self, sequences: Iterable[int]) -> None:
        if not self._leaving.isdisjoint(sequences):
            raise OSError(errno.EBUSY, "it is just being put into the desktop's trash")

    def bin_restore(self, sequence: int, parent: NodeId, name: bytes) -> NodeId:
        """Brings an entry back as a new node; it counts as made by the user. Nothing is ever
        overwritten. Where effects wait, it blocks for syncs of the file system, else for a commit.

        Raises KeyError for no such entry; OSError: EEXIST, ENOENT, ENAMETOOLONG, EBUSY.
        """
        check_name(name)
        self._check_staying([sequence])
        self._check_free(parent, name, 0)
        entry = next((entry for entry in self.bin_entries() if entry.sequence == sequence), None)
        if entry is None:
            raise KeyError(sequence)
        if self.effects_wait():
            self._do_all_effects()
        nodes = self._scan_bin(sequence, entry.name, parent, name)
        event = events.BinRestored(self._now(), sequence, *system.OWNER, nodes)
        self._local_change(self._do(event, grows=True))
        self._commit_index()
        self._do_effects(None, most=None)  # nobody may find the names without their contents
        self.tell_entry(parent, name)
        return NodeId(nodes[0].node)

    def _scan_bin(
        self, sequence: int, top: bytes, parent: int, name: bytes
    ) -> list[events.Restored]:
        """What lies in the bin's folder, as nodes to be made, parents first."""
        place = self._objects.bin_place(sequence)
        nodes: list[events.Restored] = []
        todo: list[tuple[int, bytes, bytes]] = [(parent, name, top)]
        while todo:
            above, called, path = todo.pop()
            full = place + b"/" + path
            found = os.lstat(full) if os.path.lexists(full) else None
            node = int(self.new_id())
            kind, mode, target = NodeType.FILE, FILE_MODE, b""
            if os.path.islink(full):
                kind, mode, target = NodeType.SYMLINK, 0o777, os.readlink(full)
            elif found is None:  # all that was kept of the folder had too long a path
                kind, mode = NodeType.FOLDER, FOLDER_MODE
            elif os.path.isdir(full):
                kind, mode = NodeType.FOLDER, FOLDER_MODE
                todo += [
                    (node, child, path + b"/" + child)
                    for child in sorted(os.listdir(full), reverse=True)
                ]
            if path == top and os.path.lexists(place + b"/" + DEEP):
                todo.append((node, DEEP, DEEP))
            size = 0 if found is None or kind is NodeType.FOLDER else found.st_size
            mtime = self._now() if found is None else found.st_mtime_ns
            nodes.append(
                events.Restored(node, above, called, int(kind), mode, size, mtime, target, path)
            )
        return nodes


def _text(why: str) -> str:
    """The reason as the journal can hold it: names in it may have surrogates."""
    return why.encode("utf-8", "replace").decode()


def _batched(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
