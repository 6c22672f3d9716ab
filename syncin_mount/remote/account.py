"""A user's account on one server, as this program knows it."""

from __future__ import annotations

import getpass
import platform
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import httpx
import msgspec

from reconciler.errors import Refused
from reconciler.phrases import Phrase
from syncin_mount import __version__
from syncin_mount.remote.http.route import PLAIN, Way, check_lookup
from syncin_mount.remote.refusals.remedies import Help, Remedy
from syncin_mount.remote.remote_paths import shown


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """``name`` is the user's word for it in commands, ``url`` comes from `parse_url`, ``client_id``
    is the UUID under which this installation is registered, ``way`` how the server is reached."""

    name: str
    url: str
    login: str
    client_id: str
    way: Way = PLAIN


class TokenStore(Protocol):
    """Where the client's token of one account lives (keyring or a private file). Called in a
    thread: may block."""

    def load(self) -> str:
        """Raises LookupError when there is none, OSError when it cannot be read."""
        ...

    def save(self, token: str) -> None:
        """Must be on disk when it returns. Raises OSError."""
        ...

    def note_answer(self, *, refused: bool) -> None:
        """What the server made of the token the last time, for who asks without the server. Called
        after each exchange of the token; raises nothing."""
        ...


class ClientInfo(msgspec.Struct, frozen=True, rename="camel"):
    """How this client shows itself on the account page. ``type`` is one of the two that the server
    accepts."""

    node: str
    os: str
    os_release: str
    user: str
    type: str = "sync-in-cli"
    version: str = __version__


def this_client() -> ClientInfo:
    """The machine and user this process runs as."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"  # a uid without a name, as in containers
    return ClientInfo(
        platform.node() or "unknown", platform.system().lower(), platform.release(), user
    )


def parse_url(text: str) -> str:
    """The address of a server as `ServerAccount` holds it: scheme, host, port and prefix, no slash
    at the end.

    ``https://`` is added when no scheme was given. Raises Refused with one sentence.
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname, parts.port
        known = httpx.URL(f"{parts.scheme}://{parts.netloc}")
        check_lookup(known.raw_host.decode("ascii"))
    except (ValueError, httpx.InvalidURL):
        host, port, parts = None, None, urlsplit("")
    if not host or parts.scheme not in ("http", "https") or any(c.isspace() for c in text):
        raise Refused(
            Phrase(
                "{text} is no address of a server: it looks like https://cloud.example.org",
                text=shown(text),
            )
        )
    if parts.username or parts.password:
        raise Refused(
            Phrase("The address of a server must not hold a login or password"),
            remedy=Remedy(Help.LOGIN_APART),
        )
    if parts.query or parts.fragment:
        raise Refused(
            Phrase(
                "{text} is no address of a server: leave out what follows ? or #", text=shown(text)
            )
        )
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
