"""Reading a descriptor at a position, on every system; what the file system knows to be a hole is
not read at all."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

HOLES_FROM: Final = 1 << 16
"""Shorter reads do not look for holes: the look would cost as much as the read (bytes)."""
ZEROS: Final = bytes(1 << 20)

if sys.platform == "win32":

    def _is_hole(fd: int, length: int, offset: int) -> bool:  # noqa: ARG001 - nothing to do with them
        return False

    def read_at(fd: int, length: int, offset: int) -> bytes:
        """Up to ``length`` bytes from ``offset`` (bytes); ``b""`` at the end. Moves the
        descriptor's own position."""
        os.lseek(fd, offset, os.SEEK_SET)
        return os.read(fd, length)

else:

    def _is_hole(fd: int, length: int, offset: int) -> bool:
        """Whether the range lies in the file and holds no data. False where that cannot be told."""
        try:
            if os.lseek(fd, offset, os.SEEK_DATA) < offset + length:
                return False
        except OSError as error:
            if error.errno != errno.ENXIO:  # there is no data behind it either
                return False
        return os.fstat(fd).st_size >= offset + length

    def read_at(fd: int, length: int, offset: int) -> bytes:
        """Up to ``length`` bytes from ``offset`` (bytes); ``b""`` at the end. OSError from the
        disk."""
        return os.pread(fd, length, offset)


def read_sparse(fd: int, length: int, offset: int) -> bytes:
    """``read_at``, but a range that is one hole (lseek(2), SEEK_DATA) is given from memory that all
    holes share, and no page of it is made in the kernel. Moves the descriptor's own position.
    OSError from the disk."""
    if length < HOLES_FROM or length > len(ZEROS) or not _is_hole(fd, length, offset):
        return read_at(fd, length, offset)
    return ZEROS if length == len(ZEROS) else ZEROS[:length]
