"""One run, as a stream of events: the same for the daemon's clients and for a `sync` with nothing
mounted."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import trio

from reconciler.errors import Unavailable
from reconciler.model import Op, Result, Side
from reconciler.phrases import Phrase
from syncin_mount.app.drives import views
from syncin_mount.app.messages import sentence, sentence_or_none
from syncin_mount.control.messages import Failure, Progress, Report, SyncEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from reconciler.model import Outcome
    from reconciler.reporting.report import Report as EngineReport
    from syncin_mount.app.runtime.runtime import Runtime
    from syncin_mount.control.messages import SyncRequest

log = logging.getLogger(__name__)

RUNS = 4
"""How often one `sync` runs at most, where contents turn out to be others than were listed."""

_TICK = 0.2
"""Seconds between two reports of progress."""

COUNTING = 1.0
"""Seconds that a run waits for checksums of what it fetched; the rest is counted another time."""

PASSING_ON_SECONDS = 5.0
"""How long a run that has ended waits until programs see in the drive what it brought: one that is
at work in a folder may hold the kernel up there."""


@contextlib.asynccontextmanager
async def sync_events(
    runtime: Runtime, request: SyncRequest
) -> AsyncIterator[AsyncIterator[SyncEvent]]:
    """Runs once: Progress from time to time, then one Report (or Failure). Leaving early cancels
    the run."""
    send, receive = trio.open_memory_channel[SyncEvent](0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_run, runtime, request, send)
        # not `async with`: its checkpoint would be cancelled, and that took the place of a Ctrl-C
        with receive:
            try:
                yield receive
            finally:
                # Before the channel closes: a task that sends must see the cancellation first.
                nursery.cancel_scope.cancel()


async def _run(
    runtime: Runtime, request: SyncRequest, send: trio.MemorySendChannel[SyncEvent]
) -> None:
    with send, contextlib.ExitStack() as stack:
        runtime.meter.reset()
        stack.callback(runtime.meter.release)
        stack.enter_context(_limited(runtime, request))
        last: SyncEvent
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_tick, runtime, send)
            try:
                last = await _whole(runtime, request)
            except Exception as error:
                log.exception("a run failed")
                last = Failure(
                    "",
                    Phrase(
                        "this is an error of the program ({kind}: {error}); the log says more",
                        kind=type(error).__name__,
                        error=error,
                    ),
                )
            with trio.move_on_after(PASSING_ON_SECONDS):
                await runtime.passed_on()
            nursery.cancel_scope.cancel()
        await send.send(last)


@contextlib.contextmanager
def _limited(runtime: Runtime, request: SyncRequest) -> Iterator[None]:
    """The limits that this run asks for; afterwards those that are set."""
    now = runtime.limits
    asked = (request.limit_up, now.up), (request.limit_down, now.down)
    wanted = [(limit.rate if given is None else given or None) for given, limit in asked]
    before = now.up.rate, now.down.rate
    runtime.limit(*wanted)
    try:
        yield
    finally:
        if (now.up.rate, now.down.rate) == tuple(wanted):  # nobody has set others meanwhile
            runtime.limit(*before)


async def _whole(runtime: Runtime, request: SyncRequest) -> Report:
    """The run, and then the contents that it made known."""
    done = await runtime.engine.sync(
        dry_run=request.dry_run, confirmed=request.confirmed, plan=request.plan
    )
    offline = sentence_or_none(done.offline, runtime.synchronization.name)
    for _ in range(RUNS):
        if request.dry_run or done.offline or done.refused or done.halted:
            break
        runtime.meter.fetching()
        try:
            await runtime.hydrator.wait_drained()
            with trio.move_on_after(COUNTING):
                await runtime.hydrator.counting.wait()
        except Unavailable as error:
            offline = sentence(error, runtime.synchronization.name)
            break
        if not runtime.hydrator.has_outdated:
            break
        # A content is not what it was listed as: another listing tells what it is now.
        again = await runtime.engine.sync()
        again.outcomes[:0] = done.outcomes
        again.conflicting |= done.conflicting
        again.seconds += done.seconds
        done = again
        offline = sentence_or_none(again.offline, runtime.synchronization.name)
    return _report(runtime, done, offline)


async def _tick(runtime: Runtime, send: trio.MemorySendChannel[SyncEvent]) -> None:
    shown: Progress | None = None
    while True:
        now = runtime.meter.progress(runtime.hydrator.downloads())
        if now != shown:
            await send.send(now)
            shown = now
        await trio.sleep(_TICK)


def _report(runtime: Runtime, done: EngineReport, offline: str | None) -> Report:
    outcomes = [outcome for outcome in done.outcomes if outcome.action.side is not Side.BASE]
    steps = done.steps
    name = runtime.synchronization.name
    actions = tuple(views.planned(step, name) for step in steps)
    # Contents come after the run: what could not be fetched is known only now.
    left = done.problems if done.dry_run else runtime.engine.status().problems
    problems = tuple(views.problems(left, runtime.engine.settings.filters, name))
    return Report(
        name=name,
        dry_run=done.dry_run,
        done=(
            len(steps)
            if done.dry_run
            else sum(outcome.result is Result.DONE for outcome in outcomes)
        ),
        failed=sum(problem.lasting for problem in problems),
        waiting=sum(not problem.lasting for problem in problems),
        conflicts=done.conflicts,
        bytes=sum(step.size for step in steps) if done.dry_run else sum(map(_moved, outcomes)),
        fetched=runtime.meter.progress().fetched,
        seconds=done.seconds,
        halted=sentence_or_none(done.halted, name),
        offline=offline,
        refused=sentence_or_none(done.refused, name),
        actions=actions,
        problems=problems,
        plan=done.plan,
    )


def _moved(outcome: Outcome) -> int:
    return outcome.moved_bytes if outcome.action.op in (Op.SEND, Op.FETCH) else 0
