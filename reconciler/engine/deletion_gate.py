"""Which deletions of a plan may go now: those of a burst wait until it has come to rest, those that
a guard stopped until somebody says so. All else goes on meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import trio

from reconciler.engine.backlog import NODES_PER_YIELD
from reconciler.lookups import Dirty
from reconciler.model import NodeId, Op, Outcome, Result, Side
from reconciler.planner.deletion_history import LONGEST_BURST, Burst, Going, Losses, Memory, Past
from reconciler.planner.guards import MANY, Halt, is_mass
from reconciler.ports import Clock, Replica
from reconciler.trees.remote_tree import RemoteTree

BURST_DEBOUNCES = 5
"""A burst of deletions has come to rest when nothing was deleted for so many times the settle time.
Up to ``MANY``, and where nobody waits, the settle time alone will do: so few may go before a burst
is seen to be one."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """What a push may send; ``later`` waits for ``seconds``, or, when that is 0, for a full run."""

    now: Sequence[Dirty]
    later: Sequence[Dirty] = ()
    seconds: float = 0.0


class Guarding:
    """``debounce`` is in seconds; ``memory`` has what was deleted by former processes."""

    def __init__(
        self, replica: Replica, clock: Clock, debounce: float, memory: Memory | None
    ) -> None:
        self._replica = replica
        self._clock = clock
        self._debounce = debounce
        self._burst_debounce = debounce * BURST_DEBOUNCES
        self._losses = Losses(memory)
        self._there = Burst()

    def restored(self, tree: RemoteTree) -> bool:
        """Whether this listing, or an earlier one, maybe of another process, looks like a backup
        that was put back, and what follows from that is not all done: until the server's tree is
        once as it was agreed on."""
        restored = tree.restored or (self._losses.restored and not tree.is_as_agreed())
        if restored != self._losses.restored:
            self._losses.restored = restored
            self._losses.save()
        return restored

    def past(self) -> Past:
        """What went in the span until now, and what somebody let go."""
        now = self._clock.now_ns()
        if self._losses.is_tick_due(now):
            self._losses.tick(now, self._replica.new_id())
        self._losses.note_size(self._replica.base_count(), now)
        return self._losses.past(now)

    def allow(self, going: Mapping[Side, Going]) -> None:
        """Somebody lets all of that go, now or in a later run."""
        for each in going.values():
            self._losses.allow(each.nodes)
        self._losses.save()

    def forget_allowed(self, going: Mapping[Side, Going]) -> None:
        """What was let go and is not to go any more would have to be let go anew."""
        self._losses.keep_allowed(frozenset().union(*(each.nodes for each in going.values())))

    def withheld(
        self, going: Mapping[Side, Going], stop: Halt | None, past: Past, *, patient: bool
    ) -> tuple[frozenset[NodeId], float]:
        """Nodes whose deletion must not go now, and in how many seconds a burst may have come to
        rest. ``patient``: somebody waits."""
        found: frozenset[NodeId] = frozenset()
        seconds = 0.0
        for side in (Side.LOCAL, Side.REMOTE):
            left = self._left(side, going[side], past, patient=patient)
            if left > 0 or (stop is not None and stop.only is side):
                found |= going[side].nodes - past.allowed
            seconds = max(seconds, left)
        return found, seconds

    def _left(self, side: Side, going: Going, past: Past, *, patient: bool) -> float:
        """Seconds until the deletions on that side may have come to rest."""
        _, files = going.size(past.allowed)
        is_burst = files + past.files.get(side, 0) > MANY
        if side is Side.LOCAL:
            return self._there.left(
                files if is_burst else 0, trio.current_time(), self._burst_debounce
            )
        if not files or (patient and not is_burst):
            return 0.0
        times = [self._replica.changed_ns(node) for node in going.nodes]
        return self._seconds_left(
            min(times), max(times), self._burst_debounce if is_burst else self._debounce
        )

    def _seconds_left(self, first_ns: int, last_ns: int, debounce: float) -> float:
        now = self._clock.now_ns()
        age = (now - last_ns) / 1e9
        if age < 0 or (now - first_ns) / 1e9 >= LONGEST_BURST:  # a clock was set, or it has no end
            return 0.0
        return max(debounce - age, 0.0)

    async def sort(self, due: Sequence[Dirty]) -> Sorted:
        """Of what was changed here, what a push may send: deletions only when they are few in the
        span, or are at rest and no mass. A full run looks closer."""
        gone = [each for each in due if self._replica.local(each.node) is None]
        if not gone:
            return Sorted(due)
        times = []
        for number, each in enumerate(self._replica.dirty(), 1):
            if self._replica.local(each.node) is None:
                times.append(each.changed_ns)
            if number % NODES_PER_YIELD == 0:
                await trio.lowlevel.checkpoint()
        past = self.past()
        nodes, files = past.nodes.get(Side.REMOTE, 0), past.files.get(Side.REMOTE, 0)
        if not times:
            return Sorted(due)
        is_burst = len(times) + files > MANY
        left = self._seconds_left(
            min(times), max(times), self._burst_debounce if is_burst else self._debounce
        )
        if left <= 0 and not is_mass(
            len(times) + nodes, len(times) + files, self._replica.base_count() + nodes
        ):
            return Sorted(due)
        later = {each.node for each in gone}
        return Sorted([each for each in due if each.node not in later], gone, left)

    def note(self, outcomes: Iterable[Outcome], going: Mapping[Side, Going]) -> None:
        """What of it was deleted counts from now on."""
        now = self._clock.now_ns()
        for outcome in outcomes:
            action = outcome.action
            if action.op is Op.DELETE and outcome.result is Result.DONE and action.side in going:
                self._losses.note(action.side, going[action.side].counted.get(action.node, ()), now)
        self._losses.save()
