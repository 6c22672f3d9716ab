"""The one place that asks whether a drive is mounted, and opens it as it is."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

from syncin_mount.control.transport import listens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from syncin_mount.app.drives.drive import Drive
    from syncin_mount.app.drives.unmounted import UnmountedDrive
    from syncin_mount.config import Configuration, Folders, Synchronization

T = TypeVar("T")


def is_mounted(folders: Folders, name: str) -> bool:
    """Whether a daemon of this user works on the drive at this moment."""
    return listens(folders.socket(name))


async def hangs(folders: Folders, name: str, *, patience: float | None = None) -> bool:
    """Whether a daemon of this user is there that does not say how it is within ``patience``
    seconds (None: what one gets, `syncin_mount.control.silence`)."""
    from syncin_mount.control.watching import (  # noqa: PLC0415 (start-up time)
        NotTold,
        Silent,
        expect_answers,
    )

    if not is_mounted(folders, name):
        return False
    try:
        await expect_answers(folders.socket(name), patience)
    except Silent:
        return True
    except NotTold:  # it ended just now, or is of another version
        return False
    return False


async def hanging(folders: Folders, configuration: Configuration) -> frozenset[str]:
    """Those of the synchronizations whose daemon `hangs`. All are asked at the same time."""
    import trio  # noqa: PLC0415 (start-up time)

    found = set()

    async def ask(name: str) -> None:
        if await hangs(folders, name):
            found.add(name)

    async with trio.open_nursery() as nursery:
        for name in configuration.synchronizations:
            nursery.start_soon(ask, name)
    return frozenset(found)


@contextlib.asynccontextmanager
async def open_drive(
    folders: Folders, configuration: Configuration, synchronization: Synchronization
) -> AsyncIterator[Drive]:
    """The drive of a configured synchronization. Nothing is locked, and nobody is asked, before the
    first call."""
    if not is_mounted(folders, synchronization.name):
        yield unmounted(folders, configuration, synchronization)
        return
    from syncin_mount.app.drives.mounted import MountedDrive  # noqa: PLC0415 (start-up time)
    from syncin_mount.control.client import Client  # noqa: PLC0415

    async with Client(folders.socket(synchronization.name)) as client:
        yield MountedDrive(folders, synchronization, client)


def unmounted(
    folders: Folders, configuration: Configuration, synchronization: Synchronization
) -> UnmountedDrive:
    """The drive as one that no daemon works on, whether that is so or not: who opens its local copy
    finds it locked else."""
    from syncin_mount.app.drives.unmounted import UnmountedDrive  # noqa: PLC0415 (start-up time)

    return UnmountedDrive(folders, configuration, synchronization)


async def ask_drive(
    folders: Folders,
    configuration: Configuration,
    synchronization: Synchronization,
    ask: Callable[[Drive], Awaitable[T]],
) -> T:
    """What ``ask`` gets of the drive. Where the daemon ends meanwhile, the drive at rest is asked;
    so it must change nothing."""
    from syncin_mount.control.failures import NotRunning  # noqa: PLC0415 (start-up time)

    try:
        async with open_drive(folders, configuration, synchronization) as drive:
            return await ask(drive)
    except NotRunning:
        return await ask(unmounted(folders, configuration, synchronization))
