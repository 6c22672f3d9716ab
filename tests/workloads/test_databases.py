"""SQLite, with several processes that write, and one that is killed in the middle."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.workloads.desk import Desk, background

ACCOUNTS, SUM = 200, 200_000
WRITERS, ROUNDS = 3, 30

WRITER = f"""
import random, sqlite3, sys
chance = random.Random(sys.argv[2])
base = sqlite3.connect(sys.argv[1], timeout=90, isolation_level=None)
for number in range({ROUNDS}):
    base.execute("BEGIN IMMEDIATE")
    one, other = chance.sample(range({ACCOUNTS}), 2)
    base.execute("UPDATE accounts SET money = money - 7 WHERE id = ?", (one,))
    base.execute("UPDATE accounts SET money = money + 7 WHERE id = ?", (other,))
    base.execute("INSERT INTO transfers VALUES (?, ?, ?)", (sys.argv[2], number, "x" * chance.randrange(3000)))
    base.execute("COMMIT")
    assert base.execute("SELECT sum(money) FROM accounts").fetchone() == ({SUM},)
"""

KILLED = """
import sqlite3, sys
base = sqlite3.connect(sys.argv[1], timeout=90, isolation_level=None)
base.execute("PRAGMA cache_size = 5")  # what is changed is written into the file before it is committed
base.execute("BEGIN IMMEDIATE")
base.execute("UPDATE accounts SET money = 0")
base.executemany("INSERT INTO transfers VALUES ('killed', ?, ?)", [(n, "y" * 3000) for n in range(100)])
print("in the middle", flush=True)
sys.stdin.read()
"""


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=90, isolation_level=None)


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.timeout(300)
def test_writers_at_once(desk: Desk, mode: str) -> None:
    place = desk.drive / mode
    place.mkdir()
    path = place / "bank.sqlite"
    with closing(connect(path)) as base:
        assert base.execute(f"PRAGMA journal_mode = {mode}").fetchone() == (mode,)
        base.execute("CREATE TABLE accounts (id INTEGER PRIMARY KEY, money INTEGER)")
        base.execute(
            "CREATE TABLE transfers (who TEXT, number INTEGER, note TEXT, PRIMARY KEY (who,"
            " number))"
        )
        base.execute("BEGIN")
        base.executemany(
            "INSERT INTO accounts VALUES (?, 1000)", [(number,) for number in range(ACCOUNTS)]
        )
        base.execute("COMMIT")
    with contextlib.ExitStack() as stack:
        killed = stack.enter_context(background(sys.executable, "-c", KILLED, path))
        assert killed.line() == "in the middle"
        # They wait for its lock, which goes with it; the first one rolls back what it left.
        writers = [
            stack.enter_context(background(sys.executable, "-c", WRITER, path, number))
            for number in range(WRITERS)
        ]
        spilled = place / ("bank.sqlite-wal" if mode == "wal" else "bank.sqlite")
        assert spilled.stat().st_size > 100_000
        killed.kill()
        for writer in writers:
            assert writer.end() == ""

    def look(at: Path) -> None:
        with closing(connect(at)) as base:
            assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert base.execute("SELECT count(*), sum(money) FROM accounts").fetchone() == (
                ACCOUNTS,
                SUM,
            )
            found = base.execute(
                "SELECT who, count(*) FROM transfers GROUP BY who ORDER BY who"
            ).fetchall()
            assert found == [(str(number), ROUNDS) for number in range(WRITERS)]

    look(path)
    assert [each.name for each in place.iterdir()] == ["bank.sqlite"]
    desk.in_step()
    look(path)
    look(desk.disk / mode / "bank.sqlite")
