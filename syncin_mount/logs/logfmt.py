"""A record of the log as one line, and back: logfmt, which a person reads and a program takes
apart. Pure.

    time=2026-11-26T16:41:16.123Z level=warning sync=docs from=reconciler.engine.engine msg="halted:
    …"

``key=value`` pairs; a value with anything but plain characters is a JSON string. So neither a name
from the server nor a traceback (``error``) can make a line of its own, or a field. JSON lines would
be as good for programs, and worse for whoever looks with ``tail``.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

LEVELS = ("debug", "info", "warning", "error", "critical")
"""From the least to the most urgent."""

_ESCAPED = '"\\'
_PLAIN = re.compile(r"[A-Za-z0-9_.:@+/-]+")
_PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+|$)')

_SECRETS = (
    # a JSON web token, whatever is around it
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), "[secret]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 [secret]"),
    (re.compile(r"(?i)(://[^/@\s:]*):[^/@\s]+@"), r"\1:[secret]@"),
    (
        re.compile(
            r"(?i)(\b[\w-]*(?:token|password|passwd|secret|csrf|cookie|authorization)[\w-]*[\"']?\s*[=:]\s*[\"']?)"
            r"[^\s\"'&,;}]+"
        ),
        r"\1[secret]",
    ),
)
"""What looks like a secret. Nobody logs one on purpose; this is for a foreign library's error text
that quotes what was sent."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record. ``time`` is an instant with its zone; ``sync`` the synchronization (or
    ``@supervisor``); ``source`` the part of the program; ``fields`` whatever more it says."""

    time: dt.datetime
    level: str
    sync: str
    source: str
    msg: str
    fields: Mapping[str, str] = field(default_factory=dict)


def without_secrets(text: str) -> str:
    """The text with what looks like a secret replaced."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def line_of(entry: Entry) -> str:
    """Without the line's end."""
    time = entry.time.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    pairs = [
        ("time", time),
        ("level", entry.level),
        ("sync", entry.sync),
        ("from", entry.source),
        ("msg", entry.msg),
    ]
    return " ".join(f"{key}={_quoted(value)}" for key, value in (*pairs, *entry.fields.items()))


def entry_of(line: str) -> Entry | None:
    """None for what is no record: what a library, or Python when it dies, wrote to standard
    error."""
    pairs: dict[str, str] = {}
    position = 0
    while found := _PAIR.match(line, position):
        pairs[found[1]] = _unquoted(found[2])
        position = found.end()
    if position != len(line):
        return None
    try:
        time = dt.datetime.fromisoformat(pairs.pop("time"))
        return Entry(
            time, pairs.pop("level"), pairs.pop("sync"), pairs.pop("from"), pairs.pop("msg"), pairs
        )
    except (KeyError, ValueError):
        return None


def at_least(level: str, wanted: str) -> bool:
    """Whether it is as urgent."""
    return level not in LEVELS or LEVELS.index(level) >= LEVELS.index(wanted)


def entries(lines: Iterable[str]) -> Iterable[tuple[str, Entry | None]]:
    """Each line, without its end, and what it is."""
    for line in lines:
        text = line.rstrip("\n")
        if text:
            yield text, entry_of(text)


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = (c if c.isprintable() and c not in _ESCAPED else json.dumps(c)[1:-1] for c in value)
    return f'"{"".join(escaped)}"'


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value
