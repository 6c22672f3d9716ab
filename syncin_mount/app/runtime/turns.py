"""What a schedule needs of this computer: a memory of the last run, and drives that run one after
another."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING

import trio

from syncin_mount.app.runtime.private_file import replace_private
from syncin_mount.config import Scheduling, private_folder
from syncin_mount.config.files import try_lock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from syncin_mount.config import Folders

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between two looks whether it is this drive's turn."""


class RememberedRun:
    """A ``schedule.LastRun``: a file of a few bytes beside the replica. It is not synced: after a
    power cut an older time only brings a run too many."""

    def __init__(self, replica: Path) -> None:
        self._path = replica / "last-run"

    def load(self) -> int | None:
        try:
            text = self._path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return int(text) if text.isdecimal() and len(text) < 20 else None

    def save(self, wall_ns: int) -> None:
        try:
            replace_private(self._path, f"{wall_ns}\n")
        except OSError as error:
            log.warning("when the last run was cannot be remembered: %s", error.strerror)


def last_run_of(folders: Folders, name: str) -> float | None:
    """When the drive's last complete run started that is remembered (seconds since the epoch)."""
    when = RememberedRun(folders.replica(name)).load()
    return None if when is None else when / 1e9


class RememberedDeletions:
    """A ``deletion_history.Memory``: a file beside the replica. It is not synced: a power cut may
    forget the last."""

    def __init__(self, replica: Path) -> None:
        self._path = replica / "deletions.json"

    def load(self) -> str:
        try:
            return self._path.read_text("ascii")
        except (OSError, UnicodeDecodeError):
            return ""

    def save(self, text: str) -> None:
        try:
            replace_private(self._path, text)
        except OSError as error:
            log.warning("what was deleted cannot be remembered: %s", error.strerror)


class Turns:
    """Whose run it is, where the drives run one after another: the holder of a lock, which the
    system releases when a process is killed. ``scheduling`` may change while somebody waits."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.scheduling = Scheduling.PARALLEL

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """A ``reconciler.engine.schedule.Turn``."""
        held: int | None = None
        try:
            while self.scheduling is Scheduling.SEQUENTIAL:
                held = self._take()
                if held is not None:
                    break
                await trio.sleep(LOOK_EVERY)
            yield held is not None
        finally:
            if held is not None:
                os.close(held)

    def _take(self) -> int | None:
        try:
            return try_lock(private_folder(self._state) / "scheduler.lock")
        except OSError as error:
            # A disk without locks must not keep runs from starting for ever.
            log.warning("the runs cannot be put one after another (%s)", error.strerror)
            self.scheduling = Scheduling.PARALLEL
            return None
