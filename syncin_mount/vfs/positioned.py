"""Reading and writing a descriptor at a position, and whether that can be done without waiting for
a disk."""

from __future__ import annotations

import os
import sys


def write_at(fd: int, data: bytes | memoryview, offset: int) -> None:
    """All of ``data``. Raises OSError (ENOSPC, EFBIG, EIO)."""
    written = _write(fd, data, offset)
    while written < len(data):
        written += _write(fd, memoryview(data)[written:], offset + written)


if sys.platform == "win32":

    def _write(fd: int, data: bytes | memoryview, offset: int) -> int:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.write(fd, data)

    def read_cached(fd: int, buffer: memoryview, offset: int) -> int:  # noqa: ARG001 - nothing to do with them
        """Windows cannot say what is cached: nothing is."""
        return 0

    def read_at(fd: int, buffer: memoryview, offset: int) -> int:
        """Fills ``buffer`` up to the end of the file; returns the number of bytes. May block."""
        os.lseek(fd, offset, os.SEEK_SET)
        data = os.read(fd, len(buffer))
        buffer[: len(data)] = data
        return len(data)

else:

    def _write(fd: int, data: bytes | memoryview, offset: int) -> int:
        return os.pwrite(fd, data, offset)

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

    def read_at(fd: int, buffer: memoryview, offset: int) -> int:
        """Fills ``buffer`` up to the end of the file; returns the number of bytes. May block."""
        done = 0
        while done < len(buffer):
            count = os.preadv(fd, (buffer[done:],), offset + done)
            if count == 0:
                break
            done += count
        return done

    import errno

    _NOWAIT = getattr(os, "RWF_NOWAIT", 0)
    _NOT_NOW = {errno.EAGAIN, errno.EOPNOTSUPP}
