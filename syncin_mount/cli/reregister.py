"""Synchronizations that the server has no more, registered again; and mounted drives that hear of
it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.errors import RemoteError
from syncin_mount.cli.ui import output
from syncin_mount.config import ConfigurationFile
from syncin_mount.control.sockets import listens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncin_mount.config import Configuration, Folders, Server, Synchronization


def register_again(folders: Folders, server: Server, names: Iterable[str]) -> list[str]:
    """Registers those of ``names`` that the server does not have, has the mounted ones go on at
    once, and says so. Returns the names of those that it had. Raises RemoteError,
    ConfigurationError."""
    configured = ConfigurationFile(folders).read().synchronizations
    ours = [configured[name] for name in names]
    done = output.run_async(_register, folders, server, ours)
    for again, error in done:
        if error is not None:
            output.warn(
                f"{again.name}: the server has it no more, and does not register it again ({error})"
            )
            continue
        _remember_number(folders, again)
        output.say(f"{again.name}: registered again for {again.remote}")
    retry(folders, [each.name for each in ours])
    new = {again.name for again, _ in done}
    return [each.name for each in ours if each.name not in new]


async def _register(
    folders: Folders, server: Server, ours: list[Synchronization]
) -> list[tuple[Synchronization, RemoteError | None]]:
    from syncin_mount.app.registration import register_again  # noqa: PLC0415
    from syncin_mount.app.sessions import session_with  # noqa: PLC0415 (start-up time)

    async with session_with(folders, server) as session:
        return await register_again(session, ours, time.time())


def tell_gone(folders: Folders, server: Server, names: Iterable[str]) -> None:
    """Has the mounted ones of ``names`` go on at once, and names those that the server does not
    have: somebody may have removed them there on purpose. Raises RemoteError,
    ConfigurationError."""
    configured = ConfigurationFile(folders).read().synchronizations
    ours = [configured[name] for name in names]
    gone = output.run_async(_gone, folders, server, ours)
    retry(folders, [each.name for each in ours])
    for each in gone:
        output.warn(
            f"{each.name}: the server has no synchronization of {each.remote} for this computer "
            "any more, and nothing of it is carried; register it again (syncin-mount edit "
            f"{each.name} --register), or remove it (syncin-mount remove {each.name})"
        )


async def _gone(
    folders: Folders, server: Server, ours: list[Synchronization]
) -> list[Synchronization]:
    from syncin_mount.app.registration import gone_there  # noqa: PLC0415
    from syncin_mount.app.sessions import session_with  # noqa: PLC0415 (start-up time)

    async with session_with(folders, server) as session:
        return await gone_there(session, ours)


def _remember_number(folders: Folders, again: Synchronization) -> None:
    def with_it(now: Configuration) -> Configuration:
        present = now.synchronizations.get(again.name)
        if present is None:
            return now
        told = replace(
            present,
            path_id=again.path_id,
            permissions=again.permissions,
            timestamp=max(present.timestamp, again.timestamp),
        )
        return now.with_synchronization(told)

    ConfigurationFile(folders).update(with_it)


def retry(folders: Folders, names: Iterable[str]) -> None:
    """Those that are mounted try again at once what the server refused; else it takes them some
    minutes."""
    mounted = [name for name in names if listens(folders.socket(name))]
    if mounted:
        output.run_async(_retry, folders, mounted)


async def _retry(folders: Folders, names: list[str]) -> None:
    from syncin_mount.control.client import (  # noqa: PLC0415
        Client,
        ControlError,
        NotRunning,
    )

    for name in names:
        try:
            async with Client(folders.socket(name)) as daemon:
                await daemon.retry()
        except NotRunning:
            continue
        except ControlError as error:
            output.warn(
                f"{name}: {error}; the drive goes on by itself within minutes, or when it is"
                " mounted again"
            )
