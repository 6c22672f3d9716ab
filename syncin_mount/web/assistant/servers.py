"""A server that this computer is to log in to: its address is tried before a password is asked
for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import msgspec

from reconciler.errors import RemoteError, Unauthorized
from syncin_mount.app.errors import NotPossible
from syncin_mount.config import Server
from syncin_mount.web.assistant.objections import Objected, objected
from syncin_mount.web.routes import Route
from syncin_mount.web.ways import Way, WrongWayError, by_way, tried

if TYPE_CHECKING:
    from syncin_mount.web.live import Live
    from syncin_mount.web.routes import Drives


class Probe(Way, frozen=True, kw_only=True):
    """A way to a server that is to be tried."""


class NewAccount(Way, frozen=True, kw_only=True):
    """A log-in there; ``code`` is the second factor's, where it was asked for."""

    login: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    code: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Reached(msgspec.Struct, frozen=True):
    """A Sync-in server answers at ``url``."""

    url: str


class LoggedIn(msgspec.Struct, frozen=True):
    """The account is there from now on, by the name ``server``."""

    server: str


class Servers:
    """The handlers. Nothing of a password is kept or logged."""

    def __init__(self, drives: Drives, live: Live) -> None:
        self._drives = drives
        self._live = live

    def routes(self) -> dict[str, Route]:
        return {
            "/api/assistant/server": Route(Probe, self.probe),
            "/api/assistant/log-in": Route(NewAccount, self.log_in),
        }

    async def probe(self, request: Probe) -> Reached | Objected:
        """Nobody's login is sent."""
        try:
            server = by_way(Server("", "", "", ""), request)
        except WrongWayError as wrong:
            return objected(wrong.error, wrong.field)
        return await tried(server) or Reached(server.url)

    async def log_in(self, request: NewAccount) -> LoggedIn | Objected:
        """Raises ConfigurationError, TokenError."""
        from syncin_mount.app.accounts import account_changes, log_in  # noqa: PLC0415 (memory)
        from syncin_mount.app.synchronizations.suggestions import (  # noqa: PLC0415
            suggested_server_name,
        )

        configuration = await self._drives.configuration()
        try:
            way = by_way(Server("", "", "", ""), request)
            host = urlsplit(way.url).hostname or ""
            name = suggested_server_name(host, configuration.servers)
            consents = log_in.WayChange(
                insecure_tls=way.insecure_tls, insecure_http=way.insecure_http
            )
            server = account_changes.new_account(
                configuration, name, way.url, request.login.strip(), consents
            )
            server = by_way(server, request)
            await log_in.add(self._drives.folders, server, request.password, request.code)
        except WrongWayError as wrong:
            return objected(wrong.error, wrong.field)
        except RemoteError as error:
            return objected(error, _field_of(error, request))
        except NotPossible as error:
            return objected(error, "login")
        self._live.look_now()
        return LoggedIn(server.name)


def _field_of(error: RemoteError, request: NewAccount) -> str | None:
    if isinstance(error, Unauthorized):
        return "password" if request.code is None else "code"
    return None
