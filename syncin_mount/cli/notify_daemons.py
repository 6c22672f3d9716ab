"""Mounted drives hear of what a command changed in the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.cli.ui import output
from syncin_mount.control.sockets import listens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncin_mount.config import Folders


def tell_daemons(folders: Folders, names: Iterable[str]) -> None:
    """Returns when those that are mounted follow the configuration. One that does not answer looks
    into it by itself within seconds, so that is only a warning."""
    mounted = [name for name in names if listens(folders.socket(name))]
    if mounted:
        output.run_async(_reload, folders, mounted)


async def _reload(folders: Folders, names: list[str]) -> None:
    from syncin_mount.control.client import (  # noqa: PLC0415
        Client,
        ControlError,
        NotRunning,
    )

    for name in names:
        try:
            async with Client(folders.socket(name)) as daemon:
                await daemon.reload()
        except NotRunning:
            continue
        except ControlError as error:
            output.warn(
                f"{name}: {error}; the drive follows by itself within seconds, or when it is"
                " mounted again"
            )
