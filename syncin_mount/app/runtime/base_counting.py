"""Counts the files that both sides have, and their bytes, for who wants to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from syncin_mount.store import Replica

AT_ONCE = 1000
"""Nodes that are counted while somebody waits: some milliseconds."""

STEP, REST = 250, 0.02
"""Of more, so many at a time, with so many seconds between two steps: under a millisecond each, so
that no program that uses the drive notices."""


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
