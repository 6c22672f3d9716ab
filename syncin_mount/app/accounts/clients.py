"""The clients of an account: the computers and programs that are logged in to it."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import RemoteError
from syncin_mount.app.accounts.sessions import session_with
from syncin_mount.app.errors import NoSuchClient
from syncin_mount.remote.registrations import clients, delete_client

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syncin_mount.config import Folders, Server
    from syncin_mount.remote.registrations import Client


class ClientState(enum.Enum):
    """Whether a client gets in."""

    LOGGED_IN = "logged in"
    DISABLED = "disabled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class AccountClient:
    """A client of the account on ``server``. ``last_log_in`` is an ISO time."""

    server: Server
    client: Client
    state: ClientState
    last_log_in: str | None


@dataclass(frozen=True, slots=True)
class NotAsked:
    """A server that did not tell its clients."""

    server: Server
    error: RemoteError


async def clients_of(folders: Folders, server: Server) -> list[AccountClient]:
    """All clients of one account. Raises RemoteError."""
    async with session_with(folders, server) as session:
        return [_described(server, each) for each in await clients(session)]


async def clients_of_all(
    folders: Folders, servers: Iterable[Server]
) -> tuple[list[AccountClient], list[NotAsked]]:
    """The clients of several accounts; a server that is away does not hide the others."""
    found: list[AccountClient] = []
    failed: list[NotAsked] = []
    for server in servers:
        try:
            found += await clients_of(folders, server)
        except RemoteError as error:
            failed.append(NotAsked(server, error))
    return found, failed


def client_named(found: Sequence[AccountClient], text: str, server: Server) -> AccountClient:
    """The one whose id begins so. Raises NoSuchClient where that is none, or several."""
    fitting = [each for each in found if each.client.id.startswith(text.lower())] if text else []
    if len(fitting) != 1:
        raise NoSuchClient(text, len(fitting), server.url, server.name)
    return fitting[0]


async def remove_client(folders: Folders, client: AccountClient) -> None:
    """Logs it out of the account; its synchronizations end with it. Its access ends within half an
    hour. Raises RemoteError."""
    async with session_with(folders, client.server) as session:
        await delete_client(session, client.client.id)


def _described(server: Server, client: Client) -> AccountClient:
    state = ClientState.LOGGED_IN
    if not client.enabled:
        state = ClientState.DISABLED
    elif client.token_expiration is not None and client.token_expiration < time.time():
        state = ClientState.EXPIRED
    return AccountClient(server, client, state, client.current_access or client.last_access)
