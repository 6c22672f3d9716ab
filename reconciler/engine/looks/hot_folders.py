"""Which folders somebody looks at or works in, and which of them is asked of the server next.

Pure: times are seconds of one clock that only goes forward.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from reconciler.model import NodeId

MOST = 256
"""Folders that are remembered: those that were visited last."""

WALK = 8
"""Folders that nobody visited lately and that count at once. One more counts each second: who walks
through a tree does not wait for others' changes in each folder."""

PACES = ((60.0, 2.0), (600.0, 5.0), (3600.0, 30.0))
"""Seconds since the last visit, and the seconds from look to look until then. A folder that is
open, or in which a file is, counts as visited all the time."""

SHARE = 100.0
"""A look is followed by this many times its own duration without one: looks take 1 % of the time
of whoever is slower, the server or this computer."""

SHORTEST_REST, LONGEST_REST = 0.2, 600.0
"""Seconds between two looks, whatever they cost."""

NEW = 10.0
"""A folder that was never looked into is as urgent as if it had been, so many seconds before it was
visited."""

KEPT = 1.0
"""Seconds for which the folder that is due next stays so, if nothing happens."""

FAILED_REST = 60.0
"""Seconds for which a folder is left alone whose look failed. The others rest for as long only when
looks fail one after the other: one folder that the server cannot read must not end all looks."""

FIRST_FAILED_REST = 2.0
"""Seconds for which the others rest after the first look that failed; each next one doubles it."""


class HotFolders:
    """Of one synchronization. Memory does not grow."""

    def __init__(self) -> None:
        self._visited: dict[NodeId, float] = {}
        self._looked: dict[NodeId, float] = {}
        self._failed: dict[NodeId, float] = {}
        self._failed_rest = FIRST_FAILED_REST
        self._called_at = -math.inf
        """When all folders that were not looked into since became due."""
        self._next: tuple[NodeId, float] | None = None
        """What ``next_due`` answered; None after anything changed."""
        self._cost = 0.0
        self._free_at = -math.inf
        self._tokens = float(WALK)
        self._counted_at = -math.inf

    def visit(self, folder: NodeId, now: float) -> bool:
        """Somebody looks into the folder, or something in it changed. Whether that is news enough
        to look at once when the next look is due."""
        if folder not in self._visited and not self._counts(now):
            return False
        return self._note(folder, now)

    def _counts(self, now: float) -> bool:
        """Whether one more new folder counts at this moment."""
        self._tokens = min(self._tokens + now - self._counted_at, float(WALK))
        self._counted_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _note(self, folder: NodeId, now: float) -> bool:
        self._next = None
        before = self._visited.pop(folder, -math.inf)
        self._visited[folder] = now
        while len(self._visited) > MOST:
            self._drop(next(iter(self._visited)))
        return now - before >= PACES[0][1]

    def forget(self, folder: NodeId) -> None:
        """It is not there any more."""
        self._drop(folder)

    def _drop(self, folder: NodeId) -> None:
        self._next = None
        self._visited.pop(folder, None)
        self._looked.pop(folder, None)
        self._failed.pop(folder, None)

    def next_due(self, now: float) -> tuple[NodeId, float] | None:
        """The folder to look into next, and when. None when nobody visited any lately."""
        # The engine asks several times before each look; nothing is gone through again for that.
        if self._next is None or now > self._next[1] + KEPT:
            self._next = self._found_next(now)
        return self._next

    def _found_next(self, now: float) -> tuple[NodeId, float] | None:
        for folder in [each for each, when in self._visited.items() if _pace(now - when) is None]:
            self._drop(folder)
        if not self._visited:
            return None
        due = {each: self._due(each, now) for each in self._visited}
        at = max(min(due.values()), self._free_at)
        ready = [each for each, when in due.items() if when <= at]
        return max(ready, key=lambda each: self._urgency(each, now, at)), at

    def _due(self, folder: NodeId, now: float) -> float:
        pace = _pace(now - self._visited[folder])
        if pace is None:
            return math.inf
        looked = self._looked.get(folder, -math.inf)
        due = looked if looked < self._called_at else looked + pace
        return max(due, self._failed.get(folder, -math.inf) + FAILED_REST)

    def _urgency(self, folder: NodeId, now: float, at: float) -> tuple[float, float]:
        """Where there are more folders than looks, those that are in use get most of the looks, and
        no other gets none. Who walks through a tree does not keep them from it."""
        visited = self._visited[folder]
        pace = _pace(now - visited) or math.inf
        return (at - self._looked.get(folder, visited - NEW)) / pace**2, visited

    def looked(self, folder: NodeId, now: float, seconds: float) -> None:
        """A look into it has just ended, and took so long."""
        self._next = None
        if folder in self._visited:
            self._looked[folder] = now
        self._failed.pop(folder, None)
        self._failed_rest = FIRST_FAILED_REST
        self._cost = seconds if not self._cost else 0.7 * self._cost + 0.3 * seconds
        self._free_at = now + min(max(self._cost * SHARE, SHORTEST_REST), LONGEST_REST)

    def failed(self, folder: NodeId, now: float) -> None:
        """A look into it came to no end."""
        self._next = None
        if folder in self._visited:
            self._looked[folder] = self._failed[folder] = now
        self._free_at = max(self._free_at, now + self._failed_rest)
        self._failed_rest = min(self._failed_rest * 2, FAILED_REST)

    def look_now(self, now: float) -> None:
        """Somebody else changed something somewhere: all folders are due."""
        self._next = None
        self._called_at = now

    def listed(self, now: float) -> None:
        """All folders were just seen."""
        self._next = None
        self._looked = dict.fromkeys(self._visited, now)

    def keep_open(self, folders: Iterable[NodeId], now: float) -> None:
        """These are open at this moment."""
        for folder in folders:
            self._note(folder, now)


def _pace(age: float) -> float | None:
    for until, pace in PACES:
        if age < until:
            return pace
    return None
