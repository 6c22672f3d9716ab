"""Sets of byte ranges, and which ranges of a sparse file hold data."""

from __future__ import annotations

import errno
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

from syncin_mount.system import next_data

BLOCK: Final = 4096
_ZERO_BLOCK: Final = bytes(BLOCK)


class Ranges:
    """Disjoint half-open ranges ``[start, stop)`` in order."""

    __slots__ = ("_starts", "_stops")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def add(self, start: int, stop: int) -> None:
        if start >= stop:
            return
        first = bisect_left(self._stops, start)  # the first that touches or lies behind
        last = bisect_right(self._starts, stop)
        if first < last:
            start = min(start, self._starts[first])
            stop = max(stop, self._stops[last - 1])
        self._starts[first:last] = [start]
        self._stops[first:last] = [stop]

    def first_missing(self, start: int, stop: int) -> tuple[int, int] | None:
        """The first part of ``[start, stop)`` that is in no range."""
        position = bisect_right(self._starts, start)
        if position and self._stops[position - 1] > start:
            start = self._stops[position - 1]
        if start >= stop:
            return None
        following = self._starts[position] if position < len(self._starts) else stop
        return start, min(stop, following)

    def clear(self) -> None:
        self._starts.clear()
        self._stops.clear()

    def total(self) -> int:
        return sum(self._stops) - sum(self._starts)


def data_ranges(fd: int, size: int) -> Ranges:
    """The whole blocks of a sparse file that hold data; the last block ends with the file.

    From lseek(2) with SEEK_DATA and SEEK_HOLE. A file system that does not know holes says that all
    is data: ask ``knows_holes`` first. Where the system knows no holes at all (Windows), nothing
    counts as here, and is fetched again.
    """
    ranges = Ranges()
    try:
        found = next_data(fd, 0) if size else None
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return ranges
    while found is not None:
        start, stop = found
        ranges.add(-(-start // BLOCK) * BLOCK, size if stop >= size else stop // BLOCK * BLOCK)
        found = next_data(fd, stop) if stop < size else None
    return ranges


def runs(data: memoryview) -> Iterator[tuple[bool, int, int]]:
    """What lies in the data, block by block from its start: whether it is nothing but zeros, and
    the range of it."""
    start, zeros = 0, False
    for offset in range(0, len(data), BLOCK):
        empty = data[offset] == 0 and _is_empty(data[offset : offset + BLOCK])
        if empty != zeros and offset > start:
            yield zeros, start, offset
            start = offset
        zeros = empty
    if start < len(data):
        yield zeros, start, len(data)


def _is_empty(block: memoryview) -> bool:
    return bytes(block) == (_ZERO_BLOCK if len(block) == BLOCK else _ZERO_BLOCK[: len(block)])
