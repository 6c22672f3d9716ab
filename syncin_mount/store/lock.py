"""One process a replica, and what the last one left behind."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.store.errors import ReplicaInUse

log = logging.getLogger(__name__)

_PID_WIDTH = 20
_LOOK, _NO_LOOK = b"look\n", b"    \n"
"""After the process: whether it only looks."""

LOOK_PATIENCE_S, LOOK_AGAIN_S = 5.0, 0.05
"""Seconds in which who only looks has to be done, and between two tries to be the next."""


def _in_use(folder: Path, pid: int) -> str:
    if system.is_dying(pid):
        # Its threads may wait in the kernel for who waits for the drive:
        # docs/internals/crash-table.md, "What a kill can leave standing".
        return Phrase(
            "the replica in {folder} is in use by process {pid}, which was killed and"
            " cannot end while a program waits for its drive; release them with: umount"
            " -f and the drive's folder.",
            folder=folder,
            pid=pid,
        )
    return Phrase(
        "the replica in {folder} is in use by process {pid}; stop that one first.",
        folder=folder,
        pid=pid,
    )


def dying_holder(folder: Path) -> int | None:
    """The process that has the replica, was killed and has not come to its end, or None."""
    try:
        fd = system.open_file(folder / "lock", os.O_RDWR)
    except FileNotFoundError:
        return None
    pid = _holder(fd)
    try:
        if system.is_dying(pid):
            system.lock_file(fd)  # one that was only not collected yet has let go of it
    except BlockingIOError:
        return pid
    finally:
        os.close(fd)
    return None


def _holder(fd: int) -> int:
    """The process that said last that it has the lock; 0 when none did."""
    text = system.pread(fd, _PID_WIDTH + 1, 0).strip()
    return int(text) if text.isdigit() else 0


def _only_looks(fd: int) -> bool:
    """Whether the process that said last that it has the lock said that, too."""
    return system.pread(fd, len(_LOOK), _PID_WIDTH + 1) == _LOOK


def take_lock(folder: Path, *, look: bool = False) -> int:
    """The descriptor that holds the lock until it is closed or the process ends. ``look``: for a
    moment, to tell how the replica is. Whoever wants it meanwhile waits for that: it blocks, for
    `LOOK_PATIENCE_S` at most. Raises ReplicaInUse."""
    fd = system.open_file(folder / "lock", system.OPEN, 0o600)
    try:
        _lock(folder, fd)
    except BaseException:
        os.close(fd)
        raise
    # in place: on a full disk the space of a file that is truncated may be somebody else's the next
    # moment
    try:
        who = f"{os.getpid():<{_PID_WIDTH}}\n".encode()
        system.pwrite(fd, who + (_LOOK if look else _NO_LOOK), 0)
    except OSError as error:
        log.debug("the lock of %s does not tell who has it: %s", folder, error)
    return fd


def _lock(folder: Path, fd: int) -> None:
    """Raises ReplicaInUse."""
    end = time.monotonic() + LOOK_PATIENCE_S
    # One that has it since this moment may not have said yet whether it only looks.
    begun = False
    while True:
        try:
            system.lock_file(fd)
        except BlockingIOError:
            if (begun and not _only_looks(fd)) or time.monotonic() > end:
                pid = _holder(fd)
                raise ReplicaInUse(_in_use(folder, pid), pid) from None
        else:
            return
        begun = True
        time.sleep(LOOK_AGAIN_S)
