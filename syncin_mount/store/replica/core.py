"""The replica's engine: an event goes to the index, then to the journal; the index is committed now
and then.

What each kind of stop leaves, and why the next start repairs it:

* Killed between index and journal: the index is in memory until commit, so it lacks all events
  since then, the last one too, which did not happen. Replay.
* Killed inside commit: LMDB has the old or the new state, with its number in it. Replay from that
  number.
* Killed before, within or after the effects (objects unlinked or moved to the bin): effects are
  records of the committed index and stay until an event says that they are done; doing them twice
  is harmless. An effect is never done before its event is durable, so no state that can come back
  misses a file; and it is never said to be done before it is on the disk itself.
* Killed while an incoming file became an object and before the event: the object has the number of
  the event that comes next; it goes to the bin at start, and the content is fetched again.
* Killed between begin_write and written: the node is marked; start takes size and time from its
  object.
* Power cut: the index is as last committed (commit syncs), the journal is whole up to its last sync
  and ends somewhere behind it. Contents that were not synced may be anything. ``unsynced`` lists
  them: where the server has the same version they are made absent and fetched again; the others are
  taken as they are, as on any local file system, unless they are torn and the server has an older
  version: then that one comes back, and the remains go to the bin. Bytes of incoming files are not
  trusted.
"""

from __future__ import annotations

import errno
import functools
import logging
import os
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import lmdb
import msgspec

from reconciler.model import NodeId
from syncin_mount.store import atomic_file, format_version, lock, system
from syncin_mount.store.content.objects import Object, Objects
from syncin_mount.store.errors import IndexDamaged, ReplicaError
from syncin_mount.store.history.history import History
from syncin_mount.store.index.apply import apply
from syncin_mount.store.index.index import Index
from syncin_mount.store.journal import events
from syncin_mount.store.journal.event_bounds import proved
from syncin_mount.store.journal.log import NO_ROOM, RESERVE_BYTES, SEGMENT_BYTES, Journal, Reserve
from syncin_mount.store.records import (
    FILE,
    U64,
    U64X2,
    AnyEffect,
    CopyToBin,
    DropBin,
    FromBin,
    Node,
    ToBin,
    Unlink,
    decode_effect,
    decode_node,
    key,
)
from syncin_mount.store.recovery import salvage
from syncin_mount.store.recovery.consistency import compare_index
from syncin_mount.store.recovery.failed_syncs import FailedSyncs, rewrite_content
from syncin_mount.store.recovery.power_cut import recover_overwritten
from syncin_mount.store.recovery.repair_swap import finish_repair
from syncin_mount.store.recovery.replay import replay
from syncin_mount.store.recovery.set_aside import SetAside
from syncin_mount.store.replica.tree_reader import TreeReader
from syncin_mount.store.types import Awaited

log = logging.getLogger(__name__)

T = TypeVar("T")

MAP_SIZE: Final = 1 << 30
EFFECTS_A_COMMIT: Final = 256
STRAYS_AN_ENTRY: Final = 10_000
STRAYED: Final = "nothing told whose it was after the program or the computer was stopped"
_FULL: Final = (
    "the disk that holds {} is full; nothing is lost: make some MB of room there, and start again."
)
TORN: Final = "the computer stopped before what was saved was on the disk; this much was"


class Core(TreeReader):
    """Opening, recording, committing, closing. The operations are in the subclasses."""

    _ix: Index
    _writers: dict[int, int]

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
        self._now = now_ns
        self._sync_disk = sync_disk
        finish_repair(folder)
        salvage.refuse_damaged(folder)
        for name in ("index", "journal"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        self._objects = Objects(folder, self.require_space)
        self._objects.make_folders()
        format_version.write_format(folder)
        self._reserve = Reserve(folder / "reserve", reserve_bytes, self._files_that_grow)
        self._journal = Journal(folder / "journal", self._reserve, segment_bytes=segment_bytes)
        self._ix = Index(folder / "index", map_size)
        self.history = History(folder / "history.sqlite", now_ns)
        self._next_id = 0
        self._writers = {}
        self._leaving: set[int] = set()  # entries of the bin
        self._last_local = 0
        # effects up to this key are done, and perhaps not on the disk yet
        self._done: bytes | None = None
        # they are, up to this one; set by the thread of ``sync_files``
        self._on_disk: bytes | None = None
        self._swept = 0  # the event that said so last
        # the index lacks events of the journal, as it could not be read when they were lost
        self._behind = False
        self._doubt = FailedSyncs(folder / "running")
        self.set_aside = SetAside(folder)
        self._closed = False

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
    ) -> Self:
        """Opens a replica, making it in an empty or missing folder; repairs what the last process
        left.

        Raises ReplicaInUse, NewerFormat, JournalDamaged or another ReplicaError, and OSError. The
        keyword arguments are for tests. Blocks for as long as the replay takes (well under a
        second, but after a failure to commit).
        """
        folder = Path(folder)
        format_version.prepare_folder(folder)
        lock_fd = lock.take_lock(folder)
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
                raise ReplicaError(_FULL.format(folder)) from error
            if cause is error:
                raise
            raise cause from error
        return replica

    # start ----------------------------------------------------------------------------------------

    def _recover(self, boot: str) -> None:
        running = self.folder / "running"
        before = running.read_text(errors="replace").strip() if running.exists() else None
        power_cut = before is not None and before != boot
        self._replay(torn=True, power_cut=power_cut, clean=before is None)
        ix = self._ix
        self._objects.stray(ix.applied + 1)
        if power_cut:
            self._drop_stray_bins()
        # The journal's records are all in the index now. Once that is durable, a new segment
        # begins.
        self._commit_index()
        self._with_reserve(lambda: self._journal.renew(ix.applied + 1))
        self._reserve.restore()
        self._keep_strays(self._objects.strays(ix.applied + 1))
        if ix.applied == 0:
            self._do(events.Formatted(self._now(), 0o755, *system.OWNER))
            for name in ("index", "objects"):
                system.sync_folder(self.folder / name)
        if power_cut:
            for event in recover_overwritten(ix, self._objects, self._now(), TORN):
                self._do(event)
        # Before any other content is looked at: some may have to come back from the bin first.
        self._ignore_full_disk(self._do_all_effects, power_cut=power_cut)
        self._find_incoming(power_cut=power_cut)
        interrupted = self._finish_writes()
        if power_cut:
            self._verify_after_power_cut(interrupted)
        self._ignore_full_disk(self.commit, power_cut=power_cut)
        if before != boot:
            self._with_reserve(lambda: atomic_file.write_whole(running, boot + "\n"))
            self._reserve.restore()
        self._doubt.started(boot)
        self._last_local = ix.applied

    def _ignore_full_disk(self, act: Callable[[], None], *, power_cut: bool) -> None:
        """Effects may wait for room; but for those by which contents come back after a power
        cut."""
        try:
            act()
        except OSError as error:
            if error.errno not in NO_ROOM or power_cut:
                raise
            log.warning(
                "the disk is full: what is to go to the bin stays where it is until there is room"
            )

    def _files_that_grow(self) -> list[Path]:
        return [
            self.folder / "index" / "data.mdb",
            *(path for _, path in self._journal.segments()[-1:]),
        ]

    def _find_incoming(self, *, power_cut: bool) -> None:
        try:
            trusted = self._with_reserve(self._objects.tells_holes)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            trusted = False  # so what arrived goes, and makes room; it is fetched again
        self._objects.find_incoming(
            keep=lambda *version: trusted and not power_cut and self._is_wanted(*version)
        )

    def _with_reserve(self, act: Callable[[], T]) -> T:
        """Does it; on a full disk with the space kept back."""
        try:
            return act()
        except OSError as error:
            if error.errno not in NO_ROOM or not self._reserve.release():
                raise
            return act()

    def _is_wanted(self, node: int, size: int, mtime: int) -> bool:
        """Whether what arrived of this version may be of use."""
        record, base = self._ix.node(node), self._ix.base(node)
        if record is None or record.kind != FILE:
            return False
        return not record.present or base is None or (base.size, base.mtime) != (size, mtime)

    def _replay(self, *, torn: bool = False, power_cut: bool = False, clean: bool = False) -> None:
        """Brings the journal's records into the index. An event that cannot be applied though the
        index is sound (it was recorded by a program that did not prove it, or needs one that was
        set aside) is set aside, and the others are kept."""
        replay(
            self._ix,
            lambda after: self._journal.records(after, torn=torn, power_cut=power_cut, clean=clean),
            judge=self._judge,
            keep=self.set_aside.add,
        )

    def _judge(self, error: Exception) -> None:
        """An event does not fit to the index: whose fault is it? Raises ReplicaError when the index
        is damaged."""
        log.warning(
            "an event of the journal does not fit to the index (%s: %s)",
            type(error).__name__,
            error,
        )
        said = salvage.faults(self.folder) or [each.what for each in compare_index(self._ix)]
        if said:
            raise salvage.damaged(self.folder, said[0])

    def _drop_stray_bins(self) -> None:
        """After a power cut: what is in the bin by events that were lost goes, before their numbers
        are given again."""
        ix = self._ix
        named = {U64.unpack(place)[0] for place, _ in ix.items("bin")}
        for place, raw in ix.items("effects"):
            effect = decode_effect(raw)
            named.add(
                effect.bin if isinstance(effect, FromBin | DropBin) else U64.unpack_from(place)[0]
            )
        for number in self._objects.stray_bins(named):
            self._objects.do(0, DropBin(number))

    def _finish_writes(self) -> list[int]:
        """Records what was written and not recorded when the last process was killed; of these
        nodes."""
        ix = self._ix
        interrupted = ix.marked(ix.writing)
        for node in interrupted:
            if self._node(node).writing:  # not done with another name of the file
                self._take_as_is(node)
        return interrupted

    def _take_as_is(self, node: int) -> None:
        record = self._ix.node(node)
        assert record is not None
        found = self._objects.stat(record.owner, record.number)
        size, mtime = (0, record.mtime) if found is None else (found.st_size, found.st_mtime_ns)
        self._do(events.Written(self._now(), node, size, mtime))

    def _verify_after_power_cut(self, interrupted: list[int]) -> None:
        """After a power cut: contents that were not synced may be anything. ``interrupted`` were
        being written."""
        absent = [node for node in self._ix.marked(self._ix.unsynced) if self._server_has(node)]
        if absent:  # first: what becomes of another name of the same file is no change of theirs
            self._do(events.MadeAbsent(self._now(), absent))
        doubtful = [
            node
            for node in self._ix.marked(self._ix.unsynced)
            if self._left_as_it_is(node, interrupted)
        ]
        doubtful += self._reconsider_objects()
        if doubtful:
            self._do(events.Doubted(self._now(), doubtful))

    def _server_has(self, node: int) -> bool:
        """Whether the content here is to be that which the server has."""
        record, base = self._ix.node(node), self._ix.base(node)
        if record is None or base is None or not record.present:
            return False
        return base.size > 0 and base.version == record.version

    def _left_as_it_is(self, node: int, interrupted: list[int]) -> bool:
        """What becomes of a content that nobody else has in this version; False when it goes, or
        there is none."""
        record, base = self._ix.node(node), self._ix.base(node)
        if record is None or not record.present:
            return False
        found = self._objects.stat(record.owner, record.number)
        size = found.st_size if found else 0
        torn = size != record.size or (size == 0 and node in interrupted)
        if base is not None and base.size > 0 and torn:
            self._do(events.Reverted(self._now(), node, size, TORN))
            return False
        if size != record.size:
            self._take_as_is(node)
        return True

    def _reconsider_objects(self) -> list[int]:
        """After a power cut: objects that nothing refers to (their event was lost) go to the bin;
        ones of another size than recorded count as written. Returns the latter's nodes."""
        ix = self._ix
        waiting = (decode_effect(raw) for _, raw in ix.items("effects"))
        needed = {
            U64X2.pack(one.owner, one.number): 0
            for one in waiting
            if isinstance(one, Unlink | ToBin | CopyToBin | FromBin)
        }
        for place, raw in ix.items("nodes"):
            record = decode_node(raw)
            if record.kind == FILE and record.present:
                needed[U64X2.pack(record.owner, record.number)] = U64.unpack(place)[0]
        taken, strays = [], []
        for owner, number, entry in self._objects.every():
            node = needed.get(U64X2.pack(owner, number))
            if node is None:
                strays.append((owner, number))
            elif node and entry.stat().st_size != self._node(node).size:
                self._take_as_is(node)
                taken.append(node)
        self._keep_strays(strays)
        return taken

    def _keep_strays(self, objects: list[Object]) -> None:
        """Contents that nothing names go to the bin; empty ones go."""
        kept = []
        for owner, number in objects:
            found = self._objects.stat(owner, number)
            if found is None or not found.st_size:
                self._objects.do(0, Unlink(owner, number))
                continue
            record = self._ix.node(owner)
            name = b"%d-%d" % (owner, number) if record is None else record.name
            kept.append((owner, number, found.st_size, found.st_mtime_ns, name))
        for start in range(0, len(kept), STRAYS_AN_ENTRY):
            self._do(events.Strayed(self._now(), kept[start : start + STRAYS_AN_ENTRY], STRAYED))

    # events ---------------------------------------------------------------------------------------

    def _do(self, event: events.AnyEvent, *, grows: bool = False) -> int:
        """Records one event and applies it: all of it or, raising, nothing. Returns its number.

        Raises OSError (ENOSPC when the disk is full and the event ``grows`` the replica or no space
        is kept back).
        """
        ix = self._ix
        if self._behind:
            self._rebuild()
        sequence = ix.applied + 1
        if grows:
            self.require_space()
        payload = proved(event)
        try:
            self._apply(sequence, event)
            self._journal.append(sequence, payload, grows=grows)
        except BaseException:
            # It did not happen: the journal lacks it, and the index must not have any of it.
            self._rebuild()
            raise
        return sequence

    def _apply(self, sequence: int, event: events.AnyEvent) -> None:
        """Applies it, in a bigger map if need be. Raises OSError when that cannot be had."""
        try:
            apply(self._ix, sequence, event)
        except lmdb.MapFullError:
            self._ix.abort()
            try:
                self._ix.grow()
            except lmdb.Error as error:
                self._ix.begin()
                raise as_os_error(error) from error
            self._rebuild()
            apply(self._ix, sequence, event)

    def _rebuild(self) -> None:
        """The index from its last commit and the journal's events behind that. Until it succeeds,
        nothing is recorded: numbers would be given twice."""
        self._behind = True
        try:
            self._ix.abort()
            self._ix.begin()
            self._journal.mend()
            self._replay()
        except lmdb.Error as error:
            raise as_os_error(error) from error
        self._behind = False

    def require_space(self) -> None:
        """Raises OSError (ENOSPC) while the space kept back is in use: it is for the journal and
        the index alone."""
        if not self._reserve.whole:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def sequence(self) -> int:
        return self._ix.applied

    def identity_moves(self) -> int:
        return self._ix.identity_moves

    def new_id(self) -> NodeId:
        self._next_id = max(self._next_id, self._ix.next_id)
        self._next_id += 1
        return NodeId(self._next_id - 1)

    def _node(self, node: int) -> Node:
        record = self._ix.node(node)
        if record is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return record

    # commit ---------------------------------------------------------------------------------------

    def commit(self, *, effects_until: int | None = None) -> None:
        """Makes everything recorded so far durable in the index, then does the file effects of it
        (up to some hundreds a call): of all events, or of those up to this number. What was
        replaced must not go before what replaced it is on the disk: so the number is that of the
        last event before the contents were synced. With a number, what goes to or from the bin
        counts as done from the commit after the next ``sync_files`` on, and what follows waits;
        without one, it is synced here, which may block for long. Else blocks for a few ms of fsync.
        OSError (ENOSPC, EIO): nothing is lost, call it again."""
        ix = self._ix
        if self._behind:
            self._rebuild()
        self._sweep()
        if self._journal.in_doubt and ix.applied == ix.committed:
            # says nothing; a commit and a new segment follow
            self._do(events.Synced(self._now(), []))
        if ix.applied != ix.committed:
            self._commit_index()
            self._journal.drop(ix.applied)
        self._do_effects(effects_until)
        if effects_until is None and self._done is not None:
            self.sync_files()
            self._sweep()
            self._commit_index()
        self._reserve.restore()

    def _commit_index(self) -> None:
        """Commits; when the disk is full, with the space kept back. The journal rebuilds what a
        failure loses."""
        while True:
            try:
                self._ix.commit()
                return
            except lmdb.MapFullError:
                self._grow_and_rebuild()
            except lmdb.Error as error:
                self._rebuild()
                failure = as_os_error(error)
                if failure.errno not in NO_ROOM or not self._reserve.release():
                    raise failure from error

    def _grow_and_rebuild(self) -> None:
        try:
            self._ix.grow()
        except lmdb.Error as error:
            self._rebuild()
            raise as_os_error(error) from error
        self._rebuild()

    def _do_effects(self, until: int | None, most: int | None = EFFECTS_A_COMMIT) -> None:
        """Does what committed events left to be done, ``most`` of it (None: all). What fails is
        tried again, and what follows it waits, but for what only makes room: OSError of the first
        that failed, in the end."""
        if self._done is not None:
            return
        done, failure, only_room = None, None, True
        uncopied: set[tuple[int, int]] = set()
        for place, raw in islice(self._ix.items("effects"), most):
            sequence, effect = U64.unpack_from(place)[0], decode_effect(raw)
            if until is not None and sequence > until:
                break
            if failure is not None and not _makes_room(effect, uncopied):
                continue
            if isinstance(effect, Unlink | ToBin) and self._is_somebody_s(
                effect.owner, effect.number
            ):
                raise IndexDamaged(f"what waits to go is the content of node {effect.owner}")
            try:
                self._with_reserve(functools.partial(self._objects.do, sequence, effect))
            except OSError as error:
                failure = failure or error
                _makes_room(effect, uncopied)
            if failure is None:
                done = place
                only_room = only_room and isinstance(effect, Unlink)
        self._done = done
        # if the power cut undoes that: nothing names the object, so the start removes it
        if only_room:
            self._on_disk = done
            self._sweep()
        if failure is not None:
            raise failure

    def _is_somebody_s(self, owner: int, number: int) -> bool:
        """Whether the object still is the content of the node that it was made for: then nobody
        wanted it to go."""
        record = self._ix.peek(owner)
        return (
            record is not None
            and record.present
            and (record.owner, record.number) == (owner, number)
        )

    def _sweep(self) -> None:
        """Records that effects are done, once they are on the disk. Before that a power cut may
        undo them."""
        if self._done is not None and self._on_disk == self._done:
            self._swept = self._do(events.Swept(self._now(), self._done))
            self._done = None

    def _do_all_effects(self) -> None:
        """Commits and leaves no effect undone. Blocks for as long as the syncs of the file system
        take."""
        if self.effects_wait():
            self.sync_files()  # what replaced something, before that goes
        self.commit()
        while self.effects_wait():
            self.commit()

    def sync_journal(self) -> None:
        """Returns when every event recorded before the call survives a power cut. Blocks: call it
        in a thread."""
        self._journal.sync()

    def close(self) -> None:
        """Syncs contents, commits and lets go of the folder. Open contents stay usable. Twice is
        harmless. Where the disk refuses something, it is as if the process had been killed: the
        next start does it."""
        if self._closed:
            return
        try:
            contents = self.unsynced_contents()
            self.sync_contents(contents)
            self.mark_synced(contents)
            self.commit()
            # on a full disk the file could not be made again
            if not self._doubt and self._reserve.whole:
                (self.folder / "running").unlink(missing_ok=True)
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

    # contents on the disk -------------------------------------------------------------------------

    def unsynced_contents(self) -> list[tuple[NodeId, int]]:
        """(node, version) of contents that may not be on the disk yet; those being written left
        out."""
        ix = self._ix
        writing = set(ix.marked(ix.writing))
        items = (
            (U64.unpack(place)[0], U64.unpack(version)[0])
            for place, version in ix.items("unsynced")
        )
        return [(NodeId(node), version) for node, version in items if node not in writing]

    def awaited(self) -> Awaited:
        """What has to be on the disk before the effects that the next commit would do."""
        until, names, successors = self._ix.applied, self._done is not None, set[int]()
        for count, (place, raw) in enumerate(self._ix.items("effects")):
            sequence, effect = U64.unpack_from(place)[0], decode_effect(raw)
            if count >= EFFECTS_A_COMMIT:
                until = sequence - 1
                break
            if not isinstance(effect, Unlink):
                names = True
            elif effect.successor:
                successors.add(effect.successor)
        get = self._ix.txn.get
        unsynced = ((node, get(key(node), db=self._ix.unsynced)) for node in successors)
        contents = [(NodeId(node), U64.unpack(version)[0]) for node, version in unsynced if version]
        return Awaited(until, contents, names)

    def effects_wait(self) -> bool:
        """Whether a commit would change files."""
        return next(self._ix.items("effects"), None) is not None

    def sync_contents(self, contents: list[tuple[NodeId, int]]) -> None:
        """Returns when these contents are on the disk. Blocks: call it in a thread, then
        ``mark_synced``.

        One sync of the whole file system does for all: each fsync would wait for the file system's
        journal by itself.
        """
        if contents:
            self.sync_files()

    def sync_files(self) -> None:
        """``sync_contents`` of everything, also of what is being written, and of the effects that
        are done. Raises OSError: then ``sync_failed`` for the contents."""
        done = self._done
        self._sync_disk(self.folder)
        self._on_disk = done

    def sync_failed(self, nodes: Iterable[NodeId]) -> None:
        """A sync of these contents failed, see `syncin_mount.store.recovery.failed_syncs`."""
        self._doubt.add(nodes)

    def in_doubt(self) -> dict[int, int]:
        """Contents of which a sync failed, for ``resolved``."""
        return self._doubt.nodes()

    def rewrite_content(self, node: int) -> Iterator[None]:
        """Writes a content to its object once more, a piece at each step. Raises OSError."""
        record = self._ix.node(node)
        if record is not None and record.kind == FILE and record.present:
            yield from rewrite_content(self._objects.path(record.owner, record.number))

    def resolved(self, nodes: dict[int, int]) -> None:
        """What was ``in_doubt`` was written again, and a sync that began after that succeeded."""
        self._doubt.resolve(nodes)

    def mark_synced(self, contents: list[tuple[NodeId, int]]) -> None:
        """What ``sync_contents`` returned for; versions that are out of date are left marked, and
        contents of which a sync failed."""
        contents = [each for each in contents if each[0] not in self._doubt]
        if contents:
            self._do(
                events.Synced(self._now(), [(int(node), version) for node, version in contents])
            )


def _makes_room(effect: AnyEffect, uncopied: set[tuple[int, int]]) -> bool:
    """Whether the effect may be done behind one that failed. ``uncopied`` grows by the objects that
    must stay for now."""
    if isinstance(effect, CopyToBin):
        uncopied.add((effect.owner, effect.number))
    return isinstance(effect, Unlink) and (effect.owner, effect.number) not in uncopied


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


_CORRUPT: Final = (
    lmdb.CorruptedError,
    lmdb.PageNotFoundError,
    lmdb.InvalidError,
    lmdb.VersionMismatchError,
    lmdb.CursorFullError,
)


def as_os_error(error: lmdb.Error) -> OSError:
    """LMDB's failures to write, as the errno they stand for; IndexDamaged when it stumbled over
    what it reads."""
    if isinstance(error, _CORRUPT):
        return IndexDamaged(f"{type(error).__name__}: {error}")
    known = (*NO_ROOM, errno.ENOMEM)
    code: Any = next((code for code in known if os.strerror(code) in str(error)), errno.EIO)
    return OSError(code, f"the replica's index could not be written: {error}")
