"""What a test or a person declares: users, spaces, shares.

These are the frozen inputs of `DevServer`; what changes while the server runs (tokens, counters,
registered clients) lives in `store`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Application(StrEnum):
    """The permissions a Sync-in administrator gives a user; they travel inside the access token."""

    DESKTOP_ACCESS = "desktop_app_access"
    DESKTOP_SYNC = "desktop_app_sync"
    PERSONAL = "personal_space"
    SHARES = "shares_access"
    SHARES_ADMIN = "shares_admin"
    SPACES = "spaces_access"
    SPACES_ADMIN = "spaces_admin"
    WEBDAV = "webdav_access"


ALL_APPLICATIONS: frozenset[Application] = frozenset(Application)

#: add, delete, modify, share inside, share outside: everything a folder can permit, in Sync-in's
#: order.
FULL_PERMISSIONS = "a:d:m:si:so"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One account. `quota` is in bytes (None: unlimited); `totp_secret` is base32 and switches 2FA
    on."""

    login: str
    password: str = field(repr=False)
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    applications: frozenset[Application] = ALL_APPLICATIONS
    quota: int | None = None
    totp_secret: str | None = field(default=None, repr=False)
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A shared folder of its own, under `spaces/<alias>`; `members` maps a login to a permission
    string."""

    alias: str
    members: Mapping[str, str]
    name: str = ""
    quota: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A folder of `owner` (`path` below their personal files) that others see as
    `shares/<alias>`."""

    alias: str
    owner: str
    path: str
    members: Mapping[str, str]
