"""The trio loop that keeps a replica and a server folder the same, and what people ask of it.

Three kinds of pass share planner and executor. A *run* lists the server and resolves everything
(`full_run`). A *push* uploads only pending changes that are due (`push`). A *look* asks about one
folder (`looks`). One at a time. What the moment asks for is decided by `next_step`, which is pure.
With a schedule there are runs only, when it says so.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import assert_never

import trio

from reconciler.engine.backlog import STILL
from reconciler.engine.debounce import Debouncer
from reconciler.engine.full_run import FullRun
from reconciler.engine.looks.folder_looks import FolderLooks
from reconciler.engine.next_step import EngineMoment, Halting, NextStep, Step, next_step
from reconciler.engine.parts import EngineOptions, EngineParts
from reconciler.engine.pending_reason import EngineState, Hold, PendingReason, pending_reason
from reconciler.engine.push import Push
from reconciler.engine.schedule import Schedule
from reconciler.errors import Unauthorized, Unavailable, Unreachable
from reconciler.hydration.hydrator import Hydrator
from reconciler.lookups import Dirty
from reconciler.model import NodeId, Settings
from reconciler.phrases import Phrase
from reconciler.ports import Clock, Progress, RemoteFolder, Replica
from reconciler.reporting.describe import PlanDescriber
from reconciler.reporting.report import EngineStatus, Report
from reconciler.requests.connectivity import Connectivity
from reconciler.trees.remote_tree import RemoteTree

log = logging.getLogger(__name__)

MIN_LOOK_INTERVAL_SECONDS = 0.1
"""Seconds between two looks at the pending changes, at the least."""

LOOK_SHARE = 20
"""A look takes at most this part of the time: after one that took long, the next waits so many
times as long."""

LONGEST_LOOK_INTERVAL_SECONDS = 10.0
"""Seconds, and no longer: a look also takes long when others have the loop."""

SOON_SECONDS = 30.0
"""Seconds that somebody who reads is kept waiting for a run."""


class Engine:
    """One synchronization's reconciler."""

    def __init__(
        self,
        replica: Replica,
        remote: RemoteFolder,
        hydrator: Hydrator,
        link: Connectivity,
        *,
        settings: Settings,
        clock: Clock,
        progress: Progress,
        options: EngineOptions,
        schedule: Schedule | None = None,
    ) -> None:
        """``settings`` hold until the options' ``fetch_settings`` gives others."""
        self._schedule = Schedule(clock) if schedule is None else schedule
        self._parts = EngineParts(
            replica,
            remote,
            hydrator,
            link,
            settings=settings,
            clock=clock,
            progress=progress,
            schedule=self._schedule,
            options=options,
        )
        self._replica = replica
        self._hydrator = hydrator
        self._link = link
        self._clock = clock
        self._manual = options.manual
        self._condition = self._parts.condition
        self._backlog = self._parts.backlog
        self._debouncer = Debouncer(replica, clock, self._backlog, options.debounce_seconds)
        self._full_run = FullRun(self._parts)
        self._push = Push(self._parts)
        self._looks = FolderLooks(self._parts)
        self._due_nodes: list[Dirty] = []
        """What the last survey found to be pushed."""
        self._running = trio.Lock()
        self._work = trio.CancelScope()
        """The run or push that is under way: a pause ends it."""
        self._in_turn = trio.CancelScope()
        """Waiting for other drives' runs, and keeping them waiting: ends early when the schedule
        changes."""
        self._waits_for_turn = False
        hydrator.on_stale = self._look_again

    @property
    def settings(self) -> Settings:
        """As the last pass found them, or as they were given."""
        return self._parts.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._parts.settings = settings

    # the loop -------------------------------------------------------------------------------------
    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Runs for ever. Cancelling it leaves both sides as after the last finished action."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_replica)
            nursery.start_soon(self._watch_link)
            task_status.started()
            while True:
                began = trio.current_time()
                asked = await self._decide()
                if asked.step is not Step.REST:
                    await self._take(asked.step)
                    began = trio.current_time()
                    asked = await self._decide()
                looked = trio.current_time() - began
                # Every local operation wakes us: looking through the changes must not cost more
                # than a small share.
                interval = min(looked * LOOK_SHARE, LONGEST_LOOK_INTERVAL_SECONDS)
                await trio.sleep(max(MIN_LOOK_INTERVAL_SECONDS, interval))
                with trio.move_on_after(max(asked.seconds - MIN_LOOK_INTERVAL_SECONDS, 0.0)):
                    await self._condition.woken.wait()
                self._condition.woken = trio.Event()

    async def _watch_replica(self) -> None:
        seen = 0
        while True:
            seen = await self._replica.wait_local_change(seen)
            self._condition.wake()

    async def _watch_link(self) -> None:
        while True:
            await self._link.wait_change()
            self._condition.wake()

    async def _decide(self) -> NextStep:
        """What the moment asks for."""
        moment = self._moment()
        asked = next_step(moment)
        if asked.step is Step.SURVEY:
            listing_is_due = moment.run_in is not None or moment.listing_due <= moment.now
            survey = await self._debouncer.survey(listing_is_due=listing_is_due)
            self._due_nodes = survey.due_nodes
            asked = next_step(replace(self._moment(), pending=survey.changes))
        return asked

    def _moment(self) -> EngineMoment:
        """All that decides, but for the pending changes."""
        return EngineMoment(
            now=trio.current_time(),
            debounce=self._debouncer.seconds,
            manual=self._manual,
            is_running=self._running.locked(),
            online=self._link.online,
            retry_at=self._link.retry_at,
            refused_until=self._condition.refused_until,
            failed_until=self._condition.failed_until,
            halting=self._condition.halting,
            listing_due=self._condition.listing_due,
            run_in=None if self._schedule.every is None else self._schedule.wait(),
            look_due=self._looks.due(),
        )

    async def _take(self, step: Step) -> None:
        """Never raises for what the server or the disk did."""
        match step:
            case Step.REST | Step.SURVEY:
                pass
            case Step.PROBE:
                await self._probe_server()
            case Step.SCHEDULED_RUN:
                await self._scheduled_run()
            case Step.RUN:
                if not self._running.locked():
                    async with self._running:
                        await self._full(Report())
            case Step.PUSH:
                if not self._running.locked():
                    async with self._running:
                        with trio.CancelScope() as self._work:
                            await self._push.run(self._due_nodes)
            case Step.LOOK:
                if not self._running.locked():
                    async with self._running:
                        with trio.CancelScope() as self._work:
                            await self._looks.run()
            case _:
                assert_never(step)

    async def _probe_server(self) -> None:
        """The smallest request, to see whether the server is there."""
        with suppress(Unauthorized):  # the run that is due says so
            await self._parts.reach.is_away(Unreachable(Phrase("nobody has asked yet")))

    async def _scheduled_run(self) -> None:
        """A run in this drive's turn, which lasts until the contents have come if others wait."""
        async with AsyncExitStack() as stack:
            self._waits_for_turn = True
            try:
                with trio.CancelScope() as self._in_turn:
                    others_wait = await stack.enter_async_context(self._schedule.turn())
            finally:
                self._waits_for_turn = False
            if self._in_turn.cancelled_caught:
                return
            async with self._running:
                if self._schedule.wait() > 0:  # somebody's `sync` was sooner
                    return
                await self._full(Report())
            with trio.CancelScope() as self._in_turn:
                if others_wait:
                    with suppress(Unavailable):
                        await self._hydrator.wait_drained()

    async def _full(
        self, report: Report, *, confirmed: bool = False, expected: str | None = None
    ) -> None:
        """A whole run, which a pause keeps from starting, or ends. (A dry run transfers
        nothing.)"""
        if self._link.paused and not report.dry_run:
            report.offline = self._link.why
            return
        with trio.CancelScope() as self._work:
            await self._full_run.run(report, confirmed=confirmed, expected=expected)
        if self._work.cancelled_caught:
            report.offline = self._link.why
        elif not report.dry_run:
            self._looks.listed()
            self._parts.options.on_run(report)

    def _look_again(self, wanted: bool) -> bool:
        """A content is not what it was listed as; ``wanted``: somebody is just reading it. Whether
        a run that may tell more of it is to begin within ``SOON_SECONDS``."""
        if wanted:
            self._schedule.bring_forward()
        self.list_soon()
        is_running = self._running.locked()
        halted = self._condition.halting is Halting.EVERYTHING
        stands = (self._manual and not is_running) or halted or self._link.online is False
        if stands or self._condition.is_refused():
            return False
        every = self._schedule.every
        return is_running or every is None or self._schedule.wait() <= SOON_SECONDS

    # what is asked of it --------------------------------------------------------------------------
    def list_soon(self) -> None:
        """The server is not as the base says: a run is due."""
        self._condition.list_soon()

    def visit(self, folder: NodeId) -> None:
        """Somebody looks into this folder or works in it: others' changes in it are seen soon."""
        self._looks.visit(folder)

    def open_folders(self, source: Callable[[], Iterable[NodeId]]) -> None:
        """``source`` gives from now on the folders that programs have open, and those of open
        files: they count as visited all the time."""
        self._looks.open_folders = source

    def others_sent(self) -> None:
        """Another client has sent something: folders in which somebody works are looked into now,
        and a listing follows as soon as it pays."""
        if self._schedule.every is None:
            self._looks.look_now()
            self._condition.list_as_seen()

    def reschedule(self, every: float | None, *, allowed: bool = True) -> None:
        """Runs start every so many seconds from now on, counted from the last one; None: by what
        happens. Without ``allowed`` no run starts on a schedule."""
        if (every, allowed) == (self._schedule.every, self._schedule.allowed):
            return
        self._schedule.change(every, allowed=allowed)
        self._in_turn.cancel()
        self.list_soon()

    def pause(self, why: str) -> None:
        """Nothing is transferred in either direction from now on, as if the server were away: what
        is under way ends at once and goes on where it stopped after ``resume``. ``why`` is what
        people are told who ask for more."""
        self._link.pause(why)
        self._work.cancel()
        self._in_turn.cancel()
        self._hydrator.halt(why)

    def resume(self) -> None:
        """Ends a pause; what waited is transferred, or what was due on the schedule."""
        if self._link.paused:
            self._link.resume()
            self.list_soon()

    async def sync(
        self, *, dry_run: bool = False, confirmed: bool = False, plan: str | None = None
    ) -> Report:
        """One run, now, whatever delays are on. ``confirmed`` lets a guard's halt pass; ``plan``
        does so for the plan of that identity alone, and halts when it would be another one now.

        Raises nothing but Cancelled: what went wrong is in the report.
        """
        async with self._running:
            report = Report(dry_run=dry_run, patient=not dry_run)
            self._forget_delays()
            await self._full(report, confirmed=confirmed, expected=plan)
            return report

    def retry(self) -> None:
        """Whatever delays are on, for a refusal too, end: a run is due. ``manual`` leaves it to
        ``sync``."""
        self._forget_delays()
        self.list_soon()

    def _forget_delays(self) -> None:
        self._link.retry_now()
        self._backlog.backoff.clear_all()
        self._hydrator.release_refused()
        self._parts.runner.try_all()
        self._condition.forget_failures()

    async def explain(self, path: str) -> Report:
        """A dry run whose report tells of the nodes at this path too, as far as that is known
        without the server."""
        async with self._running:
            report = Report(dry_run=True, subject=path)
            self._link.retry_now()
            await self._full(report)
            if report.explained is None:
                describer = PlanDescriber(self._replica, RemoteTree.assumed(self._replica))
                report.explained = describer.explained(path, None, self.settings.filters)
            return report

    async def wait_synced(self) -> None:
        """Returns when nothing is left to send that can be sent, or when nothing goes by itself:
        paused, halted, refused, offline, which ``status`` tells. What stopped it before is tried
        once more. Cancellable."""
        condition = self._condition
        before = -1 if self._manual else condition.runs_ended
        if condition.stops_all() and not self._manual:
            self._link.retry_now()
            condition.refused_until = -math.inf
            self.list_soon()
        while not self._link.paused:
            async with self._running:
                filters = self.settings.filters
                if all(
                    self._backlog.is_left_for_good(dirty, filters)
                    for dirty in self._replica.dirty()
                ):
                    return
                if condition.stops_all() and condition.runs_ended != before:
                    return
            await trio.sleep(min(self._debouncer.seconds, MIN_LOOK_INTERVAL_SECONDS))

    # what it tells --------------------------------------------------------------------------------
    def status(self) -> EngineStatus:
        """What is going on at this moment."""
        condition, link = self._condition, self._link
        next_try = None
        if link.online is False and not link.paused:
            next_try = max(link.retry_at - trio.current_time(), 0.0)
        return EngineStatus(
            online=link.online,
            offline_why=link.why,
            running=condition.activity,
            waiting=self._backlog.count(self.settings.filters),
            last_run_ns=condition.last_run_ns,
            next_try_seconds=next_try,
            next_run_ns=None if self._manual else self._schedule.next_run_ns(),
            waits_for_turn=self._waits_for_turn,
            halted=condition.halted,
            refused=condition.refused,
            failed=condition.failure,
            offline_seconds=(None if link.lost_at is None else trio.current_time() - link.lost_at),
            problems=tuple(
                each for each in self._backlog.problems() if not self.is_in_flight(each.node)
            ),
            conflicts=self._parts.conflicts.count,
        )

    def lasting_problems(self) -> frozenset[NodeId]:
        """What does not go on before somebody does something."""
        return frozenset(self._backlog.lasting())

    def is_in_flight(self, node: NodeId) -> bool:
        """Whether the node is just being transferred, either way."""
        return self._parts.runner.is_in_flight(node)

    def why_waits(self, node: NodeId, held: Hold | None) -> PendingReason:
        """Why what was changed of the node here is not on the server; ``held`` says what the
        user holds."""
        changed = self._replica.changed_ns(node)
        retry = self._backlog.delay(Dirty(node, changed))
        is_withheld = node in self._backlog.withheld
        stops_this = is_withheld or self._condition.halting is Halting.EVERYTHING
        state = EngineState(
            self.settings.direction,
            self._manual,
            self._condition.halted if stops_this else None,
            self._condition.refused,
            self._link.why if self._link.online is False else None,
            self._debouncer.seconds,
            self._link.paused,
        )
        return pending_reason(
            self._replica.local(node),
            state,
            held=held,
            acting=self.is_in_flight(node),
            retry=retry,
            seconds=retry.until - trio.current_time() if retry is not None else 0.0,
            wait_reason=STILL if is_withheld else self._backlog.why(node),
            listing=node in self._backlog.needs_listing,
            age=(self._clock.now_ns() - changed) / 1e9,
        )
