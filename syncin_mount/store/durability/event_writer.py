"""The one writer of index and journal: an event goes to the index, then to the journal.

Owns: the index since its last commit, the numbers of events and of new nodes, the journal's end,
and the signal of local changes.

Invariants:

* Index and journal have the same events, in the same order, their numbers without gaps. An event is
  in both or, when the call raises, in neither.
* The index's transaction is in memory until ``commit_index``; a kill loses it, and the journal
  gives it back. So an event counts as soon as ``record`` returns.
* While the index lacks events of the journal (it could not be read when the transaction was lost),
  nothing is recorded: numbers would be given twice.

One thread; only ``journal.sync`` may run in another.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import lmdb
import trio

from reconciler.model import NodeId
from syncin_mount.store.index.apply import apply
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.lmdb_errors import as_os_error
from syncin_mount.store.journal import events
from syncin_mount.store.journal.event_bounds import proved
from syncin_mount.store.journal.log import Journal
from syncin_mount.store.journal.reserve import NO_ROOM, Reserve
from syncin_mount.store.recovery import salvage
from syncin_mount.store.recovery.consistency import compare_index
from syncin_mount.store.recovery.replay import replay
from syncin_mount.store.recovery.set_aside import SetAside

log = logging.getLogger(__name__)


class EventWriter:
    """``now_ns`` is the replica's clock (ns since the epoch), which every event's time comes
    from."""

    def __init__(
        self,
        folder: Path,
        index: Index,
        journal: Journal,
        reserve: Reserve,
        *,
        now_ns: Callable[[], int],
    ) -> None:
        self._folder = folder
        self._ix = index
        self._journal = journal
        self._reserve = reserve
        self.now_ns = now_ns
        self.require_space = reserve.require_space
        self.set_aside = SetAside(folder)
        self._next_id = 0
        self._behind = False  # the index lacks events of the journal
        self._last_local = 0
        self._wake: trio.Event | None = None

    # recording ------------------------------------------------------------------------------------

    def record(self, event: events.AnyEvent, *, grows: bool = False) -> int:
        """Records one event and applies it: all of it or, raising, nothing. Returns its number.

        Raises OSError (ENOSPC when the disk is full and the event ``grows`` the replica or no space
        is kept back).
        """
        if self._behind:
            self.rebuild()
        sequence = self._ix.applied + 1
        if grows:
            self.require_space()
        payload = proved(event)
        try:
            self._apply(sequence, event)
            self._journal.append(sequence, payload, grows=grows)
        except BaseException:
            # It did not happen: the journal lacks it, and the index must not have any of it.
            self.rebuild()
            raise
        return sequence

    def record_local(self, event: events.AnyEvent, *, grows: bool = False) -> int:
        """As ``record``, of what the user did: whoever waits for a local change is woken."""
        sequence = self.record(event, grows=grows)
        self._last_local = sequence
        if self._wake is not None:
            self._wake.set()
            self._wake = None
        return sequence

    def _apply(self, sequence: int, event: events.AnyEvent) -> None:
        """Applies it, in a bigger map if need be. Raises OSError when that cannot be had."""
        while True:
            try:
                apply(self._ix, sequence, event)
                return
            except lmdb.MapFullError:
                self._ix.abort()
            try:
                self._ix.environment.grow()
            except lmdb.Error as error:
                self._ix.begin()
                raise as_os_error(error) from error
            self.rebuild()

    # the index from the journal -------------------------------------------------------------------

    def catch_up(self) -> None:
        """Has the index have all events of the journal. Raises OSError."""
        if self._behind:
            self.rebuild()

    def rebuild(self) -> None:
        """The index from its last commit and the journal's events behind that. Until it succeeds,
        nothing is recorded: numbers would be given twice."""
        self._behind = True
        try:
            self._ix.abort()
            self._ix.begin()
            self._journal.mend()
            self.replay()
        except lmdb.Error as error:
            raise as_os_error(error) from error
        self._behind = False

    def replay(self, *, torn: bool = False, power_cut: bool = False, clean: bool = False) -> None:
        """Brings the journal's records into the index. An event that cannot be applied though the
        index is sound (it was recorded by a program that did not prove it, or needs one that was
        set aside) is set aside, and the others are kept. The flags: ``Journal.records``."""
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
        said = salvage.faults(self._folder) or [each.what for each in compare_index(self._ix)]
        if said:
            raise salvage.damaged(self._folder, said[0])

    # commit ---------------------------------------------------------------------------------------

    def commit_index(self) -> None:
        """Makes the index durable; when the disk is full, with the space kept back. What a failure
        loses of it, the journal gives back. Raises OSError. Blocks for a few ms of fsync."""
        while True:
            try:
                self._ix.commit()
                return
            except lmdb.MapFullError:
                self._grow_and_rebuild()
            except lmdb.Error as error:
                self.rebuild()
                failure = as_os_error(error)
                if failure.errno not in NO_ROOM or not self._reserve.release():
                    raise failure from error

    def _grow_and_rebuild(self) -> None:
        try:
            self._ix.environment.grow()
        except lmdb.Error as error:
            self.rebuild()
            raise as_os_error(error) from error
        self.rebuild()

    # numbers --------------------------------------------------------------------------------------

    def sequence(self) -> int:
        """Return the number of the last event."""
        return self._ix.applied

    def identity_moves(self) -> int:
        return self._ix.identity_moves

    def new_id(self) -> NodeId:
        """Return a fresh node id; one that ends unused is lost."""
        node = max(self._next_id, self._ix.next_id)
        self._next_id = node + 1
        return NodeId(node)

    def new_ids(self, count: int) -> range:
        """Return so many fresh node ids; those that end unused are lost."""
        first = max(self._next_id, self._ix.next_id)
        self._next_id = first + count
        return range(first, first + count)

    # wake-ups -------------------------------------------------------------------------------------

    def opened(self) -> None:
        """What was recorded until now, while the replica was opened, wakes nobody."""
        self._last_local = self._ix.applied

    async def wait_local_change(self, after: int) -> int:
        """Return the number of the last local change once it is greater than ``after``."""
        while self._last_local <= after:
            if self._wake is None:
                self._wake = trio.Event()
            await self._wake.wait()
        await trio.lowlevel.checkpoint()
        return self._last_local
