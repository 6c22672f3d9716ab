"""The history of transfers, for people: an SQLite file of its own, so that it can be lost without harm.

Table ``transfer``: ``id``, ``time_ns`` (when it ended), ``run``, ``action`` (Op), ``side`` (Side), ``path``,
``new_path``, ``size`` (bytes of the content), ``moved`` (bytes over the network), ``seconds``, ``result`` (Result),
``why`` (a sentence, or empty).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from reconciler.model import Op, Outcome, Result, Side
from syncin_mount.store import system

_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS transfer (
    id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, run INTEGER NOT NULL, action TEXT NOT NULL, side TEXT NOT NULL,
    path TEXT NOT NULL, new_path TEXT, size INTEGER NOT NULL, moved INTEGER NOT NULL, seconds REAL NOT NULL,
    result TEXT NOT NULL, why TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS transfer_time ON transfer (time_ns);
CREATE INDEX IF NOT EXISTS transfer_action ON transfer (action, time_ns);
"""
_COLUMNS: Final = "id, time_ns, run, action, side, path, new_path, size, moved, seconds, result, why"
_INSERT: Final = f"INSERT INTO transfer ({_COLUMNS}) VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
MOST: Final = 200_000
OLDEST_NS: Final = 180 * 86_400 * 10**9

_Row = tuple[int, int, str, str, str, str | None, int, int, float, str, str]


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


class History:
    """Rows are collected in memory and written by ``commit``."""

    def __init__(self, path: Path, now_ns: Callable[[], int]) -> None:
        self._now = now_ns
        os.close(os.open(path, system.OPEN, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript(_SCHEMA)
        self._rows: list[_Row] = []
        self._run = int(self._db.execute("SELECT coalesce(max(run), 0) + 1 FROM transfer").fetchone()[0])

    def begin_run(self) -> int:
        """Rows from now on belong to another run; its number."""
        self._run += 1
        return self._run

    def record(self, outcome: Outcome, path: str, new_path: str | None) -> None:
        action = outcome.action
        state = action.local if action.side is Side.REMOTE else action.remote
        size = 0 if state is None else state.size
        new = None if new_path is None else _text(new_path)
        self._rows.append((
            self._now(), self._run, action.op.value, action.side.value, _text(path), new, size, outcome.moved_bytes,
            outcome.seconds, outcome.result.value, outcome.why,
        ))  # fmt: skip

    def commit(self) -> None:
        if not self._rows:
            return
        self._db.execute("BEGIN")
        self._db.executemany(_INSERT, self._rows)
        self._db.execute("COMMIT")
        self._rows.clear()

    def prune(self, *, most: int = MOST, oldest_ns: int = OLDEST_NS) -> None:
        """Forgets the rows beyond a number and an age (ns)."""
        self.commit()
        self._db.execute("DELETE FROM transfer WHERE time_ns < ?", (self._now() - oldest_ns,))
        self._db.execute("DELETE FROM transfer WHERE id <= (SELECT max(id) FROM transfer) - ?", (most,))

    def query(
        self,
        *,
        action: Op | None = None,
        side: Side | None = None,
        search: str | None = None,
        since_ns: int | None = None,
        failed: bool = False,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Transfer]:
        """The latest rows first. ``search`` is a part of a path; ``before`` is the last page's last ``id``."""
        self.commit()
        filters: list[tuple[str, object]] = []
        if action is not None:
            filters.append(("action = ?", action.value))
        if side is not None:
            filters.append(("side = ?", side.value))
        if search is not None:
            filters.append(("instr(path || char(10) || coalesce(new_path, ''), ?) > 0", search))
        if since_ns is not None:
            filters.append(("time_ns >= ?", since_ns))
        if failed:
            filters.append(("result != ?", Result.DONE.value))
        if before is not None:
            filters.append(("id < ?", before))
        where = " AND ".join(text for text, _ in filters) or "1"
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM transfer WHERE {where} ORDER BY id DESC LIMIT ?",  # noqa: S608 - constants only
            [*(value for _, value in filters), limit],
        )
        return [_transfer(row) for row in rows]

    def close(self) -> None:
        self.commit()
        self.prune()
        self._db.close()


def _transfer(row: tuple[int, int, int, str, str, str, str | None, int, int, float, str, str]) -> Transfer:
    (number, time_ns, run, action, side, path, new_path, size, moved, seconds, result, why) = row
    return Transfer(
        number, time_ns, run, Op(action), Side(side), path, new_path, size, moved, seconds, Result(result), why
    )  # fmt: skip


def _text(path: str) -> str:
    """SQLite holds no lone surrogates: bytes that are not UTF-8 are shown as U+FFFD."""
    return os.fsencode(path).decode(errors="replace")
