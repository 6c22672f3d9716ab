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
from syncin_mount.web.routes import Request, Route

if TYPE_CHECKING:
    from syncin_mount.web.live import Live
    from syncin_mount.web.routes import Drives

Url = Annotated[str, msgspec.Meta(max_length=2048)]


class Probe(Request, frozen=True):
    """An address, and what it takes to reach it that somebody agreed to."""

    url: Url
    insecure_tls: bool = False
    insecure_http: bool = False


class NewAccount(Request, frozen=True):
    """A log-in there; ``code`` is the second factor's, where it was asked for."""

    url: Url
    login: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    code: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    insecure_tls: bool = False
    insecure_http: bool = False


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
        from syncin_mount.app.accounts import account_changes, log_in  # noqa: PLC0415 (memory)

        try:
            server = _server(request)
        except RemoteError as error:
            return objected(error, "url")
        try:
            log_in.refuse_clear(server)
            await log_in.probe_server(server)
        except (NotPossible, RemoteError) as error:
            found = objected(error, "url")
            if found.help != "certificate":
                return found
            shown = await account_changes.certificate_of(server)
            return msgspec.structs.replace(found, fingerprint=shown)
        return Reached(server.url)

    async def log_in(self, request: NewAccount) -> LoggedIn | Objected:
        """Raises ConfigurationError, TokenError."""
        from syncin_mount.app.accounts import account_changes, log_in  # noqa: PLC0415 (memory)
        from syncin_mount.app.synchronizations.suggestions import (  # noqa: PLC0415
            suggested_server_name,
        )

        configuration = await self._drives.configuration()
        way = log_in.WayChange(
            insecure_tls=request.insecure_tls, insecure_http=request.insecure_http
        )
        try:
            host = urlsplit(_server(request).url).hostname or ""
            name = suggested_server_name(host, configuration.servers)
            server = account_changes.new_account(
                configuration, name, _with_scheme(request.url), request.login.strip(), way
            )
            await log_in.add(self._drives.folders, server, request.password, request.code)
        except RemoteError as error:
            return objected(error, _field_of(error, request))
        except NotPossible as error:
            return objected(error, "login")
        self._live.look_now()
        return LoggedIn(server.name)


def _with_scheme(text: str) -> str:
    text = text.strip()
    return text if "://" in text else f"https://{text}"


def _server(request: Probe | NewAccount) -> Server:
    """One without a name or login. Raises RemoteError for an address that is none."""
    from syncin_mount.app.accounts.log_in import WayChange, changed_way  # noqa: PLC0415 (memory)

    server = Server(
        *("", "", "", ""),
        insecure_tls=request.insecure_tls,
        insecure_http=request.insecure_http,
    )
    return changed_way(server, WayChange(url=_with_scheme(request.url)))


def _field_of(error: RemoteError, request: NewAccount) -> str | None:
    if isinstance(error, Unauthorized):
        return "password" if request.code is None else "code"
    return None
