"""Commits of the index, and the file effects of what is committed.

Owns: the journal's segments that a commit makes superfluous, and how far the effects (objects
unlinked, files brought to and from the bin: records of the committed index, in the order of their
events) are done and on the disk.

Order, which the crash table rests on:

1. An effect is done only when its event is committed, so no state that can come back misses a file.
2. What was replaced goes only when what replaced it is on the disk: ``effects_until`` is the number
   of the last event before the contents were synced.
3. That effects are done is recorded (``Swept``) only when they are on the disk themselves: until
   then a power cut may undo them, and doing them twice is harmless.

One thread, but for ``sync_files`` and ``sync_journal``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Final

from reconciler.model import NodeId
from reconciler.phrases import Phrase
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.errors import IndexDamaged
from syncin_mount.store.index.index import Index
from syncin_mount.store.journal import events
from syncin_mount.store.journal.log import Journal
from syncin_mount.store.journal.reserve import Reserve
from syncin_mount.store.records import (
    U64,
    AnyEffect,
    CopyToBin,
    ToBin,
    Unlink,
    decode_effect,
    key,
)
from syncin_mount.store.types import Awaited

EFFECTS_A_COMMIT: Final = 256


class Committer:
    """``sync_disk`` brings the whole file system of a folder to the disk."""

    def __init__(
        self,
        folder: Path,
        index: Index,
        journal: Journal,
        reserve: Reserve,
        objects: Objects,
        writer: EventWriter,
        *,
        sync_disk: Callable[[Path], None],
    ) -> None:
        self._folder = folder
        self._ix = index
        self._journal = journal
        self._reserve = reserve
        self._objects = objects
        self._writer = writer
        self._sync_disk = sync_disk
        # effects up to this key are done, and perhaps not on the disk yet
        self._done: bytes | None = None
        # they are, up to this one; set by the thread of ``sync_files``
        self._on_disk: bytes | None = None
        self._swept = 0  # the event that said so last

    def commit(self, *, effects_until: int | None = None) -> None:
        """Makes everything recorded so far durable in the index, then does the file effects of it
        (up to some hundreds a call): of all events, or of those up to this number. What was
        replaced must not go before what replaced it is on the disk: so the number is that of the
        last event before the contents were synced. With a number, what goes to or from the bin
        counts as done from the commit after the next ``sync_files`` on, and what follows waits;
        without one, it is synced here, which may block for long. Else blocks for a few ms of fsync.
        OSError (ENOSPC, EIO): nothing is lost, call it again."""
        ix = self._ix
        self._writer.catch_up()
        self._sweep()
        if self._journal.has_failed_sync and ix.applied == ix.committed:
            # says nothing; a commit and a new segment follow
            self._writer.record(events.Synced(self._writer.now_ns(), []))
        if ix.applied != ix.committed:
            self._writer.commit_index()
            self._journal.drop(ix.applied)
        self._do_effects(effects_until)
        if effects_until is None and self._done is not None:
            self.sync_files()
            self._sweep()
            self._writer.commit_index()
        self._reserve.restore()

    def commit_all(self) -> None:
        """Commits and leaves no effect undone. Blocks for as long as the syncs of the file system
        take."""
        if self.effects_wait():
            self.sync_files()  # what replaced something, before that goes
        self.commit()
        while self.effects_wait():
            self.commit()

    def commit_with_effects(self) -> None:
        """Commits the index, and does all its effects in one go, so that nobody finds a name
        without its content. For when no other effect waits. Raises OSError."""
        self._writer.commit_index()
        self._do_effects(None, most=None)

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
            if isinstance(effect, Unlink | ToBin) and self._is_in_use(effect.owner, effect.number):
                raise IndexDamaged(
                    Phrase("what waits to go is the content of node {node}", node=effect.owner)
                )
            try:
                self._reserve.lend(functools.partial(self._objects.do, sequence, effect))
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

    def _is_in_use(self, owner: int, number: int) -> bool:
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
            self._swept = self._writer.record(events.Swept(self._writer.now_ns(), self._done))
            self._done = None

    def sync_files(self) -> None:
        """Brings every content to the disk, also what is being written, and the effects that are
        done. Blocks for long: for a thread. Raises OSError: then ``sync_failed`` for the
        contents."""
        done = self._done
        self._sync_disk(self._folder)
        self._on_disk = done

    def sync_journal(self) -> None:
        """Returns when every event recorded before the call survives a power cut. Blocks: call it
        in a thread."""
        self._journal.sync()

    # what waits -----------------------------------------------------------------------------------

    def effects_wait(self) -> bool:
        """Whether a commit would change files."""
        return next(self._ix.items("effects"), None) is not None

    def durable_before(self) -> int | None:
        """Return the number of the first event whose effects may be undone or missing after a power
        cut, 0 when that may be any; None when no effect waits for anything."""
        if self._swept > self._ix.committed:
            return 0
        first = next(self._ix.items("effects"), None)
        return None if first is None else int(U64.unpack_from(first[0])[0])

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


def _makes_room(effect: AnyEffect, uncopied: set[tuple[int, int]]) -> bool:
    """Whether the effect may be done behind one that failed. ``uncopied`` grows by the objects that
    must stay for now."""
    if isinstance(effect, CopyToBin):
        uncopied.add((effect.owner, effect.number))
    return isinstance(effect, Unlink) and (effect.owner, effect.number) not in uncopied
