"""Positioned reading and writing on Linux."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform != "win32"

pread, pwrite = os.pread, os.pwrite

_NOWAIT = getattr(os, "RWF_NOWAIT", 0)
_NOT_NOW = {errno.EAGAIN, errno.EOPNOTSUPP}


def read_cached(fd: int, buffer: memoryview, offset: int) -> int:
    """What of the range is in the page cache, from its start: the number of bytes put into
    ``buffer``.

    Never waits for a disk. 0 also where the file system below cannot tell (preadv2(2),
    RWF_NOWAIT).
    """
    try:
        return os.preadv(fd, (buffer,), offset, _NOWAIT)
    except OSError as error:
        if error.errno in _NOT_NOW:
            return 0
        raise


def read_into(fd: int, buffer: memoryview, offset: int) -> int:
    """Fills ``buffer`` up to the end of the file; returns the number of bytes. May block."""
    done = 0
    while done < len(buffer):
        count = os.preadv(fd, (buffer[done:],), offset + done)
        if count == 0:
            break
        done += count
    return done


def is_hole(fd: int, length: int, offset: int) -> bool:
    """Whether the range lies in the file and holds no data (lseek(2), SEEK_DATA). False where that
    cannot be told."""
    try:
        if os.lseek(fd, offset, os.SEEK_DATA) < offset + length:
            return False
    except OSError as error:
        if error.errno != errno.ENXIO:  # there is no data behind it either
            return False
    return os.fstat(fd).st_size >= offset + length
