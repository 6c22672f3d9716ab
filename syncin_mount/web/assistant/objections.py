"""Why an answer in the assistant cannot be taken, and which field that concerns."""

from __future__ import annotations

import os

import msgspec

from reconciler.errors import RemoteError
from syncin_mount.app.errors import CannotImport, NotEnoughRoom, NotPossible, WayRefused
from syncin_mount.app.messages import sentence
from syncin_mount.language import said
from syncin_mount.printable import printable
from syncin_mount.web.routes import Refused

MOST_STUCK = 20
"""Files that cannot be imported, and are named; the others are counted."""


class Stuck(msgspec.Struct, frozen=True):
    """A file that cannot be imported."""

    path: str
    why: str


class Objected(Refused, frozen=True):
    """``field`` is the one that the sentence is about: ``url``, ``login``, ``password``, ``code``,
    ``folder``, ``remote``, ``name``, ``every``, or None. ``fingerprint`` is the SHA-256 of a
    certificate that nobody verifies; ``stuck`` are some of ``stuck_in_all`` files."""

    field: str | None = None
    fingerprint: str | None = None
    stuck: tuple[Stuck, ...] = ()
    stuck_in_all: int = 0


def objected(error: Exception, field: str | None = None) -> Objected:
    """The error, beside its field."""
    stuck = error.stuck if isinstance(error, CannotImport) else ()
    return Objected(
        plainly(error),
        _help_of(error),
        field,
        stuck=tuple(
            Stuck(printable(os.fsdecode(each.path)), str(each.why)) for each in stuck[:MOST_STUCK]
        ),
        stuck_in_all=len(stuck),
    )


def plainly(error: Exception) -> str:
    """What and why. What helps is beside it on the page: no command is named."""
    if isinstance(error, WayRefused):
        return said(error.error)
    if isinstance(error, NotEnoughRoom):
        return sentence(error.room)
    if isinstance(error, RemoteError | NotPossible):
        return said(error)
    return sentence(error)


_HELPS = {"GIVE_CODE": "code", "ACCEPT_CERTIFICATE": "certificate", "ACCEPT_CLEAR": "clear"}


def _help_of(error: Exception) -> str | None:
    """The word for what helps, None where nothing is known to, or the page has nothing for it."""
    from syncin_mount.app.accounts.log_in import help_against  # noqa: PLC0415 (memory)

    found = help_against(error)
    return None if found is None else _HELPS.get(found.name)
