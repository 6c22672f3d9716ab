"""Reading a descriptor at a position; what the file system knows to be a hole is not read at
all."""

from __future__ import annotations

from typing import Final

from reconciler.positioned import is_hole, pread

HOLES_FROM: Final = 1 << 16
"""Shorter reads do not look for holes: the look would cost as much as the read (bytes)."""
ZEROS: Final = bytes(1 << 20)


def read_sparse(fd: int, length: int, offset: int) -> bytes:
    """``pread``, but a range that is one hole (lseek(2), SEEK_DATA) is given from memory that all
    holes share, and no page of it is made in the kernel. Moves the descriptor's own position.
    OSError from the disk."""
    if length < HOLES_FROM or length > len(ZEROS) or not is_hole(fd, length, offset):
        return pread(fd, length, offset)
    return ZEROS if length == len(ZEROS) else ZEROS[:length]
