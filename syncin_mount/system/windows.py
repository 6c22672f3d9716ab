"""The operating system's calls, on Windows: it has no holes and no fsync of folders to rely on."""

from __future__ import annotations

import errno
import msvcrt
import os
import shutil
import sys
import time
from pathlib import Path

from reconciler.positioned import pread, pwrite

assert sys.platform == "win32"

OPEN = os.O_RDWR | os.O_CREAT | os.O_NOINHERIT | os.O_BINARY
READ = os.O_RDONLY | os.O_NOINHERIT | os.O_BINARY
OWNER = (0, 0)


def lock_file(fd: int) -> None:
    """Takes the file's lock for this process. Raises BlockingIOError when another has it."""
    try:
        # a lock on Windows keeps others from reading what is locked
        os.lseek(fd, 1 << 20, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
    except PermissionError:
        raise BlockingIOError(errno.EAGAIN, "locked") from None


def copy_range(source: int, target: int, size: int, offset: int) -> int:
    """Copies up to ``size`` bytes at an offset; how many."""
    return pwrite(target, pread(source, min(size, 1 << 20), offset), offset)


def sync_data(fd: int) -> None:
    """Returns when the file's bytes are on the disk."""
    os.fsync(fd)


def sync_folder(folder: Path | str | bytes) -> None:
    """NTFS keeps its names in a journal of its own."""


def sync_file_system(folder: Path) -> None:
    """Windows syncs file by file."""
    for found in folder.rglob("*"):
        if found.is_file():
            fd = os.open(found, OPEN)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def allocate(fd: int, size: int) -> None:
    """Gives the file disk space. Raises OSError (ENOSPC)."""
    if os.fstat(fd).st_size < size:
        os.write(fd, bytes(size))


def keep_room(path: Path, size: int) -> None:
    """Nothing of the kind here."""


def reserve(fd: int, offset: int, size: int) -> None:
    """Never needed: files here are not trusted to know their holes."""


def allocated(path: Path) -> bool:
    """Whether the file takes disk space."""
    return path.stat().st_size > 0


def file_system(folder: Path) -> os.statvfs_result:
    """Sizes of the file system."""
    usage = shutil.disk_usage(folder)
    blocks = (usage.total >> 12, usage.free >> 12, usage.free >> 12)
    return os.statvfs_result((4096, 4096, *blocks, 0, 0, 0, 0, 255))


def next_data(fd: int, offset: int) -> tuple[int, int] | None:
    """Never used: files here are not trusted to know their holes."""
    raise OSError(errno.ENOSYS, f"{fd} at {offset}")


def knows_holes(path: Path) -> bool:
    """Whether the file system at this (not existing) path tells holes from data."""
    return path.exists() and False


def boot_id() -> str:
    """Names this run of the computer's kernel: when it began, in minutes."""
    return str(round((time.time() - time.monotonic()) / 60))


def keep_from_children(path: str) -> None:
    """Nothing to do: a handle is inherited only where its opener says so."""


def is_dying(pid: int) -> bool:  # noqa: ARG001 - it cannot be told
    """Whether the process was ended and some thread of it is still there: cannot be told here."""
    return False
