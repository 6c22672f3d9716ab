"""The one place where the server's answers and the network's failures become the reconciler's
errors.

`TABLE` is for answers, `FAILURES` for exchanges that got none. In both the first row that fits
decides. The statuses and messages are those recorded from a real server
(docs/reference/server-protocol.md); nothing else in this package looks at them.
"""

from __future__ import annotations

import enum
import socket
import ssl
from dataclasses import dataclass

import httpx

from reconciler.errors import (
    Changed,
    Exists,
    Forbidden,
    ListingBroken,
    Locked,
    Mismatch,
    Missing,
    NoConnection,
    QuotaReached,
    Refused,
    RemoteError,
    ServerFault,
    Unauthorized,
    Unreachable,
)
from syncin_mount.remote.remote_paths import shown


class Untrusted(RemoteError):
    """The server's TLS certificate cannot be verified, or it speaks no TLS: nobody should talk to
    it as it is."""


class TooSlow(httpx.ReadTimeout):
    """An answer comes, but so slowly that it would never end: see `patience`."""


class CodeWanted(Unauthorized):
    """The account has two factors, and no code was given."""


class NoPlaceInTrash(ServerFault):
    """The server could not put something into its trash, where something else is in the way: see
    `Folder.delete`."""


class Endpoint(enum.Enum):
    """What kind of request it is. The value is how a message names it."""

    HANDSHAKE = "the greeting"
    REGISTER = "the login"
    TOKEN = "the renewal of access"  # noqa: S105
    PATHS = "the settings of the synchronization"
    LISTING = "the listing"
    READ = "the download"
    UPLOAD = "the upload"
    MAKE = "the new folder"
    MOVE = "the move"
    TOUCH = "the change of the modification time"
    DELETE = "the deletion"
    BROWSE = "the look into the folder"


CHANGING = frozenset(Endpoint) - {
    Endpoint.HANDSHAKE,
    Endpoint.LISTING,
    Endpoint.READ,
    Endpoint.BROWSE,
}
"""After a lost answer to one of these, nobody knows whether it was carried out."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked for what: all that a sentence needs.

    ``server`` is the URL, ``account`` the name the user gave it, ``subject`` the path in question,
    or "".
    """

    endpoint: Endpoint
    server: str
    account: str
    subject: str = ""

    @property
    def what(self) -> str:
        return (
            f"{self.endpoint.value} of {shown(self.subject)}"
            if self.subject
            else self.endpoint.value
        )


@dataclass(frozen=True, slots=True)
class Row:
    """An answer and its meaning. ``says`` must occur in the server's message. ``foreign`` rows also
    hold for answers that are not Sync-in's own (a proxy's page). Sentences know ``{what}``,
    ``{server}``, ``{said}``, ``{account}``."""

    status: int | range
    error: type[RemoteError]
    sentence: str
    endpoints: frozenset[Endpoint] | None = None
    says: str = ""
    foreign: bool = False

    def fits(self, endpoint: Endpoint, status: int, said: str) -> bool:
        return (
            (status == self.status if isinstance(self.status, int) else status in self.status)
            and (self.endpoints is None or endpoint in self.endpoints)
            and self.says in said
        )


def _at(*endpoints: Endpoint) -> frozenset[Endpoint]:
    return frozenset(endpoints)


_E = Endpoint
_AGAIN = "log in again with `syncin-mount server auth {account}`"
_OPERATIONS = _at(_E.READ, _E.UPLOAD, _E.MAKE, _E.MOVE, _E.TOUCH, _E.DELETE)

TABLE: tuple[Row, ...] = (
    # Logging in ----------------------------------------
    Row(
        401,
        CodeWanted,
        "{server} refused the login: it wants a two-factor code; give it with --code",
        _at(_E.REGISTER),
        "Missing TWO-FA code",
    ),
    Row(
        401,
        Unauthorized,
        "{server} refused the login: {said}; check the login, the password and the code",
        _at(_E.REGISTER),
    ),
    Row(
        403,
        Unauthorized,
        "{server} refused the login: the account is locked; ask its administrator to unlock it",
        _at(_E.REGISTER),
        "Account locked",
    ),
    Row(
        403,
        Forbidden,
        "{server} refused the login: the account may not use desktop clients; ask its"
        " administrator",
        _at(_E.REGISTER),
        "permission required",
    ),
    Row(
        500,
        Refused,
        "{server} could not register this client, perhaps because its id belongs to another user; "
        "remove the server here and add it again",
        _at(_E.REGISTER),
        "client registration",
    ),
    Row(
        403,
        Unauthorized,
        "{server} does not know this client any more (removed, or its token replaced); " + _AGAIN,
        _at(_E.TOKEN),
        "Client is unknown",
    ),
    Row(
        403,
        Unauthorized,
        "This client is disabled on {server}; enable it on the account page, or " + _AGAIN,
        _at(_E.TOKEN),
        "Client is disabled",
    ),
    Row(
        403,
        Unauthorized,
        "The token of this client for {server} is expired; " + _AGAIN,
        _at(_E.TOKEN),
        "Client token is expired",
    ),
    Row(
        403,
        Unauthorized,
        "The account on {server} is suspended or may not synchronize; ask its administrator",
        _at(_E.TOKEN),
        "Account suspended",
    ),
    Row(
        403,
        Unauthorized,
        "The account on {server} may not use desktop clients any more; ask its administrator",
        _at(_E.TOKEN),
        "Missing permission",
    ),
    Row(
        400,
        Unauthorized,
        "The stored token for {server} is damaged; " + _AGAIN,
        _at(_E.TOKEN),
        "token must be",
    ),
    Row(
        range(400, 404),
        Unauthorized,
        "{server} refused to renew access: {said}; " + _AGAIN,
        _at(_E.TOKEN),
    ),
    Row(
        400,
        Unauthorized,
        "{server} does not take this login as a registered client; " + _AGAIN,
        says="Client id is missing",
    ),
    Row(
        404,
        Unauthorized,
        "{server} does not know this client any more; " + _AGAIN,
        says="Client not found",
    ),
    Row(401, Unauthorized, "{server} does not accept this client; " + _AGAIN),
    # A proxy's own limits and moods ----------------------------------------
    Row(
        range(300, 400),
        Unreachable,
        "{server} sends requests elsewhere (to {said}); if it has moved, give its new "
        "address with `syncin-mount server add`",
        foreign=True,
    ),
    Row(
        407,
        Unreachable,
        "A proxy before {server} wants a login; set it in the environment",
        foreign=True,
    ),
    Row(
        413,
        Refused,
        "{server} refused {what}: it is too big; ask its administrator to raise the size limit",
        foreign=True,
    ),
    Row(
        414,
        Refused,
        "{server} refused {what}: the path is too long; use shorter names",
        foreign=True,
    ),
    Row(
        431,
        Refused,
        "{server} refused {what}: the path is too long; use shorter names",
        foreign=True,
    ),
    Row(
        429,
        ServerFault,
        "{server} refused {what} for now: too many requests; it is tried again later",
        foreign=True,
    ),
    Row(
        408,
        Unreachable,
        "{server} waited too long for {what}; it is tried again later",
        foreign=True,
    ),
    # Room, locks, what is there and what is not ----------------------------------------
    Row(
        507,
        QuotaReached,
        "{server} refused {what}: the storage quota is reached; delete something, the trash too",
    ),
    Row(
        423,
        Locked,
        "{server} refused {what} for now: somebody holds the file, or an upload that broke off "
        "does (after a crash of the server for up to 8 hours)",
    ),
    Row(405, Exists, "{server} refused {what}: something is there already"),
    Row(
        400,
        Exists,
        "{server} refused {what}: something is there already",
        _at(_E.MOVE),
        "destination already exists",
    ),
    Row(
        500,
        Exists,
        "{server} refused {what}: a file is in the way",
        _at(_E.MAKE, _E.UPLOAD),
        "EEXIST",
    ),
    Row(
        409,
        Missing,
        "{server} refused {what}: the folder it should go to is not there",
        says="Parent must exist",
    ),
    Row(
        404,
        Unreachable,
        "{server} answers, but not like a Sync-in server; check its address",
        says="Cannot ",
    ),
    Row(
        404,
        Refused,
        "{server} does not greet like a Sync-in server; check its address",
        _at(_E.HANDSHAKE),
    ),
    Row(
        404,
        Missing,
        "The synchronized folder is not on {server} any more ({said})",
        _at(_E.LISTING),
        "Remote path not found",
    ),
    Row(
        404,
        Missing,
        "{server} does not know this synchronization any more; remove it and add it again",
        _at(_E.LISTING),
        "Path not found",
    ),
    Row(
        404,
        Forbidden,
        "{server} refused {what}: {said}; perhaps the space or share was taken away",
        _OPERATIONS,
        "not found :",
    ),
    Row(
        404,
        Forbidden,
        "{server} refused {what}: the space or share is not there, or was taken away",
        _OPERATIONS,
        "Space not found",
    ),
    Row(404, Missing, "{what} on {server}: it is not there"),
    # Content ----------------------------------------
    Row(400, Changed, "{what} on {server}: it is a folder now", _at(_E.READ), "is a directory"),
    Row(
        400,
        Changed,
        "{what} on {server}: the file is not the version that was expected",
        _at(_E.READ),
        "Location not found",
    ),
    Row(
        400,
        Mismatch,
        "{server} refused {what}: what arrived is not what was announced ({said}); it starts over",
        _at(_E.UPLOAD),
        "not identical",
    ),
    Row(
        400,
        Mismatch,
        "{server} refused {what}: it has not the part it should continue; it starts over",
        _at(_E.UPLOAD),
        "Content-range",
    ),
    Row(
        500,
        Mismatch,
        "{server} refused {what}: it has not the part it should continue; it starts over",
        _at(_E.UPLOAD),
        "ENOENT",
    ),
    # The trash: its paths are those of the files, so a file that lies there is in the way of what
    # was below a folder of that name, and a namesake gets a date behind its name (both observed on
    # the real server).
    Row(
        500,
        NoPlaceInTrash,
        "{server} has no place in its trash for {what}",
        _at(_E.DELETE, _E.MOVE),
        "ENOTDIR",
    ),
    Row(
        500,
        NoPlaceInTrash,
        "{server} has no place in its trash for {what}",
        _at(_E.DELETE),
        "ENAMETOOLONG",
    ),
    # Names and permissions ----------------------------------------
    Row(403, Refused, "{server} refused {what}: {said}", _at(_E.MOVE), "itself"),
    Row(
        403,
        Forbidden,
        "{server} lets nothing be synchronized: this computer was logged out there, or the account"
        " has no permission for that any more; log in again (syncin-mount server auth), or ask its"
        " administrator",
        _at(_E.PATHS),
        "not allowed",
    ),
    Row(403, Forbidden, "{server} refused {what}: you may not do this there ({said})"),
    Row(
        500,
        Refused,
        "{server} refused {what}: the name or the path is too long; use a shorter one",
        None,
        "ENAMETOOLONG",
    ),
    Row(
        500,
        Missing,
        "{server} does not know this client, it cannot be removed",
        _at(_E.PATHS),
        "delete client",
    ),
    Row(
        500,
        ServerFault,
        "{server} has no room left for {what}; ask its administrator",
        None,
        "ENOSPC",
    ),
    Row(range(400, 500), Refused, "{server} refused {what}: {said}"),
    # Failures ----------------------------------------
    Row(
        range(502, 505),
        Unreachable,
        "The Sync-in server behind {server} does not answer {what}; it is tried again later",
        foreign=True,
    ),
    Row(
        range(520, 531),
        Unreachable,
        "The Sync-in server behind {server} does not answer {what}; it is tried again later",
        foreign=True,
    ),
    Row(
        range(500, 600),
        ServerFault,
        "{server} failed at {what} ({said}); it is tried again later",
        foreign=True,
    ),
)

_STRANGE = (
    "{server} answered {what}, but not like a Sync-in server (status {status}); a proxy may be in"
    " the way, or the address is wrong"
)


def of_answer(asked: Asked, status: int, said: str | None) -> RemoteError:
    """The error of an answer that is no success. ``said`` is the server's message, None when the
    answer is not Sync-in's own (HTML, plain text, another JSON)."""
    text = said or ""
    for row in TABLE:
        if (said is not None or row.foreign) and row.fits(asked.endpoint, status, text):
            lost = status >= 500 and asked.endpoint in CHANGING
            return row.error(
                _fill(row.sentence, asked, shown(text)), status=status, done=None if lost else False
            )
    return strange(asked, status)


def strange(asked: Asked, status: int) -> Unreachable:
    """An answer that no Sync-in server gives: a proxy, a portal or another program is in the
    way."""
    sentence = _STRANGE.format(server=asked.server, what=asked.what, status=status)
    return Unreachable(sentence, status=status, done=None if asked.endpoint in CHANGING else False)


def broken_listing(asked: Asked, why: str) -> ListingBroken:
    """The error of a listing that cannot be trusted; ``why`` is a clause."""
    return ListingBroken(
        f"{asked.server} broke off the listing: {why}; nothing is concluded from it"
    )


def _fill(sentence: str, asked: Asked, said: str) -> str:
    what = asked.what[0].upper() + asked.what[1:] if sentence.startswith("{what}") else asked.what
    return sentence.format(what=what, server=asked.server, account=asked.account, said=said)


# Failures without an answer ----------------------------------------


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception, and one that must be in its chain of causes, with its meaning. ``sent`` says
    whether the request may have reached the server."""

    raised: type[Exception]
    cause: type[BaseException]
    error: type[RemoteError]
    sentence: str
    sent: bool = True


_NOT_SENT = False

FAILURES: tuple[Failure, ...] = (
    Failure(
        httpx.ConnectError,
        ssl.SSLCertVerificationError,
        Untrusted,
        "The certificate of {server} cannot be verified ({said}); if you know this server, accept"
        " it with --insecure-tls (of `syncin-mount server add` and `server auth`)",
        _NOT_SENT,
    ),
    Failure(
        httpx.ConnectError,
        ssl.SSLEOFError,
        NoConnection,
        "{server} closed the connection before it was secured; check that the server runs and the"
        " network works",
        _NOT_SENT,
    ),
    Failure(
        httpx.ConnectError,
        ssl.SSLError,
        Untrusted,
        "{server} does not speak TLS as it should ({said}); check whether its address starts with"
        " http:// or https://",
        _NOT_SENT,
    ),
    Failure(
        httpx.ConnectError,
        socket.gaierror,
        NoConnection,
        "The name of {server} cannot be found; check the address and the network",
        _NOT_SENT,
    ),
    Failure(
        httpx.ConnectError,
        ConnectionRefusedError,
        NoConnection,
        "Nothing answers at {server}: the connection was refused; check its address, and that the"
        " server runs",
        _NOT_SENT,
    ),
    Failure(
        httpx.ConnectError,
        Exception,
        NoConnection,
        "No connection to {server} ({said}); check that the server runs and the network works",
        _NOT_SENT,
    ),
    Failure(
        httpx.ConnectTimeout,
        Exception,
        NoConnection,
        "No connection to {server} in time; check that the server runs and the network works",
        _NOT_SENT,
    ),
    Failure(
        httpx.PoolTimeout,
        Exception,
        NoConnection,
        "No connection to {server} was free in time; check that the server runs and the network"
        " works",
        _NOT_SENT,
    ),
    Failure(
        httpx.ProxyError,
        Exception,
        NoConnection,
        "The proxy before {server} does not pass requests on ({said}); check it",
        _NOT_SENT,
    ),
    Failure(
        TooSlow,
        Exception,
        Unreachable,
        "{server} sends next to nothing of {what}; it is tried again later",
    ),
    Failure(
        httpx.TimeoutException, Exception, Unreachable, "{server} stopped answering during {what}"
    ),
    Failure(
        httpx.LocalProtocolError,
        Exception,
        Refused,
        "{what} cannot be sent to {server} ({said})",
        _NOT_SENT,
    ),
    Failure(
        httpx.UnsupportedProtocol,
        Exception,
        Refused,
        "{server} is no address of a server: it starts with https:// or http://",
        _NOT_SENT,
    ),
    Failure(
        httpx.TransportError,
        Exception,
        Unreachable,
        "The connection to {server} broke off during {what}",
    ),
    Failure(
        httpx.InvalidURL,
        Exception,
        Refused,
        "{what} cannot be asked of {server}: the address is not valid or too long ({said})",
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
                _fill(row.sentence, asked, _brief(cause)), done=None if lost else False
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
        return str(getattr(cause, "reason", None) or "TLS failed")
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return shown(str(cause) or type(cause).__name__)
