"""Files that are replaced as a whole, and the lock that their writers share."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.phrases import Phrase
from syncin_mount import system

if TYPE_CHECKING:
    from collections.abc import Iterator


NO_FILE = Phrase("it is no ordinary file")


def check_ordinary(path: Path) -> None:
    """What is there, if anything, is a file, and not a device, a pipe or a folder: those are
    nobody's to replace, and to read them may never end. Raises OSError."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EEXIST, NO_FILE, os.fspath(path))


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replaces the file by ``data``: a reader, and a crash at any instant, sees the old or the new
    content.

    A symbolic link stays one: its target is replaced. The file gets exactly the permission bits
    ``mode``. Raises OSError, also when there is something else than a file.
    """
    target = path.resolve()
    check_ordinary(target)
    try:
        _replace(target, data, mode)
    except OSError as error:
        # The file beside it, which the system may name, is nobody's but ours.
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    system.sync_folder(target.parent)


def _replace(target: Path, data: bytes, mode: int) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            if not mode & 0o077:
                system.close_to_others(Path(temporary))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        system.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def open_to_append(path: Path) -> int:
    """A descriptor that writes at the end of the file, which only its owner can read, whatever the
    umask (made if absent). What a link leads to is somebody's, and keeps its mode. Raises
    OSError."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    # a pipe without a reader keeps nobody waiting
    handle = system.open_file(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
    system.keep_private(handle, path)
    return handle


def open_log(path: Path) -> int:
    """The same, for what a daemon's process writes besides its log; where that is not possible, the
    null device: a log that cannot be written keeps no drive from being mounted."""
    try:
        return open_to_append(path)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


def try_lock(path: Path) -> int | None:
    """The advisory lock on the file ``path`` (made if absent, never removed): the descriptor that
    holds it until it is closed, by its holder or by the system when that one is killed; None when
    somebody else has it. Raises OSError."""
    handle = system.open_file(path, system.OPEN, 0o600)
    try:
        system.lock_file(handle)
    except OSError as error:
        os.close(handle)
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return None
        raise
    return handle


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the advisory lock on the file ``path`` (made if absent, never removed). Blocks until it
    is free."""
    handle = system.open_file(path, system.OPEN, 0o600)
    try:
        system.wait_for_lock(handle)
        yield
    finally:
        os.close(handle)
