"""One remote version of one node on its way, and its ranged requests."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Protocol

import trio

from reconciler.checksum import checksum
from reconciler.model import Action, Base, NodeId, Op, Outcome, Result, Side
from reconciler.phrases import Phrase
from reconciler.ports import Found, Incoming
from reconciler.requests.throughput import Rate

JOIN_DISTANCE_BYTES = 2 << 20
"""A reader waits for a request this many bytes away instead of starting its own."""


class RangeRequest:
    """One request under way: bytes before ``position`` have been written, ``stop`` is where it
    ends. ``scope`` ends it when its download is superseded."""

    __slots__ = ("position", "scope", "stop")

    def __init__(self, position: int, stop: int) -> None:
        self.position = position
        self.stop = stop
        self.scope = trio.CancelScope()

    def will_reach(self, offset: int) -> bool:
        """Whether whoever wants this byte should wait for the request."""
        return self.position <= offset < self.stop and offset - self.position <= JOIN_DISTANCE_BYTES


class Along(Protocol):
    """The checksum of a content that is computed while it arrives."""

    async def run(self) -> None: ...

    async def digest(self) -> str | None:
        """Once it is known; None where it cannot be told."""
        ...


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """A content on its way: ``done`` bytes of ``size`` are here, ``speed`` in bytes per second
    (None: not known). ``proving``: all of it is here, and is compared with its checksum."""

    node: NodeId
    path: str
    done: int
    size: int
    speed: float | None
    proving: bool = False


@dataclass(frozen=True, slots=True)
class Downloads:
    """What is still to come by itself: ``waiting`` files, of which ``bytes`` are not here. Those
    that are ``arriving`` come at ``speed`` bytes a second in all (None: not known)."""

    waiting: int = 0
    bytes: int = 0
    arriving: tuple[DownloadProgress, ...] = ()
    speed: float | None = None


class Download:
    """``found`` is the version and ``inode`` its inode on the server (0: not known), ``digest`` its
    checksum where that is known, ``verified`` that nothing is left to prove of its content.
    ``confirmed``: the server has given some of it to this process, so it had this version then.
    """

    def __init__(
        self,
        node: NodeId,
        path: str,
        found: Found,
        incoming: Incoming,
        digest: str | None,
        inode: int = 0,
    ) -> None:
        self.node = node
        self.inode = inode
        self.digest = digest
        self.checking = trio.Lock()
        self.verified = digest is None
        self.confirmed = False
        self.path = path
        self.found = found
        self.incoming = incoming
        self.requests: list[RangeRequest] = []
        self.error: Exception | None = None
        self.along: Along | None = None
        self.rate = Rate(trio.current_time())
        self._progress = trio.Event()
        self._began = trio.current_time()

    @property
    def seconds(self) -> float:
        """How long it has been under way."""
        return trio.current_time() - self._began

    def missing(self) -> tuple[int, int] | None:
        """The first range that is not here, [start, stop); None when all is."""
        return self.incoming.missing(0, self.found.size)

    def awaited(self, offset: int) -> bool:
        """Whether a request is under way that will bring this byte soon."""
        return any(request.will_reach(offset) for request in self.requests)

    def announce(self) -> None:
        """Something arrived, or ended."""
        self._progress.set()
        self._progress = trio.Event()

    def fail(self, error: Exception) -> None:
        """Whoever waits gets this error, unless an earlier one was met."""
        if self.error is None:
            self.error = error
        self.announce()

    async def wait_more(self) -> bool:
        """Returns when something arrived, or it failed: then False."""
        if self.error is None:
            await self._progress.wait()
        return self.error is None

    async def wait_progress(self) -> None:
        """Raises the download's error."""
        await self.wait_more()
        if self.error is not None:
            raise self.error

    async def checksum(self) -> str | None:
        """The checksum of what has arrived. By a descriptor of its own: the download may end while
        a thread still reads."""
        fd = os.dup(self.incoming.fd)
        try:
            return await checksum(fd, self.incoming.size)
        finally:
            os.close(fd)

    def progress(self, now: float) -> DownloadProgress:
        """How far it has come."""
        done, speed = arrived_bytes(self.incoming), self.rate.speed(now)
        proving = self.checking.locked()
        return DownloadProgress(self.node, self.path, done, self.found.size, speed, proving)


def arrived_bytes(incoming: Incoming) -> int:
    """How many bytes of it are here."""
    here, position = incoming.size, 0
    while (gap := incoming.missing(position, incoming.size)) is not None:
        here -= gap[1] - gap[0]
        position = gap[1]
    return here


def hydration(node: NodeId, base: Base) -> Action:
    """A hydration as it stands in the history."""
    return Action(
        Op.FETCH,
        Side.LOCAL,
        node,
        base,
        None,
        base.on_server(),
        base.place,
        reason=Phrase("content fetched"),
    )


def failed_hydration(node: NodeId, base: Base, why: str, reason: str = "") -> Outcome:
    """One that failed, as it stands in the history."""
    action = hydration(node, base)
    return Outcome(replace(action, reason=reason or action.reason), Result.FAILED, why)
