"""What this package raises besides the reconciler's errors, and who was asked for what.

`answers` and `failures` make errors of the server's answers and of exchanges that got none.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import httpx

from reconciler.errors import RemoteError, ServerFault, Unauthorized
from reconciler.phrases import Phrase
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


_NAMES = {
    Endpoint.HANDSHAKE: (Phrase("the greeting"), Phrase("The greeting")),
    Endpoint.REGISTER: (Phrase("the login"), Phrase("The login")),
    Endpoint.TOKEN: (Phrase("the renewal of access"), Phrase("The renewal of access")),
    Endpoint.PATHS: (
        Phrase("the settings of the synchronization"),
        Phrase("The settings of the synchronization"),
    ),
    Endpoint.LISTING: (Phrase("the listing"), Phrase("The listing")),
    Endpoint.READ: (Phrase("the download"), Phrase("The download")),
    Endpoint.UPLOAD: (Phrase("the upload"), Phrase("The upload")),
    Endpoint.MAKE: (Phrase("the new folder"), Phrase("The new folder")),
    Endpoint.MOVE: (Phrase("the move"), Phrase("The move")),
    Endpoint.TOUCH: (
        Phrase("the change of the modification time"),
        Phrase("The change of the modification time"),
    ),
    Endpoint.DELETE: (Phrase("the deletion"), Phrase("The deletion")),
    Endpoint.BROWSE: (Phrase("the look into the folder"), Phrase("The look into the folder")),
}
"""Within a sentence, and at its start."""

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
        return self._named(at_start=False)

    def _named(self, *, at_start: bool) -> Phrase:
        named = _NAMES[self.endpoint][at_start]
        if not self.subject:
            return named
        return Phrase("{what} of {path}", what=named, path=shown(self.subject))

    def fill(self, sentence: Phrase, said: str) -> Phrase:
        """The sentence of a table with its ``{what}``, ``{server}`` and ``{said}`` put in."""
        template = sentence.template
        what = self._named(at_start=template.startswith("{what}"))
        return Phrase(template, what=what, server=self.server, said=said)
