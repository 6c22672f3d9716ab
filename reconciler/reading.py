"""Reading a descriptor at a position, on every system."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":

    def read_at(fd: int, length: int, offset: int) -> bytes:
        """Up to ``length`` bytes from ``offset`` (bytes); ``b""`` at the end. Moves the descriptor's own position."""
        os.lseek(fd, offset, os.SEEK_SET)
        return os.read(fd, length)

else:

    def read_at(fd: int, length: int, offset: int) -> bytes:
        """Up to ``length`` bytes from ``offset`` (bytes); ``b""`` at the end. OSError from the disk."""
        return os.pread(fd, length, offset)
