"""The history's SQLite file: its tables, opening it, raising an older one, and making it smaller in
small steps.

``PRAGMA user_version`` is the layout: 0 was the first (table ``transfer``, without a search index),
2 is this one.

- ``transfers``: one row a transfer: ``id`` (order of recording), ``time_ns`` (when it ended),
  ``run``, ``kind`` (action, side and result in one number, see ``kind_of``), ``path``,
  ``new_path``, ``size`` (bytes of the content), ``moved`` (bytes over the network), ``seconds``,
  ``why``; ``folded``: see ``TEXT``
- ``spans``: hours since 1970 -> the first and last id that fell into each: by this a time becomes
  a range of ids, also where the clock was set back
- ``search_N``: FTS5 over ``TEXT`` in pieces of three letters, one for every ``SEGMENT`` ids, up
  to the id in ``state``. Written later than the rows, so that recording costs little; what is
  behind it is looked through. Nothing is taken out of one (that would make it bigger): it goes
  when all its rows are gone. Missing where SQLite lacks FTS5
- ``state``: ``searchable``: the last id in a ``search_N``; ``aged_run``, ``aged_until``: up to
  which id rows that are too old may go, and the run in which that was decided
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.model import Op, Result, Side
from syncin_mount import system

LAYOUT: Final = 2
SPAN_NS: Final = 3600 * 10**9
STEP: Final = 500
"""Rows that one step of upkeep looks at: some 20 ms."""

SEGMENT: Final = 50_000

SHARE: Final = 20
RUNS: Final = 50
KEPT_RUNS: Final = 200
"""What age alone cannot take away: see ``_share``."""

_VACUUM_PAGES: Final = 64

_OPS: Final = tuple(Op)  # their order is part of the format, as that of the others
_SIDES: Final = (Side.LOCAL, Side.REMOTE, Side.BASE)
_RESULTS: Final = tuple(Result)

COLUMNS: Final = "id, time_ns, run, kind, path, new_path, size, moved, seconds, why"

TEXT: Final = "coalesce(folded, lower(path || char(10) || coalesce(new_path, '')))"
"""What is searched: both paths without regard to case. SQLite's own ``lower`` knows ASCII alone, so
other text is kept folded beside the row."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS transfers (
    id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, run INTEGER NOT NULL,
    kind INTEGER NOT NULL, path TEXT NOT NULL,
    new_path TEXT, size INTEGER NOT NULL, moved INTEGER NOT NULL,
    seconds REAL NOT NULL, why TEXT NOT NULL,
    folded TEXT);
CREATE INDEX IF NOT EXISTS transfers_kind ON transfers (kind);
CREATE INDEX IF NOT EXISTS transfers_run ON transfers (run);
CREATE TABLE IF NOT EXISTS spans (
    span INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
_SEARCH: Final = """CREATE VIRTUAL TABLE IF NOT EXISTS search_{} USING fts5(
    text, content='', detail=none, columnsize=0, tokenize='trigram')"""

_INSERT: Final = "INSERT INTO transfers VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SPAN: Final = """INSERT INTO spans VALUES (?1, ?2, ?3) ON CONFLICT (span) DO UPDATE
    SET first = min(first, excluded.first), last = max(last, excluded.last)"""

Row = tuple[int, int, int, str, str | None, int, int, float, str]
"""time_ns, run, kind, path, new_path, size, moved, seconds, why."""


class OldHistory(Exception):
    """The file has an older layout; it is raised when the replica is opened for writing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much history is kept of one synchronization. ``megabytes`` is the file, in 10^6 bytes."""

    days: int = 180
    megabytes: int = 500


def kind_of(op: Op, side: Side, result: Result) -> int:
    """The three in one number, so that one index serves every mixture of filters."""
    return (_OPS.index(op) * len(_SIDES) + _SIDES.index(side)) * len(_RESULTS) + _RESULTS.index(
        result
    )


def of_kind(kind: int) -> tuple[Op, Side, Result]:
    """What ``kind_of`` made the number of."""
    rest, result = divmod(kind, len(_RESULTS))
    op, side = divmod(rest, len(_SIDES))
    return _OPS[op], _SIDES[side], _RESULTS[result]


def kinds(op: Op | None, side: Side | None, *, failed: bool) -> list[int]:
    """The kinds that fit. What became stale and was planned again is no failure."""
    return [
        kind_of(*each)
        for each in itertools.product(_OPS, _SIDES, _RESULTS)
        if op in {None, each[0]}
        and side in {None, each[1]}
        and (not failed or each[2] in _FAILURES)
    ]


_FAILURES: Final = frozenset({Result.FAILED, Result.WAITS})


def fold(text: str) -> str:
    """Without regard to case and to how an accent is composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _folded(path: str, new_path: str | None) -> str | None:
    """The column of that name: None where SQLite's ``lower`` does as well."""
    text = f"{path}\n{new_path or ''}"
    return None if text.isascii() else fold(text)


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The file, made or raised to this layout where needed. Blocks; some seconds when a big one is
    raised. Raises sqlite3.Error, OSError."""
    os.close(system.open_file(path, system.OPEN, 0o600))
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
    try:
        # of a new file alone; an old one keeps its size
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        # what a power cut takes are the last seconds, and no more
        db.execute("PRAGMA synchronous = NORMAL")
        if layout(db) != LAYOUT:
            with transaction(db):
                _raise_layout(db)
    except BaseException:
        db.close()
        raise
    return db


def open_for_reading(path: Path) -> sqlite3.Connection | None:
    """The file while another process may write it; None where there is none. Raises sqlite3.Error,
    OldHistory."""
    if not path.exists():
        return None
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=5
    )
    try:
        db.execute("PRAGMA query_only = ON")
        if layout(db) == LAYOUT:
            return db
        empty = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    except BaseException:
        db.close()
        raise
    db.close()
    if not empty:
        raise OldHistory
    return None


def layout(db: sqlite3.Connection) -> int:
    """The number of the file's layout; 0 also for an empty file."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            if db.in_transaction:
                db.execute("ROLLBACK")
        raise


def _raise_layout(db: sqlite3.Connection) -> None:
    for statement in _TABLES.split(";"):
        db.execute(statement)
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'transfer'").fetchone():
        _take_over(db)
    db.execute(f"PRAGMA user_version = {LAYOUT}")


def _take_over(db: sqlite3.Connection) -> None:
    """The rows of layout 0."""
    db.create_function(
        "kind_of", 3, lambda *words: kind_of(Op(words[0]), Side(words[1]), Result(words[2]))
    )
    db.create_function("folded", 2, _folded)
    db.execute(
        "INSERT INTO transfers SELECT id, time_ns, run, kind_of(action, side, result), path,"
        " new_path, size, moved, seconds, why, folded(path, new_path) FROM transfer ORDER BY id"
    )
    db.execute(
        "INSERT INTO spans SELECT time_ns / ?1, min(id), max(id) FROM transfers GROUP BY 1",
        (SPAN_NS,),
    )
    db.execute("DROP TABLE transfer")


def can_search(db: sqlite3.Connection) -> bool:
    """Whether this SQLite has the full-text search."""
    return db.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone() is not None


def segment_of(number: int) -> int:
    """The number of the ``search_N`` for this id."""
    return (number - 1) // SEGMENT


def segments(db: sqlite3.Connection) -> list[int]:
    """The numbers of the tables ``search_N`` that there are, in order."""
    names = db.execute(
        "SELECT name FROM sqlite_master WHERE name GLOB 'search_*' AND sql LIKE 'CREATE VIRTUAL%'"
    )
    return sorted(int(name.removeprefix("search_")) for (name,) in names)


def searchable(db: sqlite3.Connection) -> int:
    """The last id that the tables ``search_N`` have."""
    row = db.execute("SELECT value FROM state WHERE name = 'searchable'").fetchone()
    return 0 if row is None else int(row[0])


def insert(db: sqlite3.Connection, rows: list[Row]) -> None:
    """To be called in a transaction."""
    first = int(db.execute("SELECT coalesce(max(id), 0) FROM transfers").fetchone()[0]) + 1
    db.executemany(_INSERT, [(*row, _folded(row[3], row[4])) for row in rows])
    spans: dict[int, tuple[int, int]] = {}
    for number, row in enumerate(rows, first):
        span = row[0] // SPAN_NS
        spans[span] = (spans[span][0] if span in spans else number, number)
    db.executemany(_SPAN, [(span, *ids) for span, ids in spans.items()])


# upkeep -------------------------------------------------------------------------------------------


def tend(db: sqlite3.Connection, now_ns: int, limits: Limits) -> bool:
    """One small step of what keeps the file quick and small; False when there is nothing left to
    do."""
    return _make_searchable(db) or _forget(db, now_ns, limits) or _shrink(db, limits)


def _make_searchable(db: sqlite3.Connection) -> bool:
    if not can_search(db):
        return False
    done = searchable(db)
    first, last = db.execute(
        "SELECT min(id), max(id) FROM (SELECT id FROM transfers WHERE id > ? ORDER BY id LIMIT ?)",
        (done, STEP),
    ).fetchone()
    if first is None:
        return False
    with transaction(db):
        make_searchable(db, first, min(last, (segment_of(first) + 1) * SEGMENT))
    return True


def make_searchable(db: sqlite3.Connection, first: int, last: int) -> None:
    """Of one segment; the next that are not yet. To be called in a transaction."""
    segment = segment_of(first)
    db.execute(_SEARCH.format(segment))
    db.execute(
        f"INSERT INTO search_{segment} (rowid, text) SELECT id, {TEXT} FROM transfers "  # noqa: S608
        "WHERE id BETWEEN ? AND ?",
        (first, last),
    )
    db.execute("INSERT OR REPLACE INTO state VALUES ('searchable', ?)", (last,))


def _forget(db: sqlite3.Connection, now_ns: int, limits: Limits) -> bool:
    """The oldest rows go: those beyond the age, or, where the file is too big, the next that there
    are."""
    oldest = db.execute(
        "SELECT id, time_ns, run FROM transfers ORDER BY id LIMIT ?", (STEP,)
    ).fetchall()
    if _used(db) <= limits.megabytes * 10**6:
        before = now_ns - limits.days * 86_400 * 10**9
        oldest = list(itertools.takewhile(lambda row: row[1] < before, oldest))
        oldest = _share(db, oldest)
    if not oldest:
        return False
    until = oldest[-1][0]
    with transaction(db):
        for segment in segments(db):
            if segment < segment_of(until + 1) and can_search(db):
                db.execute(f"DROP TABLE search_{segment}")
        db.execute("DELETE FROM transfers WHERE id <= ?", (until,))
        # A span goes with its last row, so it is one of these rows' spans: there is no need to look
        # at all of them.
        spans = {row[1] // SPAN_NS for row in oldest}
        db.executemany(
            "DELETE FROM spans WHERE span = ? AND last <= ?", [(span, until) for span in spans]
        )
    return True


def _share(db: sqlite3.Connection, aged: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Those of the aged rows that may go now. A clock that is years ahead makes all of them old, so
    what counts besides is the number of runs, which no clock changes: the last `KEPT_RUNS` stay,
    and of the rest one `SHARE`-th goes, and the next one `RUNS` runs later."""
    if not aged:
        return []
    newest = int(db.execute("SELECT max(run) FROM transfers").fetchone()[0])
    if aged[0][2] > newest - KEPT_RUNS:
        return []
    state = dict(
        db.execute("SELECT name, value FROM state WHERE name IN ('aged_run', 'aged_until')")
    )
    if newest >= state.get("aged_run", -RUNS) + RUNS:
        first, last = aged[0][0], int(db.execute("SELECT max(id) FROM transfers").fetchone()[0])
        state = {"aged_run": newest, "aged_until": first + (last - first) // SHARE}
        with transaction(db):
            db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", state.items())
    return [row for row in aged if row[0] <= state["aged_until"] and row[2] <= newest - KEPT_RUNS]


def _used(db: sqlite3.Connection) -> int:
    """Bytes of pages that hold something."""
    pages, free, size = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in _PAGES)
    return (pages - free) * size


_PAGES: Final = ("page_count", "freelist_count", "page_size")


def _shrink(db: sqlite3.Connection, limits: Limits) -> bool:
    """Gives free pages back to the disk: when they are many, or the file is bigger than it may
    be."""
    pages, free, size = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in _PAGES)
    if free < _VACUUM_PAGES or (free * 4 < pages and pages * size <= limits.megabytes * 10**6):
        return False
    db.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
    # a file from before cannot shrink
    return int(db.execute("PRAGMA freelist_count").fetchone()[0]) < free
