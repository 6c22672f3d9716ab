"""Copies a file's content, and tells whether somebody changed the file meanwhile."""

from __future__ import annotations

import errno
import os
import sys

from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.store.journal.reserve import NO_ROOM

_PIECE = 1024 * 1024
_FICLONE = 0x40049409
"""ioctl_ficlone(2)."""


class InUse(OSError):
    """The file is open for writing, or changed while it was copied."""


def is_untouched(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether nothing was done to the file between the two. Another of its names may have been
    taken away."""
    same = (one.st_ino, one.st_dev, one.st_size, one.st_mtime_ns) == (
        other.st_ino,
        other.st_dev,
        other.st_size,
        other.st_mtime_ns,
    )
    return same and (one.st_ctime_ns == other.st_ctime_ns or max(one.st_nlink, other.st_nlink) > 1)


def are_equal(one: int, other: int) -> bool:
    """Whether two open files have the same bytes. Reads both. Raises OSError."""
    offset = 0
    while True:
        piece = system.pread(one, _PIECE, offset)
        if piece != system.pread(other, _PIECE, offset):
            return False
        if not piece:
            return True
        offset += len(piece)


def copy_content(source: int, target: int, size: int) -> None:
    """All bytes of one open file into another, empty one: cloned where the file system can, else
    copied with its holes. Raises OSError."""
    if size and _clone(source, target):
        return
    os.ftruncate(target, size)
    at = 0
    while at < size:
        data = _next_data(source, at)
        if data is None:
            return
        at, stop = data[0], min(data[1], size)
        while at < stop:
            piece = system.pread(source, min(_PIECE, stop - at), at)
            if not piece:
                raise InUse(errno.EBUSY, Phrase("it was changed while it was copied"))
            view = memoryview(piece)
            while view:
                done = system.pwrite(target, view, at)
                view, at = view[done:], at + done


def _next_data(fd: int, offset: int) -> tuple[int, int] | None:
    try:
        return system.next_data(fd, offset)
    except OSError:
        return offset, sys.maxsize


if sys.platform == "linux":
    import fcntl

    def _clone(source: int, target: int) -> bool:
        try:
            fcntl.ioctl(target, _FICLONE, source)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise
            return False
        return True

else:

    def _clone(_source: int, _target: int) -> bool:
        return False
