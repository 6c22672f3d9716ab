"""The bin: versions that lost here, and what was deleted.

Owns: the entries (the index's table ``bin`` and the folder ``bin``), and the leases under which
another thread may change an entry's folder.

Order: what comes to the bin is a file effect of its event, so an entry's files may still wait for a
commit; ``durable_entries`` tells those that are whole. ``restore`` first does all effects that
wait, then records, commits, and brings the files back before anybody can find their names.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from reconciler.model import NodeId
from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.store.content.objects import DEEP, Objects
from syncin_mount.store.conversions import to_bin_entry
from syncin_mount.store.durability.committer import Committer
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.index.index import Index
from syncin_mount.store.journal import events
from syncin_mount.store.records import U64, decode_bin
from syncin_mount.store.replica.change_notifier import ChangeNotifier
from syncin_mount.store.replica.posix_ops import check_name
from syncin_mount.store.replica.sync_tree import FILE_MODE, FOLDER_MODE, check_free
from syncin_mount.store.types import BinEntry, NodeType


class Bin:
    """An entry is named by the sequence number of the event that put it there."""

    def __init__(
        self,
        folder: Path,
        index: Index,
        objects: Objects,
        writer: EventWriter,
        committer: Committer,
        notifier: ChangeNotifier,
    ) -> None:
        self._folder = folder / "bin"
        self._ix = index
        self._objects = objects
        self._writer = writer
        self._now = writer.now_ns
        self._committer = committer
        self._notifier = notifier
        self._leased: set[int] = set()

    def entries(self) -> list[BinEntry]:
        """What is in the bin, oldest first."""
        return [
            to_bin_entry(U64.unpack(place)[0], decode_bin(raw))
            for place, raw in self._ix.items("bin")
        ]

    def entry(self, sequence: int) -> BinEntry | None:
        """One of them, None where it is not there."""
        raw = self._ix.txn.get(U64.pack(sequence), db=self._ix.bin)
        return None if raw is None else to_bin_entry(sequence, decode_bin(raw))

    def empty(self, sequences: Iterable[int] | None = None) -> None:
        """Removes these entries, or all, for good. Blocks for syncs of the file system. KeyError
        for one that is not there, OSError (EBUSY)."""
        there = [entry.sequence for entry in self.entries()]
        wanted = there if sequences is None else list(sequences)
        if unknown := set(wanted) - set(there):
            raise KeyError(min(unknown))
        if wanted:
            self._check_staying(wanted)
            self.drop(wanted)
            self._committer.commit_all()

    def drop(self, sequences: list[int]) -> None:
        """``empty`` of entries that are elsewhere by now: their files go with a later
        commit."""
        self._writer.record(events.BinDropped(self._now(), sequences))

    def durable_entries(self) -> list[BinEntry]:
        """The entries that are whole, on the disk too: nothing of them waits for a commit or a sync
        any more, nor would be done again after a power cut. Oldest first."""
        entries, before = self.entries(), self._committer.durable_before()
        return [each for each in entries if before is None or each.sequence < before]

    def folder(self) -> bytes:
        """Where the bin's content lies: ``NUMBER/…`` and ``NUMBER.json`` for each entry. Only to be
        read."""
        return os.fsencode(self._folder)

    def open(self, sequence: int) -> int:
        """A descriptor to read an entry that is a file; nothing is brought back, and it stays good
        when the entry goes. Where effects wait, it blocks for syncs of the file system.

        Raises KeyError for no such entry; OSError: EISDIR for a folder, ELOOP for a link, EBUSY.
        """
        self._check_staying([sequence])
        entry = next((each for each in self.entries() if each.sequence == sequence), None)
        if entry is None:
            raise KeyError(sequence)
        if self._committer.effects_wait():
            self._committer.commit_all()
        place = os.path.join(self._objects.bin_place(sequence), entry.name)
        if entry.is_folder or os.path.isdir(place):
            raise OSError(errno.EISDIR, Phrase("it is a folder"))
        return system.open_file(place, system.READ | system.NO_FOLLOW)

    @contextlib.contextmanager
    def lease(self, sequence: int) -> Iterator[bytes]:
        """For as long as this lasts, the entry is neither restored nor emptied (EBUSY), and its
        folder, which this gives, may be changed by another thread. In the end ``drop`` it, or
        leave in the folder what was there."""
        self._leased.add(sequence)
        try:
            yield self._objects.bin_place(sequence)
        finally:
            self._leased.discard(sequence)

    def _check_staying(self, sequences: Iterable[int]) -> None:
        if not self._leased.isdisjoint(sequences):
            raise OSError(errno.EBUSY, Phrase("it is just being put into the desktop's trash"))

    def restore(self, sequence: int, parent: NodeId, name: bytes) -> NodeId:
        """Brings an entry back as a new node; it counts as made by the user. Nothing is ever
        overwritten. Where effects wait, it blocks for syncs of the file system, else for a commit.

        Raises KeyError for no such entry; OSError: EEXIST, ENOENT, ENAMETOOLONG, EBUSY.
        """
        check_name(name)
        self._check_staying([sequence])
        check_free(self._ix, parent, name, 0)
        entry = next((each for each in self.entries() if each.sequence == sequence), None)
        if entry is None:
            raise KeyError(sequence)
        if self._committer.effects_wait():
            self._committer.commit_all()
        nodes = self._scan(sequence, entry.name, parent, name)
        event = events.BinRestored(self._now(), sequence, *system.OWNER, nodes)
        self._writer.record_local(event, grows=True)
        self._committer.commit_with_effects()
        self._notifier.notify_new_name(parent, name)
        return NodeId(nodes[0].node)

    def _scan(self, sequence: int, top: bytes, parent: int, name: bytes) -> list[events.Restored]:
        """What lies in the bin's folder, as nodes to be made, parents first."""
        place = self._objects.bin_place(sequence)
        nodes: list[events.Restored] = []
        todo: list[tuple[int, bytes, bytes]] = [(parent, name, top)]
        while todo:
            above, called, path = todo.pop()
            full = system.long_path(place + b"/" + path)
            found = os.lstat(full) if os.path.lexists(full) else None
            node = int(self._writer.new_id())
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
            if path == top and os.path.lexists(os.path.join(place, DEEP)):
                todo.append((node, DEEP, DEEP))
            size = 0 if found is None or kind is NodeType.FOLDER else found.st_size
            mtime = self._now() if found is None else found.st_mtime_ns
            nodes.append(
                events.Restored(node, above, called, int(kind), mode, size, mtime, target, path)
            )
        return nodes
