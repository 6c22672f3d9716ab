"""What is unsettled somewhere below each folder, kept up node by node. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Above = Callable[[int], int | None]
"""The folder that a folder is in; None for the synchronized folder, and for what is gone."""

MOST: Final = 50_000
"""Nodes that are remembered, some 10 MB; what is beyond that counts in no folder."""

KINDS: Final = 4
"""How many kinds of unsettled there are, numbered by urgency: 0 is the most urgent."""


class FolderSums:
    """Counts the unsettled nodes below each folder, by kind.

    A folder that moves takes its counts along. The memory is that of the unsettled nodes and of the
    folders above them, `MOST` nodes at the most; then ``full`` holds until somebody starts over.

    Folders that change places, the inner one becoming the outer, lie in each other while only one
    of them was placed anew: then ``tangled`` holds, and somebody has to start over.
    """

    def __init__(self, above: Above) -> None:
        self._above = above
        self._nodes: dict[int, tuple[int, int]] = {}  # its folder, and its kind
        self._folders: dict[int, list[int]] = {}  # counts by kind
        self._in: dict[int, int | None] = {}  # where a counted folder is counted in turn
        self.full = False
        self.tangled = False

    def __len__(self) -> int:
        return len(self._nodes)

    def kind(self, folder: int) -> int | None:
        """The most urgent kind below the folder; None where all is settled."""
        counts = self._folders.get(folder)
        return None if counts is None else _first(counts)

    def put(self, node: int, parent: int, kind: int | None) -> set[int]:
        """The node is in this folder, and unsettled in this way (None: settled). Returns the
        folders whose most urgent kind is another now."""
        was = self._nodes.get(node)
        now = None if kind is None else (parent, kind)
        if was == now:
            return set()
        if was is None and len(self._nodes) >= MOST:
            self.full = True
            return set()
        changed: dict[int, int | None] = {}
        if was is not None:
            del self._nodes[node]
            counts = [0] * KINDS
            counts[was[1]] = -1
            self._add(was[0], counts, changed)
        if now is not None:
            self._nodes[node] = now
            counts = [0] * KINDS
            counts[now[1]] = 1
            self._add(now[0], counts, changed)
        return self._really(changed)

    def place(self, folder: int) -> set[int]:
        """The folder may be elsewhere now, or gone. Returns as ``put``."""
        if folder not in self._folders:
            return set()
        before, now = self._in[folder], self._above(folder)
        if before == now:
            return set()
        counts, changed = self._folders[folder], dict[int, int | None]()
        if before is not None:
            self._add(before, [-each for each in counts], changed)
        self._in[folder] = now
        if now is not None:
            self._add(now, counts, changed)
        return self._really(changed)

    def _add(self, folder: int, counts: list[int], changed: dict[int, int | None]) -> None:
        """To the folder and all above it. ``changed`` keeps the kind that each had at first."""
        at: int | None = folder
        seen = set[int]()
        while at is not None and at not in seen:
            seen.add(at)
            there = self._folders.get(at)
            changed.setdefault(at, None if there is None else _first(there))
            if there is None:
                there = self._folders[at] = [0] * KINDS
                self._in[at] = self._above(at)
            for kind, count in enumerate(counts):
                there[kind] += count
            above = self._in[at]
            if not any(there):
                del self._folders[at], self._in[at]
            at = above
        if at is not None:
            self.tangled = True

    def _really(self, changed: dict[int, int | None]) -> set[int]:
        return {folder for folder, before in changed.items() if before != self.kind(folder)}


def _first(counts: list[int]) -> int | None:
    return next((kind for kind, count in enumerate(counts) if count > 0), None)
