"""Commands of the user's that follow a run, or a safety rule's halt: ``[hooks]`` of the
configuration file, which is the only place that can name one."""

from __future__ import annotations

import enum
import logging
import os
import subprocess
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import trio

from reconciler.errors import Unavailable
from reconciler.model import Result, Side
from syncin_mount.app.messages import sentence
from syncin_mount.config import ConfigurationError
from syncin_mount.printable import printable
from syncin_mount.system.processes import apart, end_apart

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from reconciler.model import Outcome
    from reconciler.planner.guards import Halt
    from reconciler.reporting.report import Report
    from syncin_mount.config import ConfigurationFile, Synchronization

log = logging.getLogger(__name__)

LONGEST = 600.0
"""Seconds after which a hook is ended."""

GRACE = 5.0
"""Seconds that a hook has between being asked to end and being killed."""

MOST_WAITING = 100
"""Calls of one hook that wait for those before them."""


STDERR = 2
"""The descriptor."""


class Hook(enum.Enum):
    """The keys of ``[hooks]``."""

    AFTER_RUN = "after_run"
    ON_HALT = "on_halt"


class RunResult(enum.Enum):
    """How a run ended, as a hook is told."""

    DONE = "done"
    INCOMPLETE = "incomplete"
    HALTED = "halted"
    OFFLINE = "offline"
    REFUSED = "refused"


def result_of(report: Report) -> tuple[RunResult, object]:
    """With what makes the sentence that tells why; None where all is done."""
    if report.halted is not None:
        return RunResult.HALTED, report.halted
    if report.refused is not None:
        return RunResult.REFUSED, report.refused
    if report.offline is not None:
        return RunResult.OFFLINE, report.offline
    if report.problems:
        return RunResult.INCOMPLETE, report.problems[0].why
    return RunResult.DONE, None


class Occasions:
    """Which runs a hook is called for. Pure.

    A drive that follows both sides lists the server every few seconds. Of these runs those count
    that carried something, or that ended otherwise than the one before. One that somebody or the
    schedule asked for always counts, but for one that somebody asked for while the hook ran: that
    may have been the hook, which would be called for ever. A halt counts until another one takes
    its place, or a run was not halted."""

    def __init__(self) -> None:
        self._ended: tuple[RunResult, object] = (RunResult.DONE, None)
        self._halt: Halt | None = None

    def of(self, report: Report, *, scheduled: bool, in_hook: bool = False) -> list[Hook]:
        """The hooks to be called for a run that is over. ``in_hook``: one of them is running."""
        ended = result_of(report)
        is_news = ended != self._ended or bool(carried(report))
        is_asked_for = not in_hook if report.patient else scheduled
        found = [Hook.AFTER_RUN] if is_asked_for or is_news else []
        if report.halted is not None and report.halted != self._halt:
            found.append(Hook.ON_HALT)
        if not (report.offline or report.refused):
            self._halt = report.halted
        self._ended = ended
        return found


def carried(report: Report) -> list[Outcome]:
    """What the run changed on either side."""
    return [
        each
        for each in report.outcomes
        if each.result is Result.DONE and each.action.side is not Side.BASE
    ]


@dataclass(frozen=True, slots=True)
class _Call:
    hook: Hook
    facts: Mapping[str, str]


def facts_of(report: Report, here: Synchronization) -> dict[str, str]:
    """What the hook's environment tells of a run."""
    result, why = result_of(report)
    done = carried(report)
    told = {
        "DRIVE": here.name,
        "MOUNTPOINT": str(here.mountpoint),
        "RESULT": result.value,
        "WHY": printable(sentence(why, here.name)) if why else "",
        "DONE": str(len(done)),
        "BYTES": str(sum(each.moved_bytes for each in done)),
        "CONFLICTS": str(report.conflicts),
        "PROBLEMS": str(len(report.problems)),
        "SECONDS": f"{report.seconds:.3f}",
    }
    return {f"SYNCIN_{name}": value for name, value in told.items()}


class Hooks:
    """Of one synchronization. ``here`` gives it as it is configured now. ``contents`` returns when
    every content is here, or raises Unavailable: a run's hook is called after that, a halt's at
    once. Two calls of one hook never run at the same time."""

    def __init__(
        self,
        file: ConfigurationFile,
        here: Callable[[], Synchronization],
        contents: Callable[[], Awaitable[None]],
    ) -> None:
        self._file = file
        self._here = here
        self._contents = contents
        self._occasions = Occasions()
        self._channels = {hook: trio.open_memory_channel[_Call](MOST_WAITING) for hook in Hook}
        self._pending = 0
        self._running = 0
        """Commands that run at this moment."""
        self._idle = trio.Event()
        self._idle.set()

    def note(self, report: Report) -> None:
        """A run is over. Returns at once, and raises nothing."""
        here = self._here()
        scheduled = here.scheduler.seconds is not None
        for hook in self._occasions.of(report, scheduled=scheduled, in_hook=self._running > 0):
            facts = {**facts_of(report, here), "SYNCIN_HOOK": hook.value}
            try:
                self._channels[hook][0].send_nowait(_Call(hook, facts))
            except trio.WouldBlock:
                log.warning("%s is not called: %d calls wait already", hook.value, MOST_WAITING)
                continue
            self._pending += 1
            self._idle = trio.Event() if self._idle.is_set() else self._idle

    async def drained(self) -> None:
        """Returns when no call waits or runs."""
        await self._idle.wait()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Calls the hooks, for ever. Cancelling it ends one that runs."""
        task_status.started()
        async with trio.open_nursery() as nursery:
            for _, receive in self._channels.values():
                nursery.start_soon(self._serve, receive)

    async def _serve(self, receive: trio.MemoryReceiveChannel[_Call]) -> None:
        async for call in receive:
            try:
                await self._call(call)
            finally:
                self._pending -= 1
                if not self._pending:
                    self._idle.set()

    async def _call(self, call: _Call) -> None:
        words = await trio.to_thread.run_sync(self._command, call.hook)
        if words is None:
            return
        if call.hook is Hook.AFTER_RUN:
            try:
                await self._contents()
            except Unavailable as error:
                log.debug("%s is called before all contents are here: %s", call.hook.value, error)
        self._running += 1
        try:
            await run_command(call.hook.value, words, call.facts)
        finally:
            self._running -= 1

    def _command(self, hook: Hook) -> tuple[str, ...] | None:
        """As it is configured now; None where there is none, or nobody can tell."""
        try:
            hooks = self._file.read().hooks
        except ConfigurationError as error:
            log.warning("%s is not called: %s", hook.value, error)
            return None
        return hooks.after_run if hook is Hook.AFTER_RUN else hooks.on_halt


async def run_command(name: str, words: tuple[str, ...], facts: Mapping[str, str]) -> None:
    """Runs the command to its end and logs what went wrong. What it prints goes where this process
    prints its errors. Cancelled, or after ``LONGEST`` seconds, it ends the command, and what the
    command started where the system can."""
    log.info("%s: running %s", name, printable(words[0]))
    with trio.move_on_after(LONGEST) as limit:
        try:
            command, options = apart(words)
            done = await trio.run_process(
                command,
                stdin=subprocess.DEVNULL,
                stdout=STDERR,
                stderr=STDERR,
                env={**os.environ, **facts},
                check=False,
                deliver_cancel=partial(end_apart, grace=GRACE),
                **options,
            )
        except (OSError, ValueError) as error:
            log.warning("%s: %s cannot be run: %s", name, printable(words[0]), error)
            return
        if done.returncode:
            log.warning("%s: %s ended with %d", name, printable(words[0]), done.returncode)
    if limit.cancelled_caught:
        log.warning("%s: %s was ended after %.0f s", name, printable(words[0]), LONGEST)
