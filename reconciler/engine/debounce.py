"""Which local changes have been quiet for long enough to be sent: what is being changed just now is
left alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import trio

from reconciler.engine.backlog import NODES_PER_YIELD, Backlog
from reconciler.engine.burst import BurstDetector
from reconciler.engine.next_step import MAX_DEBOUNCE_SECONDS, PendingChanges
from reconciler.lookups import Dirty
from reconciler.ports import Clock, Replica

PUSH_BATCH = 2000
"""Nodes planned for in one push: what changes next waits for it."""


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
