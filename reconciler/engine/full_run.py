"""A run lists the server and resolves what differs, in rounds until nothing is stale."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial

import trio

from reconciler.engine.backlog import NODES_PER_YIELD, STILL
from reconciler.engine.parts import EngineParts
from reconciler.engine.plan_worker import Draft, PlanRequest, run_on_snapshot, unfreeze_gc
from reconciler.errors import RemoteError, SnapshotEnded
from reconciler.executor.upload_cleanup import Cleaner
from reconciler.model import Base, Entry, Result
from reconciler.phrases import Phrase
from reconciler.planner.deletion_history import Past
from reconciler.planner.guards import Halt, Halted, other_plan, rights_gone
from reconciler.reporting.report import Report
from reconciler.trees.listing_scan import ListingScan
from reconciler.trees.local_checksums import snapshot
from reconciler.trees.remote_tree import RemoteTree
from reconciler.trees.unreadable_paths import Torn, UnreadablePaths

log = logging.getLogger(__name__)

COST_OF_UNCHANGED = 20
"""Nodes that a listing showed unchanged cost its end this much less than one that it has to
settle."""

ROUNDS = 4
"""How often one full run plans again because something changed under it; what is left then waits
for the next run."""

SPARE_ROUNDS = 4
"""Rounds more for the last one of a run, where its listing proves not to be true."""


@dataclass(slots=True)
class _Run:
    """One run. ``expected`` is the identity of the plan that somebody confirmed, until it was
    compared. ``is_last``: no round follows this one. ``spare`` rounds are left for the last one.
    ``unsure_until`` is when all that the last listing showed may be taken for what it is (seconds
    of trio's clock); 0 when it may at once."""

    report: Report
    expected: str | None
    is_last: bool = False
    spare: int = SPARE_ROUNDS
    unsure_until: float = 0.0


class FullRun:
    """Runs of one engine, one after the other. Between them it remembers what listings could not
    tell."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts
        self._condition = parts.condition
        self._unreadable = UnreadablePaths()
        self._torn = Torn()
        self._cleaner = Cleaner(parts.replica, parts.remote, parts.clock, parts.reach)
        self._readers: list[trio.Event] = []
        """What readers wait for who asked before the run that is under way listed."""

    async def run(
        self, report: Report, *, confirmed: bool = False, expected: str | None = None
    ) -> None:
        """Lists, plans and executes until nothing stale is left, at most ``ROUNDS`` times, and
        tells the report how it ended. ``confirmed`` lets a guard's halt pass; ``expected`` does so
        for the plan of that identity alone. Raises nothing for what the server or the disk did."""
        parts, condition = self._parts, self._condition
        started, begun = trio.current_time(), parts.schedule.now()
        parts.replica.begin_run()
        try:
            await self._rounds(_Run(report, expected), confirmed=confirmed)
        except (RemoteError, Halted, OSError) as error:
            await condition.note_error(error, report, started)
        finally:
            condition.activity = ""
            unfreeze_gc()
            self._tell_readers()
        condition.note_run(report)
        # what a guard halted waits for somebody, not for another try
        if not (report.dry_run or report.offline or report.refused):
            condition.last_run_ns = parts.clock.now_ns()
            parts.schedule.ran(begun)
        report.problems = list(parts.backlog.problems())
        report.seconds = trio.current_time() - started

    async def _rounds(self, run: _Run, *, confirmed: bool) -> None:
        """Raises RemoteError, Halted, OSError."""
        parts, report = self._parts, run.report
        await parts.follow_settings()
        before = 0
        for round_ in range(1, ROUNDS + 1):
            before = len(report.outcomes)
            run.is_last = round_ == ROUNDS
            again = await self._round(run, confirmed=confirmed)
            if not again and not await self._wait_until_sure(run):
                break
        else:
            parts.backlog.note_stale(report.outcomes[before:])
        if not (report.dry_run or report.halted):
            self._condition.activity = Phrase("cleaning up")
            await self._cleaner.clean(on_server=parts.settings.direction.changes_server)

    def _tell_readers(self) -> None:
        """A run is over. Whoever asked for one after it had begun to list gets another, if there
        is one to come."""
        for looked in self._readers:
            looked.set()
        self._readers.clear()
        hydrator = self._parts.hydrator
        if hydrator.asks_to_look and self._parts.options.manual:
            hydrator.begins_to_look().set()
        elif hydrator.asks_to_look:
            self._condition.list_soon()

    # one round ------------------------------------------------------------------------------------
    async def _round(self, run: _Run, *, confirmed: bool) -> bool:
        """One listing and what follows from it. True when it must be done again, if it is not the
        last round."""
        parts, report = self._parts, run.report
        started = trio.current_time()
        tree = await self._scan_server(report)
        if tree is None:
            return True
        tree.restored = parts.guarding.restored(tree)
        if self._unreadable.absences_unproven(tree):
            if not run.is_last:
                return True
            tree.mark_absences_unknown(
                Phrase("it is not there, and may be what could not be read elsewhere")
            )
        if not report.dry_run and await parts.runner.mend(tree):
            return await self._again(run, confirmed=confirmed)
        self._take_up(run, tree, started)
        asked = PlanRequest(
            with_id=run.expected is not None or report.dry_run,
            steps=report.dry_run,
            subject=report.subject,
            past=parts.guarding.past(),
        )
        self._condition.activity = Phrase("planning")
        draft = await parts.planning.full(tree, parts.settings, parts.stamp(), asked)
        if draft is None:
            return True
        report.conflicting.update(draft.made.conflicts)
        if run.expected is not None:
            confirmed = run.expected == draft.plan_id
            if not confirmed:
                report.halted = other_plan(run.expected)
                return False
            run.expected = None
        stop = self._judge(report, draft, confirmed=confirmed)
        if report.dry_run:
            self._show(report, tree, draft)
            return False
        if report.halted and not self._condition.only_deletions_halted:
            return False
        if self._torn.absences_unproven(draft.made):
            return await self._again(run, confirmed=confirmed)
        if confirmed:
            self._allow(draft)
            return await self._execute(tree, draft, report)
        guarded = await self._guarded(run, tree, draft, asked.past, stop)
        return guarded is None or await self._execute(tree, guarded, report)

    def _take_up(self, run: _Run, tree: RemoteTree, started: float) -> None:
        """A listing that began then may be acted on, but for what may go again by itself."""
        seconds = self._parts.runner.withhold(tree, started)
        run.unsure_until = started + seconds if seconds else 0.0
        self._condition.note_listed(started)
        self._parts.backlog.needs_listing.clear()
        if seconds:
            self._condition.list_within(run.unsure_until - trio.current_time())

    async def _wait_until_sure(self, run: _Run) -> bool:
        """Whether somebody waits for the run's end who gets another round for what was left
        alone."""
        if run.is_last or not run.unsure_until or not run.report.patient or run.report.halted:
            return False
        self._condition.activity = Phrase("waiting for a folder that may go again")
        await trio.sleep(max(0.0, run.unsure_until - trio.current_time()))
        return True

    async def _again(self, run: _Run, *, confirmed: bool) -> bool:
        """A listing proved not to be true, so nothing may follow from it. A last round is made
        anew, as long as there are some to spare; then the next run goes on."""
        if run.is_last and run.spare:
            run.spare -= 1
            return await self._round(run, confirmed=confirmed)
        if run.is_last:
            self._condition.list_soon()
        return True

    def _judge(self, report: Report, draft: Draft, *, confirmed: bool) -> Halt | None:
        """Halts if a guard says so, and nobody confirmed the plan."""
        stop = draft.stop or self._revoked_with_pending_changes()
        self._condition.only_deletions_halted = stop is not None and stop.only is not None
        if stop is not None and not (confirmed and stop.passable):
            report.halted = self._condition.halt(stop)
        else:
            self._condition.halted = report.halted = None
        return stop

    def _show(self, report: Report, tree: RemoteTree, draft: Draft) -> None:
        """A dry run ends with what would be done."""
        backlog = self._parts.backlog
        report.steps.extend(draft.steps)
        report.plan = draft.plan_id
        backlog.note_plan(draft.made)
        backlog.remember_paths(tree)
        report.explained = list(draft.explained) if draft.explained is not None else None

    def _allow(self, draft: Draft) -> None:
        """Somebody confirmed the plan: all that it deletes may go, now or in a later run."""
        self._parts.guarding.forget_allowed(draft.going)
        self._parts.guarding.allow(draft.going)
        self._parts.backlog.withhold(frozenset(), None)

    async def _guarded(
        self, run: _Run, tree: RemoteTree, draft: Draft, past: Past, stop: Halt | None
    ) -> Draft | None:
        """What of the draft may be carried out now. None when it is to be made anew."""
        parts, report = self._parts, run.report
        guarding, backlog = parts.guarding, parts.backlog
        guarding.forget_allowed(draft.going)
        withheld, seconds = guarding.withheld(draft.going, stop, past, patient=report.patient)
        if seconds > 0 and report.patient and not (run.is_last or report.halted):
            self._condition.activity = Phrase("waiting until nothing more is deleted")
            await trio.sleep(seconds)
            return None
        backlog.withhold(withheld, None if report.halted else STILL)
        if seconds > 0:
            self._condition.list_within(seconds)
        if not withheld:
            return draft
        asked = PlanRequest(past=past, withheld=withheld)
        return await parts.planning.full(tree, parts.settings, parts.stamp(), asked)

    async def _execute(self, tree: RemoteTree, draft: Draft, report: Report) -> bool:
        """Carries out what came of a listing. Whether something did not fit any more."""
        parts, made = self._parts, draft.made
        backlog = parts.backlog
        await self._apply_base_updates(tree)
        backlog.note_full_plan(made, draft.touched)
        parts.conflicts.note(made.conflicts, parts.replica, tree, draft.touched)
        outcomes = await parts.runner.run(made, tree, parts.settings, listed=True)
        parts.guarding.note(outcomes, draft.going)
        if backlog.needs_listing:
            self._condition.list_soon()
        report.outcomes.extend(outcomes)
        parts.hydrator.retry_refused()
        parts.sums.forget_agreed()
        backlog.remember_paths(tree)
        parts.runner.forget_old()
        return not parts.runner.folders_stayed or any(
            outcome.result is Result.STALE for outcome in outcomes
        )

    def _revoked_with_pending_changes(self) -> Halt | None:
        """Halts if write permission was revoked while local changes are pending: who may only
        download by the server's will did not choose to give them up."""
        parts = self._parts
        if not parts.settings.restricted:
            return None
        pending = parts.backlog.count(parts.settings.filters)
        return rights_gone(parts.options.name(), pending) if pending else None

    async def _apply_base_updates(self, tree: RemoteTree) -> None:
        """Bases gain what a listing told besides, where they are still those that it was compared
        with: an editor's save may have given one to another file meanwhile."""
        replica = self._parts.replica
        for start in range(0, len(tree.learned), NODES_PER_YIELD):
            told = tree.learned[start : start + NODES_PER_YIELD]
            replica.set_bases([each for each in told if _is_of(replica.base(each[0]), each[1])])
            await trio.lowlevel.checkpoint()

    # the server's tree ----------------------------------------------------------------------------
    async def _scan_server(self, report: Report) -> RemoteTree | None:
        """What the server has, once it is known of all that was sent whether it arrived."""
        if not report.dry_run:
            self._readers.append(self._parts.hydrator.begins_to_look())
            self._condition.activity = Phrase("asking for what was sent")
            await self._parts.runner.recall()
        self._condition.activity = Phrase("listing")
        return await self.observe(report)

    async def observe(self, report: Report) -> RemoteTree | None:
        """The server's tree, or None when identities moved while it was listed (seldom: it is done
        again then). ``report`` counts the entries. Raises RemoteError."""
        parts = self._parts
        replica, settings = parts.replica, parts.settings
        moves = replica.identity_moves()
        scan = ListingScan(replica, settings.filters, settings.tag, parts.runner.since)
        report.entries = 0
        secure = settings.mode.uses_checksums
        async with self._listing(secure) as batches:
            async for batch in batches:
                scan.add(batch)
                report.entries += len(batch)
                parts.progress.listing(report.entries)
                await trio.lowlevel.checkpoint()
        if replica.identity_moves() != moves:
            return None
        size = scan.unresolved_count() + replica.base_count() // COST_OF_UNCHANGED
        try:
            tree = await run_on_snapshot(
                replica, size, scan.finish, ids=2 * scan.unresolved_count()
            )
        except SnapshotEnded:
            return None
        await self._compare(tree, report.entries, secure=secure)
        return tree if replica.identity_moves() == moves else None

    def _listing(self, secure: bool) -> AbstractAsyncContextManager[AsyncIterator[list[Entry]]]:
        parts = self._parts
        parts.copies.forget()
        return (
            parts.remote.listing(partial(snapshot, parts.replica))
            if secure
            else parts.remote.listing()
        )

    async def _compare(self, tree: RemoteTree, entries: int, *, secure: bool) -> None:
        """Compares the contents of which size and time do not tell enough."""
        parts = self._parts
        self._condition.activity = Phrase("comparing contents")
        if secure:
            await parts.sums.complete_bases(tree)
        to_compare = [*tree.doubts]
        await parts.prover.check_doubts(tree, entries)
        # what turned out to be edited although it looks as before
        to_compare += (each for each in tree.changed() if parts.replica.base(each) is not None)
        if parts.settings.meeting and not secure:
            await parts.prover.meet(tree)
        if secure:
            to_compare = [*(each.node for each in parts.replica.dirty()), *tree.changed()]
        await parts.sums.compare(tree, to_compare)


def _is_of(base: Base | None, learned: Base) -> bool:
    return base is not None and replace(learned, inode=base.inode, checksum=base.checksum) == base
