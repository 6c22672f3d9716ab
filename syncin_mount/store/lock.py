"""One process a replica, and what the last one left behind."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.store.errors import ReplicaInUse

log = logging.getLogger(__name__)

_PID_WIDTH = 20


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


def take_lock(folder: Path) -> int:
    """The descriptor that holds the lock until it is closed or the process ends. Raises
    ReplicaInUse."""
    fd = system.open_file(folder / "lock", system.OPEN, 0o600)
    try:
        system.lock_file(fd)
    except BlockingIOError:
        pid = _holder(fd)
        os.close(fd)
        raise ReplicaInUse(_in_use(folder, pid), pid) from None
    # in place: on a full disk the space of a file that is truncated may be somebody else's the next
    # moment
    try:
        system.pwrite(fd, f"{os.getpid():<{_PID_WIDTH}}\n".encode(), 0)
    except OSError as error:
        log.debug("the lock of %s does not tell who has it: %s", folder, error)
    return fd
