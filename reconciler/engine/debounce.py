"""Which local changes have been quiet for long enough to be sent: what is being changed just now is
left alone."""

from __future__ import annotations

import trio

from reconciler.engine.backlog import NODES_PER_YIELD, Backlog
from reconciler.engine.burst import BurstDetector
from reconciler.ports import Clock, Dirty, Replica

MAX_DEBOUNCE_SECONDS = 10.0
"""Seconds that a due listing waits for local changes to settle, so that names that come and go are
not sent; and that what has settled waits while very many other files are being changed."""

PUSH_BATCH = 2000
"""Nodes planned for in one push: what changes next waits for it."""


class Debouncer:
    """``seconds`` is how long a node must not have changed. Each look goes through all that differ,
    and lets others have the loop meanwhile."""

    def __init__(self, replica: Replica, clock: Clock, backlog: Backlog, seconds: float) -> None:
        self._replica = replica
        self._clock = clock
        self._backlog = backlog
        self.seconds = seconds
        self._burst = BurstDetector()

    async def due_nodes(self) -> list[Dirty]:
        """Nodes to push: quiet, not held back. No node, for ``MAX_DEBOUNCE_SECONDS`` at most, while
        many more are being changed."""
        wall, now = self._clock.now_ns(), trio.current_time()
        due_nodes: list[Dirty] = []
        crowded = self._burst.is_burst(self._replica.dirty_count(), now)
        backoff, needs_listing = self._backlog.backoff, self._backlog.needs_listing
        for number, dirty in enumerate(self._replica.dirty(), 1):
            if number % NODES_PER_YIELD == 0:
                await trio.lowlevel.checkpoint()
            quiet = wall - dirty.changed_ns
            # A change "from the future" is a clock that was set back: waiting for it could take for
            # ever.
            if (
                0 <= quiet < self.seconds * 1e9
                or backoff.is_delayed(dirty, now)
                or dirty.node in needs_listing
            ):
                continue
            if dirty.node in self._backlog.withheld or self._replica.is_held(dirty.node):
                continue
            crowded = crowded and quiet < MAX_DEBOUNCE_SECONDS * 1e9
            due_nodes.append(dirty)
            if len(due_nodes) == PUSH_BATCH:
                break
        return [] if crowded else due_nodes

    async def has_recent_changes(self, overdue: float) -> bool:
        """Something changed here within the settle time: a listing that is overdue by so many
        seconds leaves it alone, if that can wait."""
        if overdue >= MAX_DEBOUNCE_SECONDS:
            return False
        wall = self._clock.now_ns()
        for number, dirty in enumerate(self._replica.dirty(), 1):
            if 0 <= wall - dirty.changed_ns < self.seconds * 1e9:
                return True
            if number % NODES_PER_YIELD == 0:
                await trio.lowlevel.checkpoint()
        return False

    async def next_due(self, latest: float) -> float:
        """When something may be to be sent, by trio's clock in seconds; ``latest`` at the
        latest."""
        moment, wall, now = latest, self._clock.now_ns(), trio.current_time()
        for number, dirty in enumerate(self._replica.dirty(), 1):
            if number % NODES_PER_YIELD == 0:
                await trio.lowlevel.checkpoint()
            retry = self._backlog.backoff.get(dirty)
            if retry is not None and now < retry.until:
                moment = min(moment, retry.until)
                continue
            if dirty.node in self._backlog.withheld or self._replica.is_held(dirty.node):
                continue
            age = (wall - dirty.changed_ns) / 1e9
            moment = min(
                moment, now + (self.seconds - age if 0 <= age < self.seconds else self.seconds)
            )
            if moment - now <= 0.1:
                break
        return moment
