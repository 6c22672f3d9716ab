"""What runs and pushes share: the parts of one synchronization's engine, and its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from reconciler.engine.backlog import Backlog
from reconciler.engine.condition import LISTING_EVERY, Condition
from reconciler.engine.conflict_count import Conflicts
from reconciler.engine.deletion_gate import Guarding
from reconciler.engine.plan_worker import Planning
from reconciler.engine.run_plan import PlanRunner
from reconciler.engine.schedule import Schedule
from reconciler.executor.doubtful_files import Prover
from reconciler.hydration.hydrator import Hydrator
from reconciler.model import Settings
from reconciler.phrases import Phrase
from reconciler.planner.deletion_history import Memory
from reconciler.ports import Clock, Progress, RemoteFolder, Replica, SettingsSource
from reconciler.reporting.conflict import ResolvedConflict
from reconciler.reporting.report import Report
from reconciler.requests.concurrency import MOST
from reconciler.requests.connectivity import Connectivity
from reconciler.requests.reachability import Reach
from reconciler.trees.local_checksums import Copies, Sums

DEBOUNCE_SECONDS = 2.0
"""Seconds that a node must not have changed before it is uploaded."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """``fetch_settings``, asked before each pass, gives other settings than the first ones.
    ``stamp`` makes the date in a conflict copy's name out of wall time in ns; ``name`` tells the
    remote folder's, for messages; ``deletions`` remembers what was deleted, for the guards.
    ``manual`` leaves every run to ``sync``; ``transfers`` is how many requests there are at once at
    most; ``on_conflict`` hears of each conflict when it is settled, ``on_run`` of each run that is
    over, whichever way, but for one that a pause ended or that only simulated; ``on_sent`` hears
    when something was changed on the server. Other times are in seconds."""

    stamp: Callable[[int], str]
    fetch_settings: SettingsSource | None = None
    name: Callable[[], str] = lambda: "the synchronized folder"
    deletions: Memory | None = None
    debounce_seconds: float = DEBOUNCE_SECONDS
    listing_every: float = LISTING_EVERY
    manual: bool = False
    transfers: int = MOST
    on_conflict: Callable[[ResolvedConflict], None] = lambda _conflict: None
    on_run: Callable[[Report], None] = lambda _report: None
    on_sent: Callable[[], None] = lambda: None


class EngineParts:
    """Built once; only ``settings`` is ever replaced."""

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
        schedule: Schedule,
        options: EngineOptions,
    ) -> None:
        self.replica = replica
        self.remote = remote
        self.hydrator = hydrator
        self.link = link
        self.settings = settings
        self.clock = clock
        self.progress = progress
        self.schedule = schedule
        self.options = options
        self.reach = Reach(remote, link)
        self.condition = Condition(
            link,
            self.reach,
            listing_every=options.listing_every,
            last_run_ns=schedule.last_run_ns(),
            name=options.name,
        )
        comparing = partial(self.condition.comparing, progress)
        self.sums = Sums(replica, comparing, progress.read)
        self.planning = Planning(replica, self.sums)
        self.conflicts = Conflicts()
        self.copies = Copies(replica)
        self.backlog = Backlog(replica, hydrator)
        self.guarding = Guarding(replica, clock, options.debounce_seconds, options.deletions)
        self.prover = Prover(
            replica, remote, self.sums, hydrator, self.reach, comparing, options.transfers
        )
        self.runner = PlanRunner(
            replica,
            remote,
            hydrator,
            progress,
            self.backlog,
            copies=self.copies,
            transfers=options.transfers,
            reach=self.reach,
            tell=self.condition.set_activity,
            suspects=self.prover.suspects,
            on_conflict=options.on_conflict,
            on_sent=options.on_sent,
        )

    def stamp(self) -> str:
        """The date in the names of conflict copies that a plan of this moment makes."""
        return self.options.stamp(self.clock.now_ns())

    async def follow_settings(self) -> None:
        """The server may have other settings by now. Raises RemoteError, Halted."""
        if self.options.fetch_settings is None:
            return
        self.condition.activity = Phrase("asking for the settings")
        before, self.settings = self.settings, await self.options.fetch_settings()
        has_rights_again = before.restricted and not self.settings.restricted
        if self.settings.filters != before.filters or has_rights_again:
            self.backlog.backoff.clear_all()
            self.condition.list_soon()
