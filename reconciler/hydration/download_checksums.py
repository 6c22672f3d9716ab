"""Checksums of what arrived from the server, for whom the listing told none.

Small contents are counted where they arrive, and kept together; larger ones follow one after the
other beside the rest. Who stops before that loses nothing: the patrol counts what has no checksum.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass

import trio

from reconciler.checksum import IN_LOOP
from reconciler.hydration.content_proof import is_still, look_at, sum_of
from reconciler.hydration.download import Along
from reconciler.model import NodeId
from reconciler.ports import Replica

log = logging.getLogger(__name__)

TOGETHER = 200
"""Checksums that are kept in one event."""


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A large content that was taken in as this version."""

    node: NodeId
    version: int
    along: Along | None


class Counting:
    """For one replica."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._counted: list[tuple[NodeId, int, str]] = []
        self._queue: deque[_Arrived] = deque()
        self._more = trio.Event()
        self._none_left = trio.Event()
        self._none_left.set()

    async def arrived(self, node: NodeId, along: Along | None = None) -> None:
        """The content of this node was just taken in. ``along`` counts that very content."""
        try:
            await self._arrived(node, along)
        except OSError as error:
            log.debug("what arrived of node %d cannot be counted: %s", node, error)

    async def _arrived(self, node: NodeId, along: Along | None) -> None:
        local = self._replica.local(node)
        if (
            local is None
            or not local.present
            or self._replica.checksum_of(node, local.version) is not None
        ):
            return
        if local.size > IN_LOOP:
            self._queue.append(_Arrived(node, local.version, along))
            self._none_left = trio.Event()
            self._more.set()
            return
        digest = await sum_of(self._replica, node, local)
        if digest is not None:
            self._counted.append((node, local.version, digest))
        if len(self._counted) >= TOGETHER:
            self.keep()

    def keep(self) -> None:
        """Records what was counted. Raises OSError."""
        counted, self._counted = self._counted, []
        if counted:
            self._replica.counted(counted)

    async def run(self) -> None:
        """Counts larger contents, for ever."""
        while True:
            while not self._queue:
                self._none_left.set()
                self._more = trio.Event()
                await self._more.wait()
            arrived = self._queue.popleft()
            try:
                if not await self._counted_along(arrived):
                    await look_at(self._replica, arrived.node)
            except OSError as error:
                log.debug("the checksum of node %d cannot be kept: %s", arrived.node, error)

    async def _counted_along(self, arrived: _Arrived) -> bool:
        """Keeps the checksum that was computed meanwhile, if the content still is what was taken
        in. Raises OSError."""
        digest = await arrived.along.digest() if arrived.along is not None else None
        local = self._replica.local(arrived.node)
        if digest is None or local is None or not is_still(local):
            return False
        if local.version != arrived.version:
            return False
        self._replica.counted([(arrived.node, local.version, digest)])
        return True

    async def wait(self) -> None:
        """Returns when nothing is left to count."""
        await self._none_left.wait()
