"""How fast something goes: over the last seconds, so that it follows a line that changes. Pure."""

from __future__ import annotations

from collections import deque

WINDOW = 5.0
"""Seconds that count."""

_STEP = 0.25
"""Seconds that are one sample."""


class Rate:
    """Bytes that came, by time. ``now`` is seconds of a clock that only goes forward. Memory is
    bounded by WINDOW."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, now: float, size: int) -> None:
        if not self._samples and now - self._began > WINDOW:  # it begins again
            self._began = now
        if self._samples and now - self._samples[-1][0] < _STEP:
            time, before = self._samples.pop()
            self._samples.append((time, before + size))
        else:
            self._samples.append((now, size))
        self._forget(now)

    def speed(self, now: float) -> float | None:
        """Bytes per second; None as long as there is too little to tell."""
        self._forget(now)
        over = min(now - self._began, WINDOW)
        return sum(size for _, size in self._samples) / over if over >= _STEP * 2 else None

    def _forget(self, now: float) -> None:
        while self._samples and self._samples[0][0] <= now - WINDOW:
            self._samples.popleft()
