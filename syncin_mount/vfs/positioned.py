"""Writing all of something to a descriptor at a position."""

from __future__ import annotations

from reconciler.positioned import pwrite


def write_at(fd: int, data: bytes | memoryview, offset: int) -> None:
    """All of ``data``. Raises OSError (ENOSPC, EFBIG, EIO)."""
    written = pwrite(fd, data, offset)
    while written < len(data):
        written += pwrite(fd, memoryview(data)[written:], offset + written)
