"""The clients of an account: the computers and programs that are logged in to it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import msgspec

from syncin_mount.app.errors import InvalidRequest, NotPossible
from syncin_mount.language import t
from syncin_mount.web.routes import Done, Name, Request, Route
from syncin_mount.web.settings.accounts import OneAccount

if TYPE_CHECKING:
    from syncin_mount.app.accounts.clients import AccountClient
    from syncin_mount.config import Server
    from syncin_mount.web.live import Live
    from syncin_mount.web.routes import Drives


class OneClient(Request, frozen=True):
    """A client of an account, by its whole id."""

    server: Name
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class ClientRow(msgspec.Struct, frozen=True):
    """A client. ``state`` is ``logged in``, ``disabled`` or ``expired``; ``last`` is when it logged
    in last (s since the epoch); ``folders`` are what it synchronizes."""

    id: str
    here: bool
    computer: str
    user: str
    system: str
    program: str
    state: str
    last: float | None
    address: str | None
    folders: tuple[str, ...]


class ClientRows(msgspec.Struct, frozen=True):
    """Those of one account, this computer's first."""

    clients: tuple[ClientRow, ...]


class Clients:
    """The handlers."""

    def __init__(self, drives: Drives, live: Live) -> None:
        self._drives = drives
        self._live = live

    def routes(self) -> dict[str, Route]:
        return {
            "/api/clients": Route(OneAccount, self.clients),
            "/api/clients/remove": Route(OneClient, self.remove),
        }

    async def _found(self, name: str) -> list[AccountClient]:
        """Raises RemoteError."""
        from syncin_mount.app.accounts.clients import clients_of  # noqa: PLC0415 (memory)

        server: Server | None = (await self._drives.configuration()).servers.get(name)
        if server is None:
            raise InvalidRequest(t("there is no server '{name}' any more", name=name))
        return await clients_of(self._drives.folders, server)

    async def clients(self, request: OneAccount) -> ClientRows:
        found = [_row(each) for each in await self._found(request.server)]
        return ClientRows(tuple(sorted(found, key=lambda each: not each.here)))

    async def remove(self, request: OneClient) -> Done:
        """Logs it out. Raises RemoteError, NotPossible."""
        from syncin_mount.app.accounts.clients import remove_client  # noqa: PLC0415 (memory)

        found = await self._found(request.server)
        one = next((each for each in found if each.client.id == request.id), None)
        if one is None:
            raise NotPossible(t("this client is logged out already"))
        await remove_client(self._drives.folders, one)
        self._live.look_now()
        return Done()


def _row(found: AccountClient) -> ClientRow:
    client, last = found.client, found.last_log_in
    return ClientRow(
        client.id,
        client.is_current_client,
        client.info.node,
        client.info.user,
        f"{client.info.os} {client.info.os_release}".strip(),
        f"{client.info.type} {client.info.version}".strip(),
        found.state.value,
        dt.datetime.fromisoformat(last).timestamp() if last else None,
        client.current_ip,
        tuple(path.settings.remote_path for path in client.paths),
    )
