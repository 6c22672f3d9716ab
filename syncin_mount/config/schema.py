"""What a configuration file may say: one table of keys, read for validation and for writing alike."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler.model import Conflict, Direction, Mode
from reconciler.names import MAX_NAME_BYTES
from syncin_mount.config.model import (
    Configuration,
    HistorySettings,
    LogLevel,
    Scheduler,
    Scheduling,
    Server,
    Synchronization,
    Trash,
    check_name,
    parse_schedule,
)
from syncin_mount.config.rates import parse_rate, rate_text

if TYPE_CHECKING:
    import enum

Plain = str | int | bool | list[str]
Where = tuple[str, ...]
"""Where a value stands in the file, as ``("servers", "home", "url")``."""


class InvalidError(Exception):
    """A value that cannot be. ``where`` names it; ``str()`` says what is expected there."""

    def __init__(self, where: Where, message: str) -> None:
        super().__init__(message)
        self.where = where


def _same(value: Any) -> Plain:
    plain: Plain = value
    return plain


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: how a TOML value becomes ours (``ExpectedError`` when it does not), and how ours is written."""

    name: str
    read: Callable[[Any], Any]
    write: Callable[[Any], Plain] = _same
    required: bool = False


class ExpectedError(Exception):
    """The value is not acceptable; ``str()`` says what is."""


def _text(value: Any) -> str:
    if isinstance(value, str) and value and value.isprintable():
        return value
    raise ExpectedError("a text in quotes")


def _path(value: Any) -> str:
    """Of a path what the file can hold: all but control characters and what is no text. (A no-break space, the joiner
    in an emoji are no control characters.)"""
    if isinstance(value, str) and value and unheld(value) is None:
        return value
    raise ExpectedError("a path in quotes, without control characters")


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ExpectedError("true or false")


_HIGHEST = 2**63 - 1
"""TOML's integers have 64 bits."""


def _number(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _HIGHEST:
        return value
    raise ExpectedError("a whole number")


def _at_least(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        raise ExpectedError(f"a whole number, {least} at the least")

    return read


def _url(value: Any) -> str:
    text = _text(value)
    try:
        return check_url(text)
    except ValueError as error:
        raise ExpectedError(str(error)) from error


def _client(value: Any) -> str:
    try:
        return str(uuid.UUID(_text(value)))
    except ValueError as error:
        raise ExpectedError("the UUID that 'server add' wrote there") from error


def _folder(value: Any) -> Path:
    path = Path(_path(value))
    if path.is_absolute():
        return path
    raise ExpectedError("an absolute path of a folder, in quotes")


def _file(value: Any) -> Path:
    path = Path(_path(value))
    if path.is_absolute():
        return path
    raise ExpectedError("an absolute path of a file, in quotes")


def _remote(value: Any) -> str:
    try:
        return _tidied(_path(value))
    except ValueError as error:
        raise ExpectedError("a folder of the server, as personal/docs or spaces/team/docs") from error


def _schedule(value: Any) -> Scheduler:
    found = parse_schedule(value) if isinstance(value, str) else None
    if found is None:
        raise ExpectedError('"off" or a time as "15m", "2h", "1d"')
    return found


def _rate(value: Any) -> int | None:
    try:
        return parse_rate(value if isinstance(value, str) else str(value))
    except ValueError as error:
        raise ExpectedError(f"{error}, in quotes") from error


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise ExpectedError('a list of texts, as ["a", "b"]')


def _permissions(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ExpectedError("a text in quotes")


def _choice(kind: type[enum.Enum]) -> Callable[[Any], enum.Enum]:
    allowed = " or ".join(f'"{each.value}"' for each in kind)

    def read(value: Any) -> enum.Enum:
        try:
            return kind(value)
        except ValueError as error:
            raise ExpectedError(allowed) from error

    return read


def _value(member: enum.Enum) -> str:
    return str(member.value)


SERVER_KEYS: tuple[Key, ...] = (
    Key("url", _url, required=True),
    Key("login", _text, required=True),
    Key("client_id", _client, required=True),
    Key("insecure_tls", _truth),
    Key("insecure_http", _truth),
    Key("proxy", _text),
    Key("ca_file", _file, str),
    Key("client_cert", _file, str),
)

SYNCHRONIZATION_KEYS: tuple[Key, ...] = (
    Key("server", _text, required=True),
    Key("remote", _remote, required=True),
    Key("mountpoint", _folder, str, required=True),
    Key("direction", _choice(Direction), _value),
    Key("mode", _choice(Mode), _value),
    Key("conflict", _choice(Conflict), _value),
    Key("scheduler", _schedule, str),
    Key("filters", _texts, list),
    Key("enabled", _truth),
    Key("paused", _truth),
    Key("limit_up", _rate, rate_text),
    Key("limit_down", _rate, rate_text),
    Key("trash", _choice(Trash), _value),
    Key("path_id", _number),
    Key("timestamp", _number),
    Key("permissions", _permissions),
    Key("disabled_there", _truth),
)


HISTORY_KEYS: tuple[Key, ...] = (Key("days", _at_least(1)), Key("megabytes", _at_least(10)))
PROGRAM_KEYS: tuple[Key, ...] = (
    Key("scheduler", _choice(Scheduling), _value),
    Key("notifications", _truth),
    Key("log", _choice(LogLevel)),
)
"""The keys of the table ``[program]``: what holds for all synchronizations on this computer."""


def check_url(text: str) -> str:
    """The server's address without a trailing slash. Raises ValueError that says what is expected."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address that begins with https:// or http://, as https://files.example.org")
    if parts.username or parts.password:
        raise ValueError("an address without user name and password (the login is a setting of its own)")
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError("an address with a port number between 1 and 65535") from error
    return text.rstrip("/")


def unheld(text: str) -> str | None:
    """What in a text the configuration cannot hold, as a clause, or None."""
    if any(unicodedata.category(each) == "Cc" for each in text):
        return "it has control characters in it"
    if any(unicodedata.category(each) == "Cs" for each in text):
        return "it has bytes in it that are no text"
    return None


def check_remote(text: str) -> str:
    """The path of a remote folder that can be synchronized, tidied. Raises ValueError with the reason: for what
    somebody gives, or the server says, before it is written down."""
    wrong = unheld(text)
    if wrong is not None:
        raise ValueError(f"a remote folder's path can be kept only without: {wrong}")
    tidied = _tidied(text)
    if any(len(part.encode()) > MAX_NAME_BYTES for part in tidied.split("/")):
        raise ValueError(f"a remote folder's path has no name of more than {MAX_NAME_BYTES} bytes in it")
    return tidied


def _tidied(text: str) -> str:
    parts = [part for part in text.split("/") if part]
    if any(part in {".", ".."} or "\0" in part for part in parts):
        raise ValueError("a remote folder's path has no '.' or '..' in it")
    if not parts or parts[0] not in {"personal", "spaces", "shares"}:
        raise ValueError("a remote folder begins with personal/, spaces/ or shares/")
    if len(parts) == 1:
        raise ValueError(f"the server does not synchronize all of '{parts[0]}'; choose a folder in it")
    if parts[0] == "spaces" and len(parts) == 2:
        raise ValueError(f"the server does not synchronize a whole space; choose a folder in {'/'.join(parts)}")
    return "/".join(parts)


def unholdable(value: Server | Synchronization) -> str | None:
    """Why the configuration would not give these settings back as they are, as a sentence about the first that it
    would not, or None. Whatever comes from the server is asked here before it is saved."""
    keys = SERVER_KEYS if isinstance(value, Server) else SYNCHRONIZATION_KEYS
    for key in keys:
        held = getattr(value, key.name)
        if held is None:
            continue
        try:
            written = key.write(held)
            texts = written if isinstance(written, list) else [written]
            if any(isinstance(each, str) and unheld(each) for each in texts):
                return f"'{key.name}' has control characters, or what is no text"
            if key.read(written) != held:
                return f"'{key.name}' would not be kept as it is"
        except ExpectedError as error:
            return f"'{key.name}' must be {error}"
    return None


def parse(document: Mapping[str, Any]) -> Configuration:
    """The configuration that a TOML document says. Raises InvalidError."""
    for key in document:
        if key not in {"program", "history", "servers", "synchronizations"}:
            known = "[program], [history], [servers.NAME] and [synchronizations.NAME]"
            raise InvalidError((key,), f"only {known} are known")
    program = _values(document.get("program", {}), ("program",), PROGRAM_KEYS)
    servers = {name: Server(name, **values) for name, values in _tables(document, "servers", SERVER_KEYS)}
    synchronizations = {
        name: Synchronization(name, **values)
        for name, values in _tables(document, "synchronizations", SYNCHRONIZATION_KEYS)
    }
    for each in synchronizations.values():
        if each.server not in servers:
            raise InvalidError(("synchronizations", each.name, "server"), f"there is no [servers.{each.server}]")
    history = HistorySettings(**_values(document.get("history", {}), ("history",), HISTORY_KEYS))
    return Configuration(
        servers,
        synchronizations,
        program.get("scheduler", Scheduling.PARALLEL),
        history,
        program.get("notifications", True),
        program.get("log", LogLevel.INFO),
    )


def _tables(document: Mapping[str, Any], kind: str, keys: tuple[Key, ...]) -> list[tuple[str, dict[str, Any]]]:
    tables = document.get(kind, {})
    if not isinstance(tables, Mapping):
        raise InvalidError((kind,), f"expected tables, as [{kind}.NAME]")
    for name in tables:
        wrong = check_name(name)
        if wrong:
            raise InvalidError((kind, name), wrong)
    return [(name, _values(table, (kind, name), keys)) for name, table in tables.items()]


def _values(table: Any, where: Where, keys: tuple[Key, ...]) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise InvalidError(where, f"expected a table, as [{'.'.join(where)}]")
    known = {key.name: key for key in keys}
    for name in table:
        if name not in known:
            raise InvalidError((*where, name), f"'{name}' is no setting; known are {', '.join(known)}")
    values = {}
    for key in keys:
        if key.name in table:
            try:
                values[key.name] = key.read(table[key.name])
            except ExpectedError as error:
                raise InvalidError((*where, key.name), f"'{key.name}' must be {error}") from error
        elif key.required:
            raise InvalidError(where, f"[{'.'.join(where)}] lacks '{key.name}'")
    return values


def program_table(configuration: Configuration) -> dict[str, Plain]:
    """What is written in ``[program]``."""
    return {"scheduler": configuration.scheduling.value}


def as_table(value: Server | Synchronization) -> dict[str, Plain]:
    """What is written for a server or synchronization. Settings that the server has not told yet are left out."""
    keys = SERVER_KEYS if isinstance(value, Server) else SYNCHRONIZATION_KEYS
    found = ((key, getattr(value, key.name)) for key in keys)
    return {key.name: key.write(held) for key, held in found if held is not None}
