"""Which local changes have been quiet for long enough to be sent: what is being changed just now is
left alone.

Nor is anything sent while programs are changing very many files, as when an archive is unpacked:
sending each would take its time from the drive, and much of what a build or a checkout makes is
gone again soon. So it waits for them to be done, though not for long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import trio

from reconciler.engine.backlog import NODES_PER_YIELD, Backlog
from reconciler.engine.next_step import MAX_DEBOUNCE_SECONDS, PendingChanges
from reconciler.lookups import Dirty
from reconciler.ports import Clock, Replica

PUSH_BATCH = 2000
"""Nodes planned for in one push: what changes next waits for it."""

CROWD = 50.0
"""Nodes a second that are changed anew."""

WINDOW = 1.0
"""Seconds that a look goes back at least."""


class BurstDetector:
    """How fast the number of changed nodes grows. Time in seconds, of a clock that only grows."""

    def __init__(self) -> None:
        self._count = 0
        self._since = -math.inf
        self._crowded = False

    def is_burst(self, count: int, now: float) -> bool:
        """``count`` is how many nodes differ from their base now. The first look tells nothing."""
        passed = now - self._since
        if passed >= WINDOW:
            self._crowded = count - self._count >= CROWD * passed
            self._count, self._since = count, now
        return self._crowded


@dataclass(frozen=True, slots=True)
class Survey:
    """What the pending changes are like: ``due_nodes`` are to be pushed, at most ``PUSH_BATCH``,
    and ``changes`` is what decides about the next step."""

    due_nodes: list[Dirty]
    changes: PendingChanges


class Debouncer:
    """``seconds`` is how long a node must not have changed. Each look goes through all that differ,
    and lets others have the loop meanwhile."""

    def __init__(self, replica: Replica, clock: Clock, backlog: Backlog, seconds: float) -> None:
        self._replica = replica
        self._clock = clock
        self._backlog = backlog
        self.seconds = seconds
        self._burst = BurstDetector()

    async def survey(self, *, listing_is_due: bool) -> Survey:
        """Due are nodes that are quiet and not held back; none, for ``MAX_DEBOUNCE_SECONDS`` at
        most, while many more are being changed. Whether any changed lately is only certain when
        ``listing_is_due``: else the look ends where a whole batch is found."""
        wall, now = self._clock.now_ns(), trio.current_time()
        due_nodes: list[Dirty] = []
        any_recent, next_due = False, math.inf
        crowded = self._burst.is_burst(self._replica.dirty_count(), now)
        backoff, needs_listing = self._backlog.backoff, self._backlog.needs_listing
        for number, dirty in enumerate(self._replica.dirty(), 1):
            if number % NODES_PER_YIELD == 0:
                await trio.lowlevel.checkpoint()
            quiet = (wall - dirty.changed_ns) / 1e9
            # A change "from the future" is a clock that was set back: waiting for it could take for
            # ever.
            is_recent = 0 <= quiet < self.seconds
            any_recent = any_recent or is_recent
            retry = backoff.get(dirty)
            if retry is not None and now < retry.until:
                next_due = min(next_due, retry.until)
                continue
            if dirty.node in self._backlog.withheld or self._replica.is_held(dirty.node):
                continue
            next_due = min(next_due, now + (self.seconds - quiet if is_recent else self.seconds))
            if is_recent or dirty.node in needs_listing:
                continue
            if len(due_nodes) < PUSH_BATCH:
                crowded = crowded and quiet < MAX_DEBOUNCE_SECONDS
                due_nodes.append(dirty)
            elif any_recent or not listing_is_due:
                break
        if crowded:
            due_nodes = []
        return Survey(due_nodes, PendingChanges(bool(due_nodes), any_recent, next_due))
