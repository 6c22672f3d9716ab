"""Waiting until the server has every change of some drives."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from reconciler.phrases import Phrase
from syncin_mount.app.drives.open_drive import is_mounted, open_drive
from syncin_mount.app.errors import NotMounted, NotPossible
from syncin_mount.control.failures import NotRunning
from syncin_mount.control.messages import SyncRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncin_mount.app.drives.drive import Drive
    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.messages import Status


class End(enum.Enum):
    """How waiting for a drive ended."""

    SYNCED = enum.auto()
    HALTED = enum.auto()
    PAUSED = enum.auto()
    REFUSED = enum.auto()
    OFFLINE = enum.auto()
    FAILED = enum.auto()
    """The last run came to no end."""
    BLOCKED = enum.auto()
    """What is left cannot be sent as it is."""
    RETRIED = enum.auto()
    """What is left could not be sent, and is tried again."""


@dataclass(frozen=True, slots=True)
class Waited:
    """How waiting for one drive ended. ``left`` counts the changes that still wait, None where
    ``error`` is what kept it from being known. ``why`` is the daemon's sentence, where it has
    one."""

    drive: str
    end: End
    left: int | None = None
    why: str = ""
    error: Exception | None = None


async def wait_synced(
    folders: Folders,
    configuration: Configuration,
    chosen: Sequence[Synchronization],
    *,
    only_mounted: bool,
) -> list[Waited]:
    """Returns when the drives have nothing left that can be sent: how each ended, in their order.
    ``only_mounted`` leaves out those that are not mounted; else they raise NotMounted."""
    mounted = [each for each in chosen if is_mounted(folders, each.name)]
    absent = [each for each in chosen if each not in mounted]
    if absent and not only_mounted:
        raise NotMounted(absent[0].name)
    ended: dict[str, Waited] = {}

    async def one(each: Synchronization) -> None:
        try:
            async with open_drive(folders, configuration, each) as drive:
                ended[each.name] = await _one(drive)
        except (NotRunning, NotMounted):
            gone = NotPossible(Phrase("unmounted meanwhile; what waits is kept"))
            ended[each.name] = Waited(each.name, End.FAILED, error=gone)
        except Exception as error:  # noqa: BLE001 (it is told, beside how the others ended)
            ended[each.name] = Waited(each.name, End.FAILED, error=error)

    async with trio.open_nursery() as nursery:
        for each in mounted:
            nursery.start_soon(one, each)
    return [ended[each.name] for each in mounted]


async def _one(drive: Drive) -> Waited:
    """Returns when nothing more goes by itself."""
    if not drive.mounted:
        raise NotMounted(drive.name)
    before = await drive.status()
    if before.paused:
        return Waited(drive.name, End.PAUSED, before.waiting)
    if before.schedule == "off" and not before.manual:
        return judged(drive.name, await drive.wait_synced())
    # It runs on a schedule, or when it is told to: what is left could be hours away.
    if before.waiting:
        async with drive.sync(SyncRequest()) as events:
            async for _ in events:
                pass
    return judged(drive.name, await drive.status())


def judged(name: str, how: Status) -> Waited:
    """What a drive's last state means for who waits."""
    if how.halted:
        return Waited(name, End.HALTED, how.waiting, how.halted)
    if not how.waiting:
        return Waited(name, End.SYNCED, 0)
    if how.paused:
        return Waited(name, End.PAUSED, how.waiting)
    if how.refused:
        return Waited(name, End.REFUSED, how.waiting, how.refused)
    if how.online is False:
        return Waited(name, End.OFFLINE, how.waiting, how.why_offline or "")
    if how.failed:
        return Waited(name, End.FAILED, how.waiting, how.failed)
    if any(each.lasting for each in how.problems) or not how.problems:
        return Waited(name, End.BLOCKED, how.waiting)
    return Waited(name, End.RETRIED, how.waiting)
