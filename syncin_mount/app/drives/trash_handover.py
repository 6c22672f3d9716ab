"""From the synchronization's own bin to the bin of the user's desktop."""

from __future__ import annotations

import datetime as dt
import functools
import logging
import os
from typing import TYPE_CHECKING

import trio

from reconciler.phrases import Phrase, strerror
from syncin_mount.store.name_texts import to_bytes
from syncin_mount.trash import Item, NotForTrash, TrashUnusable

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.store import BinEntry, Replica
    from syncin_mount.trash import UserBin

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0
"""Seconds between looks at what is new in the bin."""

FIRST_BACKOFF_S = 60.0
LONGEST_BACKOFF_S = 3600.0
"""Seconds before what failed is tried again: doubled from the first to the longest."""

_ALL = 0
"""Stands for every entry: no event, and so no entry, has this number."""


class Handover:
    """Whatever the replica's bin has for good goes to the user's. As long as that does not work,
    the replica's keeps it; and the drive never waits for it: the files move in a thread.

    ``trouble`` is one clause about why something stays where it is, or None.
    """

    def __init__(self, replica: Replica, user_bin: UserBin, drive: Path) -> None:
        self._replica = replica
        self.bin = user_bin
        self._drive = os.fsencode(os.path.abspath(drive))
        # by entry: when it is tried again, and the pause before
        self._again: dict[int, tuple[float, float]] = {}
        self._never: set[int] = set()
        self._seen = -1
        self.trouble: str | None = None

    @property
    def place(self) -> str:
        return self.bin.place

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """For ever. Cancelled in the middle of a copy, it leaves the entry where it was."""
        task_status.started()
        while True:
            if self._replica.sequence() != self._seen or any(
                self._due(entry) for entry in self._again
            ):
                self._seen = self._replica.sequence()
                await self.round()
            await trio.sleep(LOOK_EVERY)

    async def round(self) -> None:
        """Everything that is due now, once. What fails does not keep the rest from going, but for a
        bin that can take nothing."""
        if not self._due(_ALL):
            return
        for entry in self._replica.bin.durable_entries():
            if entry.sequence in self._never or not self._due(entry.sequence):
                continue
            try:
                await self._hand_over(entry)
            except NotForTrash as error:
                self._never.add(entry.sequence)
                log.warning("%s stays in the synchronization's own bin: %s", entry.path, error)
            except TrashUnusable as error:
                self._failed(_ALL, str(error))
                return
            except OSError as error:
                self._failed(
                    entry.sequence,
                    Phrase(
                        "{place} does not take it ({why})",
                        place=self.bin.place,
                        why=strerror(error),
                    ),
                )
            else:
                self._succeeded(entry.sequence)

    def _due(self, sequence: int) -> bool:
        return self._again.get(sequence, (0.0, 0.0))[0] <= trio.current_time()

    def _succeeded(self, sequence: int) -> None:
        for which in (sequence, _ALL):
            self._again.pop(which, None)
        if not self._again and self.trouble is not None:
            log.info("the desktop's trash can be used again")
            self.trouble = None

    def _failed(self, sequence: int, why: str) -> None:
        """Said once, however many entries wait for it."""
        pause = min(
            LONGEST_BACKOFF_S, max(FIRST_BACKOFF_S, self._again.get(sequence, (0.0, 0.0))[1] * 2)
        )
        self._again[sequence] = (trio.current_time() + pause, pause)
        if why != self.trouble:
            log.warning("what loses here stays in the synchronization's own bin for now: %s", why)
            self.trouble = why

    async def _hand_over(self, entry: BinEntry) -> None:
        item = item_of(entry, self._drive)
        with self._replica.bin.lease(entry.sequence) as folder:
            take = functools.partial(self.bin.take, folder, item, trio.from_thread.check_cancelled)
            name = await trio.to_thread.run_sync(take)
            # On the disk there. A kill from here on finds the folder empty, or the item in the
            # trash, and comes here.
            self._replica.bin.drop([entry.sequence])
        if name is not None:
            log.info("%s is in the desktop's trash now, as %s (%s)", entry.path, name, entry.why)


def item_of(entry: BinEntry, drive: bytes) -> Item:
    """The entry as the desktop is told of it: to be put back to its place in the drive. Raises
    NotForTrash."""
    removed = dt.datetime.fromtimestamp(entry.time_ns // 10**9, tz=dt.UTC)
    path = drive.rstrip(b"/") + b"/" + to_bytes(entry.path)
    return Item(entry.name, path, removed, entry.mark, entry.why)
