"""How many requests there are at once: as many as the server answers best just now. Pure.

A constant is wrong somewhere: a distant server is quickest with many requests under way, a small
one that is busy with few. So the number climbs while more requests carry more, and goes back when
they do not. Between numbers that carry the same, the smaller one is better, as it leaves the server
to others.
"""

from __future__ import annotations

LEAST = 2
"""One request alone never shows whether two would be better, and waits for the server's every
pause."""

MOST = 10

START = 6

WINDOW = 1.0
"""Seconds that one number is tried at least."""

ROUNDS = 3
"""Requests for each of those at once that one number is tried with at least: fewer say too
little."""

CLEARLY = 0.05
"""By what share a rate has to differ to count as another one: below is noise."""

A_REQUEST = 256 << 10
"""Bytes that take about as long as a request takes besides its content."""


class Concurrency:
    """``value`` is how many requests there are to be at once. Times are seconds of a clock that
    only grows."""

    def __init__(self, value: int = START, *, least: int = LEAST, most: int = MOST) -> None:
        self.value = value
        self._least = least
        self._most = most
        self._step = 1
        self._before: float | None = None
        """The rate with the number before this one."""
        self._since: float | None = None
        self._ended = 0
        self._work = 0.0

    def begin(self, now: float) -> None:
        """Requests begin after a time without any: nothing that was measured before is compared
        with them."""
        self._start_window(now)
        self._before = None

    def ended(self, now: float, size: int) -> None:
        """A request ended that carried ``size`` bytes of content."""
        if self._since is None:
            self._start_window(now)
            return
        self._ended += 1
        self._work += 1 + size / A_REQUEST
        passed = now - self._since
        if passed >= WINDOW and self._ended >= ROUNDS * self.value:
            self._judge(self._work / passed)
            self._start_window(now)

    def _start_window(self, now: float) -> None:
        self._since, self._ended, self._work = now, 0, 0.0

    def _judge(self, rate: float) -> None:
        """The next number to try. In the same direction as long as that pays; else back."""
        if self._before is not None:
            if rate < self._before * (1 - CLEARLY):
                self._step = -self._step
            elif rate < self._before * (1 + CLEARLY):
                self._step = -1
        value = min(max(self.value + self._step, self._least), self._most)
        if value == self.value:  # at an end: what is on the other side may have changed
            self._step = -self._step
            value = min(max(self.value + self._step, self._least), self._most)
        self._before, self.value = rate, value
