"""Which ranges of a file hold data, so that holes are neither read nor written when it is
copied."""

from __future__ import annotations

from collections.abc import Iterator

from syncin_mount.system import next_data


def data_pieces(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """The ranges ``[start, stop)`` of the first ``size`` bytes that hold data, in order (lseek(2),
    SEEK_DATA and SEEK_HOLE); all of them where the system does not tell. Moves the descriptor's own
    position."""
    offset = 0
    while offset < size:
        found = _next(fd, offset, size)
        if found is None or found[0] >= size:
            return
        yield found[0], min(found[1], size)
        offset = found[1]


def _next(fd: int, offset: int, size: int) -> tuple[int, int] | None:
    try:
        return next_data(fd, offset)
    except OSError:
        return offset, size
