"""Servers and synchronizations as they are configured. Everything is frozen; changes make new
values."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.model import Conflict, Direction, Mode
from reconciler.phrases import Phrase
from syncin_mount.addresses import goes_in_clear

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Unit(enum.Enum):
    """The scheduler's units; Sync-in's own values on the wire."""

    DISABLED = "disabled"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


class Trash(enum.Enum):
    """Where what loses on this computer goes in the end: the desktop's trash, the synchronization's
    own bin, or (AUTO) the desktop's where there is a desktop."""

    AUTO = "auto"
    DESKTOP = "desktop"
    OWN = "own"


class Scheduling(enum.Enum):
    """What becomes of the synchronizations' schedules on this computer: each run starts when it is
    due, or waits until another drive's has ended, or does not start by itself."""

    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"
    OFF = "off"


class LogLevel(enum.Enum):
    """How urgent something must be to be in the log."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"


_SECONDS = {Unit.MINUTE: 60, Unit.HOUR: 3600, Unit.DAY: 86_400}


@dataclass(frozen=True, slots=True)
class Scheduler:
    """How often a run starts by itself: every ``value`` ``unit``s. Off, there is no schedule: a
    mounted drive follows what happens on either side."""

    value: int = 0
    unit: Unit = Unit.DISABLED

    @property
    def seconds(self) -> float | None:
        """From one run to the next; None when it is off."""
        return (
            None if self.unit is Unit.DISABLED else float(max(self.value, 1) * _SECONDS[self.unit])
        )

    def __str__(self) -> str:
        return "off" if self.unit is Unit.DISABLED else f"{self.value}{self.unit.value[0]}"


@dataclass(frozen=True, slots=True)
class Server:
    """An account on a server. ``client_id`` is the UUID this computer is registered under. How it
    is reached: ``proxy`` is an address, "none" for no proxy, or None for the environment's;
    ``ca_file`` holds certificates that are trusted instead of the system's, ``client_cert`` one to
    show, with its key."""

    name: str
    url: str
    login: str
    client_id: str
    insecure_tls: bool = False
    insecure_http: bool = False
    proxy: str | None = None
    ca_file: Path | None = None
    client_cert: Path | None = None

    @property
    def insecurity(self) -> str | None:
        """A sentence where nobody checks the server's certificate, or it is spoken to in clear."""
        if goes_in_clear(self.url):
            return Phrase(
                "everything to and from {url} goes in clear: whoever is in between can read"
                " and change everything, the password and the tokens, too",
                url=self.url,
            )
        if self.insecure_tls:
            return Phrase(
                "the certificate of {url} is not verified: whoever is in between can read"
                " and change everything",
                url=self.url,
            )
        return None


@dataclass(frozen=True, slots=True)
class Synchronization:
    """A remote folder bound to a mount point, with its settings.

    ``remote`` is the folder's path on the server, as ``personal/docs``. ``path_id`` is the number
    under which the server knows the settings (None: not registered). ``timestamp`` is when they
    were last changed (s since the epoch). ``permissions`` are the server's, as ``a:d:m:si:so``.
    This computer's alone, so that the server knows nothing of them, are ``disabled_there`` (True:
    it was disabled on the account page and not here, which holds for who mounts it by hand, too,
    until somebody enables it), ``trash``, ``paused`` (nothing is synchronized until somebody
    resumes it, or until ``paused_until``, in s since the epoch) and the limits (bytes a second;
    None: as fast as it goes). ``former_name`` is the name before a rename that is not completed.
    """

    name: str
    server: str
    remote: str
    mountpoint: Path
    direction: Direction = Direction.BOTH
    mode: Mode = Mode.FAST
    conflict: Conflict = Conflict.RECENT
    scheduler: Scheduler = Scheduler()
    filters: tuple[str, ...] = ()
    enabled: bool = True
    paused: bool = False
    paused_until: int | None = None
    limit_up: int | None = None
    limit_down: int | None = None
    trash: Trash = Trash.AUTO
    path_id: int | None = None
    timestamp: int = 0
    permissions: str = ""
    disabled_there: bool | None = None
    former_name: str | None = None

    def is_paused(self, now: float) -> bool:
        """Whether the pause is in force at this moment (s since the epoch, by the wall clock)."""
        return self.paused and (self.paused_until is None or now < self.paused_until)

    @property
    def is_stopped_there(self) -> bool:
        """Whether nothing is carried until somebody enables it, though it be mounted by hand."""
        return bool(self.disabled_there) and not self.enabled

    @property
    def writable(self) -> bool:
        """Whether the server lets us add, delete and modify there; supposed, as long as it was not
        asked."""
        return self.path_id is None or may_write(self.permissions)

    @property
    def direction_in_force(self) -> Direction:
        """What is not writable can only be downloaded, whatever is set."""
        return self.direction if self.writable else Direction.DOWNLOAD

    @property
    def restriction(self) -> str | None:
        """A sentence, where the direction in force is not the one that is set."""
        if self.direction is self.direction_in_force:
            return None
        return Phrase(
            "the server gives no right to add, change and delete in {remote}: the"
            " direction is 'download' instead of '{direction}', and the drive is read-only",
            remote=self.remote,
            direction=self.direction.value,
        )


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """How much is kept of the transfers of each synchronization; ``megabytes`` is the file's size
    in 10^6 bytes."""

    days: int = 180
    megabytes: int = 500


@dataclass(frozen=True, slots=True)
class HookSettings:
    """Commands of the user's, each a list of words that no shell looks at; None: there is none."""

    after_run: tuple[str, ...] | None = None
    on_halt: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that is configured, by name. What holds for the whole program: ``scheduling``, whether
    there are ``notifications`` on the desktop, how much the ``log`` says, whether there is an icon
    in the desktop's ``tray``, the ``language`` (None: the environment's, or the browser's), and
    ``history`` and ``hooks``, which are for people to edit: the program never writes them."""

    servers: Mapping[str, Server] = field(default_factory=lambda: MappingProxyType({}))
    synchronizations: Mapping[str, Synchronization] = field(
        default_factory=lambda: MappingProxyType({})
    )
    scheduling: Scheduling = Scheduling.PARALLEL
    history: HistorySettings = HistorySettings()
    notifications: bool = True
    log: LogLevel = LogLevel.INFO
    tray: bool = True
    language: str | None = None
    hooks: HookSettings = HookSettings()

    def with_server(self, server: Server) -> Configuration:
        """Adds the server, or replaces the one of that name."""
        return replace(self, servers={**self.servers, server.name: server})

    def without_server(self, name: str) -> Configuration:
        return replace(self, servers={k: v for k, v in self.servers.items() if k != name})

    def used_by(self, server: str) -> list[str]:
        """The names of the synchronizations with this server."""
        return [each.name for each in self.synchronizations.values() if each.server == server]

    def with_synchronization(self, synchronization: Synchronization) -> Configuration:
        """Adds the synchronization, or replaces the one of that name."""
        return replace(
            self, synchronizations={**self.synchronizations, synchronization.name: synchronization}
        )

    def without_synchronization(self, name: str) -> Configuration:
        return replace(
            self, synchronizations={k: v for k, v in self.synchronizations.items() if k != name}
        )


_NAME = re.compile(r"\w[\w .@+-]{0,62}(?<! )", re.UNICODE)


def may_write(permissions: str) -> bool:
    """Whether these permissions of the server's (as ``a:d:m:so``) let us add, delete and modify."""
    return {"a", "d", "m"} <= set(permissions.split(":"))


def check_name(name: str) -> str | None:
    """What is wrong with a server's or synchronization's name (it becomes a file name), or None."""
    if _NAME.fullmatch(name) and not name.endswith(".") and len(name.encode()) <= 200:
        return None
    return Phrase(
        "a name has up to 63 letters, digits, spaces and . _ - @ +, and starts with"
        " a letter or digit"
    )


_UNITS = {"m": Unit.MINUTE, "h": Unit.HOUR, "d": Unit.DAY}
_SCHEDULE = re.compile(r"([1-9][0-9]{0,4})\s*(m|h|d|minute|hour|day)s?")


def parse_schedule(text: str) -> Scheduler | None:
    """``15m``, ``2h``, ``1d`` or ``off``; None when it is none of these."""
    if text.strip().lower() in {"off", "disabled"}:
        return Scheduler()
    match = _SCHEDULE.fullmatch(text.strip().lower())
    if match is None:
        return None
    return Scheduler(int(match[1]), _UNITS[match[2][0]])
