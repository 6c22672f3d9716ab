"""Fetches content that is not here: opened files first, by ranges, the rest in the background.

Data goes into the node's ``Incoming`` beside its present content. A *job* is one remote version of
one node on its way; a *flight* is one ranged request of it. Readers wait for progress of their own
range, never for the file. Whatever breaks fails the job's waiters at once; what arrived stays for
the next try.
"""

from __future__ import annotations

import errno
import logging
import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import trio

from reconciler.checksum import checksum
from reconciler.endurance import Endurance
from reconciler.errors import (
    Changed,
    LocalChanged,
    Missing,
    RemoteError,
    ServerFault,
    Superseded,
    Unavailable,
    Unreachable,
)
from reconciler.hydration.content_proof import LOST, WHY, Verdict, is_agreed, look_at
from reconciler.hydration.download_checksums import Counting
from reconciler.model import Action, Base, NodeId, Op, Outcome, Remote, Result, Side
from reconciler.ports import Found, Incoming, Progress, RemoteFolder, Replica
from reconciler.requests.backoff import FIRST_PAUSE, LONGEST_PAUSE
from reconciler.requests.circuit_breaker import Fuse
from reconciler.requests.concurrency import MOST
from reconciler.requests.connectivity import Connectivity
from reconciler.requests.reachability import Reach
from reconciler.requests.request_slots import Slots
from reconciler.requests.throughput import Rate

log = logging.getLogger(__name__)

BLOCK = 4096
"""Pieces are written in whole blocks: what a sparse file shows as data after a restart is then
whole blocks too."""

LARGEST_WRITE = 1 << 20
"""Bytes that are written at once, at most; as many arrive a second time after a cut."""

READ_AHEAD = 4 << 20
"""Bytes fetched at least by a flight that a reader started."""

BUSY_PAUSE = 2.0
"""Seconds until a content that could not take its place is brought there again."""

ROOM_PAUSE = 5.0
"""Seconds until it is tried whether a full disk has room again."""

NO_ROOM = "the local disk is full: make room there, then its content is fetched"

WORTH_WAITING = 5.0
"""Seconds that the queue waits when several contents in a row could not be fetched; when it would
be more, they are put off."""

PROVED_EACH = 8 << 20
"""Contents up to this many bytes are proved before each change; it takes some ms."""

PROVED_FOR, BIG_PROVED_FOR = 1.0, 86_400.0
"""Seconds for which a proof holds, of such a content and of a bigger one."""

PROVED_MOST = 10_000
"""Proofs that are remembered."""

LOOKS = 3
"""Listings that one reader waits for at most."""

LOOKED_WITHIN = 60.0
"""Seconds that a reader waits for one of them."""

GLANCE = 0.2
"""Seconds after which a reader who waits for a listing sees what it has changed so far."""

JOIN_DISTANCE_BYTES = 2 << 20
"""A reader waits for a flight this many bytes away instead of starting its own."""


@dataclass(slots=True)
class _Refusal:
    """A content that could not be fetched, and why. ``until`` is when it is tried again (trio's
    clock, in seconds), ``base`` and ``arrived`` what it was and how many bytes of it were here
    then. ``lasting`` ones need somebody."""

    why: str
    lasting: bool
    pause: float
    until: float
    base: Base | None
    arrived: int


class _RangeRequest:
    """One request under way: bytes before ``position`` have been written, ``stop`` is where it
    ends. ``scope`` ends it when its job is superseded."""

    __slots__ = ("position", "scope", "stop")

    def __init__(self, position: int, stop: int) -> None:
        self.position = position
        self.stop = stop
        self.scope = trio.CancelScope()

    def will_reach(self, offset: int) -> bool:
        return self.position <= offset < self.stop and offset - self.position <= JOIN_DISTANCE_BYTES


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


class _Job:
    """One remote version of one node on its way. ``proved`` says that nothing is left to prove of
    its content."""

    def __init__(
        self, node: NodeId, path: str, found: Found, incoming: Incoming, digest: str | None
    ) -> None:
        self.node = node
        self.digest = digest
        self.checking = trio.Lock()
        self.proved = digest is None
        self.confirmed = False
        """Whether the server has given some of it to this process: it had this version then."""
        self.path = path
        self.found = found
        self.incoming = incoming
        self.flights: list[_RangeRequest] = []
        self.users = 0
        self.error: Exception | None = None
        self.rate = Rate(trio.current_time())
        self._progress = trio.Event()
        self._began = trio.current_time()

    @property
    def seconds(self) -> float:
        """How long it has been under way."""
        return trio.current_time() - self._began

    def awaited(self, offset: int) -> bool:
        return any(flight.will_reach(offset) for flight in self.flights)

    def announce(self) -> None:
        self._progress.set()
        self._progress = trio.Event()

    def fail(self, error: Exception) -> None:
        if self.error is None:
            self.error = error
        self.announce()

    async def wait_progress(self) -> None:
        """Raises the job's error."""
        if self.error is None:
            await self._progress.wait()
        if self.error is not None:
            raise self.error


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
        self._remote = remote
        self._link = link
        self._progress = progress
        self._slots = Slots(workers)
        self.on_stale = on_stale
        self._enduring = Endurance()
        self._looked = trio.Event()
        """Comes with the end of the next run that has not begun to list yet."""
        self.asks_to_look = False
        """Whether somebody waits for that."""
        self._jobs: dict[NodeId, _Job] = {}
        self._replacing: dict[NodeId, trio.Event] = {}
        self._outdated: dict[NodeId, str] = {}
        """Contents that a listing has to tell more of, and what the server said."""
        self._doubted: dict[NodeId, Base] = {}
        """The version that each of these was listed as, and that the server denied when it was
        asked for it."""
        self._queue: deque[NodeId] = deque()
        self._queued: dict[NodeId, int] = {}
        """What is in the queue, and the bytes of each."""
        self._queued_bytes = 0
        self._rate = Rate(trio.current_time())
        self._active = 0
        self._wake = trio.Event()
        self._idle = trio.Event()
        self._nursery: trio.Nursery | None = None
        self._refused: dict[NodeId, _Refusal] = {}
        self._refused_anew = trio.Event()
        self._trying_now: set[NodeId] = set()
        self._fuse = Fuse()
        self._put_off: list[NodeId] = []
        """Contents that nothing is tried for, as several others in a row could not be fetched."""
        self._reach = Reach(remote, link) if reach is None else reach
        self._waiting_for_space: dict[NodeId, None] = {}
        """Contents that wait until the local disk has room, in the order in which they try for
        all."""
        self._trying = False
        self._recorded: dict[NodeId, str] = {}
        self._proved: dict[NodeId, tuple[int, float]] = {}  # version, and when
        self.counting = Counting(replica)
        self._rot: dict[NodeId, tuple[int, str]] = {}  # version, and what is said of it
        """Refusals that the history has: the same one of the same content is tried again and
        again."""

    # background -----------------------------------------------------------------------------------
    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fetches everything absent, for ever. Cancelling keeps what arrived."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                self.want(*self._replica.absent())
                nursery.start_soon(self._retry_in_time)
                nursery.start_soon(self.counting.run)
                for _ in range(self._slots.most):
                    nursery.start_soon(self._work)
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._nursery = None
            for job in list(self._jobs.values()):
                job.fail(Unavailable("the drive is being stopped"))
                job.incoming.close()
            self._jobs.clear()
            self._keep_checksums()

    def _keep_checksums(self) -> None:
        try:
            self.counting.keep()
        except OSError as error:
            log.debug("the checksums of what arrived cannot be kept: %s", error)

    def want(self, *nodes: NodeId) -> None:
        """Queues nodes whose content is absent for the background."""
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

    async def _want_later(self, node: NodeId) -> None:
        """Somebody has it open for writing: there is nothing to wait for but time."""
        await trio.sleep(BUSY_PAUSE)
        self.want(node)

    def retry_refused(self) -> None:
        """Queues again what the server did not have as it was known, and those refusals whose pause
        is over; after a listing, and what followed from it, they may be answered."""
        outdated, self._outdated = self._outdated, {}
        now = trio.current_time()
        due = [node for node, each in self._refused.items() if each.until <= now]
        self.want(*outdated, *due)
        self._room_again()

    def release_refused(self) -> None:
        """Somebody asked for it: no pause counts any more."""
        now = trio.current_time()
        for node, each in self._refused.items():
            if node not in self._waiting_for_space:
                each.pause, each.until = 0.0, now
        self._gets_through()

    def _gets_through(self) -> None:
        """Contents can be fetched again, or may be: those that were put off wait no longer."""
        self._fuse.passed()
        put_off, self._put_off = self._put_off, []
        self.want(*put_off)

    async def _retry_in_time(self) -> None:
        """What could not be fetched is queued again when its pause is over, listing or not."""
        while True:
            now = trio.current_time()
            later = [
                each.until
                for each in self._refused.values()
                if each.until > now and not each.lasting
            ]
            if self._put_off:
                later.append(now + self._fuse.wait(now))
            with trio.move_on_at(min(later, default=math.inf)):
                await self._refused_anew.wait()
            self._refused_anew = trio.Event()
            if self._link.online is False:
                await self._link.wait_online()
            now = trio.current_time()
            due = [
                node
                for node, each in self._refused.items()
                if each.until <= now and not each.lasting
            ]
            self.want(*(node for node in due if node not in self._trying_now))
            if not self._fuse.wait(now):
                put_off, self._put_off = self._put_off, []
                self.want(*put_off)

    def problems(self) -> Iterator[tuple[NodeId, str, bool]]:
        """Contents that could not be fetched, why, and whether somebody has to do something."""
        found = {node: (each.why, each.lasting) for node, each in self._refused.items()}
        for node, why in self._outdated.items():
            found.setdefault(node, (why, False))
        for node in self._put_off:
            found.setdefault(
                node, (f"Other contents fail in the same way: {self._fuse.why}", False)
            )
        for node, (why, lasting) in found.items():
            if node in self._queued or node in self._trying_now:
                continue
            local = self._replica.local(node)
            if local is not None and not local.present:
                yield node, why, lasting

    @property
    def has_outdated(self) -> bool:
        """Whether a listing is to tell more of some contents."""
        return bool(self._outdated)

    @property
    def waiting(self) -> int:
        """Files whose content is still to be fetched by the background."""
        return len(self._queue) + self._active

    async def wait_drained(self) -> None:
        """Returns when nothing is left to fetch that can be fetched; raises Unavailable when the
        server is lost."""
        while self.waiting:
            if self._link.online is False:
                raise Unavailable(self._link.why)
            with trio.move_on_after(1.0):
                await self._idle.wait()

    async def _work(self) -> None:
        while True:
            while not self._queue:
                if not self._active:
                    self._keep_checksums()
                    self._idle.set()
                await self._wake.wait()
            if self._link.online is False:
                await self._link.wait_online()
                continue
            seconds = (
                0.0 if self._queue[0] in self._refused else self._fuse.wait(trio.current_time())
            )
            if 0 < seconds <= WORTH_WAITING:
                await trio.sleep(seconds)
                continue
            async with self._slots:
                node = self._next()
                if node is None:
                    continue
                self._active += 1
                self._trying_now.add(node)
                try:
                    self._slots.ended(await self._hydrate(node))
                finally:
                    self._active -= 1
                    self._trying_now.discard(node)

    def _next(self) -> NodeId | None:
        """What is to be tried now, by the one who has a slot. None when there is nothing, or it is
        to wait: while the slot was waited for, another content may have shown that none can be
        fetched."""
        if not self._queue or self._link.online is False:
            return None
        seconds = 0.0 if self._queue[0] in self._refused else self._fuse.wait(trio.current_time())
        if 0 < seconds <= WORTH_WAITING:
            return None
        node = self._queue.popleft()
        self._queued_bytes -= self._queued.pop(node, 0)
        if seconds:
            self._put_off.append(node)
            self._refused_anew.set()
            return None
        if self._waiting_for_space:
            self._wait_for_room(node)
            return None
        return node

    async def _hydrate(self, node: NodeId) -> int:
        """Tries to fetch the content; the bytes of it, 0 where nothing came."""
        fuse = self._fuse if node not in self._refused else None  # those have a pause of their own
        if fuse is not None:
            fuse.begin(trio.current_time())
        try:
            await self._wait_replaced(node)
            job = self._job_of_base(node)
            if job is not None:
                await self._prove(job)
                self._finish(job)
                await self.counting.arrived(job.node)
                self._doubted.pop(node, None)
                if self._fuse.blown:
                    self._gets_through()
                self._fuse.passed()
            self._refused.pop(node, None)
            return 0 if job is None else job.found.size
        except Unreachable as error:
            if await self._reach.is_away(error):
                self.want(node)
            else:
                self._refuse(node, str(error), lasting=False, fuse=fuse)
        except (Changed, Missing) as error:
            self._doubt(node, error)
        except Unavailable:
            self.want(node)
            await trio.lowlevel.checkpoint()
        except RemoteError as error:
            self._refuse(node, str(error), fuse=fuse)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                self._wait_for_room(node)
            else:
                self._refuse(
                    node, f"its content finds no place on the local disk: {error.strerror}"
                )
        return 0

    def start_over(self, node: NodeId) -> None:
        """The server has another content of the same size and second now: what arrived of the
        absent one goes."""
        base, local = self._replica.base(node), self._replica.local(node)
        if base is None or local is None or local.present or node in self._replacing:
            return
        self.forget(node, "the server has another version by now")
        try:
            incoming = self._replica.incoming(node, base.size, base.mtime)
        except OSError as error:  # then nothing has arrived, or the next try meets the same
            log.debug("%s cannot begin anew: %s", self._name(node), error)
        else:
            try:
                incoming.restart()
            finally:
                incoming.close()
        self.want(node)

    def _wait_for_room(self, node: NodeId) -> None:
        self._refused[node] = _Refusal(NO_ROOM, True, 0.0, math.inf, self._replica.base(node), 0)
        self._waiting_for_space[node] = None
        if not self._trying and self._nursery is not None:
            self._trying = True
            log.warning("the local disk is full: contents cannot be fetched until there is room")
            self._nursery.start_soon(self._try_room)

    async def _try_room(self) -> None:
        """One content after the other tries for all that wait: each try may cost the server a
        request."""
        try:
            while self._waiting_for_space:
                await trio.sleep(ROOM_PAUSE)
                node = next(iter(self._waiting_for_space), None)
                if node is None or self._link.online is False:
                    continue
                del self._waiting_for_space[node]
                self._refused.pop(node, None)
                await self._hydrate(node)
                if node not in self._refused:
                    self._room_again()
        finally:
            self._trying = False

    def _room_again(self) -> None:
        """Every content that had no room is queued again."""
        nodes = [*self._waiting_for_space]
        self._waiting_for_space.clear()
        for node in nodes:
            self._refused.pop(node, None)
        self.want(*nodes)

    def _doubt(self, node: NodeId, error: Changed | Missing) -> None:
        """The server's file is not the base version: a listing tells what it is now. When that has
        told the same version once more, another one tells nothing new; it is asked for again after
        the next one that is due."""
        base = self._replica.base(node)
        if base is not None and self._doubted.get(node) == base:
            self._refuse(node, str(error))
            return
        self._outdated[node] = str(error)
        if base is not None:
            self._doubted[node] = base
        self.on_stale(False)

    def _refuse(
        self, node: NodeId, why: str, *, lasting: bool = True, fuse: Fuse | None = None
    ) -> None:
        """It is tried again after a pause, which grows as long as nothing more of it arrives."""
        base, now, before = self._replica.base(node), trio.current_time(), self._refused.get(node)
        arrived = self._arrived(node, base)
        pause = FIRST_PAUSE
        if before is not None and before.base == base and arrived <= before.arrived:
            pause = min(max(before.pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        self._refused[node] = _Refusal(why, lasting, pause, now + pause, base, arrived)
        self._refused_anew.set()
        if fuse is not None:
            fuse.failed(now, why)
        news = before is None or before.why != why
        level = logging.DEBUG if not news else logging.WARNING if lasting else logging.INFO
        log.log(level, "the content of %s cannot be fetched: %s", self._name(node), why)
        if base is not None and self._recorded.get(node) != why:
            self._recorded[node] = why
            outcome = Outcome(_hydration(node, base), Result.FAILED, why)
            self._replica.record(outcome, self._name(node), None)

    def _arrived(self, node: NodeId, base: Base | None) -> int:
        """Bytes of that version that are here."""
        if (
            base is None
            or node in self._replacing
            or node in self._jobs
            or self._replica.local(node) is None
        ):
            return 0
        try:
            incoming = self._replica.incoming(node, base.size, base.mtime)
        except OSError:  # no file of this disk can be so large, or it is full
            return 0
        try:
            return _arrived(incoming)
        finally:
            incoming.close()

    def downloads(self) -> Downloads:
        """What is being received at this moment, or proved, and what is still to come."""
        now = trio.current_time()
        arriving = {
            job.node: DownloadProgress(
                job.node,
                job.path,
                _arrived(job.incoming),
                job.found.size,
                job.rate.speed(now),
                proving=job.checking.locked(),
            )
            for job in self._jobs.values()
            if job.flights or job.checking.locked()
        }
        left = self._queued_bytes
        for node in self._trying_now:
            coming, base = arriving.get(node), self._replica.base(node)
            if coming is not None:
                left += coming.size - coming.done
            elif base is not None:
                left += base.size
        return Downloads(self.waiting, left, tuple(arriving.values()), self._rate.speed(now))

    # for readers ----------------------------------------------------------------------------------
    async def ensure(self, node: NodeId, start: int, stop: int) -> None:
        """Returns when the bytes [start, stop) of the node's content are here, clipped to its size.

        Waits for a server that is slow or fails for a while, as `reconciler.endurance` says, and
        for the listing that tells what became of a version that the server does not have any more.
        Raises Unavailable: at once when the server is known to be away. Cancelling it leaves the
        fetch to go on.
        """
        waited = self._enduring.reader(trio.current_time())
        looks = 0
        while True:
            try:
                if not await self._ensure_some(node, start, stop):
                    return
                waited.came(trio.current_time())
            except Superseded:
                await trio.lowlevel.checkpoint()
            except (Changed, Missing) as error:
                looks += 1
                if looks > LOOKS or not await self._told_more(node):
                    raise Unavailable(str(error)) from error
            except RemoteError as error:
                if isinstance(error, Unreachable) and await self._reach.is_away(error):
                    raise Unavailable(str(error)) from error
                pause = waited.pause(trio.current_time(), error)
                if pause is None:
                    raise Unavailable(str(error)) from error
                await trio.sleep(pause)
            except OSError as error:
                why = f"the local disk has no place for it: {error.strerror}"
                raise Unavailable(why) from error

    async def begin(self, node: NodeId) -> None:
        """Somebody opens a content that is not here: asks for the first of what is missing, so that
        a version that the server does not have any more is found, and replaced, before anybody has
        read a part of it. Raises nothing but Cancelled: what cannot be had, a read will say.
        """
        for _ in range(LOOKS):
            try:
                await self._wait_replaced(node)
                job = self._job_of_base(node)
                if job is not None and not job.confirmed:
                    await self._ensure_some(node, 0, job.found.size)
            except Superseded:
                await trio.lowlevel.checkpoint()
                continue
            except (Changed, Missing):
                if await self._told_more(node):
                    continue
            except (RemoteError, Unavailable, OSError) as error:
                log.debug("%s cannot be fetched as it is opened: %s", self._name(node), error)
            return

    async def _told_more(self, node: NodeId) -> bool:
        """Has the engine list, after the server denied a version, and waits until something else is
        known of the content, or the run is over. False when nothing is, or no run is to come."""
        before = self._known(node)
        if not self.on_stale(True):
            return False
        self.asks_to_look = True
        looked = self._looked
        with trio.move_on_after(LOOKED_WITHIN):
            while self._known(node) == before and not looked.is_set():
                if self._link.online is False:
                    break
                with trio.move_on_after(GLANCE):
                    await looked.wait()
        return self._known(node) != before

    def _known(self, node: NodeId) -> tuple[Base | None, str | None, bool]:
        """What a request for the content depends on."""
        local = self._replica.local(node)
        if local is None or local.present or node in self._replacing:
            return None, None, False
        try:
            return self._replica.base(node), self._replica.base_path(node), True
        except KeyError:
            return self._replica.base(node), None, True

    def begins_to_look(self) -> trio.Event:
        """A run is about to list. Whoever has asked for it by now waits for the event, which the
        caller sets when the run is over."""
        looked, self._looked, self.asks_to_look = self._looked, trio.Event(), False
        return looked

    async def _ensure_some(self, node: NodeId, start: int, stop: int) -> bool:
        """Waits until more of the range has arrived; False when all of it is here. Raises the job's
        error."""
        await self._wait_replaced(node)
        job = self._job_of_base(node)
        gap = None if job is None else job.incoming.missing(start, stop)
        if job is None:
            return False
        if gap is None:
            if job.incoming.missing(0, job.found.size) is None:
                await self._prove(job)
                self._finish(job)
                await self.counting.arrived(job.node)
            return False
        if self._nursery is None:
            raise Unavailable("the drive is being stopped")
        if self._link.resting:
            raise Unavailable(
                self._link.why if self._link.paused else f"the server is away: {self._link.why}"
            )
        if not job.awaited(gap[0]):
            end = min(max(gap[1], gap[0] + READ_AHEAD), job.found.size)
            self._nursery.start_soon(self._run_request, job, self._start_request(job, gap[0], end))
        await job.wait_progress()
        return True

    async def prove(self, node: NodeId, *, broken: bool = False) -> bool:
        """Before somebody changes a part of a content that both sides agreed on: whether it still
        is that. What is not goes to the bin and is to be fetched, and the node has another inode.
        True also where nothing is known of it. ``broken``: it could not be opened.
        """
        local = self._replica.local(node)
        if local is None or not local.size or not is_agreed(self._replica, node):
            return True
        if local.busy or local.open_for_writing:
            return True
        if not broken and self._replica.checksum_of(node, local.version) is None:
            return True
        seen = self._proved.get(node)
        if seen is not None and not broken and seen[0] == local.version:
            age = trio.current_time() - seen[1]
            if age < (PROVED_FOR if local.size <= PROVED_EACH else BIG_PROVED_FOR):
                return True
        if await look_at(self._replica, node) is not Verdict.ROTTEN:
            if len(self._proved) > PROVED_MOST:
                self._proved.clear()
            self._proved[node] = local.version, trio.current_time()
            return True
        return not self.rotten(node)

    def rotten(self, node: NodeId) -> bool:
        """The content was found to be something else than was saved: it is told, and fetched anew
        where the server has it. Returns whether it is."""
        local, base, name = self._replica.local(node), self._replica.base(node), self._name(node)
        if local is None:
            return False
        if base is None or not self._replica.rotted(node, WHY):
            if self._rot.get(node) != (local.version, LOST):
                log.error("%s: %s", name, LOST)
            self._rot[node] = local.version, LOST
            return False
        log.error("%s: %s", name, WHY)
        after = self._replica.local(node)
        self._rot[node] = 0 if after is None else after.version, WHY
        action = replace(_hydration(node, base), reason=WHY)
        self._replica.record(Outcome(action, Result.FAILED, WHY), name, None)
        self.want(node)
        return True

    def rot(self) -> list[tuple[str, str]]:
        """Path and clause for people for each content that was found rotten and is not whole
        again."""
        for node, (version, why) in list(self._rot.items()):
            local = self._replica.local(node)
            if local is None or local.version != version or (why == WHY and local.present):
                del self._rot[node]
        return [(self._name(node), why) for node, (_, why) in self._rot.items()]

    # for the executor -----------------------------------------------------------------------------
    async def fetch(self, node: NodeId, path: str, remote: Remote) -> Incoming:
        """The complete content of one remote version, ready for ``install_content``; the caller
        closes it.

        It may be another version than the base's: until this returns nobody else asks for the
        node's content. Raises RemoteError, OSError, Unavailable.
        """
        ended = self._replacing[node] = trio.Event()
        try:
            job = self._job(node, path, Found(remote.size, remote.mtime * 1000), remote.checksum)
            await self._prove(job)
            self._jobs.pop(node, None)
            return job.incoming
        finally:
            del self._replacing[node]
            ended.set()

    async def _wait_replaced(self, node: NodeId) -> None:
        while node in self._replacing:
            await self._replacing[node].wait()

    def halt(self, why: str) -> None:
        """All that is under way ends at once; what arrived stays, and the rest is queued again."""
        for node in list(self._jobs):
            self.forget(node, why)

    def forget(self, node: NodeId, why: str = "the file was replaced by a newer version") -> None:
        """The node's job, if any, is superseded: its flights end, its waiters look again."""
        job = self._jobs.pop(node, None)
        if job is not None:
            for flight in job.flights:
                flight.scope.cancel()
            job.fail(Superseded(why))
            job.incoming.close()

    # jobs -----------------------------------------------------------------------------------------
    def _job_of_base(self, node: NodeId) -> _Job | None:
        """The job that makes the node's content present; None when it is present or the node is
        gone."""
        local = self._replica.local(node)
        base = self._replica.base(node)
        if local is None or local.present:
            return None
        if base is None:
            raise Missing("the server does not have it any more")
        try:
            path = self._replica.base_path(node)
        # a folder above went from the base, and where the file is now was not agreed on yet
        except KeyError:
            raise Missing("the server does not have it where it was") from None
        return self._job(node, path, Found(base.size, base.mtime * 1000), base.checksum)

    def _job(self, node: NodeId, path: str, found: Found, digest: str | None) -> _Job:
        job = self._jobs.get(node)
        wanted = found, path, digest
        # A file that was deleted while it was fetched, and came back, has an incoming content of
        # its own again.
        over = job is not None and (job.error is not None or job.incoming.dropped)
        if job is not None and (over or (job.found, job.path, job.digest) != wanted):
            self.forget(node)
            job = None
        if job is None:
            job = _Job(
                node, path, found, self._replica.incoming(node, found.size, found.mtime), digest
            )
            self._jobs[node] = job
        return job

    async def _prove(self, job: _Job) -> None:
        """Completes a job, and proves the content where its checksum is known. What is something
        else is thrown away and fetched once more from its first byte: a part of it may have been of
        another version. Raises ServerFault when that does not help."""
        for _ in range(2):
            await self._complete(job)
            if job.proved and job.error is None:
                return
            async with job.checking:
                if not job.proved and self._jobs.get(job.node) is job:
                    job.proved = await _sum(job.incoming) == job.digest
                if job.error is not None:
                    raise job.error
                if job.proved or self._jobs.get(job.node) is not job:
                    return
                if job.incoming.missing(0, job.found.size) is None:
                    job.incoming.restart()
        log.warning("what the server sends as %s is not what it listed", job.path)
        self.forget(job.node)
        self._forget_checksum(job)
        raise ServerFault(
            "What the server sends is not what it listed; it is fetched again after the next"
            " listing"
        )

    def _forget_checksum(self, job: _Job) -> None:
        """What is here only by name has the checksum that a listing told, and the server would take
        that over for ever while size, second and inode are the same: it is to count anew."""
        local, base = self._replica.local(job.node), self._replica.base(job.node)
        if (
            local is not None
            and not local.present
            and base is not None
            and base.checksum == job.digest
        ):
            self._replica.set_base(job.node, replace(base, checksum=None))

    async def _complete(self, job: _Job) -> None:
        """Fetches all that is missing of a job, beside flights that readers start."""
        while (gap := job.incoming.missing(0, job.found.size)) is not None:
            if job.error is not None:
                raise job.error
            if job.awaited(gap[0]):
                await job.wait_progress()
                continue
            await self._run_request(job, self._start_request(job, gap[0], gap[1]))
            if job.error is not None:
                raise job.error

    def _start_request(self, job: _Job, start: int, stop: int) -> _RangeRequest:
        """A flight counts as under way from the moment it is decided on, so that nobody starts a
        second one."""
        flight = _RangeRequest(
            start - start % BLOCK, min(math.ceil(stop / BLOCK) * BLOCK, job.found.size)
        )
        job.flights.append(flight)
        return flight

    async def _run_request(self, job: _Job, flight: _RangeRequest) -> None:
        """One ranged request, written out in whole blocks. Its errors become the job's."""
        try:
            with flight.scope:
                await self._receive(job, flight)
                self._link.alive()
                self._enduring.answered()
        except (RemoteError, OSError) as error:
            job.fail(error)
            if self._jobs.get(job.node) is job:
                del self._jobs[job.node]
                job.incoming.close()
        finally:
            job.flights.remove(flight)
            job.announce()

    async def _receive(self, job: _Job, flight: _RangeRequest) -> None:
        buffer, enough = bytearray(), BLOCK
        async with self._remote.download(
            job.path, start=flight.position, stop=flight.stop, expect=job.found
        ) as pieces:
            async for piece in pieces:
                buffer += piece
                ends = flight.position + len(buffer) == flight.stop
                if len(buffer) < enough and not ends:
                    continue
                whole = len(buffer) if ends else len(buffer) - len(buffer) % BLOCK
                with memoryview(buffer) as view, view[:whole] as blocks:
                    job.incoming.write(flight.position, blocks)
                del buffer[:whole]
                flight.position += whole
                job.confirmed = True
                now = trio.current_time()
                job.rate.add(now, whole)
                self._rate.add(now, whole)
                # A reader waits for the first piece; a long stream is cheaper in large ones.
                enough = min(enough * 2, LARGEST_WRITE)
                job.announce()
                if job.incoming.missing(flight.position, flight.stop) is None:
                    break
        if (
            flight.position < flight.stop
            and job.incoming.missing(flight.position, flight.stop) is not None
        ):
            raise Unreachable("the server ended the download early; it is tried again")

    def _finish(self, job: _Job) -> None:
        """The whole content has arrived: the node becomes present, if it still stands for that
        version."""
        if self._jobs.get(job.node) is not job:
            return  # somebody else has finished it
        del self._jobs[job.node]
        try:
            self._bring_in(job)
        finally:
            job.incoming.close()

    def _bring_in(self, job: _Job) -> None:
        local, base = self._replica.local(job.node), self._replica.base(job.node)
        if local is None or base is None or local.present:
            return
        if (base.size, base.mtime) != (job.found.size, job.found.mtime):
            self.want(job.node)  # it was touched meanwhile, or stands for another version now
            return
        action = _hydration(job.node, base)
        try:
            self._replica.install_content(
                job.node, job.incoming, base, local.version, keep=False, why=""
            )
        except LocalChanged:
            if self._nursery is not None:
                self._nursery.start_soon(self._want_later, job.node)
            return
        self._recorded.pop(job.node, None)
        outcome = Outcome(action, Result.DONE, moved_bytes=job.found.size, seconds=job.seconds)
        self._replica.record(outcome, job.path, None)
        self._progress.ended(outcome, job.path)
        job.announce()

    def _name(self, node: NodeId) -> str:
        try:
            return self._replica.local_path(node)
        except KeyError:
            return f"node {node}"


async def _sum(incoming: Incoming) -> str | None:
    """The checksum of what has arrived. By a descriptor of its own: the job may end while a thread
    still reads."""
    fd = os.dup(incoming.fd)
    try:
        return await checksum(fd, incoming.size)
    finally:
        os.close(fd)


def _hydration(node: NodeId, base: Base) -> Action:
    """A hydration as it stands in the history."""
    return Action(
        Op.FETCH,
        Side.LOCAL,
        node,
        base,
        None,
        base.on_server(),
        base.place,
        reason="content fetched",
    )


def _arrived(incoming: Incoming) -> int:
    """How many bytes of it are here."""
    here, position = incoming.size, 0
    while (gap := incoming.missing(position, incoming.size)) is not None:
        here -= gap[1] - gap[0]
        position = gap[1]
    return here
