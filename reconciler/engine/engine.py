"""The trio loop that keeps a replica and a server folder the same: observe, plan, guard, execute,
advance the base.

Two kinds of run share planner and executor. A *full run* lists the server and settles everything. A
*push* takes the server to be as the base says and sends only local changes that have settled; each
action proves the assumption, and the first that fails asks for a full run. One run at a time. With
a schedule there are full runs only, when it says so.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import replace
from functools import partial

import trio

from reconciler.engine.backlog import NODES_PER_YIELD, STILL, Backlog
from reconciler.engine.conflict_count import Conflicts
from reconciler.engine.debounce import Debouncer
from reconciler.engine.deletion_gate import Guarding
from reconciler.engine.pending_reason import EngineState, PendingReason, pending_reason
from reconciler.engine.plan_worker import Draft, Planning, PlanRequest, run_on_snapshot, unfreeze_gc
from reconciler.engine.run_plan import PlanRunner
from reconciler.engine.schedule import LOOK, Schedule
from reconciler.errors import (
    ListingBroken,
    Missing,
    RemoteError,
    SnapshotEnded,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from reconciler.executor.doubtful_files import Prover
from reconciler.executor.upload_cleanup import Cleaner
from reconciler.hydration.hydrator import Hydrator
from reconciler.model import Base, Direction, Entry, Mode, NodeId, Op, Plan, Result, Settings, Side
from reconciler.planner.deletion_history import Memory, Past
from reconciler.planner.guards import Halt, Halted, rights_gone, root_gone
from reconciler.ports import Clock, Dirty, Progress, RemoteFolder, Replica, SettingsSource
from reconciler.reporting.describe import PlanDescriber
from reconciler.reporting.report import EngineStatus, Report
from reconciler.requests.backoff import FIRST_PAUSE, LONGEST_PAUSE
from reconciler.requests.concurrency import MOST
from reconciler.requests.connectivity import Connectivity
from reconciler.requests.reachability import Reach
from reconciler.trees.listing_scan import ListingScan
from reconciler.trees.local_checksums import Copies, Sums, snapshot
from reconciler.trees.remote_tree import RemoteTree
from reconciler.trees.unreadable_paths import Torn, UnreadablePaths

log = logging.getLogger(__name__)

LISTING_EVERY = 20.0
"""Seconds between listings when they are cheap; a costly one is repeated after ``LISTING_SHARE``
times its duration."""

LISTING_SHARE = 30

COST_OF_UNCHANGED = 20
"""Nodes that a listing showed unchanged cost its end this much less than one that it has to
settle."""

BREATH = 0.1
"""Seconds between two looks at the changes, at the least."""

LOOK_SHARE = 20
"""A look takes at most this part of the time: after one that took long, the next waits so many
times as long."""

LONGEST_WAIT = 10.0
"""Seconds, and no longer: a look also takes long when others have the loop."""

SOON = 30.0
"""Seconds that somebody who reads is kept waiting for a run."""

REFUSED_PAUSE = 60.0
"""Seconds after which a log-in that was refused is tried again: it may have been renewed, or a
permission be back. It costs the server one small request."""

OTHER_PLAN = (
    "Nothing was done: the plan {} is not what would be done now. Look again with “sync --dry-run”."
)

SPARE = 4
"""Rounds more for the last one of a run, where its listing proves not to be true."""

ROUNDS = 4
"""How often one full run plans again because something changed under it; what is left then waits
for the next run."""


class Engine:
    """One synchronization's reconciler. ``manual`` leaves every run to ``sync``."""

    _doing = ""
    _halted: str | None = None
    _partly = False  # only deletions are halted
    _refused: str | None = None
    _failure: str | None = None  # why the last full run came to no end, where the server is there
    _failures = 0  # in a row
    _ended = 0  # full runs that came to an end, whichever
    _expected: str | None = None  # the plan that was confirmed, until it is carried out

    def __init__(
        self,
        replica: Replica,
        remote: RemoteFolder,
        hydrator: Hydrator,
        link: Connectivity,
        *,
        settings: Settings,
        fetch_settings: SettingsSource | None = None,
        clock: Clock,
        progress: Progress,
        debounce_seconds: float = 2.0,
        listing_every: float = LISTING_EVERY,
        schedule: Schedule | None = None,
        manual: bool = False,
        transfers: int = MOST,
        deletions: Memory | None = None,
        stamp: Callable[[int], str],
        name: Callable[[], str] = lambda: "the synchronized folder",
    ) -> None:
        """``settings`` hold until ``fetch_settings``, asked before each run, gives others.
        ``stamp`` makes the date in a conflict copy's name out of wall time in ns; ``name`` tells
        the remote folder's, for messages; ``deletions`` remembers what was deleted, for the
        guards."""
        self._replica = replica
        self._remote = remote
        self._hydrator = hydrator
        self._link = link
        self.settings = settings
        self._fetch_settings = fetch_settings
        self._clock = clock
        self._progress = progress
        self._listing_every = listing_every
        self._manual = manual
        self._schedule = Schedule(clock) if schedule is None else schedule
        self._in_turn = trio.CancelScope()
        """Waiting for other drives' runs, and keeping them waiting: ends early when the schedule
        changes."""
        self._waits_for_turn = False
        self._work = trio.CancelScope()
        """The run or push that is under way: a pause ends it."""
        self._failed_until = -math.inf
        self._stamp = stamp
        self._name = name
        self._running = trio.Lock()
        self._wake = trio.Event()
        self._unreadable = UnreadablePaths()
        self._torn = Torn()
        self._sums = Sums(replica, self._comparing, progress.read)
        self._planning = Planning(replica, self._sums)
        self._conflicts = Conflicts()
        self._copies = Copies(replica)
        self._backlog = Backlog(replica, hydrator)
        self._reach = Reach(remote, link)
        self._guarding = Guarding(replica, clock, debounce_seconds, deletions)
        self._prover = Prover(replica, remote, self._sums, hydrator, self._reach, self._comparing)
        self._debouncer = Debouncer(replica, clock, self._backlog, debounce_seconds)
        self._runner = PlanRunner(
            replica,
            remote,
            hydrator,
            progress,
            self._backlog,
            copies=self._copies,
            transfers=transfers,
            reach=self._reach,
            tell=self._set_activity,
            suspects=self._prover.suspects,
        )
        self._cleaner = Cleaner(replica, remote, clock, self._reach)
        self._listing_due = -math.inf
        self._refused_until = -math.inf
        self._last_run_ns = self._schedule.last_run_ns()
        self._to_tell: list[trio.Event] = []
        """What readers wait for who asked before the run that is under way listed."""
        hydrator.on_stale = self._look_again

    # the loop -------------------------------------------------------------------------------------
    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Runs for ever. Cancelling it leaves both sides as after the last finished action."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_replica)
            nursery.start_soon(self._watch_link)
            task_status.started()
            while True:
                await self._step()
                began = trio.current_time()
                pause = await self._pause()
                looked = trio.current_time() - began
                # Every local operation wakes us: looking through the changes must not cost more
                # than a small share.
                await trio.sleep(max(BREATH, min(looked * LOOK_SHARE, LONGEST_WAIT)))
                with trio.move_on_after(max(pause - BREATH, 0.0)):
                    await self._wake.wait()
                self._wake = trio.Event()

    async def _watch_replica(self) -> None:
        seen = 0
        while True:
            seen = await self._replica.wait_local_change(seen)
            self.wake()

    async def _watch_link(self) -> None:
        while True:
            await self._link.wait_change()
            self.wake()

    def wake(self) -> None:
        """Something changed: look what is to be done."""
        self._wake.set()

    def list_soon(self) -> None:
        """The server is not as the base says: a full run is due."""
        self._listing_due = min(self._listing_due, trio.current_time())
        self.wake()

    def _set_activity(self, doing: str) -> None:
        self._doing = doing

    def _comparing(self, done: int, of: int, *, there: bool = False) -> None:
        self._doing = f"{'asking for checksums' if there else 'comparing contents'}, {done} of {of}"
        self._progress.comparing(done, of, there=there)

    def _look_again(self, wanted: bool) -> bool:
        """A content is not what it was listed as; ``wanted``: somebody is just reading it. Whether
        a run that may tell more of it is to begin within ``SOON``."""
        if wanted:
            self._schedule.bring_forward()
        self.list_soon()
        stands = self._manual and not self._running.locked()
        halted = self._halted is not None and not self._partly
        if stands or halted or self._link.online is False or self._is_refused():
            return False
        every = self._schedule.every
        return self._running.locked() or every is None or self._schedule.wait() <= SOON

    async def _step(self) -> None:
        """What the moment asks for, if anything. Never raises for what the server or the disk
        did."""
        if self._manual or self._running.locked() or self._link.resting or self._is_refused():
            return
        if self._schedule.every is not None:
            await self._scheduled_step()
            return
        async with self._running:
            overdue = trio.current_time() - self._listing_due
            if self._link.online is False or (
                overdue >= 0 and not await self._debouncer.has_recent_changes(overdue)
            ):
                await self._full(Report())
            elif (self._halted is None or self._partly) and (
                due_nodes := await self._debouncer.due_nodes()
            ):
                with trio.CancelScope() as self._work:
                    await self._push(due_nodes)

    def reschedule(self, every: float | None, *, allowed: bool = True) -> None:
        """Runs start every so many seconds from now on, counted from the last one; None: by what
        happens. Without ``allowed`` no run starts on a schedule."""
        if (every, allowed) == (self._schedule.every, self._schedule.allowed):
            return
        self._schedule.change(every, allowed=allowed)
        self._in_turn.cancel()
        self.list_soon()

    async def _scheduled_step(self) -> None:
        """The run that the schedule asks for, in its turn; and whether a server that was lost is
        back."""
        left = self._schedule.wait()
        if left > 0:
            if self._link.online is not True:  # contents may be on their way still
                await self._probe_server()
            return
        if trio.current_time() < self._failed_until or await self._debouncer.has_recent_changes(
            -left
        ):
            return
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

    def pause(self, why: str) -> None:
        """Nothing is carried in either direction from now on, as if the server were away: what is
        under way ends at once and goes on where it stopped after ``resume``. ``why`` is what people
        are told who ask for more."""
        self._link.pause(why)
        self._work.cancel()
        self._in_turn.cancel()
        self._hydrator.halt(why)

    def resume(self) -> None:
        """Ends a pause; what waited is carried, or what was due on the schedule."""
        if self._link.paused:
            self._link.resume()
            self.list_soon()

    async def _probe_server(self) -> None:
        """The smallest request, to see whether the server is there."""
        with suppress(Unauthorized):  # the run that is due says so
            await self._reach.is_away(Unreachable("nobody has asked yet"))

    async def _pause(self) -> float:
        """Seconds until something is to be looked at without a wake-up."""
        if self._manual:
            return math.inf
        now = trio.current_time()
        if self._is_refused():
            return self._refused_until - now
        if self._link.online is False:
            return max(self._link.retry_at - now, 0.05)
        if self._schedule.every is not None:
            left = max(self._schedule.wait(), self._failed_until - now)
            return min(left, LOOK) if left > 0 else self._debouncer.seconds or 0.05
        return max(await self._debouncer.next_due(self._listing_due) - now, 0.05)

    # for people -----------------------------------------------------------------------------------
    async def sync(
        self, *, dry_run: bool = False, confirmed: bool = False, plan: str | None = None
    ) -> Report:
        """One full run, now, whatever pauses are on. ``confirmed`` lets a guard's halt pass;
        ``plan`` does so for the plan of that identity alone, and halts when it would be another one
        now.

        Raises nothing but Cancelled: what went wrong is in the report.
        """
        async with self._running:
            report = Report(dry_run=dry_run, patient=not dry_run)
            self._forget_pauses()
            self._expected = plan
            try:
                await self._full(report, confirmed=confirmed)
            finally:
                self._expected = None
            return report

    def retry(self) -> None:
        """Whatever pauses are on, for a refusal too, end: a full run is due. ``manual`` leaves it
        to ``sync``."""
        self._forget_pauses()
        self.list_soon()

    def _forget_pauses(self) -> None:
        self._link.retry_now()
        self._backlog.backoff.clear_all()
        self._hydrator.release_refused()
        self._runner.try_all()
        self._refused_until = self._failed_until = -math.inf

    async def explain(self, path: str) -> Report:
        """A dry run whose report tells of the nodes at this path too, as far as that is known
        without the server."""
        async with self._running:
            report = Report(dry_run=True, subject=path)
            self._link.retry_now()
            await self._full(report)
            if report.explained is None:
                telling = PlanDescriber(self._replica, RemoteTree.assumed(self._replica))
                report.explained = telling.explained(path, None, self.settings.filters)
            return report

    def status(self) -> EngineStatus:
        """What is going on at this moment."""
        next_try = None
        if self._link.online is False and not self._link.paused:
            next_try = max(self._link.retry_at - trio.current_time(), 0.0)
        return EngineStatus(
            online=self._link.online,
            offline_why=self._link.why,
            running=self._doing,
            waiting=self._backlog.count(self.settings.filters),
            last_run_ns=self._last_run_ns,
            next_try_seconds=next_try,
            next_run_ns=None if self._manual else self._schedule.next_run_ns(),
            waits_for_turn=self._waits_for_turn,
            halted=self._halted,
            refused=self._refused,
            failed=self._failure,
            offline_seconds=(
                None if self._link.lost_at is None else trio.current_time() - self._link.lost_at
            ),
            problems=tuple(
                each for each in self._backlog.problems() if not self.is_in_flight(each.node)
            ),
            conflicts=self._conflicts.count,
        )

    async def wait_synced(self) -> None:
        """Returns when nothing is left to send that can be sent, or when nothing goes by itself:
        paused, halted, refused, offline, which ``status`` tells. What stopped it before is tried
        once more. Cancellable."""
        before = -1 if self._manual else self._ended
        if self._stopped and not self._manual:
            self._link.retry_now()
            self._refused_until = -math.inf
            self.list_soon()
        while not self._link.paused:
            async with self._running:
                filters = self.settings.filters
                if all(
                    self._backlog.is_left_for_good(dirty, filters)
                    for dirty in self._replica.dirty()
                ):
                    return
                if self._stopped and self._ended != before:
                    return
            await trio.sleep(min(self._debouncer.seconds, 0.1))

    @property
    def _stopped(self) -> bool:
        """Whether something keeps everything from being sent, as far as is known."""
        return (
            (self._halted is not None and not self._partly)
            or self._refused is not None
            or self._link.online is False
        )

    def is_in_flight(self, node: NodeId) -> bool:
        """Whether the node is just being carried across, either way."""
        return self._runner.is_in_flight(node)

    def why_waits(self, node: NodeId, held: str | None) -> PendingReason:
        """Why what was changed of the node here is not on the server; ``held`` says whose hold it
        is."""
        changed = self._replica.changed_ns(node)
        pause = self._backlog.pause(Dirty(node, changed))
        is_withheld = node in self._backlog.withheld
        circumstances = EngineState(
            self.settings.direction,
            self._manual,
            self._halted if is_withheld or not self._partly else None,
            self._refused,
            self._link.why if self._link.online is False else None,
            self._debouncer.seconds,
            self._link.paused,
        )
        return pending_reason(
            self._replica.local(node),
            circumstances,
            held=held,
            acting=self.is_in_flight(node),
            pause=pause,
            seconds=pause.until - trio.current_time() if pause is not None else 0.0,
            waits=STILL if is_withheld else self._backlog.why(node),
            listing=node in self._backlog.needs_listing,
            age=(self._clock.now_ns() - changed) / 1e9,
        )

    # runs -----------------------------------------------------------------------------------------
    async def _full(self, report: Report, *, confirmed: bool = False) -> None:
        """A whole run, which a pause keeps from starting, or ends. (A dry run carries nothing.)"""
        if self._link.paused and not report.dry_run:
            report.offline = self._link.why
            return
        with trio.CancelScope() as self._work:
            await self._rounds(report, confirmed=confirmed)
        if self._work.cancelled_caught:
            report.offline = self._link.why

    async def _rounds(self, report: Report, *, confirmed: bool) -> None:
        """Lists, plans and executes until nothing stale is left, at most ``ROUNDS`` times."""
        started, begun = trio.current_time(), self._schedule.now()
        self._replica.begin_run()
        try:
            await self._all_rounds(report, confirmed=confirmed)
        except (Unreachable, ListingBroken) as error:
            report.offline = await self._broke_off(error)
        except Unauthorized as error:
            self._refuse(error)
            report.refused = self._refused
        except Halted as error:  # by what the server answered
            self._link.alive()
            self._halt(report, str(error))
        except Missing as error:
            self._link.alive()
            log.debug("the listing found no folder: %s", error)
            self._halt(report, root_gone(self._name()).sentence)
        except RemoteError as error:
            report.refused = self._failed(str(error), self._postpone_listing(started))
            log.warning("the server refused the run: %s", error)
        except OSError as error:
            report.refused = self._failed(
                f"the local disk refused it: {error.strerror}", self._postpone_listing(started)
            )
            log.error("%s", report.refused)
        finally:
            self._doing = ""
            unfreeze_gc()
            self._tell_readers()
        if not (report.offline or report.refused):
            self._failure, self._failures = None, 0
        self._ended += 1
        if not report.dry_run:
            self._last_run_ns = self._clock.now_ns()
            # what a guard halted waits for somebody, not for another try
            if not (report.offline or report.refused):
                self._schedule.ran(begun)
        report.problems = list(self._backlog.problems())
        report.seconds = trio.current_time() - started

    async def _all_rounds(self, report: Report, *, confirmed: bool) -> None:
        """As ``_rounds``. Raises RemoteError, Halted, OSError."""
        await self._follow_settings()
        before = 0
        for round_ in range(1, ROUNDS + 1):
            before = len(report.outcomes)
            if not await self._round(report, confirmed=confirmed, last=round_ == ROUNDS):
                break
        else:
            self._backlog.note_stale(report.outcomes[before:])
        if not (report.dry_run or report.halted):
            self._doing = "cleaning up"
            await self._cleaner.clean(on_server=self.settings.direction is not Direction.DOWNLOAD)

    async def _broke_off(self, error: Unreachable | ListingBroken) -> str:
        """A run could not come to its end; why, in a sentence. Where the server is there all the
        same, the next listing comes after a pause that grows, and what can be sent without it goes
        on."""
        met = error if isinstance(error, Unreachable) else Unreachable(str(error))
        try:
            if await self._reach.is_away(met):
                return self._link.why
        except Unauthorized as refusal:
            self._refuse(refusal)
            return str(refusal)
        pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE)
        self._failures += 1
        self._listing_due = trio.current_time() + pause
        return self._failed(str(error), self._listing_due)

    def _failed(self, why: str, until: float) -> str:
        """The run ended before its end, for a reason that is about no file. It is not tried before
        ``until``."""
        if self._failure != why:
            log.info("the run came to no end: %s", why)
        self._failure, self._failed_until = why, until
        return why

    def _refuse(self, error: Unauthorized) -> None:
        """The log-in is not accepted: somebody has to renew it, which is noticed after a while."""
        if self._refused is None:
            log.warning("the server refuses the log-in: %s", error)
        self._refused = str(error)
        self._refused_until = trio.current_time() + REFUSED_PAUSE

    def _is_refused(self) -> bool:
        return trio.current_time() < self._refused_until

    async def _follow_settings(self) -> None:
        """The server may have other settings by now. Raises RemoteError, Halted."""
        if self._fetch_settings is not None:
            self._doing = "asking for the settings"
            before, self.settings = self.settings, await self._fetch_settings()
            has_rights_again = before.restricted and not self.settings.restricted
            if self.settings.filters != before.filters or has_rights_again:
                self._backlog.backoff.clear_all()
                self.list_soon()

    def _postpone_listing(self, started: float) -> float:
        """Puts the next listing off, and says until when."""
        now = trio.current_time()
        self._listing_due = now + max(self._listing_every, (now - started) * LISTING_SHARE)
        return self._listing_due

    def _halt(self, report: Report, why: str) -> None:
        if self._halted != why:
            log.warning("halted: %s", why)
        self._halted = report.halted = why
        self._postpone_listing(trio.current_time())

    def _tell_readers(self) -> None:
        """A run is over. Whoever asked for one after it had begun to list gets another, if there
        is one to come."""
        for looked in self._to_tell:
            looked.set()
        self._to_tell.clear()
        if self._hydrator.asks_to_look and self._manual:
            self._hydrator.begins_to_look().set()
        elif self._hydrator.asks_to_look:
            self.list_soon()

    async def _scan_server(self, report: Report) -> RemoteTree | None:
        """What the server has, once it is known of all that was sent whether it arrived."""
        if not report.dry_run:
            self._to_tell.append(self._hydrator.begins_to_look())
            self._doing = "asking for what was sent"
            await self._runner.recall()
        self._doing = "listing"
        return await self._observe(report)

    async def _again(self, report: Report, *, confirmed: bool, last: bool, spare: int) -> bool:
        """A listing proved not to be true, so nothing may follow from it. A last round is made
        anew, as long as there are some to ``spare``; then the next run goes on."""
        if last and spare:
            return await self._round(report, confirmed=confirmed, last=True, spare=spare - 1)
        if last:
            self.list_soon()
        return True

    async def _round(
        self, report: Report, *, confirmed: bool, last: bool, spare: int = SPARE
    ) -> bool:
        """One listing and what follows from it. True when it must be done again, if it is not the
        last round."""
        started = trio.current_time()
        tree = await self._scan_server(report)
        if tree is None:
            return True
        tree.restored = self._guarding.restored(tree)
        if self._unreadable.absences_unproven(tree):
            if not last:
                return True
            tree.mark_absences_unknown(
                "it is not there, and may be what could not be read elsewhere"
            )
        if not report.dry_run and await self._runner.mend(tree):
            return await self._again(report, confirmed=confirmed, last=last, spare=spare)
        self._link.alive()
        self._refused = None
        self._postpone_listing(started)
        self._backlog.needs_listing.clear()
        expected, self._expected = self._expected, None
        asked = PlanRequest(
            identity=expected is not None or report.dry_run,
            steps=report.dry_run,
            subject=report.subject,
            past=self._guarding.past(),
        )
        self._doing = "planning"
        stamp = self._stamp(self._clock.now_ns())
        draft = await self._planning.full(tree, self.settings, stamp, asked)
        if draft is None:
            self._expected = expected
            return True
        made = draft.made
        report.conflicting.update(made.conflicts)
        if expected is not None:
            confirmed = expected == draft.identity
            if not confirmed:
                report.halted = OTHER_PLAN.format(expected)
                return False
        stop = draft.stop or self._revoked_with_pending_changes()
        self._partly = stop is not None and stop.only is not None
        if stop is not None and not (confirmed and stop.passable):
            self._halt(report, stop.sentence)
        else:
            self._halted = report.halted = None
        if report.dry_run:
            report.steps.extend(draft.steps)
            report.plan = draft.identity
            self._backlog.note_plan(made)
            self._backlog.remember_paths(tree)
            report.explained = list(draft.explained) if draft.explained is not None else None
            return False
        if report.halted and not self._partly:
            return False
        if self._torn.absences_unproven(made):
            return await self._again(report, confirmed=confirmed, last=last, spare=spare)
        guarded = await self._guarded(
            tree, draft, asked.past, report, stop, confirmed=confirmed, last=last
        )
        return guarded is None or await self._carry(tree, guarded, report)

    async def _carry(self, tree: RemoteTree, draft: Draft, report: Report) -> bool:
        """Carries out what came of a listing. Whether something did not fit any more."""
        made = draft.made
        await self._apply_base_updates(tree)
        self._backlog.note_full_plan(made, draft.touched)
        self._conflicts.note(made.conflicts, self._replica, tree, draft.touched)
        outcomes = await self._runner.carry(made, tree, self.settings, listed=True)
        self._guarding.note(outcomes, draft.going)
        if self._backlog.needs_listing:
            self.list_soon()
        report.outcomes.extend(outcomes)
        self._hydrator.retry_refused()
        self._sums.forget_agreed()
        self._backlog.remember_paths(tree)
        self._runner.forget_old()
        return not self._runner.folders_stayed or any(
            outcome.result is Result.STALE for outcome in outcomes
        )

    async def _guarded(
        self,
        tree: RemoteTree,
        draft: Draft,
        past: Past,
        report: Report,
        stop: Halt | None,
        *,
        confirmed: bool,
        last: bool,
    ) -> Draft | None:
        """What of the draft may be carried out now. None when it is to be made anew."""
        guarding, backlog = self._guarding, self._backlog
        guarding.forget_allowed(draft.going)
        if confirmed:
            guarding.allow(draft.going)
            backlog.withhold(frozenset(), None)
            return draft
        withheld, seconds = guarding.withheld(draft.going, stop, past, patient=report.patient)
        if seconds > 0 and report.patient and not (last or report.halted):
            self._doing = "waiting until nothing more is deleted"
            await trio.sleep(seconds)
            return None
        backlog.withhold(withheld, None if report.halted else STILL)
        if seconds > 0:
            self._listing_due = min(self._listing_due, trio.current_time() + seconds)
        if not withheld:
            return draft
        asked = PlanRequest(past=past, withheld=withheld)
        return await self._planning.full(
            tree, self.settings, self._stamp(self._clock.now_ns()), asked
        )

    def _revoked_with_pending_changes(self) -> Halt | None:
        """Who may only download by the server's will did not choose to give up what waits here."""
        waiting = self._backlog.count(self.settings.filters) if self.settings.restricted else 0
        return rights_gone(self._name(), waiting) if waiting else None

    async def _apply_base_updates(self, tree: RemoteTree) -> None:
        """Bases gain what a listing told besides, where they are still those that it was compared
        with: an editor's save may have given one to another file meanwhile."""
        for start in range(0, len(tree.learned), NODES_PER_YIELD):
            told = tree.learned[start : start + NODES_PER_YIELD]
            self._replica.set_bases(
                [each for each in told if _is_of(self._replica.base(each[0]), each[1])]
            )
            await trio.lowlevel.checkpoint()

    async def _observe(self, report: Report) -> RemoteTree | None:
        """The server's tree, or None when identities moved while it was listed (seldom: it is done
        again then)."""
        moves = self._replica.identity_moves()
        observer = ListingScan(
            self._replica, self.settings.filters, self.settings.tag, self._runner.since
        )
        report.entries = 0
        secure = self.settings.mode is Mode.SECURE
        async with self._listing(secure) as batches:
            async for batch in batches:
                observer.add(batch)
                report.entries += len(batch)
                self._progress.listing(report.entries)
                await trio.lowlevel.checkpoint()
        if self._replica.identity_moves() != moves:
            return None
        size = observer.unresolved_count() + self._replica.base_count() // COST_OF_UNCHANGED
        try:
            tree = await run_on_snapshot(
                self._replica, size, observer.finish, ids=2 * observer.unresolved_count()
            )
        except SnapshotEnded:
            return None
        self._doing = "comparing contents"
        if secure:
            await self._sums.complete_bases(tree)
        doubted = [*tree.doubts]
        await self._prover.check_doubts(tree, report.entries)
        if self.settings.meeting and not secure:
            await self._prover.meet(tree)
        if secure:
            doubted = [*(each.node for each in self._replica.dirty()), *tree.changed()]
        await self._sums.compare(tree, doubted)
        return tree if self._replica.identity_moves() == moves else None

    def _listing(self, secure: bool) -> AbstractAsyncContextManager[AsyncIterator[list[Entry]]]:
        self._copies.forget()
        return (
            self._remote.listing(partial(snapshot, self._replica))
            if secure
            else self._remote.listing()
        )

    async def _push(self, due_nodes: list[Dirty]) -> None:
        """Sends settled changes without a listing; what cannot be proved asks for a full run."""
        due_nodes = await self._without_bursts(due_nodes)
        if not due_nodes or not await self._may_push(due_nodes):
            return
        self._replica.begin_run()
        self._doing = "sending"
        tree = RemoteTree.assumed(self._replica)
        tree.unproved = self._prover.waiting
        if self.settings.mode is Mode.SECURE:
            await self._sums.compare(tree, [each.node for each in due_nodes])
        try:
            asked = PlanRequest(past=self._guarding.past(), withheld=self._backlog.withheld)
            draft = await self._planning.push(
                tree, due_nodes, self.settings, self._stamp(self._clock.now_ns()), asked
            )
            if draft is None or draft.stop is not None:
                self.list_soon()  # the full run looks again and halts with the whole picture
                return
            made = draft.made
            self._backlog.note_plan(made)
            if _needs_root(made) and not await self._remote.is_there():
                self.list_soon()  # the full run finds the folder gone, and halts
                return
            outcomes = await self._runner.carry(made, tree, self.settings, listed=False)
            self._guarding.note(outcomes, draft.going)
        except OSError as error:
            log.error("the local disk refused it: %s", error.strerror)
            return
        except RemoteError as error:
            await self._push_failed(error, due_nodes)
            return
        finally:
            self._doing = ""
            unfreeze_gc()
        self._last_run_ns = self._clock.now_ns()
        if (
            self._backlog.note_push(due_nodes, outcomes, self.settings.filters)
            or not self._runner.folders_stayed
        ):
            self.list_soon()

    async def _without_bursts(self, due_nodes: list[Dirty]) -> list[Dirty]:
        """Deletions that are many wait until they have come to rest, and then for a full run."""
        found = await self._guarding.sort(due_nodes)
        for each in found.later:
            if found.seconds > 0:
                self._backlog.put_off(each.node, STILL, found.seconds)
            else:
                self._backlog.needs_listing.add(each.node)
        if found.later and found.seconds <= 0:
            self.list_soon()
        return list(found.now)

    async def _push_failed(self, error: RemoteError, due_nodes: list[Dirty]) -> None:
        """Nothing could be sent. Where the server is there and lets us in, what was to go waits out
        a pause."""
        try:
            if isinstance(error, Unauthorized):
                raise error
            if isinstance(error, Unreachable) and await self._reach.is_away(error):
                return
        except Unauthorized as refusal:
            self._refuse(refusal)
            return
        for each in due_nodes:
            self._backlog.backoff.delay(each, str(error), trio.current_time())

    async def _may_push(self, due_nodes: list[Dirty]) -> bool:
        """Whether the settings could be agreed on. Where not, the link, a pause or a halt keeps it
        from being tried again at once."""
        try:
            await self._follow_settings()
        except Halted as error:
            self._halt(Report(), str(error))
        except RemoteError as error:
            await self._push_failed(error, due_nodes)
        else:
            if not self.settings.restricted:
                return True
            self.list_soon()  # the full run halts, as what waits may not be sent any more
        finally:
            self._doing = ""
        return False


def _is_of(base: Base | None, learned: Base) -> bool:
    return base is not None and replace(learned, inode=base.inode, checksum=base.checksum) == base


def _needs_root(made: Plan) -> bool:
    """Whether the plan makes something on the server: with a missing folder, that would make the
    folder anew."""
    return any(
        action.side is Side.REMOTE and action.remote is None and action.op in (Op.MAKE, Op.SEND)
        for action in made.actions
    )
