"""The one place where the network's failures become the reconciler's errors: exchanges that got no
(whole) answer. The first row of `FAILURES` that fits decides."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

import httpx

from reconciler.errors import ListingBroken, NoConnection, Refused, RemoteError, Unreachable
from reconciler.phrases import Phrase, strerror
from syncin_mount.remote.errors import CHANGING, Asked, TooSlow, Untrusted
from syncin_mount.remote.refusals.remedies import Help, remedy
from syncin_mount.remote.remote_paths import shown


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception, and one that must be in its chain of causes, with its meaning. ``sent`` says
    whether the request may have reached the server."""

    raised: type[Exception]
    cause: type[BaseException]
    error: type[RemoteError]
    sentence: Phrase
    sent: bool = True
    help: Help | None = None


_NOT_SENT = False

FAILURES: tuple[Failure, ...] = (
    Failure(
        httpx.ConnectError,
        ssl.SSLCertVerificationError,
        Untrusted,
        Phrase("The certificate of {server} cannot be verified ({said})"),
        _NOT_SENT,
        Help.ACCEPT_CERTIFICATE,
    ),
    Failure(
        httpx.ConnectError,
        ssl.SSLEOFError,
        NoConnection,
        Phrase(
            "{server} closed the connection before it was secured; check that the server"
            " runs and the network works"
        ),
        _NOT_SENT,
    ),
    Failure(
        httpx.ConnectError,
        ssl.SSLError,
        Untrusted,
        Phrase(
            "{server} does not speak TLS as it should ({said}); check whether its"
            " address starts with http:// or https://"
        ),
        _NOT_SENT,
    ),
    Failure(
        httpx.ConnectError,
        socket.gaierror,
        NoConnection,
        Phrase("The name of {server} cannot be found; check the address and the network"),
        _NOT_SENT,
    ),
    Failure(
        httpx.ConnectError,
        ConnectionRefusedError,
        NoConnection,
        Phrase(
            "Nothing answers at {server}: the connection was refused; check its address,"
            " and that the server runs"
        ),
        _NOT_SENT,
    ),
    Failure(
        httpx.ConnectError,
        Exception,
        NoConnection,
        Phrase(
            "No connection to {server} ({said}); check that the server runs and the network works"
        ),
        _NOT_SENT,
    ),
    Failure(
        httpx.ConnectTimeout,
        Exception,
        NoConnection,
        Phrase(
            "No connection to {server} in time; check that the server runs and the network works"
        ),
        _NOT_SENT,
    ),
    Failure(
        httpx.PoolTimeout,
        Exception,
        NoConnection,
        Phrase(
            "No connection to {server} was free in time; check that the server runs and"
            " the network works"
        ),
        _NOT_SENT,
    ),
    Failure(
        httpx.ProxyError,
        Exception,
        NoConnection,
        Phrase("The proxy before {server} does not pass requests on ({said}); check it"),
        _NOT_SENT,
    ),
    Failure(
        TooSlow,
        Exception,
        Unreachable,
        Phrase("{server} sends next to nothing of {what}; it is tried again later"),
    ),
    Failure(
        httpx.TimeoutException,
        Exception,
        Unreachable,
        Phrase("{server} stopped answering during {what}"),
    ),
    Failure(
        httpx.LocalProtocolError,
        Exception,
        Refused,
        Phrase("{what} cannot be sent to {server} ({said})"),
        _NOT_SENT,
    ),
    Failure(
        httpx.UnsupportedProtocol,
        Exception,
        Refused,
        Phrase("{server} is no address of a server: it starts with https:// or http://"),
        _NOT_SENT,
    ),
    Failure(
        httpx.TransportError,
        Exception,
        Unreachable,
        Phrase("The connection to {server} broke off during {what}"),
    ),
    Failure(
        httpx.InvalidURL,
        Exception,
        Refused,
        Phrase("{what} cannot be asked of {server}: the address is not valid or too long ({said})"),
        _NOT_SENT,
    ),
)

FOREIGN = (httpx.TransportError, httpx.InvalidURL)
"""What httpx may raise for one exchange."""


def of_failure(asked: Asked, exc: Exception) -> RemoteError:
    """The error of an exchange that got no (whole) answer."""
    chain = _chain(exc)
    for row in FAILURES:
        cause = next((link for link in chain if isinstance(link, row.cause)), None)
        if isinstance(exc, row.raised) and cause is not None:
            lost = row.sent and asked.endpoint in CHANGING
            return row.error(
                asked.fill(row.sentence, _brief(cause)),
                done=None if lost else False,
                remedy=remedy(row.help, asked.account),
            )
    raise AssertionError(f"no row for {exc!r}") from exc


def _chain(exc: BaseException) -> list[BaseException]:
    """The exception and all that led to it, each once, the members of groups too; the nearest
    first."""
    links: list[BaseException] = []
    queue: list[BaseException | None] = [exc]
    while queue:
        link = queue.pop(0)
        if link is None or any(link is known for known in links):
            continue
        links.append(link)
        queue += [link.__cause__, link.__context__]
        if isinstance(link, BaseExceptionGroup):
            queue += link.exceptions
    return links


def _brief(cause: BaseException) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    if isinstance(cause, ssl.SSLError):
        return str(getattr(cause, "reason", None) or Phrase("TLS failed"))
    if isinstance(cause, OSError) and cause.strerror:
        return strerror(cause)
    return shown(str(cause) or type(cause).__name__)


def broken_listing(asked: Asked, why: str) -> ListingBroken:
    """The error of a listing that cannot be trusted; ``why`` is a clause."""
    return ListingBroken(
        Phrase(
            "{server} broke off the listing: {why}; nothing is concluded from it",
            server=asked.server,
            why=why,
        )
    )
