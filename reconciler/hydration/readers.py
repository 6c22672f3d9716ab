"""Programs that read a content which is not here: they wait for their own range, not for the
file."""

from __future__ import annotations

import errno
import logging
from collections.abc import Awaitable, Callable

import trio

from reconciler.errors import (
    Changed,
    Missing,
    Obstacle,
    RemoteError,
    Superseded,
    Unavailable,
    Unreachable,
)
from reconciler.hydration.download import Download
from reconciler.hydration.downloads import ActiveDownloads
from reconciler.hydration.endurance import Endurance
from reconciler.hydration.refusals import name_of
from reconciler.model import Base, NodeId
from reconciler.phrases import Phrase, strerror
from reconciler.ports import Replica
from reconciler.requests.connectivity import Connectivity
from reconciler.requests.reachability import Reach

log = logging.getLogger(__name__)

READ_AHEAD_BYTES = 4 << 20
"""Bytes fetched at least by a request that a reader started."""

MAX_LISTINGS = 3
"""Listings that one reader waits for at most."""

LISTED_WITHIN_SECONDS = 60.0
"""Seconds that a reader waits for one of them."""

POLL_INTERVAL_SECONDS = 0.2
"""Seconds after which a reader who waits for a listing sees what it has changed so far."""


class Readers:
    """``complete`` makes present what has arrived whole. ``on_stale`` as the hydrator's."""

    def __init__(
        self,
        replica: Replica,
        downloads: ActiveDownloads,
        link: Connectivity,
        reach: Reach,
        endurance: Endurance,
        complete: Callable[[Download], Awaitable[None]],
    ) -> None:
        self._replica = replica
        self._downloads = downloads
        self._link = link
        self._reach = reach
        self._endurance = endurance
        self._complete = complete
        self._listed = trio.Event()
        """Comes with the end of the next run that has not begun to list yet."""
        self.asks_to_look = False
        """Whether somebody waits for that."""
        self.offline_reads = 0
        """How often a content that is not here was asked for while the server was away."""
        self.on_stale: Callable[[bool], bool] = lambda _wanted: False

    async def ensure(self, node: NodeId, start: int, stop: int) -> None:
        """Returns when the bytes [start, stop) of the node's content are here, clipped to its size.

        Waits for a server that is slow or fails for a while, as `endurance` says, and for the
        listing that tells what became of a version that the server does not have any more. Raises
        Unavailable: at once when the server is known to be away. Cancelling it leaves the fetch to
        go on.
        """
        waited = self._endurance.reader(trio.current_time())
        listings = 0
        while True:
            try:
                if not await self._ensure_some(node, start, stop):
                    return
                waited.came(trio.current_time())
            except Superseded:
                await trio.lowlevel.checkpoint()
            except (Changed, Missing) as error:
                listings += 1
                if listings > MAX_LISTINGS or not await self._told_more(node):
                    raise Unavailable(str(error)) from error
            except RemoteError as error:
                if isinstance(error, Unreachable) and await self._reach.is_away(error):
                    self.offline_reads += 1
                    raise Unavailable(str(error), Obstacle.OFFLINE) from error
                delay = waited.next_delay(trio.current_time(), error)
                if delay is None:
                    obstacle = Obstacle.SLOW if error.temporary else Obstacle.REFUSED
                    raise Unavailable(str(error), obstacle) from error
                await trio.sleep(delay)
            except OSError as error:
                why = Phrase("the local disk has no place for it: {why}", why=strerror(error))
                full = error.errno in {errno.ENOSPC, errno.EDQUOT}
                obstacle = Obstacle.NO_SPACE if full else Obstacle.OTHER
                raise Unavailable(why, obstacle) from error

    async def begin(self, node: NodeId) -> None:
        """Somebody opens a content that is not here: asks for the first of what is missing, so that
        a version that the server does not have any more is found, and replaced, before anybody has
        read a part of it. Raises nothing but Cancelled: what cannot be had, a read will say.
        """
        for _ in range(MAX_LISTINGS):
            try:
                await self._downloads.wait_replaced(node)
                download = self._downloads.of_base(node)
                if download is not None and not download.confirmed:
                    await self._ensure_some(node, 0, download.found.size)
            except Superseded:
                await trio.lowlevel.checkpoint()
                continue
            except (Changed, Missing):
                if await self._told_more(node):
                    continue
            except (RemoteError, Unavailable, OSError) as error:
                name = name_of(self._replica, node)
                log.debug("%s cannot be fetched as it is opened: %s", name, error)
            return

    async def _told_more(self, node: NodeId) -> bool:
        """Has the engine list, after the server denied a version, and waits until something else is
        known of the content, or the run is over. False when nothing is, or no run is to come."""
        before = self._known(node)
        if not self.on_stale(True):
            return False
        self.asks_to_look = True
        listed = self._listed
        with trio.move_on_after(LISTED_WITHIN_SECONDS):
            while self._known(node) == before and not listed.is_set():
                if self._link.online is False:
                    break
                with trio.move_on_after(POLL_INTERVAL_SECONDS):
                    await listed.wait()
        return self._known(node) != before

    def _known(self, node: NodeId) -> tuple[Base | None, str | None, bool]:
        """What a request for the content depends on."""
        local = self._replica.local(node)
        if local is None or local.present or self._downloads.is_replacing(node):
            return None, None, False
        try:
            return self._replica.base(node), self._replica.base_path(node), True
        except KeyError:
            return self._replica.base(node), None, True

    def begins_to_look(self) -> trio.Event:
        """A run is about to list. Whoever has asked for it by now waits for the event, which the
        caller sets when the run is over."""
        listed, self._listed, self.asks_to_look = self._listed, trio.Event(), False
        return listed

    async def _ensure_some(self, node: NodeId, start: int, stop: int) -> bool:
        """Waits until more of the range has arrived; False when all of it is here. Raises the
        download's error."""
        await self._downloads.wait_replaced(node)
        download = self._downloads.of_base(node)
        if download is None:
            return False
        gap = download.incoming.missing(start, stop)
        if gap is None:
            if download.missing() is None:
                await self._complete(download)
            return False
        if self._downloads.nursery is None:
            raise Unavailable(Phrase("the drive is being stopped"))
        if self._link.in_backoff:
            self.offline_reads += 1
            why = self._link.why
            if not self._link.paused:
                why = Phrase("the server is away: {why}", why=why)
            raise Unavailable(why, Obstacle.OFFLINE)
        if not download.awaited(gap[0]):
            end = min(max(gap[1], gap[0] + READ_AHEAD_BYTES), download.found.size)
            self._downloads.request_for_reader(download, gap[0], end)
        await download.wait_progress()
        return True
