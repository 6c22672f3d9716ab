"""Contents that wait until the local disk has room."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import trio

from reconciler.hydration.download_queue import DownloadQueue
from reconciler.hydration.refusals import Refusals
from reconciler.model import NodeId
from reconciler.phrases import Phrase
from reconciler.requests.connectivity import Connectivity

log = logging.getLogger(__name__)

SPACE_RETRY_SECONDS = 5.0
"""Seconds until it is tried whether a full disk has room again."""

NO_SPACE = Phrase("the local disk is full: make room there, then its content is fetched")


class SpaceWait:
    """One content after the other tries for all that wait: each try may cost the server a request.
    ``hydrate`` tries one."""

    def __init__(
        self,
        queue: DownloadQueue,
        refusals: Refusals,
        link: Connectivity,
        hydrate: Callable[[NodeId], Awaitable[int]],
    ) -> None:
        self._queue = queue
        self._refusals = refusals
        self._link = link
        self._hydrate = hydrate
        self._waiting: dict[NodeId, None] = {}  # in the order in which they try for all
        self._is_full = trio.Event()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __contains__(self, node: object) -> bool:
        return node in self._waiting

    def add(self, node: NodeId) -> None:
        """The disk had no room for this one."""
        self._refusals.note_waiting(node, NO_SPACE)
        self._waiting[node] = None
        if not self._is_full.is_set():
            log.warning("the local disk is full: contents cannot be fetched until there is room")
            self._is_full.set()

    def release(self) -> None:
        """There may be room: every content that had none is queued again."""
        nodes = [*self._waiting]
        self._waiting.clear()
        for node in nodes:
            self._refusals.clear(node)
        self._queue.want(*nodes)

    async def run(self) -> None:
        """Tries, for ever, whether there is room again."""
        while True:
            await self._is_full.wait()
            while self._waiting:
                await trio.sleep(SPACE_RETRY_SECONDS)
                node = next(iter(self._waiting), None)
                if node is None or self._link.online is False:
                    continue
                del self._waiting[node]
                self._refusals.clear(node)
                await self._hydrate(node)
                if node not in self._refusals:
                    self.release()
            self._is_full = trio.Event()
