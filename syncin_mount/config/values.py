"""The values that a configuration file may hold: each function takes what TOML gives, and returns
ours or raises ``ExpectedError``, which says what is acceptable."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler.names import MAX_NAME_BYTES
from reconciler.phrases import Phrase
from syncin_mount.config.model import Scheduler, parse_schedule
from syncin_mount.config.rates import parse_rate

if TYPE_CHECKING:
    import enum

Plain = str | int | bool | list[str]


class ExpectedError(Exception):
    """The value is not acceptable; ``str()`` says what is."""


def read_text(value: Any) -> str:
    """A text without control characters."""
    if isinstance(value, str) and value and value.isprintable():
        return value
    raise ExpectedError(Phrase("a text in quotes"))


def read_path(value: Any) -> str:
    """Of a path what the file can hold: all but control characters and what is no text. (A no-break
    space, the joiner in an emoji are no control characters.)"""
    if isinstance(value, str) and value and unheld(value) is None:
        return value
    raise ExpectedError(Phrase("a path in quotes, without control characters"))


def read_truth(value: Any) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    raise ExpectedError(Phrase("true or false"))


def read_language(value: Any) -> str:
    """A language that there is a catalogue for."""
    from syncin_mount.language import catalogues, choice  # noqa: PLC0415 (start-up time)

    found = choice.of_setting(value) if isinstance(value, str) else None
    if found is None:
        raise ExpectedError(
            Phrase("one of {languages}", languages=", ".join(sorted(catalogues.languages())))
        )
    return found


_HIGHEST = 2**63 - 1
"""TOML's integers have 64 bits."""


def read_number(value: Any) -> int:
    """A whole number, not negative."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _HIGHEST:
        return value
    raise ExpectedError(Phrase("a whole number"))


def read_between(least: int, most: int) -> Callable[[Any], int]:
    """The reader of whole numbers from ``least`` to ``most``."""

    def read(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        raise ExpectedError(Phrase("a whole number from {least} to {most}", least=least, most=most))

    return read


def read_url(value: Any) -> str:
    """A server's address, without a trailing slash."""
    text = read_text(value)
    try:
        return check_url(text)
    except ValueError as error:
        raise ExpectedError(str(error)) from error


def read_client(value: Any) -> str:
    """A client's UUID."""
    try:
        return str(uuid.UUID(read_text(value)))
    except ValueError as error:
        raise ExpectedError(Phrase("the UUID that was written there with the log-in")) from error


def read_folder(value: Any) -> Path:
    """An absolute path of a folder; nobody looks whether it is there."""
    path = Path(read_path(value))
    if path.is_absolute():
        return path
    raise ExpectedError(Phrase("an absolute path of a folder, in quotes"))


def read_file(value: Any) -> Path:
    """An absolute path of a file; nobody looks whether it is there."""
    path = Path(read_path(value))
    if path.is_absolute():
        return path
    raise ExpectedError(Phrase("an absolute path of a file, in quotes"))


def read_remote(value: Any) -> str:
    """The path of a remote folder, tidied."""
    try:
        return _tidied(read_path(value))
    except ValueError as error:
        raise ExpectedError(
            Phrase("a folder of the server, as personal/docs or spaces/team/docs")
        ) from error


def read_schedule(value: Any) -> Scheduler:
    """``off``, ``15m``, ``2h``, ``1d``."""
    found = parse_schedule(value) if isinstance(value, str) else None
    if found is None:
        raise ExpectedError(Phrase('"off" or a time as "15m", "2h", "1d"'))
    return found


def read_rate(value: Any) -> int | None:
    """Bytes a second, None for ``off``; a number stands for its text."""
    try:
        return parse_rate(value if isinstance(value, str) else str(value))
    except ValueError as error:
        raise ExpectedError(Phrase("{error}, in quotes", error=error)) from error


def read_texts(value: Any) -> tuple[str, ...]:
    """A list of texts, which may be empty."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise ExpectedError(Phrase('a list of texts, as ["a", "b"]'))


def read_command(value: Any) -> tuple[str, ...]:
    """The words of a command, the program first."""
    words = value if isinstance(value, list) else []
    if words and all(isinstance(each, str) and "\0" not in each for each in words) and words[0]:
        return tuple(words)
    raise ExpectedError(
        Phrase('a command as a list of its words, as ["/usr/bin/logger", "a run is over"]')
    )


def read_permissions(value: Any) -> str:
    """Any text: it is the server's."""
    if isinstance(value, str):
        return value
    raise ExpectedError(Phrase("a text in quotes"))


def read_choice(kind: type[enum.Enum]) -> Callable[[Any], enum.Enum]:
    """The reader of an enum's values."""
    allowed = " or ".join(f'"{each.value}"' for each in kind)

    def read(value: Any) -> enum.Enum:
        try:
            return kind(value)
        except ValueError as error:
            raise ExpectedError(allowed) from error

    return read


def write_choice(member: enum.Enum) -> str:
    """An enum's member as its value."""
    return str(member.value)


def write_same(value: Any) -> Plain:
    """What TOML holds as it is."""
    plain: Plain = value
    return plain


def check_url(text: str) -> str:
    """The server's address without a trailing slash. Raises ValueError that says what is
    expected."""
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as error:  # UnicodeError is one
        raise ValueError(
            Phrase("an address with the name of a computer, or its number, in it")
        ) from error
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise ValueError(
            Phrase("an address that begins with https:// or http://, as https://files.example.org")
        )
    if parts.username or parts.password:
        raise ValueError(
            Phrase("an address without user name and password (the login is a setting of its own)")
        )
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError(Phrase("an address with a port number between 1 and 65535")) from error
    return text.rstrip("/")


def unheld(text: str) -> str | None:
    """What in a text the configuration cannot hold, as a clause, or None."""
    if any(unicodedata.category(each) == "Cc" for each in text):
        return Phrase("it has control characters in it")
    if any(unicodedata.category(each) == "Cs" for each in text):
        return Phrase("it has bytes in it that are no text")
    return None


class OnlyInParts(ValueError):
    """A place on the server that is not synchronized as a whole: only folders in it are."""


def check_remote(text: str) -> str:
    """The path of a remote folder that can be synchronized, tidied. Raises ValueError with the
    reason: for what somebody gives, or the server says, before it is written down."""
    wrong = unheld(text)
    if wrong is not None:
        raise ValueError(
            Phrase("a remote folder's path can be kept only without: {wrong}", wrong=wrong)
        )
    tidied = _tidied(text)
    if any(len(part.encode()) > MAX_NAME_BYTES for part in tidied.split("/")):
        raise ValueError(
            Phrase(
                "a remote folder's path has no name of more than {most} bytes in it",
                most=MAX_NAME_BYTES,
            )
        )
    return tidied


def _tidied(text: str) -> str:
    parts = [part for part in text.split("/") if part]
    if any(part in {".", ".."} or "\0" in part for part in parts):
        raise ValueError(Phrase("a remote folder's path has no '.' or '..' in it"))
    if not parts or parts[0] not in {"personal", "spaces", "shares"}:
        raise ValueError(Phrase("a remote folder begins with personal/, spaces/ or shares/"))
    if len(parts) == 1:
        raise OnlyInParts(
            Phrase(
                "the server does not synchronize all of '{path}'; choose a folder in it",
                path=parts[0],
            )
        )
    if parts[0] == "spaces" and len(parts) == 2:
        raise OnlyInParts(
            Phrase(
                "the server does not synchronize a whole space; choose a folder in {path}",
                path="/".join(parts),
            )
        )
    return "/".join(parts)
