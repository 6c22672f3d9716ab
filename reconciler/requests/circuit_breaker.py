"""Whether one kind of request gets through at all: a bound on what is tried in vain. Pure.

Each file that fails has a pause of its own. Where all of thousands fail for one reason (no room, a
proxy that lets no upload pass), that would still be thousands of requests, each with its content.
So after some new failures in a row the rest of that kind waits, and one at a time tries for all,
after growing pauses.
"""

from __future__ import annotations

import math

IN_A_ROW = 6
"""Failures of different nodes, with no success between them, after which the others wait: as many
requests as are on their way at once."""

FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 600.0
"""Seconds between two trials."""


class Fuse:
    """Time is in seconds, of a clock that only grows. What failed before is not asked about here:
    it has a pause."""

    def __init__(self) -> None:
        self._failures = 0
        self._delay = FIRST_DELAY_SECONDS
        self._until = -math.inf
        self._trying = False
        self.why = ""
        """What the last failure was."""

    @property
    def blown(self) -> bool:
        return self._failures >= IN_A_ROW

    def wait(self, now: float) -> float:
        """Seconds until the next may be tried: 0 when it may be now."""
        return max(self._until - now, 0.0) if self.blown else 0.0

    def begin(self, now: float) -> None:
        """One is tried. Of a blown fuse, that is the one that tries for all."""
        if self.blown:
            self._trying = True
            self._until = now + self._delay

    def failed(self, now: float, why: str) -> None:
        """A new one did not get through."""
        self.why = why
        if not self.blown:
            self._failures += 1
            self._until = now + self._delay
        elif self._trying:  # else it was on its way already
            self._trying = False
            self._delay = min(self._delay * 2, LONGEST_DELAY_SECONDS)
            self._until = now + self._delay

    def passed(self) -> bool:
        """One got through. Whether others had to wait for that."""
        was = self.blown
        self._failures, self._delay, self._until, self._trying = (
            0,
            FIRST_DELAY_SECONDS,
            -math.inf,
            False,
        )
        return was
