"""Settings that people change: into the configuration, and to the server where a mounted drive
follows it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.errors import RemoteError
from syncin_mount.cli.exit_status import Exit, exit_for
from syncin_mount.cli.notify_daemons import tell_daemons
from syncin_mount.cli.ui import lookup, output
from syncin_mount.config import ConfigurationFile
from syncin_mount.control.sockets import listens

PATIENCE = 5.0
"""Seconds that a server gets to say what it has newer."""

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.config import Configuration, Folders, Server, Synchronization


def change_settings(
    name: str, change: Callable[[Synchronization], Synchronization]
) -> tuple[Synchronization, Synchronization]:
    """Replaces the settings by ``change`` of them; what they were and are. ``change`` may raise,
    and then nothing is changed. A mounted drive takes it up at once, else the next mount does.
    Raises CommandError, ConfigurationError."""
    folders, configuration = lookup.load()
    before = lookup.synchronization_named(configuration, name)
    newer, clock = _newest(folders, configuration.servers[before.server], before)

    def changed(now: Configuration) -> Configuration:
        present = lookup.synchronization_named(now, name)
        # what was set on the account page is older than what is set now
        if newer.timestamp > present.timestamp:
            now = now.with_synchronization(
                replace(newer, mountpoint=present.mountpoint, trash=present.trash)
            )
            present = now.synchronizations[name]
        after = change(present)
        if after == present:
            return now
        # The newer settings hold, here and on the server. Its clock counts, as that is what its
        # page writes.
        moment = int(time.time() if clock is None else clock)
        return now.with_synchronization(
            replace(after, timestamp=max(moment, present.timestamp + 1))
        )

    after = ConfigurationFile(folders).update(changed)
    now = after.synchronizations[name]
    if now != before and listens(folders.socket(name)):
        tell_daemons(folders, [name])
        _tell(folders, after.servers[now.server], now)
    return before, now


def _newest(
    folders: Folders, server: Server, present: Synchronization
) -> tuple[Synchronization, float | None]:
    """What the account page has set last, and the server's clock, where the server is there and
    quick."""
    if present.path_id is None:
        return present, None
    try:
        found: tuple[Synchronization, float | None] = output.run_async(
            _ask, folders, server, present
        )
    except Exception as error:
        # Whatever it is, it must not keep anybody from changing a setting: the next run meets it,
        # and says so.
        if exit_for(error)[0] is Exit.INTERRUPTED:
            raise
        return present, None
    return found


async def _ask(
    folders: Folders, server: Server, present: Synchronization
) -> tuple[Synchronization, float | None]:
    import trio  # noqa: PLC0415 (start-up time)

    from syncin_mount.app.registration import newest  # noqa: PLC0415
    from syncin_mount.app.sessions import session_with  # noqa: PLC0415

    with trio.move_on_after(PATIENCE):
        async with session_with(folders, server) as session:
            return await newest(session, present)
    return present, None


def _tell(folders: Folders, server: Server, synchronization: Synchronization) -> None:
    """The account page shows them at once. (Each run tells the server by itself, too.)"""
    try:
        output.run_async(_send, folders, server, synchronization)
    except RemoteError as error:
        output.warn(
            f"the server hears of it with the next run, as it could not be told now: {error}"
        )


async def _send(folders: Folders, server: Server, synchronization: Synchronization) -> None:
    from syncin_mount.app.registration import wire  # noqa: PLC0415
    from syncin_mount.app.sessions import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.remote.registrations import update_paths  # noqa: PLC0415

    async with session_with(folders, server) as session:
        await update_paths(session, [wire(synchronization)])
