"""The recordings, and what it means that an answer is the recorded one.

Compared are status, headers that clients read, and the body. What a second run cannot repeat is
normalized: tokens and checksums of unknown contents, times of the recording's day, inodes and file
ids, uuids (each must stand for the same one throughout), the path of the data folder.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.devserver.wire import Reply

FOLDER = Path(__file__).parent.parent / "recordings"
FILES = ("sync-api", "web-api", "cli-traffic")
# characters; longer bodies were cut when they were recorded, at 2000 before secrets were replaced
CUT_AT = 1900

_SESSION_S = range(1_795_400_000, 1_806_000_000)  # the day of the recording, and 120 days later
_SESSION_MS = range(1_795_400_000_000, 1_806_000_000_000)
_ISO = re.compile(r"2026-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{3})?Z?")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-f]{64}")
_ETAG = re.compile(r'W/"([0-9a-f]+)-([0-9a-f]+)"')
_DATED = re.compile(r"-\d{4}\.\d\d\.\d\d \d\d-\d\d-\d\d\.\d{3}")
_HEADERS = (
    "content-type",
    "accept-ranges",
    "cache-control",
    "content-range",
    "content-disposition",
    "transfer-encoding",
    "keep-alive",
    "last-modified",
    "etag",
)


@dataclass(frozen=True)
class Line:
    file: str
    number: int
    name: str
    request: dict[str, Any] | None
    response: dict[str, Any] | None
    note: str

    @property
    def key(self) -> tuple[str, int]:
        return self.file, self.number


def load(file: str) -> list[Line]:
    lines = (FOLDER / f"{file}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        Line(file, n, row["name"], row["request"], row["response"], row["note"])
        for n, row in enumerate(rows, 1)
    ]


@dataclass
class Comparison:
    """Collects the differences between one recorded answer and ours. `names` maps recorded uuids to
    ours."""

    data: str
    names: dict[str, str] = field(default_factory=dict)
    # ids are rows of the database or inodes, which a second run cannot repeat
    loose_ids: bool = False
    differences: list[str] = field(default_factory=list)

    def differ(self, where: str, recorded: object, ours: object) -> None:
        self.differences.append(f"{where}: recorded {recorded!r}, got {ours!r}")

    def reply(self, line: Line, reply: Reply) -> None:
        assert line.response is not None
        assert line.request is not None
        self.loose_ids = line.request["path"].startswith(("/api/app/spaces", "/api/app/shares"))
        if line.response["status"] != reply.status:
            self.differ("status", line.response["status"], f"{reply.status} {reply.body[:300]!r}")
            return
        self.headers(line.response["headers"], reply.headers)
        recorded = line.response["body"] or ""
        kind = line.response["headers"].get("content-type", "")
        if kind.startswith("application/json"):
            self.json(recorded, reply.body)
        elif "operation/diff" in line.request["path"]:
            self.listing(recorded, reply.body)
        elif recorded != (ours := reply.body.decode("utf-8", "replace"))[: len(recorded)] or (
            len(recorded) < CUT_AT and len(ours) != len(recorded)
        ):
            self.differ("body", recorded, reply.body)

    def headers(self, recorded: dict[str, str], ours: dict[str, str]) -> None:
        for name in _HEADERS:
            was, now = recorded.get(name), ours.get(name)
            if was == now or (name in ("transfer-encoding", "keep-alive") and was is None):
                continue
            if name == "last-modified" and was and "2026" in was and now and now.endswith("GMT"):
                continue
            if name == "etag" and was and now and self._same_etag(was, now):
                continue
            self.differ(name, was, now)

    def _same_etag(self, was: str, now: str) -> bool:
        old, new = _ETAG.fullmatch(was), _ETAG.fullmatch(now)
        return (
            old is not None
            and new is not None
            and old[1] == new[1]
            and int(old[2], 16) in _SESSION_MS
        )

    def json(self, recorded: str, body: bytes) -> None:
        ours = json.loads(body)
        try:
            self.value("body", json.loads(recorded), ours)
        except json.JSONDecodeError:
            assert len(recorded) >= CUT_AT, "only a body that was cut is no JSON"
            self._cut_json(recorded, ours)

    def _cut_json(self, recorded: str, ours: Any) -> None:
        """Of a body that was cut, every whole object of its list has its like in ours."""
        at = recorded.index("[") + 1
        items = ours["files"] if isinstance(ours, dict) else ours
        by_name = {item["name"] if "name" in item else item["id"]: item for item in items}
        decoder = json.JSONDecoder()
        found = 0
        while True:
            try:
                item, at = decoder.raw_decode(recorded, at)
            except json.JSONDecodeError:
                break
            at += 1
            name = item["name"] if "name" in item else self.names.get(item["id"], item["id"])
            if name in by_name:
                self.value(f"body[{name}]", item, by_name[name])
                found += 1
        if not found:
            self.differ("body", recorded, ours)

    def value(self, where: str, was: Any, now: Any) -> None:
        if isinstance(was, dict) and isinstance(now, dict):
            if was.keys() != now.keys():
                self.differ(f"{where} keys", sorted(was), sorted(now))
                return
            for key in was:
                self.value(f"{where}.{key}", was[key], now[key])
        elif isinstance(was, list) and isinstance(now, list):
            if len(was) != len(now):
                self.differ(where, was, now)
                return
            for at, (one, other) in enumerate(
                zip(self._ordered(was), self._ordered(now, ours=True), strict=True)
            ):
                self.value(f"{where}[{at}]", one, other)
        elif not self._same(where, was, now):
            self.differ(where, was, now)

    def _ordered(self, items: list[Any], *, ours: bool = False) -> list[Any]:
        """Clients have no order of their own."""
        if not items or not isinstance(items[0], dict) or "isCurrentClient" not in items[0]:
            return items
        return sorted(
            items,
            key=lambda item: str(item["id"] if ours else self.names.get(item["id"], item["id"])),
        )

    def _same(self, where: str, was: Any, now: Any) -> bool:
        if was == now and type(was) is type(now):
            return True
        if isinstance(was, bool) or isinstance(now, bool):
            return False
        if isinstance(was, int) and isinstance(now, int):
            return self._same_number(where, was, now)
        return isinstance(was, str) and isinstance(now, str) and self._same_text(was, now)

    def _same_number(self, where: str, was: int, now: int) -> bool:
        if where.endswith(".ino"):
            return now > 0
        if where.endswith(".id") and self.loose_ids:
            return (was > 0) == (now > 0)  # a row of the database, or the negative inode
        if where.endswith("storageUsage"):
            return now >= 0
        if was in _SESSION_S:
            return abs(now - time.time()) < 130 * 86400
        return was in _SESSION_MS and abs(now / 1000 - time.time()) < 86400

    def _same_text(self, was: str, now: str) -> bool:
        if was == "***":
            return bool(now)
        if _UUID.fullmatch(was) and _UUID.fullmatch(now):
            return self.names.setdefault(was, now) == now
        if _ISO.fullmatch(was):
            return re.sub(r"\d", "0", was) == re.sub(r"\d", "0", now)
        if _DATED.search(was):
            return _DATED.sub("-DATE", was) == _DATED.sub("-DATE", now)
        return was.replace("<data>", self.data) == now

    def listing(self, recorded: str, body: bytes) -> None:
        ours = body.decode()
        complete = recorded.endswith(("done", "Unable to parse path\n"))
        was, now = recorded.split("\n"), ours.split("\n")
        if complete and was[-1] != now[-1]:
            self.differ("end of the listing", was[-1], now[-1])
        old = dict(self._entries(was if complete else was[:-1]))
        new = dict(self._entries(now))
        if complete and list(old) != list(new):
            self.differ("listed", sorted(old), sorted(new))
        for rel, entry in old.items():
            if rel not in new:
                self.differ("listed", rel, None)
            else:
                self._entry(rel, entry, new[rel])

    def _entries(self, lines: list[str]) -> Iterator[tuple[str, Any]]:
        for line in lines:
            if line.startswith("{"):
                yield from json.loads(line).items()
            elif line not in ("", "done"):
                yield "?", line

    def _entry(self, rel: str, was: Any, now: Any) -> None:
        if not isinstance(was, list) or len(was) != 5:
            self.value(rel, was, now)
            return
        for name, old, new in zip(
            ("is_dir", "size", "mtime", "ino", "checksum"), was, now, strict=True
        ):
            if (
                name == "checksum"
                and isinstance(old, str)
                and old != "f" * 64
                and _HEX.fullmatch(old)
            ):
                if not isinstance(new, str) or not _HEX.fullmatch(new):
                    self.differ(f"{rel}.checksum", old, new)
            else:
                self.value(f"{rel}.{name}", old, new)


def sha(data: bytes) -> str:
    return hashlib.new("sha512_256", data).hexdigest()
