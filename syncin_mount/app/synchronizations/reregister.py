"""Synchronizations that the server has no more: found, and registered again."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import trio

from syncin_mount.app.accounts.sessions import session_with
from syncin_mount.app.processes.notices import Notice, Unnotified
from syncin_mount.app.processes.notify import notify
from syncin_mount.app.synchronizations import registration
from syncin_mount.config import ConfigurationFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.errors import RemoteError
    from syncin_mount.config import Configuration, Folders, Server, Synchronization


@dataclass(frozen=True, slots=True)
class Reregistered:
    """What became of the drives: ``new`` are registered again, ``refused`` the server does not take
    back, ``known`` it had. ``missed`` are the mounted drives that could not be told."""

    new: tuple[Synchronization, ...]
    refused: tuple[tuple[Synchronization, RemoteError], ...]
    known: tuple[str, ...]
    missed: tuple[Unnotified, ...]


@dataclass(frozen=True, slots=True)
class GoneThere:
    """The server has no synchronization of this folder for this computer any more."""

    drive: str
    remote: str


async def register_again(folders: Folders, server: Server, names: Iterable[str]) -> Reregistered:
    """Registers those of the drives that the server does not have, and has the mounted ones go on
    at once. Raises RemoteError, ConfigurationError."""
    ours = _configured(folders, names)
    async with session_with(folders, server) as session:
        done = await registration.register_again(session, ours, time.time())
    new = [again for again, error in done if error is None]
    for again in new:
        await trio.to_thread.run_sync(_remember_number, folders, again)
    missed = await notify(folders, [each.name for each in ours], Notice.SERVER)
    asked = {again.name for again, _ in done}
    return Reregistered(
        tuple(new),
        tuple((again, error) for again, error in done if error is not None),
        tuple(each.name for each in ours if each.name not in asked),
        tuple(missed),
    )


async def find_gone(
    folders: Folders, server: Server, names: Iterable[str]
) -> tuple[list[GoneThere], list[Unnotified]]:
    """Those of the drives that the server does not have: somebody may have removed them there on
    purpose. The mounted ones go on at once; those that could not be told are in the answer. Raises
    RemoteError, ConfigurationError."""
    ours = _configured(folders, names)
    async with session_with(folders, server) as session:
        gone = await registration.gone_there(session, ours)
    missed = await notify(folders, [each.name for each in ours], Notice.SERVER)
    return [GoneThere(each.name, each.remote) for each in gone], missed


def _configured(folders: Folders, names: Iterable[str]) -> list[Synchronization]:
    configured = ConfigurationFile(folders).read().synchronizations
    return [configured[name] for name in names]


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
