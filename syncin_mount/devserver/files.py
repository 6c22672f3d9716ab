"""What the operations other than uploads do on disk. All of it blocks: callers run it in a thread.

OSError passes through; the caller maps it (`wire.os_refusal`).
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from dataclasses import dataclass

from .places import Place
from .wire import Refusal

#: The latest second that ext4 can keep, and the kernel clamps to; Python would refuse much later
#: ones.
MTIME_MAX = 15032385535
#: Windows has no such flag (and needs another to leave line ends alone).
NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_FORBIDDEN = re.compile(r'[\\:*?"<>|\x00-\x1f\x80-\x9f]')
_RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
)


@dataclass(frozen=True, slots=True)
class Stat:
    """`mtime_ns` in nanoseconds; `size` in bytes, 0 for folders."""

    is_dir: bool
    is_file: bool
    size: int
    mtime_ns: int
    ino: int

    @property
    def mtime(self) -> int:
        return self.mtime_ns // 10**9


def stat_of(full: str) -> Stat:
    """Of the thing itself, never of what a link points to. Raises OSError."""
    found = os.lstat(full)
    is_dir = stat.S_ISDIR(found.st_mode)
    return Stat(
        is_dir,
        stat.S_ISREG(found.st_mode),
        0 if is_dir else found.st_size,
        found.st_mtime_ns,
        found.st_ino,
    )


def set_mtime(full: str, mtime: int) -> None:
    """Whole seconds; a time before the epoch is ignored, as the real server does."""
    if mtime >= 0:
        seconds = min(mtime, MTIME_MAX)
        os.utime(full, (seconds, seconds), follow_symlinks=False)


def refuse_forbidden_name(name: str) -> None:
    """Raises the 400 of names that MAKE does not take; other operations do."""
    if _FORBIDDEN.search(name) or name in _RESERVED:
        raise Refusal(400, "Forbidden characters")


def make_folder(place: Place, mtime: int | None) -> int:
    """Creates it with its parents, or finds it there; returns the inode."""
    full = place.contained()
    if os.path.lexists(full) and not os.path.isdir(full):
        raise FileExistsError(17, "File exists")
    os.makedirs(full, exist_ok=True)
    if mtime is not None:
        set_mtime(full, mtime)
    return os.lstat(full).st_ino


def make_file(place: Place, mtime: int | None) -> int:
    """Creates an empty file, or empties the one that is there; returns the inode."""
    full = place.contained()
    os.close(os.open(full, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | NOFOLLOW, 0o600))
    if mtime is not None:
        set_mtime(full, mtime)
    return os.lstat(full).st_ino


def make_parents(place: Place) -> None:
    """Creates the folders above a place; a file among them is Node's EEXIST."""
    parent = os.path.dirname(place.contained())
    try:
        os.makedirs(parent, exist_ok=True)
    except NotADirectoryError as error:
        raise FileExistsError(17, "File exists") from error


def move(source: Place, target: Place) -> None:
    """Renames; the caller has made way. Keeps inode and mtime unless it crosses file systems."""
    make_parents(target)
    try:
        os.rename(source.full, target.full)
    except OSError as error:
        if error.errno != 18:  # EXDEV
            raise
        shutil.move(source.full, target.full)


def copy(source: Place, target: Place) -> None:
    """Copies a file or a tree with its times. Links are copied as links, never followed."""
    make_parents(target)
    if os.path.isdir(source.full):
        shutil.copytree(source.full, target.full, symlinks=True)
    else:
        shutil.copy2(source.full, target.full, follow_symlinks=False)


def tree_size(full: str) -> int:
    """Bytes of a file, or of all files below a folder. Raises OSError."""
    found = stat_of(full)
    if not found.is_dir:
        return found.size
    total = 0
    for folder, _, names in os.walk(full):
        total += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)
    return total
