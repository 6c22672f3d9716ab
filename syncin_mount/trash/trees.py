"""Copying and measuring what lies at a name below an open folder. Links are never followed;
blocks."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from typing import Final

from reconciler.phrases import Phrase
from syncin_mount.deep_tree import walk
from syncin_mount.sparse_ranges import data_pieces
from syncin_mount.trash.spec import NotForTrash

assert sys.platform != "win32"

_PIECE: Final = 1 << 20


def copy_tree(source: int, name: bytes, target: int, carry_on: Callable[[], None]) -> None:
    """Copies the name from one folder to another, with modification times; it is on the disk when
    this returns.

    What is made is its owner's alone. Raises OSError (FileExistsError when something has that name
    there).
    """
    folders = []
    for path, found in walk(source, name):
        carry_on()
        times = found.st_atime_ns, found.st_mtime_ns
        if stat.S_ISDIR(found.st_mode):
            os.mkdir(path, 0o700, dir_fd=target)
            folders.append((path, times))
        elif stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(path, dir_fd=source), path, dir_fd=target)
            os.utime(path, ns=times, dir_fd=target, follow_symlinks=False)
        elif stat.S_ISREG(found.st_mode):
            _copy_file(source, path, target, times, carry_on)
        else:
            raise NotForTrash(Phrase("{path} is no file, folder or link", path=repr(path[:80])))
    for path, times in reversed(folders):
        os.utime(path, ns=times, dir_fd=target)
        sync(path, at=target)


def _copy_file(
    source: int, path: bytes, target: int, times: tuple[int, int], carry_on: Callable[[], None]
) -> None:
    reader = os.open(path, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=source)
    try:
        writer = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=target
        )
        try:
            size = os.fstat(reader).st_size
            os.ftruncate(writer, size)
            for start, stop in data_pieces(reader, size):  # holes stay holes
                offset = start
                while offset < stop and (
                    piece := os.pread(reader, min(_PIECE, stop - offset), offset)
                ):
                    write_all(writer, piece, offset)
                    offset += len(piece)
                    carry_on()
            os.utime(writer, ns=times)
            os.fsync(writer)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Writes all of the data at the offset. Raises OSError."""
    rest = memoryview(data)
    while rest:
        done = os.pwrite(fd, rest, offset)
        rest, offset = rest[done:], offset + done


def disk_usage(at: int, name: bytes) -> int:
    """The bytes that the name and all below it take on the disk, as ``du -B1`` counts them."""
    return sum(found.st_blocks * 512 for _, found in walk(at, name))


def sync(path: bytes, *, at: int | None) -> None:
    """fsync of the folder: the names in it are on the disk. ``at`` as ``dir_fd``."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
