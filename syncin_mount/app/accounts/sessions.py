"""From a configured server to a session with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.config import TokenStore
from syncin_mount.remote import ServerAccount, Session, Way

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Server
    from syncin_mount.remote.http.rate_limit import Limits


def account_of(server: Server) -> ServerAccount:
    """The server client's view of a configured server."""
    return ServerAccount(server.name, server.url, server.login, server.client_id, way_to(server))


def way_to(server: Server) -> Way:
    """How the configured server is reached."""
    return Way(
        insecure_tls=server.insecure_tls,
        insecure_http=server.insecure_http,
        proxy=server.proxy,
        ca_file=None if server.ca_file is None else str(server.ca_file),
        client_cert=None if server.client_cert is None else str(server.client_cert),
    )


def session_with(folders: Folders, server: Server, limits: Limits | None = None) -> Session:
    """An unopened session: nothing is sent, and no token read, before the first request."""
    return Session(account_of(server), TokenStore(folders, server.client_id), limits=limits)
