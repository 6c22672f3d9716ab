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
    """A configured server, whether this computer still has a token for it that the server took the
    last time (``refused``: it did not), and the drives that are on it. Nobody is asked."""

    server: Server
    logged_in: bool
    used_by: list[str]
    refused: bool = False


def accounts(folders: Folders, configuration: Configuration) -> list[Account]:
    """Every configured server, in its order."""
    return [_account(folders, configuration, each) for each in configuration.servers.values()]


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


def _account(folders: Folders, configuration: Configuration, server: Server) -> Account:
    store = TokenStore(folders, server.client_id)
    try:
        store.load()
        has_token = True
    except (LookupError, OSError):
        has_token = False
    refused = has_token and store.is_refused
    used_by = list(configuration.used_by(server.name))
    return Account(server, has_token and not refused, used_by, refused)
