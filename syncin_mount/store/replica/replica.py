"""The replica: the local store of one synchronization, made of parts.

`Replica` opens and closes the parts, and has no other idea of its own. Who needs one subject takes
the part (``replica.bin``, ``replica.local_changes``, ``replica.durability``); the reconciler's port
and the file system find their calls on the replica itself, bound to the parts that do them.
"""

from __future__ import annotations

import logging
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

import lmdb
import msgspec

from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.store import format_version, lock
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.durability.committer import Committer
from syncin_mount.store.durability.content_durability import ContentDurability
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.durability.open_recovery import OpenRecovery
from syncin_mount.store.errors import IndexDamaged, ReplicaError
from syncin_mount.store.history.history import History
from syncin_mount.store.index.environment import MAP_SIZE
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.lmdb_errors import as_os_error
from syncin_mount.store.journal.log import SEGMENT_BYTES, Journal
from syncin_mount.store.journal.reserve import NO_ROOM, RESERVE_BYTES, Reserve
from syncin_mount.store.recovery import salvage
from syncin_mount.store.recovery.repair_swap import finish_repair
from syncin_mount.store.replica.bin import Bin
from syncin_mount.store.replica.change_notifier import ChangeNotifier
from syncin_mount.store.replica.contents import Contents
from syncin_mount.store.replica.local_changes import LocalChanges
from syncin_mount.store.replica.open_writers import OpenWriters
from syncin_mount.store.replica.posix_ops import PosixOperations
from syncin_mount.store.replica.posix_reader import PosixReader
from syncin_mount.store.replica.state_reader import StateReader
from syncin_mount.store.replica.sync_tree import SyncTree
from syncin_mount.store.replica.tree_reader import ReplicaSnapshot, TreeReader
from syncin_mount.store.replica.upload_log import UploadLog

if TYPE_CHECKING:
    from reconciler import ports

log = logging.getLogger(__name__)


class Replica:
    """``Replica.open`` makes one.

    To be used from one thread, but for ``sync_journal``, ``durability.sync_contents``,
    ``committer.sync_files`` and ``Content.sync``.
    """

    def __init__(
        self,
        folder: Path,
        lock_fd: int,
        *,
        now_ns: Callable[[], int],
        map_size: int,
        segment_bytes: int,
        reserve_bytes: int,
        sync_disk: Callable[[Path], None],
    ) -> None:
        """Internal: use ``Replica.open``."""
        self.folder = folder
        self._lock_fd = lock_fd
        self._closed = False
        finish_repair(folder)
        salvage.refuse_damaged(folder)
        for name in ("index", "journal"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        self._reserve = Reserve(folder / "reserve", reserve_bytes, self._files_that_grow)
        self._objects = Objects(folder, self._reserve.require_space)
        self._objects.make_folders()
        format_version.write_format(folder)
        self._journal = Journal(folder / "journal", self._reserve, segment_bytes=segment_bytes)
        self._ix = Index(folder / "index", map_size)
        self.history = History(folder / "history.sqlite", now_ns)
        self._make_parts(now_ns, sync_disk)
        self._bind_reconciler()
        self._bind_file_system()

    def _make_parts(self, now_ns: Callable[[], int], sync_disk: Callable[[Path], None]) -> None:
        folder, index, objects = self.folder, self._ix, self._objects
        self.writer = EventWriter(folder, index, self._journal, self._reserve, now_ns=now_ns)
        self.committer = Committer(
            folder, index, self._journal, self._reserve, objects, self.writer, sync_disk=sync_disk
        )
        self.durability = ContentDurability(folder, index, objects, self.writer, self.committer)
        self._writers, self._pins = OpenWriters(), OpenWriters()
        self.reader = TreeReader(index, self._writers, self._pins)
        self.states = StateReader(index, self.reader)
        self.posix_reader = PosixReader(folder, index, objects)
        self.posix = PosixOperations(index, objects, self.writer, self.posix_reader)
        self.notifier = ChangeNotifier(index, self.posix_reader)
        shared = (index, objects, self.writer, self.reader, self._writers, self.notifier)
        self.contents = Contents(*shared)
        self.sync_tree = SyncTree(*shared)
        self.uploads = UploadLog(index, self.writer)
        self.local_changes = LocalChanges(*shared, self.sync_tree, self.uploads)
        self.bin = Bin(folder, index, objects, self.writer, self.committer, self.notifier)

    def _bind_reconciler(self) -> None:
        """``reconciler.ports.Replica``."""
        self.sequence = self.writer.sequence
        self.identity_moves = self.writer.identity_moves
        self.new_id = self.writer.new_id
        self.wait_local_change = self.writer.wait_local_change

        reader = self.reader
        self.base = reader.base
        self.local = reader.local
        self.base_entry = reader.base_entry
        self.base_by_inode = reader.base_by_inode
        self.base_children = reader.base_children
        self.local_child = reader.local_child
        self.local_children = reader.local_children
        self.base_path = reader.base_path
        self.local_path = reader.local_path
        self.dirty = reader.dirty
        self.is_held = reader.is_held
        self.being_written = reader.being_written
        self.changed_ns = reader.changed_ns
        self.base_nodes = reader.base_nodes
        self.base_count = reader.base_count
        self.base_sums = reader.base_sums
        self.count_bases = reader.count_bases
        self.dirty_count = reader.dirty_count

        tree = self.sync_tree
        self.set_base = tree.set_base
        self.set_bases = tree.set_bases
        self.place_folder = tree.place_folder
        self.place_file = tree.place_file
        self.move_local = tree.move_local
        self.touch_local = tree.touch_local
        self.delete_local = tree.delete_local

        contents = self.contents
        self.open_content = contents.open_content
        self.incoming = contents.incoming
        self.install_content = contents.install_content
        self.drop_stale_incoming = contents.drop_stale_incoming
        self.absent = contents.absent
        self.sent_name = contents.sent_name
        self.copy_to_bin = contents.copy_to_bin
        self.rotted = contents.rotted
        self.checksum_of = contents.checksum_of
        self.counted = contents.counted

        self.note_leftover = self.uploads.note_leftover
        self.drop_leftover = self.uploads.drop_leftover
        self.leftovers = self.uploads.leftovers
        self.begin_run = self.history.begin_run
        self.record = self.history.record

    def _bind_file_system(self) -> None:
        """What ``syncin_mount.vfs`` uses besides."""
        reader = self.posix_reader
        self.attr = reader.attr
        self.blocks = reader.blocks
        self.by_ino = reader.by_ino
        self.lookup = reader.lookup
        self.look = reader.look
        self.use_name_keys = reader.use_name_keys
        self.children = reader.children
        self.keep_content = reader.keep_content
        self.get_xattr = reader.get_xattr
        self.list_xattrs = reader.list_xattrs
        self.statfs = reader.statfs
        self.status = reader.status

        posix = self.posix
        self.create = posix.create
        self.link = posix.link
        self.set_attr = posix.set_attr
        self.begin_write = posix.begin_write
        self.written = posix.written
        self.doubt = posix.doubt
        self.rename = posix.rename
        self.unlink = posix.unlink
        self.rmdir = posix.rmdir
        self.set_xattr = posix.set_xattr
        self.remove_xattr = posix.remove_xattr
        self.opened_for_write = self._writers.opened
        self.closed_for_write = self._writers.closed
        self.pinned = self._pins.opened
        self.unpinned = self._pins.closed

        self.listen = self.notifier.listen
        self.keep_unnamed = self.notifier.keep_unnamed
        self.notify_attr_changed = self.notifier.notify_attr_changed
        self.tell_entry = self.notifier.notify_new_name
        self.sync_journal = self.committer.sync_journal
        self.require_space = self._reserve.require_space

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        now_ns: Callable[[], int] = time.time_ns,
        boot_id: str | None = None,
        map_size: int = MAP_SIZE,
        segment_bytes: int = SEGMENT_BYTES,
        reserve_bytes: int = RESERVE_BYTES,
        sync_disk: Callable[[Path], None] | None = None,
        look: bool = False,
    ) -> Self:
        """Opens a replica, making it in an empty or missing folder; repairs what the last process
        left. ``look``: it is closed again in a moment, and others wait for that.

        Raises ReplicaInUse, NewerFormat, JournalDamaged or another ReplicaError, and OSError. The
        other keyword arguments are for tests. Blocks for as long as the replay takes (well under a
        second, but after a failure to commit).
        """
        folder = Path(folder)
        format_version.prepare_folder(folder)
        lock_fd = lock.take_lock(folder, look=look)
        replica: Self | None = None
        try:
            replica = cls(
                folder,
                lock_fd,
                now_ns=now_ns,
                map_size=map_size,
                segment_bytes=segment_bytes,
                reserve_bytes=reserve_bytes,
                sync_disk=sync_disk or system.sync_file_system,
            )
            replica._recover(boot_id or system.boot_id())
        except BaseException as error:
            if replica is not None:
                replica._let_go()
            else:
                os.close(lock_fd)
            if isinstance(error, _OF_DAMAGE):
                raise salvage.damaged(folder, f"{type(error).__name__}: {error}") from error
            cause = as_os_error(error) if isinstance(error, lmdb.Error) else error
            if isinstance(cause, OSError) and cause.errno in NO_ROOM:
                raise ReplicaError(
                    Phrase(
                        "the disk that holds {folder} is full; nothing is lost: make some MB of"
                        " room there, and start again.",
                        folder=folder,
                    )
                ) from error
            if cause is error:
                raise
            raise cause from error
        return replica

    def _recover(self, boot: str) -> None:
        OpenRecovery(
            self.folder,
            self._ix,
            self._journal,
            self._reserve,
            self._objects,
            self.writer,
            self.committer,
            self.durability,
        ).run(boot)

    def _files_that_grow(self) -> list[Path]:
        return [
            self.folder / "index" / "data.mdb",
            *(path for _, path in self._journal.segments()[-1:]),
        ]

    def commit(self, *, effects_until: int | None = None) -> None:
        """See ``Committer.commit``."""
        self.committer.commit(effects_until=effects_until)

    # snapshots ------------------------------------------------------------------------------------

    def snapshot(self, ids: int = 0) -> ReplicaSnapshot:
        """The present state, with so many ids for new nodes; those that end unused are lost. Blocks
        for a commit."""
        if self._ix.applied != self._ix.committed:
            self.writer.commit_index()
        snapshot = self._ix.environment.snapshot()
        return ReplicaSnapshot(snapshot, self._writers, self._pins, self.writer.new_ids(ids))

    def has_open_snapshot(self) -> bool:
        """Whether a snapshot is being read: a commit would end it."""
        return self._ix.environment.has_open_snapshot()

    # close ----------------------------------------------------------------------------------------

    def last_event(self) -> int:
        """The number of the latest event that is in here."""
        return self._ix.applied

    def close(self) -> None:
        """Syncs contents, commits and lets go of the folder. Open contents stay usable. Twice is
        harmless. Where the disk refuses something, it is as if the process had been killed: the
        next start does it."""
        if self._closed:
            return
        try:
            contents = self.durability.unsynced_contents()
            self.durability.sync_contents(contents)
            self.durability.mark_synced(contents)
            self.commit()
            # on a full disk the file could not be made again
            if not self.durability.has_failures() and self._reserve.whole:
                system.discard(self.folder / "running")
        except OSError as error:
            log.warning(
                "the local disk refused the last commit (%s); nothing is lost, the next start"
                " does it",
                error,
            )
        finally:
            self._let_go()

    def abandon(self) -> None:
        """Lets go of a folder that is not wanted any more, and brings nothing to the disk."""
        if not self._closed:
            self._let_go()

    def _let_go(self) -> None:
        self._closed = True
        self._journal.close()
        self._ix.close()
        self.history.close()
        os.close(self._lock_fd)


_OF_DAMAGE = (
    lmdb.InvalidError,
    lmdb.CorruptedError,
    lmdb.PageNotFoundError,
    lmdb.VersionMismatchError,
    msgspec.MsgspecError,
    struct.error,
    LookupError,
    AssertionError,
    IndexDamaged,
)
"""What an index or a record that is something else than what was written makes of a start."""


if TYPE_CHECKING:

    def _is_a_port(replica: Replica) -> ports.Replica:
        return replica
