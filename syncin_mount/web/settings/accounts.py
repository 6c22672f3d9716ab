"""Accounts on servers, and how each is reached. A changed way is tried before it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import trio

from syncin_mount.addresses import without_login
from syncin_mount.app.errors import InvalidRequest, NotPossible
from syncin_mount.app.messages import sentence
from syncin_mount.language import t
from syncin_mount.web.assistant.objections import Objected, objected
from syncin_mount.web.routes import Done, Name, Nothing, Request, Route
from syncin_mount.web.ways import Way, WrongWayError, by_way, tried

if TYPE_CHECKING:
    from syncin_mount.config import Server
    from syncin_mount.web.live import Live
    from syncin_mount.web.routes import Drives


class EditAccount(Way, frozen=True, kw_only=True):
    """How it is reached from now on. ``untried``: kept, though nobody answers there."""

    server: Name
    untried: bool = False


class OneAccount(Request, frozen=True):
    """About one account."""

    server: Name


class AccountRow(msgspec.Struct, frozen=True):
    """An account as it is configured. ``proxy`` is shown without its log-in, ``insecurity`` is the
    sentence about a server that nobody verifies. ``refused``: the server did not let this computer
    in the last time."""

    name: str
    url: str
    login: str
    logged_in: bool
    used_by: tuple[str, ...]
    insecurity: str | None
    insecure_tls: bool
    insecure_http: bool
    proxy: str
    ca_file: str
    client_cert: str
    refused: bool = False


class AccountRows(msgspec.Struct, frozen=True):
    """All of them."""

    accounts: tuple[AccountRow, ...]


class Accounts:
    """The handlers."""

    def __init__(self, drives: Drives, live: Live) -> None:
        self._drives = drives
        self._live = live

    def routes(self) -> dict[str, Route]:
        return {
            "/api/accounts": Route(Nothing, self.accounts),
            "/api/accounts/edit": Route(EditAccount, self.edit),
            "/api/accounts/remove": Route(OneAccount, self.remove),
        }

    async def accounts(self, _request: Nothing) -> AccountRows:
        from syncin_mount.app.accounts.accounts import accounts  # noqa: PLC0415 (memory)

        configuration = await self._drives.configuration()
        # In a thread: a keyring may ask its owner before it answers.
        found = await trio.to_thread.run_sync(
            accounts, self._drives.folders, configuration, abandon_on_cancel=True
        )
        return AccountRows(
            tuple(
                _row(each.server, each.used_by, logged_in=each.logged_in, refused=each.refused)
                for each in found
            )
        )

    async def _server(self, name: str) -> Server:
        server = (await self._drives.configuration()).servers.get(name)
        if server is None:
            raise InvalidRequest(t("there is no server '{name}' any more", name=name))
        return server

    async def edit(self, request: EditAccount) -> Done | Objected:
        """The log-in stays. Raises ConfigurationError."""
        from syncin_mount.app.accounts import account_changes, log_in  # noqa: PLC0415 (memory)

        before = await self._server(request.server)
        try:
            after = by_way(before, request)
            log_in.refuse_clear(after)
        except WrongWayError as wrong:
            return objected(wrong.error, wrong.field)
        except NotPossible as error:
            return objected(error, "url")
        if not request.untried:
            why = await tried(after)
            if why is not None:
                return why if why.help else msgspec.structs.replace(why, help="untried")
        configuration = await self._drives.configuration()
        done = await account_changes.keep_account(
            self._drives.folders, configuration, before, after
        )
        self._live.look_now()
        if done.to_remount:
            names = ", ".join(done.to_remount)
            return Done(t("it holds for {names} when that is mounted again", names=names))
        return Done()

    async def remove(self, request: OneAccount) -> Done:
        """Logs out, and forgets it. Raises NotPossible while something uses it."""
        from syncin_mount.app.accounts import log_in  # noqa: PLC0415 (memory)

        not_told = await log_in.remove(self._drives.folders, await self._server(request.server))
        self._live.look_now()
        if not_told is None:
            return Done()
        return Done(
            t(
                "the server could not be told ({why}); this computer stays in the account's list"
                " of clients",
                why=sentence(not_told),
            )
        )


def _row(
    server: Server, used_by: list[str], *, logged_in: bool, refused: bool = False
) -> AccountRow:
    return AccountRow(
        server.name,
        server.url,
        server.login,
        logged_in,
        tuple(used_by),
        server.insecurity,
        server.insecure_tls,
        server.insecure_http,
        "" if server.proxy is None else without_login(server.proxy),
        "" if server.ca_file is None else str(server.ca_file),
        "" if server.client_cert is None else str(server.client_cert),
        refused,
    )
