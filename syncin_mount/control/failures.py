"""What a daemon's answer can say beside what was asked for, as exceptions of whoever asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from reconciler import errors
from reconciler.phrases import Phrase
from syncin_mount.control.messages import Failure

if TYPE_CHECKING:
    from pathlib import Path

_DERIVED = re.compile("[0-9a-f]{20}")
"""What takes a name's place where the path would be too long (`config.Folders.socket`)."""


class ControlError(Exception):
    """The daemon did not do it. ``str()`` is one sentence."""


class NotRunning(ControlError):
    """No daemon listens on the socket."""

    @classmethod
    def nobody(cls) -> NotRunning:
        """Nothing listens."""
        return cls(Phrase("nothing is mounted under this name"))

    @classmethod
    def stranger(cls, path: object) -> NotRunning:
        """Who listens at ``path`` is not of this user."""
        return cls(
            Phrase(
                "another user's process listens at {path}, and nothing is said to it; remove that",
                path=path,
            )
        )


class NoAnswer(ControlError):
    """The daemon of ``drive`` is there, and says nothing; empty where that is no drive's."""

    def __init__(self, socket: Path | None = None) -> None:
        """``socket`` is where it listens."""
        super().__init__(Phrase("the daemon does not answer"))
        name = "" if socket is None else socket.name.removesuffix(".sock")
        self.drive = "" if name.startswith("@") or _DERIVED.fullmatch(name) else name


class AnswerCut(ControlError):
    """The connection ended before the answer did."""

    def __init__(self) -> None:
        super().__init__(Phrase("the daemon ended in the middle of the answer; its log says why"))


class OtherVersion(ControlError):
    """The answer is not what this program knows."""

    def __init__(self) -> None:
        super().__init__(Phrase("the daemon is of another version; unmount and mount again"))


def check(status: int, content: bytes) -> None:
    """Raises what an HTTP answer of another status than 200 says: a RemoteError that the daemon
    met, or a ControlError."""
    if status == 200:
        return
    try:
        failure = msgspec.json.decode(content, type=Failure)
    except msgspec.MsgspecError as error:
        raise ControlError(
            Phrase("the daemon failed (HTTP {status}); its log says more", status=status)
        ) from error
    raise error_of(failure)


def error_of(failure: Failure) -> Exception:
    """The exception that a Failure stands for: the RemoteError of that name, else a
    ControlError."""
    kind = getattr(errors, failure.kind, None)
    if isinstance(kind, type) and issubclass(kind, errors.RemoteError):
        return kind(failure.message)
    return ControlError(failure.message)
