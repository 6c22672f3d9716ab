"""Storage quotas. Usage is everything below a root, trash and partial uploads included, and is
refreshed late.

The real server refreshes it every 30 to 60 s, so a quota can be overshot; here it is counted anew
when a figure older than 30 s is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import trio

from .places import Root
from .wire import Refusal

REFRESH_AFTER = 30.0  # s


def exceeded() -> Refusal:
    """The 507 of a full account."""
    return Refusal(507, "Storage quota exceeded")


def count(base: str) -> int:
    """The bytes of all files below `base`; what vanishes meanwhile counts nothing."""
    total = 0
    for folder, _, names in os.walk(base):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
    return total


class Quotas:
    """Cached usages. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._usage: dict[str, tuple[int, float]] = {}

    def force(self, root_key: str, usage: int, *, life: float = REFRESH_AFTER) -> None:
        """Sets the cached usage (bytes) of `users/<login>` or `spaces/<alias>`; it holds for `life`
        seconds."""
        self._usage[root_key] = (usage, self._clock() + life)

    def forget(self) -> None:
        """Makes the next question count again."""
        self._usage.clear()

    async def usage(self, root: Root) -> int:
        known = self._usage.get(root.key)
        if known is None or known[1] <= self._clock():
            counted = await trio.to_thread.run_sync(count, root.base)
            self.force(root.key, counted)
            return counted
        return known[0]

    async def refuse_when_reached(self, root: Root) -> None:
        if root.quota is not None and await self.usage(root) >= root.quota:
            raise exceeded()

    async def refuse_more(self, root: Root, size: int) -> None:
        """Refuses `size` bytes that do not fit any more."""
        if root.quota is not None and await self.usage(root) + size > root.quota:
            raise exceeded()
