"""Histories of a million transfers, made by SQL: those of tests and of the page's benchmark."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from reconciler.model import Op, Result, Side
from syncin_mount.store.history import schema

DAYS_NS = 20 * 86_400 * 1_000_000_000
"""Before now; not so old that a drive forgets it."""

_FILL = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
INSERT INTO transfers SELECT i, i * 15000000000, i / 50 + 1, {kind},
    'Folder ' || (i * 7919 % 1000) || '/' || (i * 104729 % 997) || '/report ' || i || '.txt',
    NULL, i, i, 0.1, '', NULL
FROM n
"""
_KIND = (
    f"CASE WHEN i % 1000 = 7 THEN {schema.kind_of(Op.SEND, Side.REMOTE, Result.FAILED)} "
    f"WHEN i < 20 THEN {schema.kind_of(Op.TOUCH, Side.LOCAL, Result.DONE)} "
    f"WHEN i % 3 = 0 THEN {schema.kind_of(Op.FETCH, Side.LOCAL, Result.DONE)} "
    f"ELSE {schema.kind_of(Op.SEND, Side.REMOTE, Result.DONE)} END"
)


def filled(path: Path, rows: int) -> sqlite3.Connection:
    """A history of so many rows, made by SQL."""
    db = schema.open_for_writing(path)
    db.execute("PRAGMA synchronous = OFF")
    with schema.transaction(db):
        db.execute(_FILL.format(rows=rows, kind=_KIND))
        db.execute(
            "INSERT INTO spans SELECT time_ns / ?, min(id), max(id) FROM transfers GROUP BY 1",
            (schema.SPAN_NS,),
        )
        for first in range(1, rows, schema.SEGMENT):
            schema.make_searchable(db, first, min(rows, first + schema.SEGMENT - 1))
    return db


def fill_recent(path: Path, rows: int) -> None:
    """Replaces a drive's history at rest by one of so many rows, a second apart, that begins
    `DAYS_NS` ago."""
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()
    with contextlib.closing(filled(path, rows)) as db:
        db.execute(
            "UPDATE transfers SET time_ns = ? + id * 1000000000", (time.time_ns() - DAYS_NS,)
        )
        db.execute("DELETE FROM spans")
        db.execute(
            "INSERT INTO spans SELECT time_ns / ?, min(id), max(id) FROM transfers GROUP BY 1",
            (schema.SPAN_NS,),
        )
        db.commit()
