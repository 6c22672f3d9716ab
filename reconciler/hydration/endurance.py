"""How long somebody who reads waits for a server that is there and does not give the content: it is
busy, a gateway answers for it, connections break. A program that reads a file on a local disk waits
for the disk, and an error ends its work; so a failure that may pass is no error yet. But nobody
waits for ever.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reconciler.errors import Unreachable

if TYPE_CHECKING:
    from reconciler.errors import RemoteError

LONGEST = 60.0
"""Seconds that a reader waits without one more byte of what is read."""

FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.5, 8.0
"""Seconds between two requests of a reader: doubled from the first to the longest."""


class Endurance:
    """What all readers of one drive know together: where one has waited in vain, the next fail at
    once, until the server gives something again or as long has passed. So a program that reads a
    thousand files waits once. Pure; times are in seconds, of a clock that only grows.
    """

    def __init__(self) -> None:
        self._spent_until = -math.inf

    def answered(self) -> None:
        """A content, or a part of one, was fetched."""
        self._spent_until = -math.inf

    def reader(self, now: float) -> Reader:
        """Somebody begins to wait."""
        return Reader(self, now)

    def is_spent(self, now: float) -> bool:
        return now < self._spent_until

    def spend(self, now: float) -> None:
        self._spent_until = now + LONGEST


class Reader:
    """The waiting of one read."""

    def __init__(self, shared: Endurance, now: float) -> None:
        self._shared = shared
        self._since = now
        self._delay = FIRST_DELAY_SECONDS

    def came(self, now: float) -> None:
        """Something arrived."""
        self._since, self._delay = now, FIRST_DELAY_SECONDS

    def next_delay(self, now: float, error: RemoteError) -> float | None:
        """Seconds until the request is to be made again after this error; None for never."""
        # What has no status is our own word on what arrived: another request changes nothing.
        passes = isinstance(error, Unreachable) or (error.temporary and error.status is not None)
        if not passes or self._shared.is_spent(now):
            return None
        if now - self._since >= LONGEST:
            self._shared.spend(now)
            return None
        delay, self._delay = self._delay, min(self._delay * 2, LONGEST_DELAY_SECONDS)
        return delay
