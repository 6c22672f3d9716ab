"""Logging in to servers and out, and how they are reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from reconciler.errors import RemoteError
from reconciler.phrases import Phrase
from syncin_mount.addresses import goes_in_clear
from syncin_mount.app.accounts.accounts import check_new
from syncin_mount.app.accounts.sessions import session_with, way_to
from syncin_mount.app.errors import InvalidRequest, NotPossible, WayRefused
from syncin_mount.config import ConfigurationFile, TokenStore
from syncin_mount.remote import parse_url, probe, register
from syncin_mount.remote.http.connection_pool import tls
from syncin_mount.remote.http.route import NO_PROXY, parse_proxy
from syncin_mount.remote.http.route import refuse_clear as refuse_clear_way
from syncin_mount.remote.refusals.remedies import Help, Remedy
from syncin_mount.remote.registrations import unregister

if TYPE_CHECKING:
    from syncin_mount.config import Configuration, Folders, Server

PROXY_OF_ENVIRONMENT = "env"
"""Stands for the proxy that the environment names."""

NO_FILE = Path()
"""Stands for no file of certificates."""


@dataclass(frozen=True, slots=True)
class WayChange:
    """What changes of the way to a server; None leaves it. ``proxy`` may be
    `PROXY_OF_ENVIRONMENT`, ``ca_file`` and ``client_cert`` `NO_FILE`."""

    url: str | None = None
    insecure_tls: bool | None = None
    insecure_http: bool | None = None
    proxy: str | None = None
    ca_file: Path | None = None
    client_cert: Path | None = None


def help_against(error: Exception) -> Help | None:
    """What helps against a refusal, None where nothing is known to."""
    cause = error.error if isinstance(error, WayRefused) else error
    remedy = cause.remedy if isinstance(cause, RemoteError) else None
    return remedy.help if isinstance(remedy, Remedy) else None


def changed_way(server: Server, change: WayChange) -> Server:
    """The server with another way to it; nothing is sent. Raises WayRefused, InvalidRequest, and
    Refused for an address that is none."""
    if change.url is not None:
        server = replace(server, url=parse_url(change.url))
    if change.insecure_tls is not None:
        server = replace(server, insecure_tls=change.insecure_tls)
    if change.insecure_http is not None:
        server = replace(server, insecure_http=change.insecure_http)
    if change.proxy is not None:
        server = replace(server, proxy=_proxy(change.proxy))
    if change.ca_file is not None:
        server = replace(server, ca_file=_file(change.ca_file))
    if change.client_cert is not None:
        server = replace(server, client_cert=_file(change.client_cert))
    if server.url.startswith("https:") and (change.ca_file or change.client_cert):
        try:
            tls(way_to(server))
        except RemoteError as error:
            raise WayRefused(error) from error
    return server


def refuse_clear(server: Server) -> None:
    """Raises WayRefused where the server would be spoken to in clear, and nobody said that it
    may."""
    if not goes_in_clear(server.url):
        return
    try:
        refuse_clear_way(server.url, way_to(server), server.name)
    except RemoteError as error:
        raise WayRefused(error) from error


async def probe_server(server: Server) -> None:
    """Returns when a Sync-in server answers at its address; nobody's login is sent. Raises
    RemoteError."""
    await probe(server.url, way=way_to(server))


async def log_in(folders: Folders, server: Server, password: str, code: str | None) -> TokenStore:
    """Registers this computer with the server, and keeps the token that it gets. Raises
    RemoteError; CodeWanted where the account has two factors and ``code`` is None."""
    token = await register(
        server.url, server.login, password, code, server.client_id, way=way_to(server)
    )
    store = TokenStore(folders, server.client_id)
    await trio.to_thread.run_sync(store.save, token)
    return store


async def add(folders: Folders, server: Server, password: str, code: str | None) -> None:
    """Logs in to a new server and remembers it; neither, where one of them fails. Raises as
    `log_in` and `check_new` do."""
    store = await log_in(folders, server, password, code)

    def with_server(now: Configuration) -> Configuration:
        check_new(now, server)
        return now.with_server(server)

    try:
        await trio.to_thread.run_sync(ConfigurationFile(folders).update, with_server)
    except BaseException:
        store.forget()
        raise


async def remove(folders: Folders, server: Server) -> RemoteError | None:
    """Logs out of a server and forgets it; nothing on it changes. Returns why it could not be told,
    which leaves this computer in the account's list of clients. Raises NotPossible where a drive
    uses it."""
    file = ConfigurationFile(folders)

    def without(now: Configuration) -> Configuration:
        users = now.used_by(server.name)
        if users:
            raise NotPossible(
                Phrase(
                    "the server '{server}' is used by {users}; remove that first",
                    server=server.name,
                    users=", ".join(users),
                )
            )
        return now.without_server(server.name)

    without(await trio.to_thread.run_sync(file.read))
    not_told = None
    try:
        async with session_with(folders, server) as session:
            await unregister(session)
    except RemoteError as error:
        not_told = error
    await trio.to_thread.run_sync(file.update, without)
    TokenStore(folders, server.client_id).forget()
    return not_told


def _proxy(text: str) -> str | None:
    if text not in {NO_PROXY, PROXY_OF_ENVIRONMENT}:
        try:
            parse_proxy(text)
        except ValueError as error:
            raise InvalidRequest(Phrase("the proxy cannot be used: {error}", error=error)) from None
    return None if text == PROXY_OF_ENVIRONMENT else text


def _file(path: Path) -> Path | None:
    return None if path == NO_FILE else path
