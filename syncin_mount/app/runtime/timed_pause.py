"""The end of a pause that lasts until a moment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LOOK_EVERY_S = 15.0
"""Seconds between two looks at the wall clock while a pause with an end is in force. Timers stand
still while the computer sleeps, and do not hear of a clock that was set; so the end is never later
than this after the computer woke up."""


class TimedPause:
    """``over`` is called with the moment once it has come; it does not raise. ``now`` is the wall
    clock, in seconds since the epoch. Without an end nothing wakes."""

    def __init__(
        self, over: Callable[[int], Awaitable[None]], now: Callable[[], float] = time.time
    ) -> None:
        self._over = over
        self._now = now
        self._until: int | None = None
        self._changed = trio.Event()

    @property
    def until(self) -> int | None:
        """When the pause ends that is in force, None: it has no end, or there is none."""
        return self._until

    def set(self, until: int | None) -> None:
        """From now on the pause ends at this moment; None: not by itself."""
        if until != self._until:
            self._until = until
            self._changed.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """For ever."""
        task_status.started()
        while True:
            self._changed = trio.Event()
            until = self._until
            if until is None:
                await self._changed.wait()
                continue
            left = until - self._now()
            if left <= 0:
                self._until = None
                await self._over(until)
                continue
            with trio.move_on_after(min(left, LOOK_EVERY_S)):
                await self._changed.wait()
