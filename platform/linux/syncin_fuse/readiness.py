"""Waiting for the next request of the kernel, faster than trio alone.

Between two requests of one program lie some ten microseconds, in which pyfuse3 would take a lock,
arm epoll and go through trio's scheduler twice. Here a task that is done with a request first looks
a few times whether the next one is there already. pyfuse3 names what it takes from trio in one
module variable, which its own asyncio support replaces in the same way.

What holds here:

- ``wait_readable`` returns in the same scheduler step in which poll(2) said that a request is
  there; so the read that follows does not block, though many tasks wait on the one descriptor.
- At most BURST requests are answered before every other task of the program had its turn.
"""

from __future__ import annotations

import select
from typing import Any

import pyfuse3
import trio

BURST = 50
LOOKS = 25
"""About as many microseconds. More would only burn the time of the program that is to make the next
request."""


class _NoLock:
    """pyfuse3 has one task at a time wait; `_Readiness` sees to that itself."""

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_error: object) -> None:
        pass


class _Readiness:
    """What pyfuse3 takes from ``trio.lowlevel``. For one descriptor."""

    def __init__(self) -> None:
        self._poll: select.poll | None = None
        self._burst = 0
        self._waiting = False
        self._others = trio.lowlevel.ParkingLot()

    def __getattr__(self, name: str) -> Any:
        return getattr(trio.lowlevel, name)

    def _ready(self, fd: int, looks: int) -> bool:
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(fd, select.POLLIN)
        poll = self._poll.poll
        for _ in range(looks):  # noqa: SIM110 - any() over a generator costs as much again as poll
            if poll(0):
                return True
        return False

    async def wait_readable(self, fd: int) -> None:
        if self._burst < BURST:
            if self._ready(fd, LOOKS):
                self._burst += 1
                return
        else:
            await trio.lowlevel.checkpoint()
        self._burst = 0
        while not self._ready(fd, 1):
            if self._waiting:
                await self._others.park()
                continue
            self._waiting = True
            try:
                await trio.lowlevel.wait_readable(fd)
            finally:
                self._waiting = False
                self._others.unpark()


class _Trio:
    """Stands where pyfuse3 has the module trio."""

    Lock = _NoLock

    def __init__(self) -> None:
        self.lowlevel = _Readiness()

    def __getattr__(self, name: str) -> Any:
        return getattr(trio, name)


def install() -> None:
    """Call it before each ``pyfuse3.main``."""
    vars(pyfuse3)["trio"] = _Trio()
