"""When the next run is due: every so often, whatever becomes of the clocks meanwhile.

The wall's clock goes on while the machine sleeps or the program is down, but may be set forward or
back. trio's does neither. So an interval has passed when either says so: a run that was missed is
made up once, on waking or mounting, a clock that was set back does not stop the runs, and one that
was set forward brings one run too many.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import trio

from reconciler.ports import Clock

LEAST = 60.0
"""Seconds between two scheduled runs at the least, by the clock that does not jump. No interval is
shorter."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant by both clocks: ``wall_ns`` since the epoch, ``steady`` in seconds since
    anything."""

    wall_ns: int
    steady: float


def wait(every: float, last: Moment | None, now: Moment) -> float:
    """Seconds until a run is due that is to start ``every`` so many; negative when it is overdue.
    ``last`` is when the last one started that came to its end; None: there was none, or nobody
    knows. Pure."""
    if last is None:
        return -math.inf
    steady = now.steady - last.steady
    passed = max((now.wall_ns - last.wall_ns) / 1e9, steady)
    return max(every - passed, min(every, LEAST) - steady)


def recalled(wall_ns: int | None, now: Moment) -> Moment | None:
    """The moment of a run in another process, of which only the wall's time is known. One that lies
    in the future tells nothing: the clock was wrong then, or is now. Pure."""
    if wall_ns is None or wall_ns > now.wall_ns:
        return None
    return Moment(wall_ns, now.steady - (now.wall_ns - wall_ns) / 1e9)


class LastRun(Protocol):
    """Where the wall's time of the last complete run outlives the process. Losing it costs one run
    too many."""

    def load(self) -> int | None:
        """In ns since the epoch; None when nobody knows."""
        ...

    def save(self, wall_ns: int) -> None:
        """Never raises for what the disk does."""
        ...


KEEP_EVERY = 600.0
"""Seconds between two notes of the last run, where no schedule needs them: they are for people."""

Turn = Callable[[], AbstractAsyncContextManager[bool]]
"""Waits until this drive may run; True when others wait for it to end. The waiting can be
cancelled."""


class Schedule:
    """When one synchronization's runs start by themselves. ``every`` is in seconds; None leaves it
    to the engine, which then follows what happens on either side. ``allowed``: the program may
    start runs on a schedule at all."""

    def __init__(
        self,
        clock: Clock,
        every: float | None = None,
        *,
        allowed: bool = True,
        memory: LastRun | None = None,
        turn: Turn = lambda: contextlib.nullcontext(False),
    ) -> None:
        self._clock = clock
        self._memory = memory
        self.every = every
        self.allowed = allowed
        self.turn = turn
        self._last = None if memory is None else recalled(memory.load(), self.now())
        self._is_wanted = False
        self._kept_at = -math.inf

    def now(self) -> Moment:
        return Moment(self._clock.now_ns(), trio.current_time())

    def wait(self) -> float:
        """Seconds until the next run is due, negative when it is overdue; infinite when none ever
        is."""
        if self.every is None or not self.allowed:
            return math.inf
        return wait(LEAST if self._is_wanted else self.every, self._last, self.now())

    def bring_forward(self) -> None:
        """Somebody waits for what only a run can tell: the next one comes as soon as one may follow
        the last."""
        self._is_wanted = True

    def ran(self, started: Moment) -> None:
        """A run that started then has come to its end, whoever asked for it."""
        self._last = started
        self._is_wanted = False
        if self.every is not None or started.steady - self._kept_at >= KEEP_EVERY:
            self.keep()

    def change(self, every: float | None, *, allowed: bool) -> None:
        """Another interval, counted from the last run."""
        self.every, self.allowed = every, allowed
        self.keep()

    def keep(self) -> None:
        """Has the last run remembered for another process."""
        if self._last is not None and self._memory is not None:
            self._kept_at = self._last.steady
            self._memory.save(self._last.wall_ns)

    def last_run_ns(self) -> int | None:
        """The wall's time of the last complete run, also another process's; None when nobody
        knows."""
        return None if self._last is None else self._last.wall_ns

    def next_run_ns(self) -> int | None:
        """The wall's time of the next run: now, when it is due; None when there is none."""
        left = self.wait()
        if left == math.inf:
            return None
        return self._clock.now_ns() + int(max(left, 0.0) * 1e9)
