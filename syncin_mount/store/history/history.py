"""The history of transfers, for people: an SQLite file of its own, so that it can be lost without
harm.

Nothing of it may ever hold up the drive: recording only adds to a list in memory. ``commit`` and
``tend`` write, and are for a thread; what cannot be written now (a full disk, another program that
has the file) goes on waiting in memory, a damaged file is moved aside, and nobody is waited for. A
killed process loses what was not written yet: that of a second.

The file is described in `syncin_mount.store.history.schema`, the search in `history_find`.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from reconciler.model import Outcome, Side
from syncin_mount import system
from syncin_mount.store.history import schema
from syncin_mount.store.history.query import HistoryQuery, Transfer, find
from syncin_mount.store.history.schema import Limits, OldHistory, Row, kind_of, transaction
from syncin_mount.store.name_texts import to_bytes

__all__ = ["History", "HistoryQuery", "Limits", "OldHistory", "Transfer", "read_history"]

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_WAITING: Final = 10_000
"""Rows that wait in memory while they cannot be written; of more, the oldest are dropped."""

BATCH: Final = 500
"""Rows a transaction: some 3 ms."""


class History:
    """``record`` and ``begin_run`` are for the drive's thread and never block. All else may be
    called from any thread, opens the file when it is needed first, and takes turns."""

    def __init__(self, path: Path, now_ns: Callable[[], int]) -> None:
        self._now = now_ns
        self._path = path
        self._rows: deque[Row] = deque()
        # counted from this process's first; ``_before`` is that of the last process's last
        self._run = 1
        self._run_used = False
        self._before = 0
        self._turn = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._failed = False

    # recording ------------------------------------------------------------------------------------

    def begin_run(self) -> None:
        """Rows from now on belong to another run."""
        if self._run_used:
            self._run, self._run_used = self._run + 1, False

    def record(self, outcome: Outcome, path: str, new_path: str | None) -> None:
        """Keeps an action in memory, to be written by the next ``commit``."""
        action = outcome.action
        # A deletion has no state on the side that it comes from.
        state = (action.local if action.side is Side.REMOTE else action.remote) or action.base
        self._run_used = True
        self._rows.append(
            (
                self._now(),
                self._run,
                kind_of(action.op, action.side, outcome.result),
                _text(path),
                None if new_path is None else _text(new_path),
                0 if state is None else state.size,
                outcome.moved_bytes,
                outcome.seconds,
                outcome.why,
            )
        )

    # writing --------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Writes the rows; those that cannot be written wait for the next time. Blocks. Raises
        nothing."""
        with self._turn:
            written = True
            while self._rows and written:
                written = self._do(self._write, or_else=False)
            while self._failed and len(self._rows) > MOST_WAITING:
                self._rows.popleft()

    def _write(self, db: sqlite3.Connection) -> bool:
        batch: list[Row] = []
        while self._rows and len(batch) < BATCH:
            batch.append(self._rows.popleft())
        try:
            with transaction(db):
                schema.insert(db, [(row[0], row[1] + self._before, *row[2:]) for row in batch])
        except BaseException:
            self._rows.extendleft(reversed(batch))
            raise
        return True

    def tend(self, limits: Limits) -> bool:
        """One small step of upkeep (some 20 ms): text becomes searchable, what is too old or too
        much is forgotten. False when nothing is left to do. Blocks. Raises nothing."""
        with self._turn:
            return self._do(lambda db: schema.tend(db, self._now(), limits), or_else=False)

    def query(self, wanted: HistoryQuery | None = None) -> list[Transfer]:
        """What fits, also of what was not written yet; none while the file cannot be read.
        Blocks."""
        with self._turn:
            self.commit()
            return self._do(lambda db: find(db, wanted or HistoryQuery()), or_else=[])

    def close(self) -> None:
        """Writes what waits, if that is possible. Twice is harmless."""
        with self._turn:
            self.commit()
            self._let_go()

    # the file -------------------------------------------------------------------------------------

    def _do(self, act: Callable[[sqlite3.Connection], T], *, or_else: T) -> T:
        """What the act gives, where it is possible now."""
        for _ in range(2):
            try:
                if self._db is None:
                    self._open()
                assert self._db is not None
                result = act(self._db)
            except (sqlite3.Error, OSError) as error:
                if not _is_damage(error):
                    self._complain(error)
                    return or_else
                self._move_aside(error)
            else:
                self._failed = False
                return result
        return or_else

    def _open(self) -> None:
        self._db = schema.open_for_writing(self._path)
        last = int(self._db.execute("SELECT coalesce(max(run), 0) FROM transfers").fetchone()[0])
        self._before = max(self._before, last)

    def _let_go(self) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def _move_aside(self, error: Exception) -> None:
        """Rows that wait in memory stay."""
        log.warning(
            "the history in %s is damaged (%s); it is kept as %s.damaged",
            self._path,
            error,
            self._path.name,
        )
        self._let_go()
        try:
            system.replace(self._path, f"{self._path}.damaged")
            for more in ("-wal", "-shm"):
                system.discard(f"{self._path}{more}")
        except OSError as failure:
            self._complain(failure)

    def _complain(self, error: Exception) -> None:
        """Once for every failure in a row."""
        if not self._failed:
            log.warning(
                "the history could not be written (%s); what was done is kept in memory meanwhile",
                error,
            )
        self._failed = True


def read_history(path: Path, wanted: HistoryQuery) -> list[Transfer]:
    """What fits of a history that another process may be writing; without what it has in memory.
    Raises sqlite3.Error, OldHistory."""
    db = schema.open_for_reading(path)
    if db is None:
        return []
    with contextlib.closing(db):
        return find(db, wanted)


def _is_damage(error: Exception) -> bool:
    """Whether the file itself is at fault, not the moment."""
    # its subclasses say what is wrong with the moment, or with us
    return type(error) is sqlite3.DatabaseError


def _text(path: str) -> str:
    """SQLite holds no lone surrogates: bytes that are not UTF-8 are shown as U+FFFD."""
    return to_bytes(path).decode(errors="replace")
