"""Fault rules from a TOML or JSON file, read again when the file changes.

    seed = 7
    [[rule]]
    method = "PUT"
    path = "/api/app/sync/operation/*"
    # delay | reply | html | cut-response | cut-request | stop-listing | stall
    effect = "reply"
    status = 507
    when = "before"           # before | during | after
    nth = 2
    count = 3
    probability = 0.5

Further keys: `seconds` (delay), `body` and `content_type` (reply), `after_bytes` (cut-response,
cut-request, stall), `after_lines` (stop-listing), `pattern` (a regexp for the path).
"""

from __future__ import annotations

import json
import logging
import random
import tomllib
from pathlib import Path
from typing import Any

from .faults import (
    CutRequest,
    CutResponse,
    Delay,
    Effect,
    Faults,
    Moment,
    Reply,
    Rule,
    Stall,
    StopListing,
)

_log = logging.getLogger(__name__)
_MATCH_KEYS = frozenset({"method", "path", "pattern", "nth", "count", "probability"})
_EFFECT_KEYS = {
    "delay": frozenset({"seconds", "when"}),
    "reply": frozenset({"status", "body", "content_type", "when"}),
    "html": frozenset({"status", "body", "when"}),
    "cut-response": frozenset({"after_bytes"}),
    "cut-request": frozenset({"after_bytes"}),
    "stop-listing": frozenset({"after_lines"}),
    "stall": frozenset({"when", "after_bytes"}),
}
_HTML = (
    "<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad"
    " Gateway</h1></body></html>\n"
)


class FaultFileError(Exception):
    """The file cannot be read as rules; the text says where and why."""


def _effect(entry: dict[str, Any]) -> Effect:
    moment = Moment(entry.get("when", "before"))
    match entry["effect"]:
        case "delay":
            return Delay(float(entry["seconds"]), moment)
        case "reply":
            kind = entry.get("content_type", "application/json; charset=utf-8")
            return Reply(int(entry["status"]), entry.get("body"), kind, moment)
        case "html":
            return Reply(
                int(entry.get("status", 200)),
                entry.get("body", _HTML),
                "text/html; charset=utf-8",
                moment,
            )
        case "cut-response":
            return CutResponse(int(entry.get("after_bytes", 0)))
        case "cut-request":
            return CutRequest(int(entry.get("after_bytes", 0)))
        case "stop-listing":
            return StopListing(int(entry.get("after_lines", 0)))
        case _:
            return Stall(moment, int(entry.get("after_bytes", 0)))


def _rule(entry: object) -> Rule:
    """Raises ValueError, TypeError or KeyError."""
    if not isinstance(entry, dict):
        raise TypeError("a rule must be a table")
    kind = entry.get("effect")
    if kind not in _EFFECT_KEYS:
        raise ValueError(f"effect must be one of {', '.join(_EFFECT_KEYS)}, not {kind!r}")
    if unknown := set(entry) - _MATCH_KEYS - _EFFECT_KEYS[kind] - {"effect"}:
        raise ValueError(f"{kind} does not know {', '.join(sorted(unknown))}")
    return Rule(
        _effect(entry), **{key: value for key, value in entry.items() if key in _MATCH_KEYS}
    )


def parse(text: str, *, toml: bool) -> tuple[list[Rule], int]:
    """The rules and the seed. Raises FaultFileError."""
    try:
        value = tomllib.loads(text) if toml else json.loads(text)
    except ValueError as error:
        raise FaultFileError(f"it is no valid {'TOML' if toml else 'JSON'}: {error}") from error
    entries = value.get("rule", value.get("rules", [])) if isinstance(value, dict) else value
    if not isinstance(entries, list):
        raise FaultFileError("`rule` must be a list of rules")
    rules = []
    for number, entry in enumerate(entries, 1):
        try:
            rules.append(_rule(entry))
        except KeyError as error:
            raise FaultFileError(f"rule {number}: {error.args[0]} is missing") from error
        except (ValueError, TypeError) as error:
            raise FaultFileError(f"rule {number}: {error}") from error
    return rules, int(value.get("seed", 0)) if isinstance(value, dict) else 0


class FaultFile:
    """Keeps a `Faults` in step with a file. A change that cannot be read is logged and leaves the
    old rules."""

    def __init__(self, file: Path, faults: Faults) -> None:
        self._file = file
        self._faults = faults
        self._version: tuple[int, int, int] | None = None

    def load(self) -> None:
        """Raises FaultFileError."""
        try:
            found = self._file.stat()
            text = self._file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise FaultFileError(f"it cannot be read: {error}") from error
        self._version = (found.st_mtime_ns, found.st_size, found.st_ino)
        rules, seed = parse(text, toml=self._file.suffix != ".json")
        self._faults.replace(rules)
        self._faults.rng = random.Random(seed)  # noqa: S311  # a failing run must be repeatable

    def reload_if_changed(self) -> None:
        try:
            found = self._file.stat()
        except OSError:
            return
        if self._version == (found.st_mtime_ns, found.st_size, found.st_ino):
            return
        try:
            self.load()
        except FaultFileError as error:
            _log.warning("fault rules stay as they were: %s: %s", self._file, error)
