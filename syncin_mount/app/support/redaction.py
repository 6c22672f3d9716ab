"""Names taken out of a text that is to be shown to strangers, each by the same stand-in everywhere.
Pure.

A positive list decides: what stays are numbers, marks and the words of the program's own messages
(and the system's). Any other word is a name, and becomes ``x1``, ``x2``, …; in a path every part
does, whatever word it is. So one sees that two lines are about the same file, how deep it lies and
what kind it is, but not what it is called.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from syncin_mount.logs.logfmt import without_secrets

_WORD = re.compile(r"[^\W\d_]+")
_ALNUM = re.compile(r"[^\W_]*[^\W\d_][^\W_]*")
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'")
_CHUNK = re.compile(r"\S+")
_MARKS = "\"'`“”‘’()[]{}<>,;:!?=…"
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_EXTENSION = re.compile(r"(?<=.)\.[A-Za-z0-9]{1,5}$")
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_SCHEME = re.compile(r"https?://")
_PLACES = frozenset(
    {
        "personal",
        "spaces",
        "shares",
        "api",
        "app",
        "sync",
        "webdav",
        "dev",
        "fuse",
        "proc",
        "etc",
        "run",
        "usr",
        "bin",
    }
    | {"lib", "python3", "site-packages"}
)
"""Parts of paths that every installation has."""

TOP_FOLDERS = frozenset(
    (
        *("bin", "boot", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc"),
        *("root", "run", "sbin", "srv", "sys", "tmp", "usr", "var"),
    )
)
"""What stands below `/` everywhere (Filesystem Hierarchy Standard 3.0): no names of users."""


def vocabulary() -> frozenset[str]:
    """The words of all that the program says, and the system's sentences about errors, in small
    letters."""
    words: set[str] = set()
    for package in ("syncin_mount", "reconciler"):
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        for source in Path(spec.origin).parent.rglob("*.py"):
            for text in _QUOTED.findall(source.read_text(encoding="utf-8")):
                words.update(word.lower() for word in _ALNUM.findall(text))
    for number in errno.errorcode:
        words.update(word.lower() for word in _WORD.findall(os.strerror(number)))
    return frozenset(words)


class Redaction:
    """The stand-ins of one report. ``names`` are known ones, which may be words of the vocabulary
    or hold blanks; ``secrets`` go whatever else is kept: with ``keep_names``, only they do."""

    def __init__(
        self,
        words: frozenset[str],
        names: Iterable[str] = (),
        secrets: Iterable[str] = (),
        *,
        keep_names: bool = False,
    ) -> None:
        self._words = words
        self._stand_ins: dict[str, str] = {}
        self._keep = keep_names
        self._secrets = [secret for secret in secrets if secret]
        found = sorted({name for name in names if len(name) > 1}, key=len, reverse=True)
        self._names = (
            re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in found))
            if found
            else None
        )

    def text(self, text: str) -> str:
        """The text without secrets, and without names unless they are kept."""
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        text = _UUID.sub(lambda found: self._stand_in(found[0]), without_secrets(text))
        if self._keep:
            return text
        if self._names is not None:
            text = self._names.sub(lambda found: self._name(found[0]), text)
        return _CHUNK.sub(lambda found: self._chunk(found[0]), text)

    def data(self, value: Any) -> Any:
        """The same for all texts in JSON; keys are ours and stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.data(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(each) for each in value]
        return value

    def _chunk(self, chunk: str) -> str:
        """What stands between blanks."""
        core = chunk.strip(_MARKS)
        if not core:
            return chunk
        before, _, after = chunk.partition(core)
        if scheme := _SCHEME.match(core):
            return before + scheme[0] + self._path(core[scheme.end() :]) + after
        if "=" in core:
            key, _, value = core.partition("=")
            return f"{before}{self._chunk(key)}={self._chunk(value)}{after}"
        if "/" in core:
            return before + self._path(core) + after
        if _EXTENSION.search(core) and not core.replace(".", "").isdigit() and "..." not in core:
            if all(part.lower() in self._words for part in _WORD.findall(core)) and core.count(
                "_"
            ) + core.count("."):
                return chunk  # the program's own, as reconciler.engine.engine or config.toml
            return before + self._name(core) + after
        core = _ADDRESS.sub(lambda found: self._stand_in(found[0]), core)
        return before + _WORD_OR_STAND_IN.sub(lambda found: self._word(found[0]), core) + after

    def _path(self, path: str) -> str:
        return "/".join(
            part
            if part in _PLACES or (not _WORD.search(part) and not _ADDRESS.search(part))
            else self._name(part)
            for part in path.split("/")
        )

    def _word(self, word: str) -> str:
        known = word.lower() in self._words or _STAND_IN.fullmatch(word) or not _WORD.search(word)
        return word if known else self._stand_in(word)

    def _name(self, name: str) -> str:
        """A name's stand-in, with what kind of file it is."""
        if _STAND_IN.fullmatch(name):
            return name
        kind = _EXTENSION.search(name)
        return self._stand_in(name[: kind.start()]) + kind[0] if kind else self._stand_in(name)

    def _stand_in(self, name: str) -> str:
        if _STAND_IN.fullmatch(name):
            return name
        return self._stand_ins.setdefault(name, f"x{len(self._stand_ins) + 1}")


_STAND_IN = re.compile(r"x\d+(\.[A-Za-z0-9]{1,5})?")
_WORD_OR_STAND_IN = re.compile(r"x\d+\b|[^\W_]*[^\W\d_][^\W_]*")
