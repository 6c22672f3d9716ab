"""Who asks for much at a time lets the others have their turn.

Requests are answered one after the other. A portion of a listing, or of a big file, takes as long
as ten small requests together, and whoever asks for portion after portion would have ten times the
share of somebody who creates files. So when others were at work since the last portion, the next
one waits for as long as that one took: both have half. A large write, which a thread can do, is
done by one then instead: alone it would only be slower there.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

MUCH = 65_536
"""From this size on (bytes) a read or write is a portion of something big."""

LONGEST = 0.002
"""The most that a portion waits, in seconds: a busy computer makes the last one look longer than it
was."""

LATELY = 100
"""Portions. Who made a small request since is still at work: between two of them a program thinks,
or waits for the disk."""

REMEMBERED = 64
"""Processes (the kernel tells threads) that are told apart."""


class Turns:
    """Who was at work, and how long the last portion took. ``clock`` gives seconds that only
    grow."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._portions = 0
        self._last: dict[int, int] = {}  # process -> the portion before its last small request
        self._owners: dict[int, int] = {}  # handle -> process
        self._took = 0.0
        self._one_waits = trio.Lock()
        self._waiting = 0

    def small(self, pid: int) -> None:
        """A process made a request that is answered at once. Not to be called for what the kernel
        asks by itself while somebody writes: a copy would wait for itself."""
        self._last[pid] = self._portions

    def opened(self, handle: int, pid: int) -> None:
        self._owners[handle] = pid

    def closed(self, handle: int) -> None:
        self._owners.pop(handle, None)

    def _others(self, handle: int) -> bool:
        """Whether somebody else than who has the handle was at work since the last portion."""
        if len(self._last) > REMEMBERED:
            self._last = {pid: seen for pid, seen in self._last.items() if seen == self._portions}
        owner, now = self._owners.get(handle), self._portions
        return any(seen == now and pid != owner for pid, seen in self._last.items())

    def shared(self, handle: int) -> bool:
        """Whether somebody else than who has the handle was at work lately: then a portion that can
        be answered beside everything else is to be. If so, it counts as one."""
        owner, since = self._owners.get(handle), self._portions - LATELY
        if all(seen <= since or pid == owner for pid, seen in self._last.items()):
            return False
        self._portions += 1
        return True

    @asynccontextmanager
    async def portion(self, handle: int) -> AsyncIterator[None]:
        """Around what answers a request for much."""
        if self._waiting or self._others(handle):
            await self._wait()
        started = self._clock()
        yield
        self._took = self._clock() - started
        self._portions += 1

    async def _wait(self) -> None:
        self._waiting += 1
        try:
            async with self._one_waits:
                await trio.sleep(min(self._took, LONGEST))
        finally:
            self._waiting -= 1
