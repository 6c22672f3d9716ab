"""What a user can do about a server's refusal, as values. The sentences, with the commands, are in
`syncin_mount.app.messages.remote`."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Help(enum.Enum):
    """What helps."""

    LOG_IN = enum.auto()
    """Logging in again."""
    OR_LOG_IN = enum.auto()
    """Logging in again, besides what the error itself says."""
    GIVE_CODE = enum.auto()
    """Giving the two-factor code with the login."""
    NEW_ADDRESS = enum.auto()
    """Telling this program where the server is now, if it has moved."""
    ACCEPT_CERTIFICATE = enum.auto()
    """Accepting a certificate that nobody verifies, if the user knows the server."""
    ACCEPT_CLEAR = enum.auto()
    """Accepting that everybody in between can read."""
    OTHER_PROXY = enum.auto()
    """Setting another proxy, or none."""
    OTHER_FILE = enum.auto()
    """Setting another file of certificates."""
    LOGIN_APART = enum.auto()
    """Giving the login by itself, and not in the address."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What helps, and the server's name in the configuration ("" where it has none yet)."""

    help: Help
    account: str = ""


def remedy(help_: Help | None, account: str = "") -> Remedy | None:
    """None where nothing is known to help."""
    return None if help_ is None else Remedy(help_, account)
