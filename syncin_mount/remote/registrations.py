"""Synchronizations as the server keeps them ("paths"), and the clients of an account.

The structures have Sync-in's own field names on the wire (``remotePath`` for ``remote_path``, and
so on).
"""

from __future__ import annotations

import hashlib
import logging
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec

from reconciler.errors import Missing, ServerFault
from reconciler.model import Conflict, Direction, Mode
from reconciler.phrases import Phrase
from syncin_mount.remote.account import ClientInfo
from syncin_mount.remote.auth import Session, body
from syncin_mount.remote.browse import tree
from syncin_mount.remote.decoding import Id, Seconds, Undecodable, decode, each, moment
from syncin_mount.remote.errors import Endpoint
from syncin_mount.remote.http.transport import JSON, Call
from syncin_mount.remote.remote_paths import checked, quoted, shown, split

_log = logging.getLogger(__name__)

Permissions = Annotated[str, msgspec.Meta(pattern=r"\A[a-z:]*\Z", max_length=64)]

Filters = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=1024)]], msgspec.Meta(max_length=100)
]
"""The server takes no more and no longer ones."""

_SIGN = 64
"""Characters of a sign: it is kept for each synchronization of the account."""

_PATHS = "api/app/sync/paths"
_CLIENTS = "api/app/sync/clients"


class Scheduler(msgspec.Struct, frozen=True, omit_defaults=False):
    """How often the server's page says a synchronization runs."""

    value: int = 0
    unit: Literal["disabled", "minute", "hour", "day"] = "disabled"


class SyncPath(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One synchronization's settings. ``timestamp`` is whole seconds since the epoch: where it is
    newer, it wins; ``last_sync`` is an ISO time. ``id`` is UNSET before the registration: the
    server keeps a null, and tells it in the id's place from then on."""

    name: str
    local_path: str
    remote_path: str
    mode: Direction
    diff_mode: Mode
    conflict_mode: Conflict
    timestamp: Seconds
    enabled: bool = True
    permissions: Permissions = ""
    filters: Filters = []
    scheduler: Scheduler | None = None
    last_sync: str | None = None
    id: Id | msgspec.UnsetType | None = msgspec.UNSET


class Registered(msgspec.Struct, frozen=True):
    """``permissions`` is like ``a:d:m:si:so``: see `may_change`."""

    id: Id
    permissions: Permissions


class PathUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """What the server changes of one synchronization's settings; UNSET stays as it is.

    A ``remote_path`` that differs in case, accents or Unicode form only must not be followed:
    see docs/reference/server-protocol.md.
    ``id`` is None for what was registered with a null there, as versions of this program did.
    """

    id: Id | None
    name: str | msgspec.UnsetType = msgspec.UNSET
    remote_path: str | msgspec.UnsetType = msgspec.UNSET
    permissions: Permissions | msgspec.UnsetType = msgspec.UNSET
    mode: Direction | msgspec.UnsetType = msgspec.UNSET
    diff_mode: Mode | msgspec.UnsetType = msgspec.UNSET
    conflict_mode: Conflict | msgspec.UnsetType = msgspec.UNSET
    filters: Filters | msgspec.UnsetType = msgspec.UNSET
    scheduler: Scheduler | msgspec.UnsetType | None = msgspec.UNSET
    timestamp: Seconds | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET


class PathChanges(msgspec.Struct, frozen=True):
    """``add`` are synchronizations that were not in the list which was sent; ``update`` applies in
    order and may name one id twice; ``delete`` are the ids that are gone (but not those whose
    folder was deleted: only the listing tells)."""

    add: list[SyncPath]
    update: list[PathUpdate]
    delete: list[int]


class _Changes(msgspec.Struct):
    """PathChanges as they come, each part to be decoded by itself."""

    add: list[msgspec.Raw]
    update: list[dict[str, msgspec.Raw]]
    delete: list[msgspec.Raw]


class ClientPath(msgspec.Struct, frozen=True):
    """A synchronization in the list of clients."""

    id: Id
    settings: SyncPath


class Client(msgspec.Struct, frozen=True, rename="camel"):
    """A registered client. ``token_expiration`` is seconds since the epoch; ``current_access`` and
    ``last_access`` are ISO times of its last two log-ins, ``current_ip`` where the later one came
    from."""

    id: str
    info: ClientInfo
    enabled: bool
    is_current_client: bool
    token_expiration: Seconds | None = None
    current_access: str | None = None
    current_ip: str | None = None
    last_access: str | None = None
    created_at: str | None = None
    paths: list[ClientPath] = []


class Sign(msgspec.Struct, frozen=True):
    """What a client tells the account's others of one synchronization. ``last_sync`` is whatever it
    wrote there, to be compared and nothing else; None where it tells nothing."""

    client: str
    path: int
    remote: str
    last_sync: str | None
    is_ours: bool


class _SignedSettings(msgspec.Struct, rename="camel"):
    remote_path: str
    last_sync: object = None


class _SignedPath(msgspec.Struct):
    id: Id
    settings: _SignedSettings


class _SignedClient(msgspec.Struct, rename="camel"):
    id: str
    is_current_client: bool
    paths: list[msgspec.Raw] = []


def may_change(permissions: str) -> bool:
    """Whether files can be added, deleted and modified: without all of it only the direction
    ``download`` is left."""
    return {"a", "d", "m"} <= set(permissions.split(":"))


async def register_path(session: Session, path: SyncPath) -> Registered:
    """Registers a synchronization of ``path.remote_path``.

    Raises Missing when that folder is not there, Refused for what cannot be synchronized
    (``personal`` itself, a file), Forbidden without permission. Not repeatable: after a lost
    answer, look at `clients` first.
    """
    where = f"{_PATHS}/{quoted(checked(path.remote_path))}"
    call = Call(Endpoint.PATHS, "POST", where, path.remote_path, headers=JSON, content=body(path))
    try:
        return await session.ask(call, Registered)
    except ServerFault:
        # A missing folder under personal is an "Internal server error": the folder picker knows
        # better.
        parent, name = split(path.remote_path)
        if name not in {folder.name for folder in await tree(session, parent)}:
            where = f"{shown(path.remote_path)} on {session.account.url}"
            raise Missing(
                Phrase("There is no folder {where}; make it first, or choose another", where=where)
            ) from None
        raise


async def update_paths(session: Session, paths: list[SyncPath]) -> PathChanges:
    """Sends all settings of this client (each with its ``id``); the answer says what the server has
    newer."""
    call = Call(Endpoint.PATHS, "PUT", _PATHS, headers=JSON, content=body(paths), repeatable=True)
    async with session.exchange(call) as answer:
        told = await answer.json(_Changes)
        try:
            update = [_update(each) for each in told.update]
        except Undecodable as exc:
            raise answer.strange() from exc
    return PathChanges(
        session.each(call, told.add, SyncPath), update, session.each(call, told.delete, Id)
    )


def _update(told: dict[str, msgspec.Raw]) -> PathUpdate:
    """One change, without the settings that cannot be understood: those stay as they are. Raises
    Undecodable where it is not certain which synchronization is meant, where its folder is or what
    may be done there."""
    known = {field.encode_name: field for field in msgspec.structs.fields(PathUpdate)}
    values: dict[str, Any] = {}
    for name, raw in told.items():
        if name not in known:
            continue
        try:
            values[known[name].name] = decode(raw, known[name].type)
        except Undecodable:
            if name in ("id", "remotePath", "permissions"):
                raise
            _log.warning(
                "the server's page has a setting that is not understood, which stays as it is: %s",
                name,
            )
    if "id" not in values:
        raise Undecodable(Phrase("a change is of nothing"))
    return PathUpdate(**values)


async def delete_path(session: Session, path_id: int) -> None:
    """Unregisters a synchronization; its files stay. Refused when it is not registered."""
    await session.send(Call(Endpoint.PATHS, "DELETE", f"{_PATHS}/{path_id}"))


async def clients(session: Session) -> list[Client]:
    """All clients of the account, with their synchronizations."""
    found = await session.ask_each(Call(Endpoint.BROWSE, "GET", _CLIENTS, repeatable=True), Client)
    return [
        msgspec.structs.replace(
            each,
            current_access=moment(each.current_access),
            last_access=moment(each.last_access),
            created_at=moment(each.created_at),
        )
        for each in found
    ]


async def signs(session: Session) -> list[Sign]:
    """What all clients of the account tell, this one among them. What is not understood tells
    nothing, and makes no noise: this is asked every few seconds, and settings of other versions of
    other programs are among it."""
    call = Call(Endpoint.BROWSE, "GET", _CLIENTS, repeatable=True)
    told, _ = each(await session.ask(call, list[msgspec.Raw]), _SignedClient)
    return [
        Sign(
            client.id,
            path.id,
            path.settings.remote_path,
            _sign(path.settings.last_sync),
            client.is_current_client,
        )
        for client in told
        for path in each(client.paths, _SignedPath)[0]
    ]


def _sign(told: object) -> str | None:
    """Some text that is another one when what was told is."""
    if told is None or isinstance(told, list | dict | bool):
        return None
    text = str(told)
    return text if len(text) <= _SIGN else hashlib.sha256(text.encode()).hexdigest()


async def delete_client(session: Session, client_id: str) -> None:
    """Removes a client from the account. Its access goes on until its token ends (30 min)."""
    await session.send(Call(Endpoint.PATHS, "DELETE", f"{_CLIENTS}/{quote(client_id, safe='')}"))


async def unregister(session: Session) -> None:
    """Removes this very client from the account."""
    await session.send(Call(Endpoint.PATHS, "POST", "api/app/sync/unregister"))
