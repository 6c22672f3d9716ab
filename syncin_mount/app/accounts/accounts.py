"""Accounts on servers, as this computer has them. `accounts.log_in` speaks with servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.phrases import Phrase
from syncin_mount.app.errors import InvalidRequest, NotPossible
from syncin_mount.config import ConfigurationFile, TokenStore
from syncin_mount.config.model import check_name

if TYPE_CHECKING:
    from syncin_mount.config import Configuration, Folders, Server


@dataclass(frozen=True, slots=True)
class Account:
    """A configured server, whether this computer still has a token for it, and the drives that are
    on it."""

    server: Server
    logged_in: bool
    used_by: list[str]


def accounts(folders: Folders, configuration: Configuration) -> list[Account]:
    """Every configured server, in its order."""
    return [
        Account(server, _has_token(folders, server), list(configuration.used_by(server.name)))
        for server in configuration.servers.values()
    ]


def check_new(configuration: Configuration, server: Server) -> None:
    """Raises NotPossible where there is such a server already, InvalidRequest where it cannot have
    the name."""
    wrong = check_name(server.name)
    if wrong:
        raise InvalidRequest(
            Phrase("'{name}' cannot be a server's name: {wrong}", name=server.name, wrong=wrong)
        )
    if server.name in configuration.servers:
        raise NotPossible(
            Phrase(
                "there is a server '{server}' already; choose another name, or remove it first",
                server=server.name,
            )
        )
    for other in configuration.servers.values():
        if (other.url, other.login) == (server.url, server.login):
            raise NotPossible(
                Phrase(
                    "{login} at {url} is there already, as '{other}'",
                    login=server.login,
                    url=server.url,
                    other=other.name,
                )
            )


def save(folders: Folders, server: Server) -> None:
    """Remembers what was changed of a configured server; one that is gone meanwhile stays gone.
    Raises ConfigurationError."""
    ConfigurationFile(folders).update(
        lambda now: now.with_server(server) if server.name in now.servers else now
    )


def _has_token(folders: Folders, server: Server) -> bool:
    try:
        TokenStore(folders, server.client_id).load()
    except (LookupError, OSError):
        return False
    return True
