"""From a configured server to a session with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.config import TokenStore
from syncin_mount.server import ServerAccount, Session

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Server
    from syncin_mount.server.limits import Limits


def account_of(server: Server) -> ServerAccount:
    """The server client's view of a configured server."""
    return ServerAccount(server.name, server.url, server.login, server.client_id, server.insecure_tls)


def session_with(folders: Folders, server: Server, limits: Limits | None = None) -> Session:
    """An unopened session: nothing is sent, and no token read, before the first request."""
    return Session(account_of(server), TokenStore(folders, server.client_id), limits=limits)
