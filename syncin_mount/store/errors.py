"""Why a replica cannot be used. Each ``str()`` is one sentence for people: what, why, what to
do."""

from __future__ import annotations

import errno


class ReplicaError(Exception):
    """The replica's folder cannot be used."""


class NotRecordable(OSError):
    """What is to be recorded has a number or a name that the replica cannot hold, and nothing was
    done. ``why`` is a clause. To a program it is EOVERFLOW (POSIX: "value too large to be stored in
    data type")."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EOVERFLOW, why)


class IndexDamaged(OSError):
    """The index is something else than was written. ``why`` is a clause. To a program it is EIO;
    ``DAMAGED`` says what helps."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EIO, why)


DAMAGED = (
    "the index of the local copy is damaged ({}); what is written is kept in its journal, and"
    " nothing is lost: unmount, then 'syncin-mount check {} --repair' puts it right"
)
"""The sentence about an index that turned out to be damaged while it was in use: why, and the
synchronization."""


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
