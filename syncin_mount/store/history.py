"""The history of transfers, for people: an SQLite file of its own, so that it can be lost without harm.

Nothing of it may ever hold up the drive: what cannot be written now (a full disk, another program that has the file)
waits in memory, a damaged file is moved aside, and nobody is waited for.

Table ``transfer``: ``id``, ``time_ns`` (when it ended), ``run``, ``action`` (Op), ``side`` (Side), ``path``,
``new_path``, ``size`` (bytes of the content), ``moved`` (bytes over the network), ``seconds``, ``result`` (Result),
``why`` (a sentence, or empty).
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from reconciler.model import Op, Outcome, Result, Side
from syncin_mount.store import system

log = logging.getLogger(__name__)

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
MOST_WAITING: Final = 10_000
"""Rows that wait in memory while they cannot be written; of more, the oldest are dropped."""
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
        self._path = path
        self._rows: list[_Row] = []
        self._run = 1
        self._db: sqlite3.Connection | None = None
        self._failed = False
        self._connected()

    def _connected(self) -> sqlite3.Connection | None:
        """The database, opened at the first use that succeeds; a damaged one is moved aside and begun anew."""
        for _ in range(2):
            if self._db is not None:
                break
            try:
                self._open()
            except (sqlite3.Error, OSError) as error:
                if not _is_damage(error):
                    self._complain(error)
                    break
                self._move_aside(error)
        return self._db

    def _open(self) -> None:
        os.close(os.open(self._path, system.OPEN, 0o600))
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=0)
        try:
            db.executescript(_SCHEMA)
            last = int(db.execute("SELECT coalesce(max(run), 0) FROM transfer").fetchone()[0])
        except BaseException:
            db.close()
            raise
        self._db, self._run = db, max(self._run, last + 1)

    def _move_aside(self, error: Exception) -> None:
        """Rows that wait in memory stay."""
        log.warning("the history in %s is damaged (%s); it is kept as %s.damaged", self._path, error, self._path.name)
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None
        try:
            os.replace(self._path, f"{self._path}.damaged")
            for more in ("-wal", "-shm"):
                Path(f"{self._path}{more}").unlink(missing_ok=True)
        except OSError as failure:
            self._complain(failure)

    def _complain(self, error: Exception) -> None:
        """Once for every failure in a row."""
        if not self._failed:
            log.warning("the history could not be written (%s); what was done is kept in memory meanwhile", error)
        self._failed = True
        del self._rows[:-MOST_WAITING]

    def _try(self, act: Callable[[sqlite3.Connection], object]) -> bool:
        """One transaction; whether it succeeded."""
        db = self._connected()
        if db is None:
            return False
        try:
            db.execute("BEGIN IMMEDIATE")
            act(db)
            db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                if db.in_transaction:
                    db.execute("ROLLBACK")
            if _is_damage(error):
                self._move_aside(error)
            self._complain(error)
            return False
        self._failed = False
        return True

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
        """Writes the rows; those that cannot be written wait for the next time. Raises nothing."""
        if self._rows and self._try(lambda db: db.executemany(_INSERT, self._rows)):
            self._rows.clear()

    def prune(self, *, most: int = MOST, oldest_ns: int = OLDEST_NS) -> None:
        """Forgets the rows beyond a number and an age (ns), if that is possible now."""
        self.commit()

        def forget(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM transfer WHERE time_ns < ?", (self._now() - oldest_ns,))
            db.execute("DELETE FROM transfer WHERE id <= (SELECT max(id) FROM transfer) - ?", (most,))

        self._try(forget)

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
        """The latest rows first; none while the file cannot be read. ``search`` is a part of a path; ``before`` is the
        last page's last ``id``."""
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
        select = f"SELECT {_COLUMNS} FROM transfer WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608 - constants only
        rows: list[Any] = []
        db = self._connected()
        try:
            if db is not None:
                rows = db.execute(select, [*(value for _, value in filters), limit]).fetchall()
        except sqlite3.Error as error:
            self._complain(error)
        return [_transfer(row) for row in rows]

    def close(self) -> None:
        self.prune()
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None


def _is_damage(error: Exception) -> bool:
    """Whether the file itself is at fault, not the moment."""
    return type(error) is sqlite3.DatabaseError  # its subclasses say what is wrong with the moment, or with us


def _transfer(row: tuple[int, int, int, str, str, str, str | None, int, int, float, str, str]) -> Transfer:
    (number, time_ns, run, action, side, path, new_path, size, moved, seconds, result, why) = row
    return Transfer(
        number, time_ns, run, Op(action), Side(side), path, new_path, size, moved, seconds, Result(result), why
    )  # fmt: skip


def _text(path: str) -> str:
    """SQLite holds no lone surrogates: bytes that are not UTF-8 are shown as U+FFFD."""
    return os.fsencode(path).decode(errors="replace")
