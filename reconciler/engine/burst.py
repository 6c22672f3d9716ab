"""Whether programs are changing very many files here just now, as when an archive is unpacked.

Sending each as it settles would take its time from the drive, and much of what a build or a
checkout makes is gone again soon. So it waits for them to be done, though not for long.
"""

from __future__ import annotations

import math

CROWD = 50.0
"""Nodes a second that are changed anew."""

WINDOW = 1.0
"""Seconds that a look goes back at least."""


class BurstDetector:
    """How fast the number of changed nodes grows. Time in seconds, of a clock that only grows."""

    def __init__(self) -> None:
        self._count = 0
        self._since = -math.inf
        self._crowded = False

    def is_burst(self, count: int, now: float) -> bool:
        """``count`` is how many nodes differ from their base now. The first look tells nothing."""
        passed = now - self._since
        if passed >= WINDOW:
            self._crowded = count - self._count >= CROWD * passed
            self._count, self._since = count, now
        return self._crowded
