"""Slots for requests that are under way at once; `reconciler.requests.concurrency` says how many
there are."""

from __future__ import annotations

import trio

from reconciler.requests.concurrency import LEAST, START, Concurrency


class Slots:
    """An asynchronous context manager, for one task at a time: within it a request may be under
    way. ``most`` slots there are at most."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._rule = Concurrency(min(START, most), least=min(LEAST, most), most=most)
        self._limiter = trio.CapacityLimiter(self._rule.value)

    @property
    def value(self) -> int:
        """How many there are now."""
        return self._rule.value

    async def __aenter__(self) -> None:
        """Waits for a slot. Cancelled, there is none to give back."""
        if not self._limiter.borrowed_tokens:
            self._rule.begin(trio.current_time())
        await self._limiter.acquire()

    async def __aexit__(self, *_error: object) -> None:
        self._limiter.release()

    def ended(self, size: int) -> None:
        """A request that carried ``size`` bytes of content was answered."""
        self._rule.ended(trio.current_time(), size)
        self._limiter.total_tokens = self._rule.value
