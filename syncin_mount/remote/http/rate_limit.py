"""How many bytes a second cross in either direction, where somebody has set a limit.

Contents wait until what was sent before them is paid for; requests and answers that are small are
counted, and wait for nobody. A body goes in slices of a twentieth of a second, so several transfers
share the line and none stands still.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator

import trio

BURST = 0.1
"""Seconds' worth of bytes that may go at once after a time of rest."""

SLICE = 0.05
"""Seconds' worth of bytes that are paid for at a time."""

SMALLEST, LARGEST = 1024, 256 * 1024
"""Bytes of a slice, whatever the rate."""

FREE_ANSWER = 64 * 1024
"""Bytes of an answer that is no content: so many are counted, but do not wait."""


class Bucket:
    """A token bucket that may be overdrawn. Pure: ``now`` is in seconds of a clock that only grows,
    ``rate`` in bytes a second, infinite without a limit. Both totals only grow, so a change of the
    rate finds everybody in their place."""

    def __init__(self, rate: float = math.inf) -> None:
        self.rate = rate
        self._taken = 0
        self._paid = 0.0
        self._at = -math.inf

    def set_rate(self, rate: float, now: float) -> None:
        """What is owed stays owed, at the new rate."""
        self._pay(now)
        self.rate = rate

    def take(self, size: int, now: float) -> int:
        """So many bytes are going to cross: the place in the queue from which `wait` tells when
        they may."""
        self._pay(now)
        self._taken += size
        return self._taken

    def wait(self, place: int, now: float) -> float:
        """Seconds until everything up to ``place`` is paid for."""
        self._pay(now)
        return max((place - self._paid) / self.rate, 0.0)

    def _pay(self, now: float) -> None:
        if self.rate == math.inf:
            self._paid = float(self._taken)
        elif now > self._at:
            most = self._taken + self.rate * BURST
            self._paid = (
                most
                if self._at == -math.inf
                else min(self._paid + (now - self._at) * self.rate, most)
            )
        self._at = max(now, self._at)


class Throttle:
    """One direction's bucket on trio's clock. Any number of tasks share it, first come, first
    served."""

    def __init__(self, rate: float | None = None) -> None:
        self._bucket = Bucket(math.inf if rate is None else rate)
        self._changed = trio.Event()

    @property
    def rate(self) -> float | None:
        """Bytes a second; None without a limit."""
        return None if self._bucket.rate == math.inf else self._bucket.rate

    @rate.setter
    def rate(self, rate: float | None) -> None:
        """Whoever waits now goes on at the new rate."""
        if rate != self.rate:
            self._bucket.set_rate(math.inf if rate is None else rate, trio.current_time())
            self._changed.set()
            self._changed = trio.Event()

    def count(self, size: int) -> None:
        """These cross without waiting; what waits pays for them."""
        if self._bucket.rate != math.inf:
            self._bucket.take(size, trio.current_time())

    async def pay(self, size: int) -> None:
        """Returns when so many bytes may cross. Cancelled, they count all the same."""
        if self._bucket.rate == math.inf:
            return
        place = self._bucket.take(size, trio.current_time())
        while (left := self._bucket.wait(place, trio.current_time())) > 0:
            with trio.move_on_after(left):
                await self._changed.wait()

    async def slices(self, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """The same bytes, in slices, each when it may cross."""
        async for piece in pieces:
            start = 0
            while start < len(piece):
                size = len(piece) - start
                if self.rate is not None:
                    size = min(size, int(max(SMALLEST, min(self.rate * SLICE, LARGEST))))
                await self.pay(size)
                yield piece[start : start + size]
                start += size


class Limits:
    """Both directions of one process; bytes a second, None without a limit."""

    def __init__(self, up: float | None = None, down: float | None = None) -> None:
        self.up = Throttle(up)
        self.down = Throttle(down)

    def change(self, up: float | None, down: float | None) -> None:
        """Takes effect at once, also for what is under way."""
        self.up.rate, self.down.rate = up, down
