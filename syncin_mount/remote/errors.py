"""What this package raises besides the reconciler's errors, and who was asked for what.

`answers` and `failures` make errors of the server's answers and of exchanges that got none.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import httpx

from reconciler.errors import RemoteError, ServerFault, Unauthorized
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

    def fill(self, sentence: str, said: str) -> str:
        """The sentence of a table with its ``{what}``, ``{server}`` and ``{said}`` put in."""
        what = self.what[0].upper() + self.what[1:] if sentence.startswith("{what}") else self.what
        return sentence.format(what=what, server=self.server, said=said)
