"""Named points in the drive's process, and being killed at one of them. Production knows nothing of
this.

A ``Trap`` wraps the chosen function alone, in the process that is to die; the others stay as they
are. A point is a name and a moment: ``before`` and ``after`` the call, or ``within`` it: SIGKILL
comes some random time after it began. A name with a dot chooses among the calls of one function, by
an argument: ``effect.Unlink``, ``request.PUT``.
"""

from __future__ import annotations

import functools
import inspect
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syncin_mount.remote.http import transport
from syncin_mount.store import atomic_file
from syncin_mount.store.content import objects
from syncin_mount.store.content.handles import IncomingFile
from syncin_mount.store.durability.committer import Committer
from syncin_mount.store.durability.content_durability import ContentDurability
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.durability.open_recovery import OpenRecovery
from syncin_mount.store.history import history
from syncin_mount.store.index import index
from syncin_mount.store.journal import log
from syncin_mount.store.replica.contents import Contents
from syncin_mount.store.replica.posix_ops import PosixOperations
from syncin_mount.store.replica.replica import Replica
from syncin_mount.store.replica.sync_tree import SyncTree
from syncin_mount.store.replica.upload_log import UploadLog
from syncin_mount.vfs import files

LONGEST = {"commit": 0.003, "sync_files": 0.02, "request": 0.02}
"""Seconds that such a call may go on before the kill ``within`` it comes, at most."""

REQUESTS = ("HEAD", "GET", "PUT", "POST", "MOVE", "DELETE", "PROPPATCH")
EFFECTS = ("Unlink", "ToBin", "CopyToBin", "NoteToBin", "LinkToBin", "FolderToBin", "DropBin")

PLACES: dict[str, tuple[Any, str]] = {
    "append": (log.Journal, "append"),
    "segment": (log.Journal, "start"),
    "segments_renewed": (log.Journal, "renew"),
    "segments_dropped": (log.Journal, "drop"),
    "journal_synced": (log.Journal, "sync"),
    "commit": (index.Index, "commit"),
    "swap": (objects.Objects, "take"),
    "effect": (objects.Objects, "do"),
    "swept": (Committer, "_sweep"),
    "sync_files": (Committer, "sync_files"),
    "contents_synced": (ContentDurability, "mark_synced"),
    "bases": (SyncTree, "set_bases"),
    "placed": (SyncTree, "_place"),
    "taken_in": (Contents, "install_content"),
    "moved_here": (SyncTree, "move_local"),
    "deleted_here": (SyncTree, "delete_local"),
    "leftover": (UploadLog, "note_leftover"),
    "leftover_gone": (UploadLog, "drop_leftover"),
    "created": (PosixOperations, "create"),
    "linked": (PosixOperations, "link"),
    "attributes": (PosixOperations, "set_attr"),
    "write_begun": (PosixOperations, "begin_write"),
    "written": (PosixOperations, "written"),
    "renamed": (PosixOperations, "rename"),
    "unlinked": (PosixOperations, "unlink"),
    "folder_removed": (PosixOperations, "rmdir"),
    "xattr": (PosixOperations, "set_xattr"),
    "bytes": (files.OpenFiles, "write"),
    "truncated": (files.OpenFiles, "truncate"),
    "arrived": (IncomingFile, "write"),
    "request": (transport.Wire, "_request"),
    "upload": (transport.Upload, "__anext__"),
    "history": (history.History, "commit"),
    "recovery": (OpenRecovery, "run"),
    "replay": (EventWriter, "replay"),
    "strays": (objects.Objects, "stray"),
    "interrupted_writes": (OpenRecovery, "_finish_writes"),
    "file_stated": (atomic_file, "write_whole"),
    "closing": (Replica, "close"),
}


def _all_points() -> dict[str, int]:
    weights = {f"{name}/{moment}": 1 for name in PLACES for moment in ("before", "after")}
    for name in ("effect", "request", "upload"):
        del weights[f"{name}/before"], weights[f"{name}/after"]
    weights["upload/before"] = 1
    weights |= {f"effect.{kind}/{moment}": 1 for kind in EFFECTS for moment in ("before", "after")}
    weights |= {
        f"request.{kind}/{moment}": 1
        for kind in REQUESTS
        for moment in ("before", "within", "after")
    }
    weights |= {"append/torn": 3, "commit/within": 3, "sync_files/within": 1}
    return weights


POINTS = _all_points()
"""Every point, and how often it is chosen."""

AT_START = (
    "recovery",
    "replay",
    "strays",
    "segments_renewed",
    "segment",
    "interrupted_writes",
    "file_stated",
)
"""What every start passes: such a point counts from the process' first moment on."""

AT_END = ("closing",)


@dataclass(frozen=True, slots=True)
class Kill:
    """At the ``count``-th passage of ``point``, counted from the start of the process or (not
    ``at_start``) from SIGUSR1 on. ``seed`` decides what is random about it."""

    point: str
    count: int
    seed: int
    at_start: bool = False

    def text(self) -> str:
        return f"{self.point} {self.count} {self.seed} {int(self.at_start)}"

    @staticmethod
    def parse(text: str) -> Kill:
        point, count, seed, at_start = text.split()
        return Kill(point, int(count), int(seed), at_start == "1")


def die() -> None:
    """Nothing of this process goes on, not even another thread."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the signal ends the process before this returns


class Trap:
    """Counts the passages of one point."""

    def __init__(self, kill: Kill) -> None:
        self._kill = kill
        self._chance = random.Random(kill.seed)
        self._left = kill.count
        self._armed = kill.at_start
        name, self._moment = kill.point.split("/")
        self._name, _, self._kind = name.partition(".")

    def set(self) -> None:
        owner, attribute = PLACES[self._name]
        real = getattr(owner, attribute)
        if self._moment == "torn":
            owner._write = self._around_write(owner._write)
        elif inspect.iscoroutinefunction(real):
            setattr(owner, attribute, self._around_async(real))
        else:
            setattr(owner, attribute, self._around(real))
        signal.signal(signal.SIGUSR1, self._arm)

    def _arm(self, _number: int, _frame: object) -> None:
        self._armed = True

    def _is_meant(self, arguments: tuple[Any, ...]) -> bool:
        """Counts; whether this is the passage to die at."""
        if not self._armed or not self._is_of_kind(arguments):
            return False
        self._left -= 1
        return self._left == 0

    def _is_of_kind(self, arguments: tuple[Any, ...]) -> bool:
        if not self._kind:
            return True
        if self._name == "request":
            return bool(arguments[1].method == self._kind)
        return type(arguments[2]).__name__ == self._kind

    def _begin(self) -> None:
        if self._moment == "before":
            die()
        if self._moment == "within":
            pause = self._chance.random() * LONGEST[self._name]
            threading.Timer(pause, die).start()

    def _around(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def passed(*arguments: Any, **named: Any) -> Any:
            meant = self._is_meant(arguments)
            if meant:
                self._begin()
            result = real(*arguments, **named)
            if meant:
                die()
            return result

        return passed

    def _around_async(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        async def passed(*arguments: Any, **named: Any) -> Any:
            meant = self._is_meant(arguments)
            if meant:
                self._begin()
            result = await real(*arguments, **named)
            if meant:
                die()
            return result

        return passed

    def _around_write(
        self, real: Callable[[log.Journal, bytes], None]
    ) -> Callable[[log.Journal, bytes], None]:
        """``Journal._write``, of which the kernel took only a part when the process ended."""

        def torn(of: log.Journal, record: bytes) -> None:
            if self._is_meant(()):
                os.write(of._open[-1][1], record[: self._chance.randrange(1, len(record))])
                die()
            real(of, record)

        return torn
