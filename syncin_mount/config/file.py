"""The configuration file: read, checked, changed in place, never overwritten when it cannot be
read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.phrases import Phrase, strerror
from syncin_mount.config import schema
from syncin_mount.config.files import check_ordinary, locked, write_atomic
from syncin_mount.config.folders import Folders

if TYPE_CHECKING:
    from pathlib import Path

    from tomlkit import TOMLDocument

    from syncin_mount.config.model import Configuration, Server, Synchronization

_HEADING = """\
# The servers and synchronizations of syncin-mount. This file may be edited: comments and order are
# kept.
"""


class ConfigurationError(Exception):
    """The configuration file cannot be used. ``str()`` is one sentence with file, line and what is
    expected."""


class ConfigurationFile:
    """The one configuration file of ``folders``."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self.path: Path = folders.config_file

    def read(self) -> Configuration:
        """What the file says now; nothing is configured when there is none. Raises
        ConfigurationError."""
        return self._parse(self._text())

    def stamp(self) -> tuple[int, int, int] | None:
        """Differs when the file may say something else; None when there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def update(self, change: Callable[[Configuration], Configuration]) -> Configuration:
        """Replaces the configuration by ``change`` of it, under the lock that all writers share.

        ``change`` may raise to leave everything as it is. Blocks while another process writes.
        Raises ConfigurationError when the file cannot be read or written; then it stays as it was.
        """
        self._folders.make()
        with locked(self._folders.state / "config.lock"):
            text = self._text()
            before = self._parse(text)
            after = change(before)
            if after != before:
                changed = _edited(text, before, after)
                self._check(changed, after)
                self._write(changed)
        return after

    def _text(self) -> str:
        try:
            check_ordinary(self.path)
            return self.path.read_bytes().decode(
                "utf-8-sig"
            )  # some editors begin a file with a mark
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise ConfigurationError(
                Phrase(
                    "the configuration {path} cannot be read ({why}); make it readable for you",
                    path=self.path,
                    why=strerror(error),
                )
            ) from error
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise ConfigurationError(
                Phrase(
                    "{path}, line {line}: this is not UTF-8 text; save the file as UTF-8",
                    path=self.path,
                    line=line,
                )
            ) from error

    def _parse(self, text: str) -> Configuration:
        try:
            return schema.parse(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            line, what = _syntax(text, error)
            raise ConfigurationError(
                Phrase(
                    "{path}, line {line}: {what}; this is not TOML, mend or remove the line",
                    path=self.path,
                    line=line,
                    what=what,
                )
            ) from error
        except schema.InvalidError as error:
            raise ConfigurationError(
                Phrase(
                    "{path}, line {line}: {error}",
                    path=self.path,
                    line=_line(text, error.where),
                    error=error,
                )
            ) from error

    def _check(self, text: str, after: Configuration) -> None:
        """What is written says what was meant, whoever gave the values: a file that cannot be read
        stops every command."""
        try:
            if schema.parse(tomllib.loads(text.encode().decode())) == after:
                return
            why: str = Phrase("it would say something else")
        except UnicodeEncodeError:
            why = Phrase("it has bytes in it that are no text")
        except (tomllib.TOMLDecodeError, schema.InvalidError) as error:
            why = str(error)
        raise ConfigurationError(
            Phrase(
                "{path} cannot hold this change ({why}); nothing was changed",
                path=self.path,
                why=why,
            )
        )

    def _write(self, text: str) -> None:
        try:
            write_atomic(self.path, text.encode())
        except OSError as error:
            raise ConfigurationError(
                Phrase(
                    "the configuration {path} cannot be written ({why}); nothing was changed",
                    path=self.path,
                    why=strerror(error),
                )
            ) from error


def _edited(text: str, before: Configuration, after: Configuration) -> str:
    """The text with the differences between the two configurations applied, all else as it was."""
    import tomlkit  # noqa: PLC0415 (start-up time: most commands only read)

    for kind, old, new in (
        ("servers", before.servers, after.servers),
        ("synchronizations", before.synchronizations, after.synchronizations),
    ):
        for name in old.keys() - new.keys():
            text = _without_table(text, (kind, name))
    document = tomlkit.parse(text or _HEADING)
    _apply(document, "servers", before.servers, after.servers)
    _apply(document, "synchronizations", before.synchronizations, after.synchronizations)
    old_program = schema.program_table(before)
    changed = {
        key: value
        for key, value in schema.program_table(after).items()
        if value != old_program[key]
    }
    if changed:
        if "program" not in document:
            document["program"] = tomlkit.table()
        program: Any = document["program"]
        program.update({key: value for key, value in changed.items() if value is not None})
        for key in (key for key, value in changed.items() if value is None):
            program.pop(key, None)
    return tomlkit.dumps(document)


def _apply(
    document: TOMLDocument,
    kind: str,
    before: Mapping[str, Server] | Mapping[str, Synchronization],
    after: Mapping[str, Server] | Mapping[str, Synchronization],
) -> None:
    import tomlkit  # noqa: PLC0415 (as in _edited)

    if kind not in document:
        document[kind] = tomlkit.table(is_super_table=True)
    tables: Any = document[kind]
    for name in before:
        if name not in after and name in tables:
            del tables[name]
    for name, value in after.items():
        new = schema.as_table(value)
        if name not in before:
            table = tomlkit.table()
            table.update(new)
            tables[name] = table
        elif value != before[name]:
            old = schema.as_table(before[name])
            for key in old.keys() - new.keys():
                tables[name].pop(key, None)
            for key, plain in new.items():
                if old.get(key) != plain:
                    tables[name][key] = plain


def _without_table(text: str, where: tuple[str, str]) -> str:
    """The text without the table that the heading ``[KIND.NAME]`` begins; comments above the next
    heading stay.

    (To tomlkit they are the end of the table before them.) A table without such a heading is left
    alone.
    """
    lines = _lines(text)
    headings = [index for index, line in enumerate(lines) if _heading(line) is not None]
    start = next((index for index in headings if _heading(lines[index]) == where), None)
    if start is None:
        return text
    end = next((index for index in headings if index > start), None)
    if end is None:
        return "".join(lines[:start])
    while end - 1 > start and lines[end - 1].lstrip().startswith("#"):
        end -= 1
    return "".join(lines[:start] + lines[end:])


def _lines(text: str) -> list[str]:
    """With their ends. To TOML nothing but a line feed ends a line; U+2028 and others may stand in
    a value."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _heading(line: str) -> tuple[str, ...] | None:
    """The keys of a line that is a table's heading, else None."""
    if not line.lstrip().startswith("["):
        return None
    try:
        table: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    keys: list[str] = []
    while isinstance(table, dict) and len(table) == 1:
        [(key, table)] = table.items()
        keys.append(key)
    return tuple(keys)


def _syntax(text: str, error: tomllib.TOMLDecodeError) -> tuple[int, str]:
    """The line and the reason, from a message such as ``Expected '=' after a key (at line 3, column
    7)``."""
    message, _, place = str(error).rpartition(" (at ")
    words = place.removesuffix(")").replace(",", "").split()
    line = int(words[1]) if len(words) > 1 and words[0] == "line" else max(1, len(_lines(text)))
    return line, (message or str(error)).lower()


def _line(text: str, where: schema.Where) -> int:
    """The line on which the value at ``where`` ends: the shortest readable beginning of the text
    that has it."""
    lines = _lines(text)
    for count in range(1, len(lines) + 1):
        try:
            found: Any = tomllib.loads("".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        for key in where:
            if not isinstance(found, Mapping) or key not in found:
                break
            found = found[key]
        else:
            return count
    return 1
