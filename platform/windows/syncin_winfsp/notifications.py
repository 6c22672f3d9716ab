"""Telling Windows what changed without it: Explorer shows what came from the server at once.

That happens in a thread. WinFsp lets no file be renamed meanwhile, and a rename waits for the trio
thread, which must go on.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

import trio

from syncin_mount.store import AttrChanged, Change, EntryChanged, InodeUnnamed, NameChanged
from syncin_mount.store.types import NodeType
from syncin_winfsp.values import structures
from syncin_winfsp.values.statuses import Status

if TYPE_CHECKING:
    from syncin_mount.store import Attr
    from syncin_mount.vfs import FileSystem
    from syncin_winfsp.drive import Drive

log = logging.getLogger(__name__)


class Filter(enum.IntFlag):
    """FILE_NOTIFY_CHANGE_…, from Microsoft's winnt.h."""

    FILE_NAME = 0x1
    FOLDER_NAME = 0x2
    ATTRIBUTES = 0x4
    SIZE = 0x8
    LAST_WRITE = 0x10


class Action(enum.IntEnum):
    """FILE_ACTION_…, from Microsoft's winnt.h."""

    ADDED = 1
    REMOVED = 2
    MODIFIED = 3
    RENAMED_OLD_NAME = 4
    RENAMED_NEW_NAME = 5


Notice = tuple[int, int, str]
"""A filter, an action and a path."""

BEGIN_TIMEOUT_MS: Final = 500
"""How long one try waits for renames that are under way."""
TRIES: Final = 20
"""After which it is left out: the driver asks again for attributes within a second anyway."""


class Driver(Protocol):
    """FspFileSystemNotifyBegin, …Notify and …NotifyEnd for one file system; each gives a status."""

    def begin(self, timeout_ms: int) -> int: ...

    def notify(self, notices: bytes) -> int: ...

    def end(self) -> int: ...


class Notifier:
    """Collects changes on the trio thread and passes them on, in batches, from a worker thread."""

    def __init__(self, fs: FileSystem, drive: Drive, driver: Driver) -> None:
        self._fs = fs
        self._drive = drive
        self._driver = driver
        self._send, self._receive = trio.open_memory_channel[Change | trio.Event](math.inf)
        self._stopped = trio.Event()
        fs.names.listen(self._heard, self.passed_on)

    def _heard(self, change: Change) -> None:
        with contextlib.suppress(trio.ClosedResourceError):
            self._send.send_nowait(change)

    async def passed_on(self) -> None:
        """Returns when everything that was heard so far has been told."""
        told = trio.Event()
        try:
            self._send.send_nowait(told)
        except trio.ClosedResourceError:
            return
        await told.wait()

    async def stop(self) -> None:
        """Returns when everything that was heard so far has been told."""
        self._send.close()
        await self._stopped.wait()

    async def run(self) -> None:
        """Until stopped."""
        try:
            async for change in self._receive:
                batch = {change: None}
                with contextlib.suppress(trio.WouldBlock, trio.EndOfChannel):
                    while True:
                        batch[self._receive.receive_nowait()] = None
                asked = [each for each in batch if isinstance(each, trio.Event)]
                changes = [each for each in batch if not isinstance(each, trio.Event)]
                notices = list(dict.fromkeys(self._notices(changes)))
                if notices:
                    await trio.to_thread.run_sync(_tell, self._driver, notices)
                self._let_go(changes)
                for event in asked:
                    event.set()
        finally:
            self._stopped.set()

    def _let_go(self, changes: Iterable[Change]) -> None:
        """What has no name any more is forgotten, unless somebody has it open: who closes it last
        does it then."""
        for change in changes:
            if isinstance(change, InodeUnnamed):
                self._fs.names.told(change.ino)
                if not self._drive.contexts.is_known(change.ino):
                    self._fs.forget([change.ino])

    def _notices(self, changes: Iterable[Change]) -> Iterator[Notice]:
        for change in changes:
            if isinstance(change, NameChanged):
                yield from self._of_name(change)
            elif isinstance(change, AttrChanged):
                yield from self._of_attributes(change.ino)
            else:
                assert isinstance(change, EntryChanged | InodeUnnamed)  # told as NameChanged

    def _of_name(self, change: NameChanged) -> Iterator[Notice]:
        now = self._fs.names.named(change.parent_ino, change.name)
        if change.to is not None:
            yield from self._of_move(change, change.to)
            return
        path = self._drive.path_of(change.parent_ino, change.name, now or change.was)
        if path is None or (now is None and change.was is None):
            return
        if change.was is None or now is None:
            there = now or change.was
            assert there is not None
            yield _names(there), Action.REMOVED if now is None else Action.ADDED, path
        else:
            yield Filter.SIZE | Filter.LAST_WRITE, Action.MODIFIED, path

    def _of_move(self, change: NameChanged, to: tuple[int, bytes]) -> Iterator[Notice]:
        there = self._fs.names.named(*to)
        old = self._drive.path_of(change.parent_ino, change.name, there)
        new = self._drive.path_of(*to, there)
        if there is None or old is None or new is None:
            return
        same = change.parent_ino == to[0]
        yield _names(there), Action.RENAMED_OLD_NAME if same else Action.REMOVED, old
        yield _names(there), Action.RENAMED_NEW_NAME if same else Action.ADDED, new

    def _of_attributes(self, ino: int) -> Iterator[Notice]:
        place = self._fs.names.place_of(ino)
        attr = None if place is None else self._fs.names.named(*place)
        if place is None or attr is None:
            return
        path = self._drive.path_of(*place, attr)
        if path is not None:
            yield Filter.ATTRIBUTES | Filter.SIZE | Filter.LAST_WRITE, Action.MODIFIED, path


def _names(attr: Attr) -> Filter:
    return Filter.FOLDER_NAME if attr.kind is NodeType.FOLDER else Filter.FILE_NAME


def _tell(driver: Driver, notices: list[Notice]) -> None:
    """In a thread. Without a word where the driver does not listen: it asks again soon."""
    for _ in range(TRIES):
        status = driver.begin(BEGIN_TIMEOUT_MS) & 0xFFFFFFFF
        if status != Status.CANT_WAIT:
            break
    else:
        log.debug("%d changes could not be told: files are renamed all the time", len(notices))
        return
    if status != Status.SUCCESS:
        log.debug("%d changes could not be told: status %08x", len(notices), status)
        return
    try:
        for batch in structures.notices(notices):
            driver.notify(batch)
    finally:
        driver.end()
