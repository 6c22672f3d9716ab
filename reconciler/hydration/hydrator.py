"""Fetches content that is not here: opened files first, by ranges, the rest in the background.

`downloads` has what is under way, `download_queue` what is next, `refusals` what could not be
fetched, `space_wait` what has no room here, `readers` the programs that wait, and `content_guard`
what changed on the disk by itself. This is the background, and what others see of it all.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator

import trio

from reconciler.errors import (
    Changed,
    LocalChanged,
    Missing,
    Obstacle,
    RemoteError,
    Unavailable,
    Unreachable,
)
from reconciler.hydration.content_guard import ContentGuard
from reconciler.hydration.download import Download, Downloads, hydration
from reconciler.hydration.download_checksums import Counting
from reconciler.hydration.download_queue import DownloadQueue
from reconciler.hydration.downloads import REPLACED, ActiveDownloads
from reconciler.hydration.endurance import Endurance
from reconciler.hydration.readers import Readers
from reconciler.hydration.refusals import Refusals
from reconciler.hydration.space_wait import SpaceWait
from reconciler.model import NodeId, Outcome, Remote, Result
from reconciler.phrases import Phrase, strerror
from reconciler.ports import Incoming, Progress, RemoteFolder, Replica
from reconciler.requests.circuit_breaker import Fuse
from reconciler.requests.concurrency import MOST
from reconciler.requests.connectivity import Connectivity
from reconciler.requests.reachability import Reach
from reconciler.requests.request_slots import Slots

log = logging.getLogger(__name__)

BUSY_RETRY_SECONDS = 2.0
"""Seconds until a content that could not take its place is brought there again."""


class Hydrator:
    """See the module. ``run`` must be running for anything to be fetched.

    ``on_stale`` is called when the server's file turns out not to be the base version, with whether
    somebody is reading it: the engine lists then. It returns whether that is to come within
    seconds.
    """

    def __init__(
        self,
        replica: Replica,
        remote: RemoteFolder,
        link: Connectivity,
        *,
        progress: Progress,
        on_stale: Callable[[bool], bool] = lambda _wanted: False,
        workers: int = MOST,
        reach: Reach | None = None,
    ) -> None:
        self._replica = replica
        self._link = link
        self._progress = progress
        self._slots = Slots(workers)
        self._reach = Reach(remote, link) if reach is None else reach
        endurance = Endurance()
        self._downloads = ActiveDownloads(replica, remote, link, endurance)
        self._refusals = Refusals(replica)
        self._queue = DownloadQueue(replica, self._refusals)
        self._space = SpaceWait(self._queue, self._refusals, link, self._hydrate)
        self._readers = Readers(
            replica, self._downloads, link, self._reach, endurance, self._complete
        )
        self._guard = ContentGuard(replica, self.want)
        self.counting = Counting(replica)
        self.on_stale = on_stale

    @property
    def on_stale(self) -> Callable[[bool], bool]:
        """See the class."""
        return self._readers.on_stale

    @on_stale.setter
    def on_stale(self, on_stale: Callable[[bool], bool]) -> None:
        self._readers.on_stale = on_stale

    # background -----------------------------------------------------------------------------------
    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fetches everything absent, for ever. Cancelling keeps what arrived."""
        try:
            async with trio.open_nursery() as nursery:
                self._downloads.nursery = nursery
                self.want(*self._replica.absent())
                nursery.start_soon(self._retry_in_time)
                nursery.start_soon(self._space.run)
                nursery.start_soon(self.counting.run)
                for _ in range(self._slots.most):
                    nursery.start_soon(self._work)
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._downloads.nursery = None
            self._downloads.close()
            self._keep_checksums()

    def _keep_checksums(self) -> None:
        try:
            self.counting.keep()
        except OSError as error:
            log.debug("the checksums of what arrived cannot be kept: %s", error)

    def want(self, *nodes: NodeId) -> None:
        """Queues nodes whose content is absent for the background."""
        self._queue.want(*nodes)

    async def _want_later(self, node: NodeId) -> None:
        """Somebody has it open for writing: there is nothing to wait for but time."""
        await trio.sleep(BUSY_RETRY_SECONDS)
        self.want(node)

    async def _work(self) -> None:
        while True:
            while not self._queue:
                if not self._queue.active:
                    self._keep_checksums()
                    self._queue.note_idle()
                await self._queue.wait_wanted()
            if self._link.online is False:
                await self._link.wait_online()
                continue
            seconds = self._queue.seconds_to_wait()
            if seconds > 0:
                await trio.sleep(seconds)
                continue
            async with self._slots:
                node = self._next()
                if node is None:
                    continue
                self._queue.begin(node)
                try:
                    self._slots.ended(await self._hydrate(node))
                finally:
                    self._queue.end(node)

    def _next(self) -> NodeId | None:
        """What is to be tried now, by the one who has a slot; None when there is nothing, or it is
        to wait."""
        node = None if self._link.online is False else self._queue.take()
        if node is not None and self._space:
            self._space.add(node)
            return None
        return node

    async def _hydrate(self, node: NodeId) -> int:
        """Tries to fetch the content; the bytes of it, 0 where nothing came."""
        fuse = self._queue.fuse_for(node)
        if fuse is not None:
            fuse.begin(trio.current_time())
        try:
            await self._downloads.wait_replaced(node)
            download = self._downloads.of_base(node)
            if download is not None:
                await self._complete(download)
                self._refusals.note_given(node)
                self._queue.note_passed()
            self._refusals.clear(node)
            return 0 if download is None else download.found.size
        except Unreachable as error:
            if await self._reach.is_away(error):
                self.want(node)
            else:
                self._refuse(node, str(error), lasting=False, fuse=fuse)
        except (Changed, Missing) as error:
            if self._refusals.note_outdated(node, str(error)):
                self.on_stale(False)
            else:  # it is asked for again after the next listing that is due
                self._refuse(node, str(error))
        except Unavailable:
            self.want(node)
            await trio.lowlevel.checkpoint()
        except RemoteError as error:
            self._refuse(node, str(error), fuse=fuse)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                self._space.add(node)
            else:
                why = Phrase(
                    "its content finds no place on the local disk: {why}", why=strerror(error)
                )
                self._refuse(node, why)
        return 0

    def _refuse(
        self, node: NodeId, why: str, *, lasting: bool = True, fuse: Fuse | None = None
    ) -> None:
        """It is tried again after a pause, which grows as long as nothing more of it arrives."""
        arrived = self._downloads.arrived(node, self._replica.base(node))
        self._refusals.note(node, why, lasting=lasting, arrived=arrived)
        if fuse is not None:
            fuse.failed(trio.current_time(), why)

    async def _complete(self, download: Download) -> None:
        """Fetches what is missing, and makes the node present if it still stands for that version.
        Raises RemoteError, OSError, Unavailable."""
        await self._downloads.complete_and_verify(download)
        along = None
        if self._downloads.take(download):
            try:
                if self._install(download):
                    along = download.along
            finally:
                download.incoming.close()
        await self.counting.arrived(download.node, along)

    def _install(self, download: Download) -> bool:
        """Whether the content is the node's now."""
        node = download.node
        local, base = self._replica.local(node), self._replica.base(node)
        if local is None or base is None or local.present:
            return False
        if (base.size, base.mtime) != (download.found.size, download.found.mtime):
            self.want(node)  # it was touched meanwhile, or stands for another version now
            return False
        incoming = download.incoming
        try:
            self._replica.install_content(node, incoming, base, local.version, keep=False, why="")
        except LocalChanged:
            if self._downloads.nursery is not None:
                self._downloads.nursery.start_soon(self._want_later, node)
            return False
        self._refusals.note_installed(node)
        outcome = Outcome(
            hydration(node, base),
            Result.DONE,
            moved_bytes=download.found.size,
            seconds=download.seconds,
        )
        self._replica.record(outcome, download.path, None)
        self._progress.ended(outcome, download.path)
        download.announce()
        return True

    # tries again ----------------------------------------------------------------------------------
    def retry_refused(self) -> None:
        """Queues again what the server did not have as it was known, and those refusals whose pause
        is over; after a listing, and what followed from it, they may be answered."""
        outdated = self._refusals.take_outdated()
        self.want(*outdated, *self._refusals.due(trio.current_time(), lasting=True))
        self._space.release()

    def release_refused(self) -> None:
        """Somebody asked for it: no pause counts any more."""
        self._refusals.end_delays(but=self._space)
        self._queue.try_all()

    async def _retry_in_time(self) -> None:
        """What could not be fetched is queued again when its pause is over, listing or not."""
        while True:
            now = trio.current_time()
            until = self._refusals.next_due(now)
            put_off_until = self._queue.put_off_until(now)
            if put_off_until is not None:
                until = min(until, put_off_until)
            with trio.move_on_at(until):
                await self._refusals.changed.wait()
            self._refusals.changed = trio.Event()
            if self._link.online is False:
                await self._link.wait_online()
            now = trio.current_time()
            due = self._refusals.due(now, lasting=False)
            self.want(*(node for node in due if not self._queue.is_trying(node)))
            self._queue.retry_put_off(now)

    # what it tells --------------------------------------------------------------------------------
    def problems(self) -> Iterator[tuple[NodeId, str, bool]]:
        """Contents that could not be fetched, why, and whether somebody has to do something."""
        found = {node: (why, lasting) for node, why, lasting in self._refusals.problems()}
        put_off, why_others = self._queue.put_off()
        for node in put_off:
            others = Phrase("Other contents fail in the same way: {why}", why=why_others)
            found.setdefault(node, (others, False))
        for node, (why, lasting) in found.items():
            if self._queue.is_under_way(node):
                continue
            local = self._replica.local(node)
            if local is not None and not local.present:
                yield node, why, lasting

    def watch(self, told: Callable[[NodeId], None] | None) -> None:
        """From now on this one, and no other, is told of each node that the background begins or
        ends to fetch. None: nobody."""
        self._queue.on_try = told

    def is_trying(self, node: NodeId) -> bool:
        """Whether the background fetches its content just now."""
        return self._queue.is_trying(node)

    @property
    def has_outdated(self) -> bool:
        """Whether a listing is to tell more of some contents."""
        return self._refusals.has_outdated

    @property
    def waiting(self) -> int:
        """Files whose content is still to be fetched by the background."""
        return self._queue.waiting

    @property
    def offline_reads(self) -> int:
        """How often a content that is not here was asked for while the server was away."""
        return self._readers.offline_reads

    async def wait_drained(self) -> None:
        """Returns when nothing is left to fetch that can be fetched; raises Unavailable when the
        server is lost."""
        while self.waiting:
            if self._link.online is False:
                raise Unavailable(self._link.why, Obstacle.OFFLINE)
            with trio.move_on_after(1.0):
                await self._queue.wait_idle()

    def downloads(self) -> Downloads:
        """What is being received at this moment, or proved, and what is still to come."""
        arriving = self._downloads.arriving()
        files, left = self._queue.left(arriving)
        return Downloads(files, left, tuple(arriving), self._downloads.speed())

    # for readers ----------------------------------------------------------------------------------
    async def ensure(self, node: NodeId, start: int, stop: int) -> None:
        """As `Readers.ensure`."""
        await self._readers.ensure(node, start, stop)

    async def begin(self, node: NodeId) -> None:
        """As `Readers.begin`."""
        await self._readers.begin(node)

    @property
    def asks_to_look(self) -> bool:
        """Whether a reader waits for a run that has not begun to list."""
        return self._readers.asks_to_look

    def begins_to_look(self) -> trio.Event:
        """As `Readers.begins_to_look`."""
        return self._readers.begins_to_look()

    async def prove(self, node: NodeId, *, broken: bool = False) -> bool:
        """As `ContentGuard.prove`."""
        return await self._guard.prove(node, broken=broken)

    def rotten(self, node: NodeId) -> bool:
        """As `ContentGuard.rotten`."""
        return self._guard.rotten(node)

    def rot(self) -> list[tuple[str, str]]:
        """As `ContentGuard.rot`."""
        return self._guard.rot()

    # for the executor -----------------------------------------------------------------------------
    async def fetch(self, node: NodeId, path: str, remote: Remote) -> Incoming:
        """As `ActiveDownloads.fetch`."""
        return await self._downloads.fetch(node, path, remote)

    def start_over(self, node: NodeId) -> None:
        """The server has another content of the same size and second now: what arrived of the
        absent one goes."""
        if self._downloads.start_over(node):
            self.want(node)

    def halt(self, why: str) -> None:
        """All that is under way ends at once; what arrived stays, and the rest is queued again."""
        self._downloads.halt(why)

    def forget(self, node: NodeId, why: str = REPLACED) -> None:
        """As `ActiveDownloads.forget`."""
        self._downloads.forget(node, why)
