"""What the supervisor says to daemons: before the computer ends or sleeps, and afterwards."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import trio

from reconciler.errors import RemoteError
from reconciler.phrases import Phrase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncin_mount.config import Folders
    from syncin_mount.control.client import Client

log = logging.getLogger(__name__)

SETTLING = 0.5
"""Seconds between looks whether a drive still can send what waits."""


async def tell_drives(
    folders: Folders, names: Iterable[str], what: Callable[[Client], Awaitable[object]]
) -> None:
    """Does it with the daemons of all these drives at the same time; what ails one is logged."""
    from syncin_mount.control.client import Client  # noqa: PLC0415 (memory)
    from syncin_mount.control.failures import ControlError  # noqa: PLC0415 (memory)

    async def tell(name: str) -> None:
        try:
            async with Client(folders.socket(name)) as drive:
                await what(drive)
        except (ControlError, RemoteError) as error:
            log.info("%s: %s", name, error)

    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(tell, name)


async def wait_synced(drive: Client) -> None:
    """Returns when everything is sent, or as soon as it is clear that this drive sends nothing
    now."""
    while True:
        with trio.move_on_after(SETTLING) as waiting:
            await drive.wait_synced()  # which returns at once where the server is known to be away
        now = await drive.status()
        why = (
            now.halted
            or now.refused
            or (now.why_offline or Phrase("the server is away") if now.online is False else None)
        )
        if now.paused or now.manual or now.schedule != "off":
            why = Phrase("it sends nothing by itself now")
        if why and now.waiting:
            log.info("%s is not waited for (%d waiting): %s", now.name, now.waiting, why)
        if why or not waiting.cancelled_caught:
            return


async def wake_up(drive: Client) -> None:
    """A drive on a schedule makes up by itself what it missed, once its server is there."""
    now = await drive.status()
    if now.schedule == "off" or now.online is False:
        await drive.retry()
