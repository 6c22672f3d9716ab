"""Accounts are added, logged in to again, and reached in another way. What needs no password is
checked before somebody is asked for one: `new_account` and `changed_account`, then
`log_in.probe_server`, then `log_in.add` or `log_in.log_in`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from reconciler.errors import RemoteError
from syncin_mount.app.accounts.accounts import check_new, save
from syncin_mount.app.accounts.log_in import changed_way, refuse_clear
from syncin_mount.app.accounts.sessions import way_to
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.config import Server
from syncin_mount.remote import parse_url
from syncin_mount.remote.certificate import fingerprint

if TYPE_CHECKING:
    from syncin_mount.app.accounts.log_in import WayChange
    from syncin_mount.config import Configuration, Folders


@dataclass(frozen=True, slots=True)
class AccountChange:
    """``after`` holds from now on; mounted drives that go on in the old way until they are mounted
    again are ``to_remount``."""

    before: Server
    after: Server
    to_remount: tuple[str, ...] = ()


def new_account(
    configuration: Configuration, name: str, url: str, login: str, way: WayChange
) -> Server:
    """An account that nobody logged in to yet. Nothing is sent. Raises NotPossible, InvalidRequest,
    WayRefused (in clear, or what the way needs cannot be used), and Refused for an address that is
    none."""
    server = Server(
        name,
        parse_url(url),
        login,
        str(uuid.uuid4()),
        insecure_tls=bool(way.insecure_tls),
        insecure_http=bool(way.insecure_http),
    )
    check_new(configuration, server)
    refuse_clear(server)
    return changed_way(server, way)


def changed_account(before: Server, way: WayChange) -> Server:
    """The account, reached in another way. Nothing is sent or kept. Raises as `new_account`; that
    nothing is to go in clear any more can be said of a server that is spoken to in clear."""
    server = changed_way(before, way)
    if server.insecure_http or way.insecure_http is None:
        refuse_clear(server)
    return server


def account_to_log_in(before: Server, way: WayChange) -> Server:
    """The same, for somebody who is about to be asked for a password: in clear only where that was
    accepted."""
    server = changed_way(before, way)
    refuse_clear(server)
    return server


async def keep_account(
    folders: Folders, configuration: Configuration, before: Server, after: Server
) -> AccountChange:
    """Remembers another way to a server. Raises ConfigurationError."""
    if after == before:
        return AccountChange(before, after)
    await trio.to_thread.run_sync(save, folders, after)
    mounted = [name for name in configuration.used_by(after.name) if is_mounted(folders, name)]
    return AccountChange(before, after, tuple(mounted))


async def certificate_of(server: Server) -> str | None:
    """The SHA-256 fingerprint of the certificate that the server shows, for somebody who is to
    accept one that nobody verifies; None where none can be seen."""
    try:
        return await fingerprint(server.url, way_to(server))
    except RemoteError:
        return None
