"""The last lines of several logs, by time."""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING

from syncin_mount.logs.files import rotated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from syncin_mount.logs.logfmt import Entry

Line = tuple[str, "Entry | None"]
"""A line, and the record that it is."""


def latest(files: Sequence[Path], level: str, most: int) -> list[Line]:
    """The last lines of all of them by time, the latest last; all for 0. What is no record stays
    behind the one before it, and is shown whatever the level."""
    found = heapq.merge(*(_timed(_lines(path), level) for path in files), key=lambda each: each[0])
    return [line for _, line in deque(found, maxlen=most or None)]


def _timed(lines: Iterable[Line], level: str) -> Iterator[tuple[float, Line]]:
    from syncin_mount.logs.logfmt import at_least  # noqa: PLC0415 (start-up time)

    time = 0.0
    for line in lines:
        if line[1] is not None:
            time = line[1].time.timestamp()
        if line[1] is None or at_least(line[1].level, level):
            yield time, line


def _lines(path: Path) -> Iterator[Line]:
    from syncin_mount.logs.logfmt import entries  # noqa: PLC0415 (start-up time)

    for each in rotated(path):
        try:
            with each.open(encoding="utf-8", errors="replace", newline="\n") as file:
                yield from entries(file)
        except FileNotFoundError:  # rotated away at this moment
            continue
