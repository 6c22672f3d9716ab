"""What was deleted lately, and how a burst of deletions comes to rest: what the guards need to know
beyond one plan.

Programs delete one file after the other, and a run or push sees what there is at its moment. So
what was deleted is counted over a span that goes across pushes, runs and processes.

What existed when the span began counts in any case. What is younger counts up to the net loss: the
most nodes that both sides agreed on at a moment of the span, minus those that they agree on now.
So what a build makes and removes again is no loss, but emptying a tree that is minutes old is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from reconciler.model import NodeId, Side

SPAN_NS = 3600 * 10**9
"""How far back deletions count."""

TICK_NS = 60 * 10**9
"""How exactly it is known when a node was made."""

LONGEST_BURST = 600.0
"""Seconds after which a burst is judged though it did not come to rest."""

K = TypeVar("K")

Item = tuple[NodeId, bool]
"""A node that goes, and whether it is a file."""


@dataclass(frozen=True, slots=True)
class Going:
    """What a plan deletes on one side. ``counted`` has, for each node whose deletion is planned,
    all that is lost with it; ``nodes`` is all of that."""

    counted: Mapping[NodeId, tuple[Item, ...]] = field(default_factory=dict)

    @property
    def nodes(self) -> frozenset[NodeId]:
        return frozenset(node for items in self.counted.values() for node, _ in items)

    def size(self, allowed: frozenset[NodeId]) -> tuple[int, int]:
        """Nodes and files, without those that somebody has allowed to go."""
        left = [
            is_file
            for items in self.counted.values()
            for node, is_file in items
            if node not in allowed
        ]
        return len(left), sum(left)


@dataclass(frozen=True, slots=True)
class Past:
    """Nodes and files that went from each side in the span; ``allowed`` are those that somebody let
    go."""

    nodes: Mapping[Side, int] = field(default_factory=dict)
    files: Mapping[Side, int] = field(default_factory=dict)
    allowed: frozenset[NodeId] = frozenset()


class Memory(Protocol):
    """Where some text outlives the process."""

    def load(self) -> str:
        """Empty when there is none. Never raises."""
        ...

    def save(self, text: str) -> None:
        """Never raises for what the disk does."""
        ...


class Forgetful:
    """Keeps it for the process alone."""

    def load(self) -> str:
        return ""

    def save(self, text: str) -> None:
        pass


class Losses:
    """Times are wall time in ns since the epoch. A clock that was set back makes the past count
    for one span more at most: a time that is still to come is taken for now. ``restored`` says
    that a backup may have been put back on the server, and that not all that follows is done."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._memory = memory or Forgetful()
        # when, and the first node id that was made after that
        self._ticks: list[tuple[int, int]] = []
        # (when, made, side) → nodes, files
        self._gone: dict[tuple[int, int, str], tuple[int, int]] = {}
        self._sizes: list[tuple[int, int]] = []  # when, and the most agreed nodes in that minute
        self._allowed: frozenset[NodeId] = frozenset()
        self._agreed = 0
        self.restored = False
        self._saved = ""
        self._recall(self._memory.load())

    def _recall(self, text: str) -> None:
        """What cannot be understood counts as nothing."""
        try:
            kept = json.loads(text) if text else {}
            ticks = [(int(when), int(first)) for when, first in kept.get("ticks", [])]
            gone = {
                (int(when), int(made), Side(side).value): (int(nodes), int(files))
                for when, made, side, nodes, files in kept.get("gone", [])
            }
            sizes = [(int(when), int(most)) for when, most in kept.get("sizes", [])]
            allowed = frozenset(NodeId(int(node)) for node in kept.get("allowed", []))
            restored = bool(kept.get("restored", False))
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            return
        self._ticks, self._gone, self._sizes = ticks, gone, sizes
        self._allowed, self.restored, self._saved = allowed, restored, text

    def is_tick_due(self, now: int) -> bool:
        return not self._ticks or not 0 <= now - self._ticks[-1][0] < TICK_NS

    def tick(self, now: int, next_id: int) -> None:
        """Nodes from this id on are made from now on."""
        start = now - SPAN_NS
        self._ticks = [(min(when, now), first) for when, first in self._ticks]
        self._ticks.append((now, next_id))
        while len(self._ticks) > 1 and self._ticks[1][0] <= start:
            del self._ticks[0]

    def note_size(self, agreed: int, now: int) -> None:
        """So many nodes are agreed on now. Call it before each plan that may delete nodes."""
        start = now - SPAN_NS
        sizes = [(min(when, now), most) for when, most in self._sizes]
        self._sizes = [(when, most) for when, most in sizes if when + TICK_NS > start]
        if self._sizes and now - self._sizes[-1][0] < TICK_NS:
            when, most = self._sizes.pop()
            self._sizes.append((when, max(most, agreed)))
        else:
            self._sizes.append((now, agreed))
        self._agreed = agreed

    def note(self, side: Side, items: Iterable[Item], now: int) -> None:
        """They were deleted on that side just now."""
        minute = now - now % TICK_NS
        let_go = 0
        for node, is_file in items:
            if node in self._allowed:
                let_go += 1
                continue
            made = max((when for when, first in self._ticks if first <= node), default=0)
            key = minute, made, side.value
            _add(self._gone, key, (1, int(is_file)))
        self._sizes = [(when, most - let_go) for when, most in self._sizes]  # no loss

    def past(self, now: int) -> Past:
        """What counts at that moment."""
        start = now - SPAN_NS
        kept = [(key, lost) for key, lost in self._gone.items() if key[0] + TICK_NS > start]
        self._gone = {}
        old, young = _no_losses(), _no_losses()
        for (when, made, where), lost in kept:
            _add(self._gone, (min(when, now - now % TICK_NS), made, where), lost)
            _add(old if made <= start else young, Side(where), lost)
        net = max((most for _, most in self._sizes), default=0) - self._agreed
        nodes, files = {}, {}
        for side, (old_nodes, old_files) in old.items():
            young_nodes, young_files = young[side]
            counted = max(min(young_nodes, net - old_nodes), 0)
            nodes[side] = old_nodes + counted
            files[side] = old_files + min(young_files, counted)
        return Past(nodes, files, self._allowed)

    def allow(self, nodes: Iterable[NodeId]) -> None:
        """Somebody lets these go, and with them all that was counted so far is settled."""
        self._allowed |= frozenset(nodes)
        self._gone.clear()
        self._sizes = [(when, self._agreed) for when, _ in self._sizes[-1:]]

    def keep_allowed(self, nodes: frozenset[NodeId]) -> None:
        """Of what was allowed, only these are still to go."""
        self._allowed &= nodes

    def save(self) -> None:
        gone = [[*key, *lost] for key, lost in self._gone.items()]
        kept = {"ticks": self._ticks, "gone": gone, "sizes": self._sizes}
        text = json.dumps(kept | {"allowed": sorted(self._allowed), "restored": self.restored})
        if text != self._saved:
            self._memory.save(text)
            self._saved = text


def _no_losses() -> dict[Side, tuple[int, int]]:
    """Nodes and files of each side."""
    return dict.fromkeys(Side, (0, 0))


def _add(found: dict[K, tuple[int, int]], key: K, lost: tuple[int, int]) -> None:
    nodes, files = found.get(key, (0, 0))
    found[key] = nodes + lost[0], files + lost[1]


class Burst:
    """Whether deletions that are seen in listings still go on. Time is in seconds, of a clock that
    only grows."""

    def __init__(self) -> None:
        self._count = 0
        self._since = self._began = 0.0

    def left(self, count: int, now: float, rest: float) -> float:
        """Seconds until a burst of so many has come to rest: 0 when it has."""
        if not count:
            self._count = 0
            return 0.0
        if not self._count:
            self._began = now
        if count != self._count:
            self._count, self._since = count, now
        if now - self._began >= LONGEST_BURST:
            return 0.0
        return max(self._since + rest - now, 0.0)
