"""The one place where the server's answers become the reconciler's errors.

The first row of `TABLE` that fits decides. The statuses and messages are those recorded from a real
server (docs/reference/server-protocol.md); nothing else in this package looks at them.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.errors import (
    Changed,
    Exists,
    Forbidden,
    Locked,
    Mismatch,
    Missing,
    QuotaReached,
    Refused,
    RemoteError,
    ServerFault,
    Unauthorized,
    Unreachable,
)
from reconciler.phrases import Phrase
from syncin_mount.remote.errors import CHANGING, Asked, CodeWanted, Endpoint, NoPlaceInTrash
from syncin_mount.remote.refusals.remedies import Help, remedy
from syncin_mount.remote.remote_paths import shown


@dataclass(frozen=True, slots=True)
class Row:
    """An answer and its meaning. ``says`` must occur in the server's message. ``foreign`` rows also
    hold for answers that are not Sync-in's own (a proxy's page). Sentences know ``{what}``,
    ``{server}``, ``{said}``; ``help`` is what the user can do about it."""

    status: int | range
    error: type[RemoteError]
    sentence: Phrase
    endpoints: frozenset[Endpoint] | None = None
    says: str = ""
    foreign: bool = False
    help: Help | None = None

    def fits(self, endpoint: Endpoint, status: int, said: str) -> bool:
        return (
            (status == self.status if isinstance(self.status, int) else status in self.status)
            and (self.endpoints is None or endpoint in self.endpoints)
            and self.says in said
        )


def _at(*endpoints: Endpoint) -> frozenset[Endpoint]:
    return frozenset(endpoints)


_E = Endpoint
_OPERATIONS = _at(_E.READ, _E.UPLOAD, _E.MAKE, _E.MOVE, _E.TOUCH, _E.DELETE)

_NO_PART = Phrase("{server} refused {what}: it has not the part it should continue; it starts over")
_TOO_LONG = Phrase("{server} refused {what}: the path is too long; use shorter names")
_AWAY = Phrase("The Sync-in server behind {server} does not answer {what}; it is tried again later")

TABLE: tuple[Row, ...] = (
    # Logging in ----------------------------------------
    Row(
        401,
        CodeWanted,
        Phrase("{server} refused the login: it wants a two-factor code"),
        _at(_E.REGISTER),
        "Missing TWO-FA code",
        help=Help.GIVE_CODE,
    ),
    Row(
        401,
        Unauthorized,
        Phrase("{server} refused the login: {said}; check the login, the password and the code"),
        _at(_E.REGISTER),
    ),
    Row(
        403,
        Unauthorized,
        Phrase(
            "{server} refused the login: the account is locked; ask its administrator to unlock it"
        ),
        _at(_E.REGISTER),
        "Account locked",
    ),
    Row(
        403,
        Forbidden,
        Phrase(
            "{server} refused the login: the account may not use desktop clients; ask its"
            " administrator"
        ),
        _at(_E.REGISTER),
        "permission required",
    ),
    Row(
        500,
        Refused,
        Phrase(
            "{server} could not register this client, perhaps because its id belongs to another"
            " user; remove the server here and add it again"
        ),
        _at(_E.REGISTER),
        "client registration",
    ),
    Row(
        403,
        Unauthorized,
        Phrase("{server} does not know this client any more (removed, or its token replaced)"),
        _at(_E.TOKEN),
        "Client is unknown",
        help=Help.LOG_IN,
    ),
    Row(
        403,
        Unauthorized,
        Phrase("This client is disabled on {server}; enable it on the account page"),
        _at(_E.TOKEN),
        "Client is disabled",
        help=Help.OR_LOG_IN,
    ),
    Row(
        403,
        Unauthorized,
        Phrase("The token of this client for {server} is expired"),
        _at(_E.TOKEN),
        "Client token is expired",
        help=Help.LOG_IN,
    ),
    Row(
        403,
        Unauthorized,
        Phrase(
            "The account on {server} is suspended or may not synchronize; ask its administrator"
        ),
        _at(_E.TOKEN),
        "Account suspended",
    ),
    Row(
        403,
        Unauthorized,
        Phrase(
            "The account on {server} may not use desktop clients any more; ask its administrator"
        ),
        _at(_E.TOKEN),
        "Missing permission",
    ),
    Row(
        400,
        Unauthorized,
        Phrase("The stored token for {server} is damaged"),
        _at(_E.TOKEN),
        "token must be",
        help=Help.LOG_IN,
    ),
    Row(
        range(400, 404),
        Unauthorized,
        Phrase("{server} refused to renew access: {said}"),
        _at(_E.TOKEN),
        help=Help.LOG_IN,
    ),
    Row(
        400,
        Unauthorized,
        Phrase("{server} does not take this login as a registered client"),
        says="Client id is missing",
        help=Help.LOG_IN,
    ),
    Row(
        404,
        Unauthorized,
        Phrase("{server} does not know this client any more"),
        says="Client not found",
        help=Help.LOG_IN,
    ),
    Row(401, Unauthorized, Phrase("{server} does not accept this client"), help=Help.LOG_IN),
    # A proxy's own limits and moods ----------------------------------------
    Row(
        range(300, 400),
        Unreachable,
        Phrase("{server} sends requests elsewhere (to {said})"),
        foreign=True,
        help=Help.NEW_ADDRESS,
    ),
    Row(
        407,
        Unreachable,
        Phrase("A proxy before {server} wants a login; set it in the environment"),
        foreign=True,
    ),
    Row(
        413,
        Refused,
        Phrase(
            "{server} refused {what}: it is too big; ask its administrator to raise the size limit"
        ),
        foreign=True,
    ),
    Row(
        414,
        Refused,
        _TOO_LONG,
        foreign=True,
    ),
    Row(
        431,
        Refused,
        _TOO_LONG,
        foreign=True,
    ),
    Row(
        429,
        ServerFault,
        Phrase("{server} refused {what} for now: too many requests; it is tried again later"),
        foreign=True,
    ),
    Row(
        408,
        Unreachable,
        Phrase("{server} waited too long for {what}; it is tried again later"),
        foreign=True,
    ),
    # Room, locks, what is there and what is not ----------------------------------------
    Row(
        507,
        QuotaReached,
        Phrase(
            "{server} refused {what}: the storage quota is reached; delete something, the trash too"
        ),
    ),
    Row(
        423,
        Locked,
        Phrase(
            "{server} refused {what} for now: somebody holds the file, or an upload that broke off "
            "does (after a crash of the server for up to 8 hours)"
        ),
    ),
    Row(405, Exists, Phrase("{server} refused {what}: something is there already")),
    Row(
        400,
        Exists,
        Phrase("{server} refused {what}: something is there already"),
        _at(_E.MOVE),
        "destination already exists",
    ),
    Row(
        500,
        Exists,
        Phrase("{server} refused {what}: a file is in the way"),
        _at(_E.MAKE, _E.UPLOAD),
        "EEXIST",
    ),
    Row(
        409,
        Missing,
        Phrase("{server} refused {what}: the folder it should go to is not there"),
        says="Parent must exist",
    ),
    Row(
        404,
        Unreachable,
        Phrase("{server} answers, but not like a Sync-in server; check its address"),
        says="Cannot ",
    ),
    Row(
        404,
        Refused,
        Phrase("{server} does not greet like a Sync-in server; check its address"),
        _at(_E.HANDSHAKE),
    ),
    Row(
        404,
        Missing,
        Phrase("The synchronized folder is not on {server} any more ({said})"),
        _at(_E.LISTING),
        "Remote path not found",
    ),
    Row(
        404,
        Missing,
        Phrase("{server} does not know this synchronization any more; remove it and add it again"),
        _at(_E.LISTING),
        "Path not found",
    ),
    Row(
        404,
        Forbidden,
        Phrase("{server} refused {what}: {said}; perhaps the space or share was taken away"),
        _OPERATIONS,
        "not found :",
    ),
    Row(
        404,
        Forbidden,
        Phrase("{server} refused {what}: the space or share is not there, or was taken away"),
        _OPERATIONS,
        "Space not found",
    ),
    Row(404, Missing, Phrase("{what} on {server}: it is not there")),
    # Content ----------------------------------------
    Row(
        400,
        Changed,
        Phrase("{what} on {server}: it is a folder now"),
        _at(_E.READ),
        "is a directory",
    ),
    Row(
        400,
        Changed,
        Phrase("{what} on {server}: the file is not the version that was expected"),
        _at(_E.READ),
        "Location not found",
    ),
    Row(
        400,
        Mismatch,
        Phrase(
            "{server} refused {what}: what arrived is not what was announced ({said}); it starts"
            " over"
        ),
        _at(_E.UPLOAD),
        "not identical",
    ),
    Row(
        400,
        Mismatch,
        _NO_PART,
        _at(_E.UPLOAD),
        "Content-range",
    ),
    Row(
        500,
        Mismatch,
        _NO_PART,
        _at(_E.UPLOAD),
        "ENOENT",
    ),
    # The trash: its paths are those of the files, so a file that lies there is in the way of what
    # was below a folder of that name, and a namesake gets a date behind its name (both observed on
    # the real server).
    Row(
        500,
        NoPlaceInTrash,
        Phrase("{server} has no place in its trash for {what}"),
        _at(_E.DELETE, _E.MOVE),
        "ENOTDIR",
    ),
    Row(
        500,
        NoPlaceInTrash,
        Phrase("{server} has no place in its trash for {what}"),
        _at(_E.DELETE),
        "ENAMETOOLONG",
    ),
    # Names and permissions ----------------------------------------
    Row(403, Refused, Phrase("{server} refused {what}: {said}"), _at(_E.MOVE), "itself"),
    Row(
        403,
        Forbidden,
        Phrase(
            "{server} lets nothing be synchronized: this computer was logged out there, or the"
            " account has no permission for that any more; ask its administrator"
        ),
        _at(_E.PATHS),
        "not allowed",
        help=Help.OR_LOG_IN,
    ),
    Row(403, Forbidden, Phrase("{server} refused {what}: you may not do this there ({said})")),
    Row(
        500,
        Refused,
        Phrase("{server} refused {what}: the name or the path is too long; use a shorter one"),
        None,
        "ENAMETOOLONG",
    ),
    Row(
        500,
        Missing,
        Phrase("{server} does not know this client, it cannot be removed"),
        _at(_E.PATHS),
        "delete client",
    ),
    Row(
        500,
        ServerFault,
        Phrase("{server} has no room left for {what}; ask its administrator"),
        None,
        "ENOSPC",
    ),
    Row(range(400, 500), Refused, Phrase("{server} refused {what}: {said}")),
    # Failures ----------------------------------------
    Row(
        range(502, 505),
        Unreachable,
        _AWAY,
        foreign=True,
    ),
    Row(
        range(520, 531),
        Unreachable,
        _AWAY,
        foreign=True,
    ),
    Row(
        range(500, 600),
        ServerFault,
        Phrase("{server} failed at {what} ({said}); it is tried again later"),
        foreign=True,
    ),
)

_STRANGE = Phrase(
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
                asked.fill(row.sentence, shown(text)),
                status=status,
                done=None if lost else False,
                remedy=remedy(row.help, asked.account),
            )
    return strange(asked, status)


def strange(asked: Asked, status: int) -> Unreachable:
    """An answer that no Sync-in server gives: a proxy, a portal or another program is in the
    way."""
    sentence = Phrase(_STRANGE.template, server=asked.server, what=asked.what, status=status)
    return Unreachable(sentence, status=status, done=None if asked.endpoint in CHANGING else False)
