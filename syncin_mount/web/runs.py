"""Runs that the page started. They go on when the tab is closed; what they did is told to every
tab."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import trio

from reconciler.phrases import Phrase
from syncin_mount.app.errors import NotPossible
from syncin_mount.app.messages import sentence
from syncin_mount.app.runs.run_many import Ran, run_all
from syncin_mount.language import t

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.messages import Progress, SyncRequest


AGAIN_S = 5.0
"""Seconds after the end of a plan in which asking for it again is a second press of its button."""


class RunState(msgspec.Struct, frozen=True):
    """How a run that the page started goes, or went. ``phase`` is ``waiting`` (another goes first),
    ``running`` or ``ended``; then ``said`` is why it did not come to its end, or the numbers are
    what it did. ``ended`` is in seconds since the epoch."""

    phase: str
    ended: float | None = None
    said: str | None = None
    done: int = 0
    bytes: int = 0
    fetched: int = 0
    conflicts: int = 0
    failed: int = 0
    waiting: int = 0


class Runs:
    """All of them, by drive. ``on_change`` is called after each change."""

    def __init__(self, folders: Folders, nursery: trio.Nursery) -> None:
        self._folders = folders
        self._nursery = nursery
        self._states: dict[str, RunState] = {}
        self._scopes: dict[str, trio.CancelScope] = {}
        self._plans: dict[str, str | None] = {}
        self._over_at: dict[str, float] = {}
        """By trio's clock: the other one can be put back."""
        self.on_change: Callable[[], None] = lambda: None

    def of(self, name: str) -> RunState | None:
        """None where none was started."""
        return self._states.get(name)

    def start(
        self,
        configuration: Configuration,
        chosen: list[Synchronization],
        request: SyncRequest,
        *,
        parallel: bool,
    ) -> None:
        """Begins a run of each, one after another or ``parallel``; returns at once. Those that run
        already are left alone, and so is a plan that was just asked for: somebody pressed twice.
        Raises NotPossible where there is nothing to begin."""
        if request.plan is not None and all(
            self._is_again(each.name, request.plan) for each in chosen
        ):
            return
        new = [each for each in chosen if each.name not in self._scopes]
        if not new:
            raise NotPossible(t("a run is under way already"))
        scope = trio.CancelScope()
        for each in new:
            self._scopes[each.name] = scope
            self._states[each.name] = RunState("waiting")
            self._plans[each.name] = request.plan
        self.on_change()

        async def run() -> None:
            with scope:
                await run_all(
                    self._folders, configuration, new, request, parallel=parallel, progress=self
                )
            for each in new:
                if self._scopes.get(each.name) is scope:
                    self._end(each.name, RunState("ended", time.time(), Phrase("it was stopped")))

        self._nursery.start_soon(run)

    def _is_again(self, name: str, plan: str) -> bool:
        """Whether this very plan is being carried out, or was a moment ago."""
        state = self._states.get(name)
        if state is None or self._plans.get(name) != plan:
            return False
        if state.phase != "ended":
            return True
        return trio.current_time() - self._over_at[name] < AGAIN_S

    def stop(self, name: str) -> None:
        """Ends its run, and those that were started with it; all is resumable."""
        scope = self._scopes.get(name)
        if scope is not None:
            scope.cancel()

    # syncin_mount.app.runs.run_many.RunProgress ---------------------------------------------------
    def show(self, name: str, progress: Progress) -> None:
        """It has begun; how far it is, the drive's status tells."""
        del progress
        if self._states[name].phase != "running":
            self._states[name] = RunState("running")
            self.on_change()

    def ended(self, ran: Ran) -> None:
        """This run is over."""
        report, now = ran.report, time.time()
        if report is None:
            said = sentence(ran.error, ran.name)
            self._end(ran.name, RunState("ended", now, said))
            return
        stopped = report.refused or report.halted or report.offline
        self._end(
            ran.name,
            RunState(
                *("ended", now, stopped),
                *(report.done, report.bytes, report.fetched),
                *(report.conflicts, report.failed, report.waiting),
            ),
        )

    def _end(self, name: str, state: RunState) -> None:
        self._states[name] = state
        self._over_at[name] = trio.current_time()
        self._scopes.pop(name, None)
        self.on_change()
