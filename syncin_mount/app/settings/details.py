"""What is known of one synchronization, and whether the server has the same settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from reconciler.errors import RemoteError

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Server, Synchronization
    from syncin_mount.remote.registrations import SyncPath

PATIENCE_S = 3.0
"""Seconds that a server gets to answer."""

_FIELDS = {
    "direction": "mode",
    "mode": "diff_mode",
    "conflict": "conflict_mode",
    "filters": "filters",
    "enabled": "enabled",
    "folder": "remote_path",
}


@dataclass(frozen=True, slots=True)
class Unregistered:
    """The server was never told of it."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """``error`` is why nobody knows, None: the server does not answer quickly."""

    error: RemoteError | None = None


@dataclass(frozen=True, slots=True)
class NoMore:
    """The server has ``drive`` no more."""

    drive: str


@dataclass(frozen=True, slots=True)
class Registered:
    """The server has it under ``number``. ``other`` are the settings that it has otherwise;
    ``newer``: those of the server hold with the next run."""

    number: int
    other: tuple[str, ...] = ()
    newer: bool = False


OnServer = Unregistered | Unknown | NoMore | Registered


async def on_server(folders: Folders, server: Server, ours: Synchronization) -> OnServer:
    """Waits some seconds at most."""
    if ours.path_id is None:
        return Unregistered()
    from syncin_mount.app.accounts.sessions import session_with  # noqa: PLC0415 (start-up time)
    from syncin_mount.remote.registrations import clients  # noqa: PLC0415

    try:
        with trio.move_on_after(PATIENCE_S):
            async with session_with(folders, server) as session:
                paths = [
                    path
                    for client in await clients(session)
                    if client.is_current_client
                    for path in client.paths
                ]
                theirs = (path.settings for path in paths if path.id == ours.path_id)
                return _compared(ours, ours.path_id, next(theirs, None))
    except RemoteError as error:
        return Unknown(error)
    return Unknown()


def _compared(ours: Synchronization, number: int, theirs: SyncPath | None) -> OnServer:
    from syncin_mount.app.synchronizations.registration import wire  # noqa: PLC0415 (start-up time)

    if theirs is None:
        return NoMore(ours.name)
    mine = wire(ours)
    other = tuple(
        word for word, field in _FIELDS.items() if getattr(theirs, field) != getattr(mine, field)
    )
    return Registered(number, other, newer=theirs.timestamp > ours.timestamp)
