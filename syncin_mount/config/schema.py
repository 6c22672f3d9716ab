"""What a configuration file may say: one table of keys, read for validation and for writing
alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model import Conflict, Direction, Mode
from reconciler.phrases import Phrase
from syncin_mount.config import values
from syncin_mount.config.model import (
    Configuration,
    HistorySettings,
    HookSettings,
    LogLevel,
    Scheduling,
    Server,
    Synchronization,
    Trash,
    check_name,
)
from syncin_mount.config.rates import rate_text
from syncin_mount.suggestions import did_you_mean

Where = tuple[str, ...]
"""Where a value stands in the file, as ``("servers", "home", "url")``."""


class InvalidError(Exception):
    """A value that cannot be. ``where`` names it; ``str()`` says what is expected there."""

    def __init__(self, where: Where, message: str) -> None:
        super().__init__(message)
        self.where = where


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: how a TOML value becomes ours (``values.ExpectedError`` when it does not), and
    how ours is written. ``about`` says in Markdown what it does, for docs/reference/config.md."""

    name: str
    read: Callable[[Any], Any]
    write: Callable[[Any], values.Plain] = values.write_same
    required: bool = False
    about: str = ""


SERVER_KEYS: tuple[Key, ...] = (
    Key("url", values.read_url, required=True, about="The server's address."),
    Key(
        "login",
        values.read_text,
        required=True,
        about="The user's login or e-mail address on that server.",
    ),
    Key(
        "client_id",
        values.read_client,
        required=True,
        about=(
            "The UUID under which the server knows this computer. Logging in writes it; leave it"
            " alone."
        ),
    ),
    Key(
        "insecure_tls",
        values.read_truth,
        about="Accept a certificate that this computer cannot verify.",
    ),
    Key(
        "insecure_http",
        values.read_truth,
        about=(
            "Accept `http://` to another computer. Anybody on the way can read and change"
            " everything."
        ),
    ),
    Key(
        "proxy",
        values.read_text,
        about=(
            "The proxy to use: an address with `http://`, `https://` or `socks5://`, or "
            "`none` for no proxy at all. Without this key the environment decides "
            "(`https_proxy` and the like)."
        ),
    ),
    Key(
        "ca_file",
        values.read_file,
        str,
        about="A PEM file of certificates to trust instead of the system's.",
    ),
    Key(
        "client_cert",
        values.read_file,
        str,
        about="A PEM file with a client certificate and its key.",
    ),
)

_YEAR_3000 = 32_503_680_000
"""Seconds since 1970 up to which calendars of all systems go."""

SYNCHRONIZATION_KEYS: tuple[Key, ...] = (
    Key("server", values.read_text, required=True, about="The name of a table `[servers.NAME]`."),
    Key("remote", values.read_remote, required=True, about="The remote folder."),
    Key(
        "mountpoint",
        values.read_folder,
        str,
        required=True,
        about="The local folder at which the drive appears.",
    ),
    Key(
        "direction",
        values.read_choice(Direction),
        values.write_choice,
        about=(
            "Which side follows the other: `both` ways, `upload` (the server follows this "
            "computer) or `download` (this computer follows the server; the drive is "
            "read-only)."
        ),
    ),
    Key(
        "mode",
        values.read_choice(Mode),
        values.write_choice,
        about="How equal files are recognized: `fast` by size and time, `secure` by checksum.",
    ),
    Key(
        "conflict",
        values.read_choice(Conflict),
        values.write_choice,
        about=(
            "Which version stays when both sides changed the same file: the most recent, "
            "the local or the remote one. The other version goes to a trash."
        ),
    ),
    Key(
        "scheduler",
        values.read_schedule,
        str,
        about="How often a run starts. `off`: the drive follows both sides all the time.",
    ),
    Key(
        "filters",
        values.read_texts,
        list,
        about=("What stays out of the synchronization, as Sync-in stores it. Commands take words."),
    ),
    Key(
        "enabled",
        values.read_truth,
        about="Whether it is mounted, and run, with all others.",
    ),
    Key("paused", values.read_truth, about="Whether transfers are paused."),
    Key(
        "paused_until",
        values.read_between(0, _YEAR_3000),
        about=(
            "When the pause ends by itself, in seconds since 1970. Without it a pause lasts until "
            "somebody resumes it."
        ),
    ),
    Key("limit_up", values.read_rate, rate_text, about="The most bytes a second to the server."),
    Key(
        "limit_down", values.read_rate, rate_text, about="The most bytes a second from the server."
    ),
    Key(
        "trash",
        values.read_choice(Trash),
        values.write_choice,
        about=(
            "Where losing versions and remotely deleted files of this computer go: the trash "
            "of the desktop, the `own` bin of the synchronization, or (`auto`) the former "
            "where there is one."
        ),
    ),
    Key(
        "path_id",
        values.read_number,
        about=(
            "The number under which the server knows the registration. The program writes it; leave"
            " it alone."
        ),
    ),
    Key(
        "timestamp",
        values.read_number,
        about=(
            "When a setting last changed, in seconds since 1970, by the server's clock. The "
            "program writes it; leave it alone."
        ),
    ),
    Key(
        "permissions",
        values.read_permissions,
        about=(
            "The rights that the server grants on the folder. The program writes it; leave it"
            " alone."
        ),
    ),
    Key(
        "disabled_there",
        values.read_truth,
        about=(
            "Whether it was disabled on the account page. The program writes it; leave it alone."
        ),
    ),
    Key(
        "former_name",
        values.read_text,
        about="The former name while it is being renamed. The program writes it; leave it alone.",
    ),
)


HISTORY_KEYS: tuple[Key, ...] = (
    Key("days", values.read_between(1, 36_500), about="How many days a transfer is kept."),
    Key(
        "megabytes",
        values.read_between(10, 1_000_000),
        about="The largest size of the history file, in units of 10^6 bytes.",
    ),
)
HOOK_KEYS: tuple[Key, ...] = (
    Key("after_run", values.read_command, list, about="The command that follows each run."),
    Key(
        "on_halt",
        values.read_command,
        list,
        about="The command that is run when a safety rule halts a drive.",
    ),
)
PROGRAM_KEYS: tuple[Key, ...] = (
    Key(
        "scheduler",
        values.read_choice(Scheduling),
        values.write_choice,
        about=(
            "How the schedules of all drives work together: runs start in `parallel`, in "
            "`sequential` order, or not at all (`off`)."
        ),
    ),
    Key(
        "notifications",
        values.read_truth,
        about="Whether the desktop shows notices of conflicts, halts, refusals and a lost server.",
    ),
    Key("log", values.read_choice(LogLevel), about="The least urgent records that the logs keep."),
    Key(
        "tray",
        values.read_truth,
        about="Whether the supervisor shows an icon in the desktop's tray, where there is one.",
    ),
    Key(
        "language",
        values.read_language,
        about=(
            "The language of commands, page, icon and notices: `en`, `de` or `fr`. Without it,"
            " commands, icon and notices follow `LANGUAGE`, `LC_ALL`, `LC_MESSAGES` and `LANG`, and"
            " the page the browser's preferences."
        ),
    ),
)
"""The keys of the table ``[program]``: what holds for all synchronizations on this computer."""


def unholdable(value: Server | Synchronization) -> str | None:
    """Why the configuration would not give these settings back as they are, as a sentence about the
    first that it would not, or None. Whatever comes from the server is asked here before it is
    saved."""
    keys = SERVER_KEYS if isinstance(value, Server) else SYNCHRONIZATION_KEYS
    for key in keys:
        held = getattr(value, key.name)
        if held is None:
            continue
        try:
            written = key.write(held)
            texts = written if isinstance(written, list) else [written]
            if any(isinstance(each, str) and values.unheld(each) for each in texts):
                return Phrase("'{key}' has control characters, or what is no text", key=key.name)
            if key.read(written) != held:
                return Phrase("'{key}' would not be kept as it is", key=key.name)
        except values.ExpectedError as error:
            return Phrase("'{key}' must be {error}", key=key.name, error=error)
    return None


TABLES = ("program", "history", "hooks", "servers", "synchronizations")


def parse(document: Mapping[str, Any]) -> Configuration:
    """The configuration that a TOML document says. Raises InvalidError."""
    for key in document:
        if key not in TABLES:
            known = "[program], [history], [hooks], [servers.NAME] and [synchronizations.NAME]"
            raise InvalidError(
                (key,),
                Phrase(
                    "only {known} are known{meant}", known=known, meant=did_you_mean(key, TABLES)
                ),
            )
    program = _values(document.get("program", {}), ("program",), PROGRAM_KEYS)
    servers = {
        name: Server(name, **values) for name, values in _tables(document, "servers", SERVER_KEYS)
    }
    synchronizations = {
        name: Synchronization(name, **values)
        for name, values in _tables(document, "synchronizations", SYNCHRONIZATION_KEYS)
    }
    for each in synchronizations.values():
        if each.server not in servers:
            raise InvalidError(
                ("synchronizations", each.name, "server"),
                Phrase("there is no [servers.{server}]", server=each.server),
            )
    history = HistorySettings(**_values(document.get("history", {}), ("history",), HISTORY_KEYS))
    hooks = HookSettings(**_values(document.get("hooks", {}), ("hooks",), HOOK_KEYS))
    return Configuration(
        servers,
        synchronizations,
        program.get("scheduler", Scheduling.PARALLEL),
        history,
        program.get("notifications", True),
        program.get("log", LogLevel.INFO),
        program.get("tray", True),
        program.get("language"),
        hooks,
    )


def _tables(
    document: Mapping[str, Any], kind: str, keys: tuple[Key, ...]
) -> list[tuple[str, dict[str, Any]]]:
    tables = document.get(kind, {})
    if not isinstance(tables, Mapping):
        raise InvalidError((kind,), Phrase("expected tables, as [{kind}.NAME]", kind=kind))
    for name in tables:
        wrong = check_name(name)
        if wrong:
            raise InvalidError((kind, name), wrong)
    return [(name, _values(table, (kind, name), keys)) for name, table in tables.items()]


def _values(table: Any, where: Where, keys: tuple[Key, ...]) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise InvalidError(where, Phrase("expected a table, as [{where}]", where=".".join(where)))
    known = {key.name: key for key in keys}
    for name in table:
        if name not in known:
            raise InvalidError(
                (*where, name),
                Phrase(
                    "'{name}' is no setting{meant} known are {known}",
                    name=name,
                    meant=did_you_mean(name, known) or ";",
                    known=", ".join(known),
                ),
            )
    found = {}
    for key in keys:
        if key.name in table:
            try:
                found[key.name] = key.read(table[key.name])
            except values.ExpectedError as error:
                raise InvalidError(
                    (*where, key.name), Phrase("'{key}' must be {error}", key=key.name, error=error)
                ) from error
        elif key.required:
            raise InvalidError(
                where, Phrase("[{table}] lacks '{key}'", table=".".join(where), key=key.name)
            )
    return found


def program_table(configuration: Configuration) -> dict[str, values.Plain | None]:
    """What is written in ``[program]``, where it differs from what was there; a key that is None is
    left out."""
    return {
        "scheduler": configuration.scheduling.value,
        "notifications": configuration.notifications,
        "log": configuration.log.value,
        "tray": configuration.tray,
        "language": configuration.language,
    }


def as_table(value: Server | Synchronization) -> dict[str, values.Plain]:
    """What is written for a server or synchronization. Settings that the server has not told yet
    are left out."""
    keys = SERVER_KEYS if isinstance(value, Server) else SYNCHRONIZATION_KEYS
    found = ((key, getattr(value, key.name)) for key in keys)
    return {key.name: key.write(held) for key, held in found if held is not None}
