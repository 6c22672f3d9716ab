"""Synchronizations as the server keeps them ("paths"), and the clients of an account.

The structures have Sync-in's own field names on the wire (``remotePath`` for ``remote_path``, and so on).
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

import msgspec

from reconciler.errors import Missing, ServerFault
from syncin_mount.server.account import ClientInfo
from syncin_mount.server.auth import JSON, Session, body
from syncin_mount.server.browse import tree
from syncin_mount.server.errors import Endpoint
from syncin_mount.server.names import checked, quoted, shown, split
from syncin_mount.server.transport import Call

_PATHS = "api/app/sync/paths"
_CLIENTS = "api/app/sync/clients"


class Scheduler(msgspec.Struct, frozen=True, omit_defaults=False):
    """How often the server's page says a synchronization runs."""

    value: int = 0
    unit: Literal["disabled", "minute", "hour", "day"] = "disabled"


class SyncPath(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One synchronization's settings. ``timestamp`` is whole seconds since the epoch: where it is newer, it wins;
    ``last_sync`` is an ISO time. ``id`` is UNSET before the registration: the server keeps a null, and tells it in the
    id's place from then on."""

    name: str
    local_path: str
    remote_path: str
    mode: Literal["upload", "download", "both"]
    diff_mode: Literal["fast", "secure"]
    conflict_mode: Literal["recent", "local", "remote"]
    timestamp: int
    enabled: bool = True
    permissions: str = ""
    filters: list[str] = []
    scheduler: Scheduler | None = None
    last_sync: str | None = None
    id: int | msgspec.UnsetType | None = msgspec.UNSET


class Registered(msgspec.Struct, frozen=True):
    """``permissions`` is like ``a:d:m:si:so``: see `may_change`."""

    id: int
    permissions: str


class PathUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """What the server changes of one synchronization's settings; UNSET stays as it is.

    A ``remote_path`` that differs in case, accents or Unicode form only must not be followed: see the protocol page.
    ``id`` is None for what was registered with a null there, as versions of this program did.
    """

    id: int | None
    name: str | msgspec.UnsetType = msgspec.UNSET
    remote_path: str | msgspec.UnsetType = msgspec.UNSET
    permissions: str | msgspec.UnsetType = msgspec.UNSET
    mode: Literal["upload", "download", "both"] | msgspec.UnsetType = msgspec.UNSET
    diff_mode: Literal["fast", "secure"] | msgspec.UnsetType = msgspec.UNSET
    conflict_mode: Literal["recent", "local", "remote"] | msgspec.UnsetType = msgspec.UNSET
    filters: list[str] | msgspec.UnsetType = msgspec.UNSET
    scheduler: Scheduler | msgspec.UnsetType | None = msgspec.UNSET
    timestamp: int | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET


class PathChanges(msgspec.Struct, frozen=True):
    """``add`` are synchronizations that were not in the list which was sent; ``update`` applies in order and may name
    one id twice; ``delete`` are the ids that are gone (but not those whose folder was deleted: only the listing
    tells)."""

    add: list[SyncPath]
    update: list[PathUpdate]
    delete: list[int]


class ClientPath(msgspec.Struct, frozen=True):
    """A synchronization in the list of clients."""

    id: int
    settings: SyncPath


class Client(msgspec.Struct, frozen=True, rename="camel"):
    """A registered client. ``token_expiration`` is seconds since the epoch; ``current_access`` and ``last_access`` are
    ISO times of its last two log-ins, ``current_ip`` where the later one came from."""

    id: str
    info: ClientInfo
    enabled: bool
    is_current_client: bool
    token_expiration: int | None = None
    current_access: str | None = None
    current_ip: str | None = None
    last_access: str | None = None
    created_at: str | None = None
    paths: list[ClientPath] = []


def may_change(permissions: str) -> bool:
    """Whether files can be added, deleted and modified: without all of it only the direction ``download`` is left."""
    return {"a", "d", "m"} <= set(permissions.split(":"))


async def register_path(session: Session, path: SyncPath) -> Registered:
    """Registers a synchronization of ``path.remote_path``.

    Raises Missing when that folder is not there, Refused for what cannot be synchronized (``personal`` itself, a file),
    Forbidden without permission. Not repeatable: after a lost answer, look at `clients` first.
    """
    where = f"{_PATHS}/{quoted(checked(path.remote_path))}"
    call = Call(Endpoint.PATHS, "POST", where, path.remote_path, headers=JSON, content=body(path))
    try:
        return await session.ask(call, Registered)
    except ServerFault:
        # A missing folder under personal is an "Internal server error": the folder picker knows better.
        parent, name = split(path.remote_path)
        if name not in {folder.name for folder in await tree(session, parent)}:
            where = f"{shown(path.remote_path)} on {session.account.url}"
            raise Missing(f"There is no folder {where}; make it first, or choose another") from None
        raise


async def update_paths(session: Session, paths: list[SyncPath]) -> PathChanges:
    """Sends all settings of this client (each with its ``id``); the answer says what the server has newer."""
    call = Call(Endpoint.PATHS, "PUT", _PATHS, headers=JSON, content=body(paths), repeatable=True)
    return await session.ask(call, PathChanges)


async def delete_path(session: Session, path_id: int) -> None:
    """Unregisters a synchronization; its files stay. Refused when it is not registered."""
    await session.send(Call(Endpoint.PATHS, "DELETE", f"{_PATHS}/{path_id}"))


async def clients(session: Session) -> list[Client]:
    """All clients of the account, with their synchronizations."""
    return await session.ask(Call(Endpoint.BROWSE, "GET", _CLIENTS, repeatable=True), list[Client])


async def delete_client(session: Session, client_id: str) -> None:
    """Removes a client from the account. Its access goes on until its token ends (30 min)."""
    await session.send(Call(Endpoint.PATHS, "DELETE", f"{_CLIENTS}/{quote(client_id, safe='')}"))


async def unregister(session: Session) -> None:
    """Removes this very client from the account."""
    await session.send(Call(Endpoint.PATHS, "POST", "api/app/sync/unregister"))
