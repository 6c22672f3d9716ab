"""What can go wrong with the other side, in the reconciler's words.

The server client maps every foreign error to one of these once, at its edge. ``temporary`` says
whether the same request may succeed later without anybody doing anything.
"""

from __future__ import annotations

import enum
from typing import Self


class Reason(str):
    """The text of an error, as states and reports keep it, with what helps: a ``remedy`` is a value
    of whoever raised the error, None where nothing is known to help. Who shows the text to people
    adds what to do. ``text`` is the same with what another language needs, where it has that."""

    __slots__ = ("remedy", "text")
    remedy: object | None
    text: str

    def __new__(cls, text: str, remedy: object | None = None) -> Self:
        reason = super().__new__(cls, text)
        reason.remedy = remedy
        reason.text = text.text if isinstance(text, Reason) else text
        return reason


class RemoteError(Exception):
    """A request to the server did not succeed. ``str()`` is a `Reason`: one sentence for people,
    what and why."""

    temporary = False

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        done: bool | None = False,
        remedy: object | None = None,
    ) -> None:
        """``status`` is the HTTP status, if any. ``done`` is None when the server may have done it
        all the same (the answer was lost), False when it surely did not. ``remedy`` is what helps,
        as a value of the client of the server."""
        super().__init__(message)
        self.status = status
        self.done = done
        self.remedy = remedy

    def __str__(self) -> Reason:
        said = self.args[0] if self.args else ""
        return Reason(said if isinstance(said, str) else super().__str__(), self.remedy)


class Unreachable(RemoteError):
    """No connection, a cut or stalled one, a time-out, a gateway's answer, HTML instead of an
    answer. Whether the server is away, or only this request fails, is not known yet: see
    ``reconciler.requests.reachability``."""

    temporary = True


class NoConnection(Unreachable):
    """Nothing could be asked of the server at all."""


class ServerFault(RemoteError):
    """The server failed (5xx): it may succeed later."""

    temporary = True


class Locked(RemoteError):
    """423: somebody, or an earlier upload of our own, holds the file."""

    temporary = True


class QuotaReached(RemoteError):
    """507: nothing can be added or changed until there is room; download and delete still work."""

    temporary = True


class Mismatch(RemoteError):
    """What arrived is not what was announced (size, checksum, offset): start over from the first
    byte."""

    temporary = True


class ListingBroken(RemoteError):
    """The listing ended without its last line: no absence may be read out of it."""

    temporary = True


class Unauthorized(RemoteError):
    """The client's token is not accepted any more (expired, revoked, disabled): the user must log
    in again."""


class Forbidden(RemoteError):
    """The user may not do this here."""


class Missing(RemoteError):
    """404: the file or folder is not there."""


class Exists(RemoteError):
    """The destination is there already; nothing was overwritten."""


class Changed(RemoteError):
    """The server's file is not the version that was expected."""


class Refused(RemoteError):
    """The server will never take this as it is (a name, a body, a size)."""


class Stale(Exception):
    """What a plan expected does not hold any more: plan again. ``str()`` says what."""


class LocalChanged(Exception):
    """The local content changed while it was read or replaced: plan again."""


class Obstacle(enum.Enum):
    """What keeps a content from being downloaded, for programs."""

    OFFLINE = "offline"
    """The server is away, or the drive is paused."""
    SLOW = "slow"
    """The server answered for others, and not for this one in time."""
    REFUSED = "refused"
    NO_SPACE = "no space"
    OTHER = "other"


class Unavailable(Exception):
    """Content that is not here cannot be fetched now. ``str()`` says why."""

    def __init__(self, why: str, obstacle: Obstacle = Obstacle.OTHER) -> None:
        super().__init__(why)
        self.obstacle = obstacle


class Superseded(Unavailable):
    """What was being fetched is not what is wanted any more: whoever still wants the content looks
    again."""


class Rotten(Exception):
    """The local content is not what was saved: it must not be sent. ``str()`` is a clause for
    people."""


class SnapshotEnded(Exception):
    """A snapshot of the replica is not to be read any more: the replica must commit now, or is
    being closed."""
