"""What the background downloads next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import trio

from reconciler.hydration.download import DownloadProgress
from reconciler.hydration.refusals import Refusals
from reconciler.model import NodeId
from reconciler.ports import Replica
from reconciler.requests.circuit_breaker import Fuse

WORTH_WAITING_SECONDS = 5.0
"""Seconds that the queue waits when several contents in a row could not be fetched; when it would
be more, they are put off."""


class DownloadQueue:
    """Nodes in the order in which somebody wanted them, each once. Where several in a row failed,
    the others wait for one that tries for all; a node that has a refusal has a pause of its
    own."""

    def __init__(self, replica: Replica, refusals: Refusals) -> None:
        self._replica = replica
        self._refusals = refusals
        self._fuse = Fuse()
        self._queue: deque[NodeId] = deque()
        self._queued: dict[NodeId, int] = {}
        """What is in the queue, and the bytes of each."""
        self._queued_bytes = 0
        self._put_off: list[NodeId] = []
        """Contents that nothing is tried for, as several others in a row could not be fetched."""
        self._trying: set[NodeId] = set()
        self._active = 0
        self._wake = trio.Event()
        self._idle = trio.Event()
        self.on_try: Callable[[NodeId], None] | None = None
        """Is told of each node that a worker begins or ends to try."""

    def want(self, *nodes: NodeId) -> None:
        """Queues nodes whose content is absent."""
        for node in nodes:
            if node not in self._queued:
                base = self._replica.base(node)
                size = self._queued[node] = 0 if base is None else base.size
                self._queued_bytes += size
                self._queue.append(node)
        if self._queue:
            self._idle = trio.Event()
            self._wake.set()
            self._wake = trio.Event()

    # the workers ----------------------------------------------------------------------------------
    async def wait_wanted(self) -> None:
        """Returns when something was added."""
        await self._wake.wait()

    def __bool__(self) -> bool:
        return bool(self._queue)

    def seconds_to_wait(self) -> float:
        """How long the first one waits for others of its kind, where that is worth waiting for."""
        seconds = self._seconds()
        return seconds if seconds <= WORTH_WAITING_SECONDS else 0.0

    def _seconds(self) -> float:
        return 0.0 if self._queue[0] in self._refusals else self._fuse.wait(trio.current_time())

    def take(self) -> NodeId | None:
        """What is to be tried now, by the one who has a slot. None when there is nothing, or it is
        to wait: while the slot was waited for, another content may have shown that none can be
        fetched."""
        if not self._queue:
            return None
        seconds = self._seconds()
        if 0 < seconds <= WORTH_WAITING_SECONDS:
            return None
        node = self._queue.popleft()
        self._queued_bytes -= self._queued.pop(node, 0)
        if seconds:
            self._put_off.append(node)
            self._refusals.changed.set()
            return None
        return node

    def begin(self, node: NodeId) -> None:
        """A worker tries it."""
        self._active += 1
        self._trying.add(node)
        if self.on_try is not None:
            self.on_try(node)

    def end(self, node: NodeId) -> None:
        """It does not any more."""
        self._active -= 1
        self._trying.discard(node)
        if self.on_try is not None:
            self.on_try(node)

    # what others of the kind have shown -----------------------------------------------------------
    def fuse_for(self, node: NodeId) -> Fuse | None:
        """What others of its kind have shown; None where the node failed before."""
        return self._fuse if node not in self._refusals else None

    def note_passed(self) -> None:
        """A content was fetched, so others can be."""
        if self._fuse.passed():
            self._release_put_off()

    def try_all(self) -> None:
        """Contents can be fetched again, or may be: those that were put off wait no longer."""
        self._fuse.passed()
        self._release_put_off()

    def _release_put_off(self) -> None:
        put_off, self._put_off = self._put_off, []
        self.want(*put_off)

    def retry_put_off(self, now: float) -> None:
        """One of those that were put off may try for all, if it is time."""
        if not self._fuse.wait(now):
            self._release_put_off()

    def put_off_until(self, now: float) -> float | None:
        """When those that were put off are to be tried (trio's clock); None where there are
        none."""
        return now + self._fuse.wait(now) if self._put_off else None

    # what it tells --------------------------------------------------------------------------------
    def is_under_way(self, node: NodeId) -> bool:
        """Whether a worker tries the node, or will."""
        return node in self._queued or node in self._trying

    def is_trying(self, node: NodeId) -> bool:
        """Whether a worker tries it just now."""
        return node in self._trying

    def put_off(self) -> tuple[list[NodeId], str]:
        """The nodes that were put off, and why others of their kind failed."""
        return self._put_off, self._fuse.why

    @property
    def active(self) -> bool:
        """Whether any worker tries something."""
        return self._active > 0

    @property
    def waiting(self) -> int:
        """Files whose content is still to be fetched by the background."""
        return len(self._queue) + self._active

    def left(self, arriving: Iterable[DownloadProgress]) -> tuple[int, int]:
        """Files whose content is not here yet, and their bytes that are not; ``arriving`` is what
        is on its way."""
        coming = {each.node: each for each in arriving}
        files, left = len(self._queue), self._queued_bytes
        for node in self._trying:
            found, base, local = (
                coming.get(node),
                self._replica.base(node),
                self._replica.local(node),
            )
            if local is None or local.present:  # it has just come, or went
                continue
            files += 1
            if found is not None:
                left += found.size - found.done
            elif base is not None:
                left += base.size
        return files, left

    def note_idle(self) -> None:
        """Nothing is left to do for now."""
        self._idle.set()

    async def wait_idle(self) -> None:
        """Returns when nothing was left to do since the last node was wanted."""
        await self._idle.wait()
