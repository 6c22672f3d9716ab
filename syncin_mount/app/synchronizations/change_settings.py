"""Settings that people change: into the configuration, and to the server where a mounted drive
follows it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import trio

from reconciler.errors import RemoteError
from syncin_mount.app.accounts.sessions import session_with
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.processes.notices import Notice, Unnotified
from syncin_mount.app.processes.notify import notify
from syncin_mount.app.synchronizations import registration
from syncin_mount.config import ConfigurationFile
from syncin_mount.remote.registrations import update_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.config import Configuration, Folders, Server, Synchronization

SERVER_TIMEOUT_S = 5.0
"""How long a server gets to say what it has newer."""


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """The settings before and after. ``missed`` are mounted drives that could not be told, and
    ``not_sent`` is why the server was not: both follow by themselves."""

    before: Synchronization
    after: Synchronization
    missed: tuple[Unnotified, ...] = ()
    not_sent: RemoteError | None = None


def anything(_now: Configuration, _after: Synchronization) -> None:
    """Nothing is against it."""


async def change_settings(
    folders: Folders,
    name: str,
    change: Callable[[Synchronization], Synchronization],
    check: Callable[[Configuration, Synchronization], None] = anything,
) -> SettingsChange:
    """Replaces the settings by ``change`` of them; what they were and are. ``change`` may raise,
    and so may ``check``, which is given the configuration at the moment of the change and the
    settings that are to be: then nothing is changed. A mounted drive takes it up at once, else the
    next mount does. Raises ConfigurationError, and KeyError when there is no such
    synchronization."""
    file = ConfigurationFile(folders)
    configuration = await trio.to_thread.run_sync(file.read)
    before = configuration.synchronizations[name]
    newer, clock = await newest_settings(folders, configuration.servers[before.server], before)

    def changed(now: Configuration) -> Configuration:
        present = now.synchronizations[name]
        # what was set on the account page is older than what is set now
        if newer.timestamp > present.timestamp:
            now = now.with_synchronization(
                replace(newer, mountpoint=present.mountpoint, trash=present.trash)
            )
            present = now.synchronizations[name]
        after = change(present)
        if after == present:
            return now
        check(now, after)
        # The newer settings hold, here and on the server. Its clock counts, as that is what its
        # page writes.
        moment = int(time.time() if clock is None else clock)
        return now.with_synchronization(
            replace(after, timestamp=max(moment, present.timestamp + 1))
        )

    written = await trio.to_thread.run_sync(file.update, changed)
    after = written.synchronizations[name]
    if after == before or not is_mounted(folders, name):
        return SettingsChange(before, after)
    missed = await notify(folders, [name], Notice.CONFIGURATION)
    not_sent = await send_settings(folders, written.servers[after.server], after)
    return SettingsChange(before, after, tuple(missed), not_sent)


async def newest_settings(
    folders: Folders, server: Server, present: Synchronization
) -> tuple[Synchronization, float | None]:
    """What the account page has set last, and the server's clock, where the server is there and
    quick."""
    if present.path_id is None:
        return present, None
    try:
        with trio.move_on_after(SERVER_TIMEOUT_S):
            async with session_with(folders, server) as session:
                return await registration.newest(session, present)
    except Exception:  # noqa: BLE001
        # Whatever it is, it must not keep anybody from changing a setting: the next run meets it,
        # and says so.
        return present, None
    return present, None


async def send_settings(
    folders: Folders, server: Server, synchronization: Synchronization
) -> RemoteError | None:
    """The account page shows them at once. (Each run tells the server by itself, too.)"""
    try:
        async with session_with(folders, server) as session:
            await update_paths(session, [registration.wire(synchronization)])
    except RemoteError as error:
        return error
    return None
