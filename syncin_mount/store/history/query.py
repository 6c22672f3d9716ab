"""Looking for transfers: every mixture of filters stays quick over a million rows.

Rows come in the order of their ids. Times and runs become ranges of ids first. Action, side and
failure are one number with an index, so that each fitting number gives its rows in order, and these
streams are merged. Text is looked for in the index of three-letter pieces, or, where few rows are
left by the other filters, in these themselves.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

import msgspec

from reconciler.model import Op, Result, Side
from syncin_mount.store.history.schema import (
    COLUMNS,
    SPAN_NS,
    TEXT,
    can_search,
    fold,
    kinds,
    of_kind,
    searchable,
    segment_of,
    segments,
)

FEW: Final = 20_000
"""So many rows are looked through rather than found by the index."""

_PIECE: Final = 3
_MOST_PIECES: Final = 100

_Raw = tuple[Any, ...]


class Transfer(msgspec.Struct, frozen=True):
    """One row. ``moved`` is the bytes that crossed the network, ``size`` the content's."""

    id: int
    time_ns: int
    run: int
    action: Op
    side: Side
    path: str
    new_path: str | None
    size: int
    moved: int
    seconds: float
    result: Result
    why: str


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which rows are wanted, None being any: ``search`` is a part of a path without regard to case,
    times are ns and ``until_ns`` is not among them. The latest come first, but with ``after`` (an
    id) the first behind that do. ``before`` is the last page's last id."""

    action: Op | None = None
    side: Side | None = None
    failed: bool = False
    run: int | None = None
    search: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    before: int | None = None
    after: int | None = None
    limit: int = 100


def find(db: sqlite3.Connection, wanted: HistoryQuery) -> list[Transfer]:
    """Raises sqlite3.Error. Blocks: some ms, and up to a second where very many rows hold a text
    and none of them fits the rest."""
    low, high = _range(db, wanted)
    if low > high:
        return []
    return [_transfer(row) for row in islice(_Search(db, wanted, low, high).rows(), wanted.limit)]


def _range(db: sqlite3.Connection, wanted: HistoryQuery) -> tuple[int, int]:
    """The first and last id that can fit."""
    lows = [db.execute("SELECT min(id) FROM transfers").fetchone()[0]]
    highs = [db.execute("SELECT max(id) FROM transfers").fetchone()[0]]
    if wanted.since_ns is not None:
        span = (wanted.since_ns // SPAN_NS,)
        lows.append(db.execute("SELECT min(first) FROM spans WHERE span >= ?", span).fetchone()[0])
    if wanted.until_ns is not None:
        span = (wanted.until_ns // SPAN_NS,)
        highs.append(db.execute("SELECT max(last) FROM spans WHERE span <= ?", span).fetchone()[0])
    if wanted.run is not None:
        lows.append(
            db.execute("SELECT min(id) FROM transfers WHERE run = ?", (wanted.run,)).fetchone()[0]
        )
        highs.append(
            db.execute("SELECT max(id) FROM transfers WHERE run = ?", (wanted.run,)).fetchone()[0]
        )
    if wanted.before is not None:
        highs.append(wanted.before - 1)
    if wanted.after is not None:
        lows.append(wanted.after + 1)
    if None in lows or None in highs:
        return 1, 0
    return max(lows), min(highs)


class _Search:
    def __init__(self, db: sqlite3.Connection, wanted: HistoryQuery, low: int, high: int) -> None:
        self._db = db
        self._low, self._high = low, high
        self._order = "ASC" if wanted.after is not None else "DESC"
        self._kinds = None
        if wanted.action is not None or wanted.side is not None or wanted.failed:
            self._kinds = kinds(wanted.action, wanted.side, failed=wanted.failed)
        self._needle = fold(wanted.search) if wanted.search else ""
        self._filters: list[tuple[str, object]] = []
        if wanted.run is not None:
            self._filters.append(("run = ?", wanted.run))
        if wanted.since_ns is not None:
            self._filters.append(("time_ns >= ?", wanted.since_ns))
        if wanted.until_ns is not None:
            self._filters.append(("time_ns < ?", wanted.until_ns))

    def rows(self) -> Iterator[_Raw]:
        if not self._needle:
            return self._looked_through(self._low, self._high)
        known = searchable(self._db) if len(self._needle) >= _PIECE and can_search(self._db) else 0
        if known < self._low or self._are_few():
            return self._looked_through(self._low, self._high)
        found = self._found(self._low, min(known, self._high))
        behind = self._looked_through(max(known + 1, self._low), self._high)
        return chain(found, behind) if self._order == "ASC" else chain(behind, found)

    def _are_few(self) -> bool:
        """Whether the other filters leave few rows."""
        if self._high - self._low < FEW:
            return True
        if self._kinds is None:
            return False
        counted = 0
        for kind in self._kinds:
            counted += self._db.execute(
                "SELECT count(*) FROM (SELECT 1 FROM transfers WHERE kind = ? AND id BETWEEN ? AND"
                " ? LIMIT ?)",
                (kind, self._low, self._high, FEW - counted),
            ).fetchone()[0]
            if counted >= FEW:
                return False
        return True

    def _looked_through(self, low: int, high: int) -> Iterator[_Raw]:
        filters = self._filters + (
            [(f"instr({TEXT}, ?) > 0", self._needle)] if self._needle else []
        )
        if self._kinds is None:
            return self._select("transfers", low, high, filters)
        streams = [
            self._select("transfers", low, high, [("kind = ?", kind), *filters])
            for kind in self._kinds
        ]
        return heapq.merge(*streams, key=lambda row: row[0], reverse=self._order == "DESC")

    def _found(self, low: int, high: int) -> Iterator[_Raw]:
        pieces = {
            self._needle[at : at + _PIECE]
            for at in range(min(len(self._needle) - _PIECE + 1, _MOST_PIECES))
        }
        match = " AND ".join('"{}"'.format(piece.replace('"', '""')) for piece in sorted(pieces))
        wanted = None if self._kinds is None else frozenset(self._kinds)
        there = [each for each in segments(self._db) if segment_of(low) <= each <= segment_of(high)]
        for segment in there if self._order == "ASC" else reversed(there):
            table = f"search_{segment}"
            filters = [
                (f"{table} MATCH ?", match),
                (f"instr({TEXT}, ?) > 0", self._needle),
                *self._filters,
            ]
            joined = f"{table} CROSS JOIN transfers ON id = {table}.rowid"
            rows = self._select(joined, low, high, filters, f"{table}.rowid")
            yield from rows if wanted is None else (row for row in rows if row[3] in wanted)

    def _select(
        self, table: str, low: int, high: int, filters: list[tuple[str, object]], number: str = "id"
    ) -> Iterator[_Raw]:
        where = "".join(f" AND {text}" for text, _ in filters)
        select = (
            f"SELECT {COLUMNS} FROM {table} WHERE {number} BETWEEN ? AND ?{where} "  # noqa: S608 - constants only
            f"ORDER BY {number} {self._order}"
        )
        return self._db.execute(select, [low, high, *(value for _, value in filters)])


def _transfer(row: _Raw) -> Transfer:
    number, time_ns, run, kind, path, new_path, size, moved, seconds, why = row
    op, side, result = of_kind(kind)
    return Transfer(
        number, time_ns, run, op, side, path, new_path, size, moved, seconds, result, why
    )
