"""Settings that people change: into the configuration, and to the server where a mounted drive follows it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.errors import RemoteError
from syncin_mount.cli import configured, output
from syncin_mount.cli.telling import tell_daemons
from syncin_mount.config import ConfigurationFile
from syncin_mount.control.sockets import listens

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.config import Configuration, Folders, Server, Synchronization


def change_settings(
    name: str, change: Callable[[Synchronization], Synchronization]
) -> tuple[Synchronization, Synchronization]:
    """Replaces the settings by ``change`` of them; what they were and are. ``change`` may raise, and then nothing is
    changed. A mounted drive takes it up at once, else the next mount does. Raises CommandError,
    ConfigurationError."""
    folders, configuration = configured.load()
    before = configured.synchronization_named(configuration, name)

    def changed(now: Configuration) -> Configuration:
        present = configured.synchronization_named(now, name)
        after = change(present)
        if after == present:
            return now
        # The newer settings hold, here and on the server.
        return now.with_synchronization(replace(after, timestamp=max(int(time.time()), present.timestamp + 1)))

    after = ConfigurationFile(folders).update(changed)
    now = after.synchronizations[name]
    if now != before and listens(folders.socket(name)):
        tell_daemons(folders, [name])
        _tell(folders, after.servers[now.server], now)
    return before, now


def _tell(folders: Folders, server: Server, synchronization: Synchronization) -> None:
    """The account page shows them at once. (Each run tells the server by itself, too.)"""
    try:
        output.run_async(_send, folders, server, synchronization)
    except RemoteError as error:
        output.warn(f"the server hears of it with the next run, as it could not be told now: {error}")


async def _send(folders: Folders, server: Server, synchronization: Synchronization) -> None:
    from syncin_mount.daemon.accounts import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.daemon.registration import wire  # noqa: PLC0415
    from syncin_mount.server.paths import update_paths  # noqa: PLC0415

    async with session_with(folders, server) as session:
        await update_paths(session, [wire(synchronization)])
