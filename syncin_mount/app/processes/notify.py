"""Mounted drives hear of what changed in the configuration, or at the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.processes.notices import Notice, Unnotified

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncin_mount.config import Folders


async def notify(folders: Folders, names: Iterable[str], notice: Notice) -> list[Unnotified]:
    """Returns when those of the drives that are mounted follow it. A drive that does not answer is
    in the answer, and follows by itself later."""
    from syncin_mount.control.client import Client  # noqa: PLC0415 (start-up time)
    from syncin_mount.control.failures import ControlError, NotRunning  # noqa: PLC0415

    failed: list[Unnotified] = []
    for name in names:
        if not is_mounted(folders, name):
            continue
        try:
            async with Client(folders.socket(name)) as daemon:
                await (daemon.reload() if notice is Notice.CONFIGURATION else daemon.retry())
        except NotRunning:
            continue
        except ControlError as error:
            failed.append(Unnotified(name, notice, error))
    return failed
