"""Why a replica cannot be used. Each ``str()`` says what and why; where a repair helps, ``repair``
says so, and `syncin_mount.app.messages.store` how to ask for one."""

from __future__ import annotations

import enum
import errno
from pathlib import Path


class Repair(enum.Enum):
    """What a repair (`syncin_mount.store.maintenance.repair`) does about an error."""

    SAVES_WHAT_IS_THERE = enum.auto()
    """Something is lost or damaged; a repair keeps the rest."""
    IF_NO_LATER_VERSION = enum.auto()
    """Nothing is wrong if there is a later version of this program; else a repair mends it."""


class ReplicaError(Exception):
    """The replica's folder cannot be used.

    ``repair`` is what a repair does about it, None where it would change nothing; ``replica`` is
    then the name of the folder, which is the synchronization's.
    """

    def __init__(
        self, message: str, *, repair: Repair | None = None, folder: Path | None = None
    ) -> None:
        super().__init__(message)
        self.repair = repair
        self.replica = "" if folder is None else folder.name


class NotRecordable(OSError):
    """What is to be recorded has a number or a name that the replica cannot hold, and nothing was
    done. ``why`` is a clause. To a program it is EOVERFLOW (POSIX: "value too large to be stored in
    data type")."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EOVERFLOW, why)


class IndexDamaged(OSError):
    """The index turned out to be something else than was written, while it was in use. ``why`` is a
    clause. To a program it is EIO; a repair mends it, and loses nothing."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EIO, why)


class CannotUndo(Exception):
    """A local change cannot be held or discarded, and nothing was done. ``str()`` is one sentence:
    what and why."""


class ReplicaInUse(ReplicaError):
    """Another process has the replica. ``pid`` is that process, 0 when it did not say."""

    def __init__(self, message: str, pid: int) -> None:
        super().__init__(message)
        self.pid = pid


class NewerFormat(ReplicaError):
    """A later version of the program wrote this replica; nothing was touched."""


class JournalDamaged(ReplicaError):
    """The journal is damaged before its end, which no kill explains; nothing was cut."""
