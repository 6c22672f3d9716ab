"""Counts the files that both sides have, and their bytes, for who wants to know."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from syncin_mount.app.runtime.private_file import replace_private

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.store import Replica

log = logging.getLogger(__name__)

AT_ONCE = 1000
"""Nodes that are counted while somebody waits: some milliseconds."""

STEP, REST = 250, 0.02
"""Of more, so many at a time, with so many seconds between two steps: under a millisecond each, so
that no program that uses the drive notices."""

AT_REST = 10_000
"""Nodes that are counted in a replica that nobody works on: some ten milliseconds."""


class RememberedSums:
    """What was counted last, in a file of a few bytes beside the replica, with the number of the
    event that it belongs to: another number says that it holds no more. It is not synced."""

    def __init__(self, replica: Path) -> None:
        self._path = replica / "sums"

    def load(self, event: int) -> tuple[int, int] | None:
        """Files and bytes after this event, None where that is not known."""
        try:
            number, files, size = map(int, self._path.read_text("ascii").split())
        except (OSError, ValueError):
            return None
        return (files, size) if number == event and min(files, size) >= 0 else None

    def save(self, event: int, files: int, size: int) -> None:
        try:
            replace_private(self._path, f"{event} {files} {size}\n")
        except OSError as error:
            log.debug("what was counted cannot be remembered: %s", error.strerror)


def remember_sums(replica: Replica, folder: Path) -> None:
    """For `sums_at_rest`, before the replica is closed. What is not counted, and would take long,
    is not."""
    replica.count_bases(AT_ONCE)
    sums = replica.base_sums()
    if sums is None:
        return
    try:  # what closing it would record: nothing comes after the number then
        contents = replica.durability.unsynced_contents()
        replica.durability.sync_contents(contents)
        replica.durability.mark_synced(contents)
    except OSError as error:
        log.debug("what was counted is not remembered: %s", error.strerror)
        return
    RememberedSums(folder).save(replica.last_event(), *sums)


def sums_at_rest(replica: Replica, folder: Path) -> tuple[int, int] | None:
    """Files and bytes of a replica that was just opened: as they were remembered, else counted
    where there are few; None where that would take long."""
    memory = RememberedSums(folder)
    found = memory.load(replica.last_event())
    if found is None and replica.base_count() <= AT_REST and replica.count_bases(AT_REST):
        found = replica.base_sums()
        if found is not None:
            memory.save(replica.last_event(), *found)
    return found


class BaseCounting:
    """Begins when somebody asks; from then on the replica keeps the sums by itself."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._wanted = trio.Event()

    def sums(self) -> tuple[int, int] | None:
        """Files and bytes, None while they are being counted."""
        if self._wanted.is_set():
            return None
        if not self._replica.count_bases(AT_ONCE):
            self._wanted.set()
        return self._replica.base_sums()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Goes on for ever. Cancelled, it counts on when somebody asks again."""
        task_status.started()
        while True:
            await self._wanted.wait()
            whole = False
            while not whole:
                await trio.sleep(REST)
                whole = self._replica.count_bases(STEP)
            self._wanted = trio.Event()
