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

SHORTEST_REST, LONGEST_REST = 0.2, 60.0
"""Seconds between two looks, whatever they cost."""


class HotFolders:
    """Of one synchronization. Memory does not grow."""

    def __init__(self) -> None:
        self._visited: dict[NodeId, float] = {}
        self._looked: dict[NodeId, float] = {}
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
        before = self._visited.pop(folder, -math.inf)
        self._visited[folder] = now
        while len(self._visited) > MOST:
            self._drop(next(iter(self._visited)))
        return now - before >= PACES[0][1]

    def forget(self, folder: NodeId) -> None:
        """It is not there any more."""
        self._drop(folder)

    def _drop(self, folder: NodeId) -> None:
        self._visited.pop(folder, None)
        self._looked.pop(folder, None)

    def next_due(self, now: float) -> tuple[NodeId, float] | None:
        """The folder to look into next, and when. None when nobody visited any lately."""
        for folder in [each for each, when in self._visited.items() if _pace(now - when) is None]:
            self._drop(folder)
        due = [(self._due(folder, now), folder) for folder in self._visited]
        if not due:
            return None
        when, folder = min(due)
        return folder, max(when, self._free_at)

    def _due(self, folder: NodeId, now: float) -> float:
        pace = _pace(now - self._visited[folder])
        return self._looked.get(folder, -math.inf) + (math.inf if pace is None else pace)

    def looked(self, folder: NodeId, now: float, seconds: float) -> None:
        """A look into it has just ended, and took so long."""
        if folder in self._visited:
            self._looked[folder] = now
        self._cost = seconds if not self._cost else 0.7 * self._cost + 0.3 * seconds
        self._free_at = now + min(max(self._cost * SHARE, SHORTEST_REST), LONGEST_REST)

    def failed(self, now: float) -> None:
        """A look came to no end."""
        self._free_at = now + LONGEST_REST

    def look_now(self) -> None:
        """Somebody else changed something somewhere: all folders are due."""
        self._looked.clear()

    def listed(self, now: float) -> None:
        """All folders were just seen."""
        self._looked = dict.fromkeys(self._visited, now)

    def keep_open(self, folders: Iterable[NodeId], now: float) -> None:
        """These are open at this moment."""
        for folder in folders:
            self._note(folder, now)


def _pace(age: float) -> float | None:
    return next((pace for until, pace in PACES if age < until), None)
