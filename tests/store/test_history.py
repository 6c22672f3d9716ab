"""The history of transfers: what is kept and found, and that nothing of it holds up the drive.

This file is long because every question is asked of the same history, with rows, gaps and filters.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from reconciler.model import ROOT, Action, Kind, Local, NodeId, Op, Outcome, Result, Side
from syncin_mount.store import History, HistoryQuery, Limits, Transfer, read_history
from syncin_mount.store.history import history as history_module
from syncin_mount.store.history import query, schema
from syncin_mount.store.history.query import find
from syncin_mount.store.history.schema import fold
from tests.store.filled_history import filled
from tests.store.support import SECOND, Ticks, make, open_replica, tree

DAY = 86_400 * SECOND


def outcome(op: Op = Op.SEND, side: Side = Side.REMOTE, result: Result = Result.DONE) -> Outcome:
    local = Local(Kind.FILE, ROOT, "x", 10, 0, 1)
    return Outcome(Action(op, side, NodeId(2), None, local, None), result, "because", 10, 0.5)


def paths(found: list[Transfer]) -> list[str]:
    return [one.path for one in found]


@pytest.fixture(params=["indexed", "without FTS5"])
def search(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where SQLite lacks the full-text search."""
    if request.param != "indexed":
        for module in (schema, query):
            monkeypatch.setattr(module, "can_search", lambda db: False)


def tended(history: History, limits: Limits | None = None) -> int:
    """All upkeep that there is to do; in how many steps."""
    steps = 0
    while history.tend(limits or Limits()):
        steps += 1
    return steps


@pytest.mark.usefixtures("search")
def test_history_is_kept_and_found(tmp_path: Path) -> None:
    clock = Ticks()
    path = tmp_path / "history.sqlite"
    history = History(path, clock)
    for number in range(10):
        history.record(outcome(), f"folder/file {number}", None)
    history.begin_run()
    history.begin_run()  # one in which nothing is done is not counted
    history.record(outcome(Op.MOVE, Side.REMOTE, Result.FAILED), "old 100%", "new_name")
    history.record(outcome(Op.SEND, Side.REMOTE, Result.STALE), "odd \udcff", None)
    history.record(outcome(Op.FETCH, Side.LOCAL, Result.DONE), 'he said "hello"', None)
    history.close()

    history = History(path, clock)
    failed = None
    for _ in range(2):  # before and after it was made searchable
        latest = history.query(HistoryQuery(limit=4))
        assert paths(latest) == ['he said "hello"', "odd \ufffd", "old 100%", "folder/file 9"]
        assert paths(history.query(HistoryQuery(limit=1, before=latest[-1].id))) == [
            "folder/file 8"
        ]
        assert paths(history.query(HistoryQuery(limit=2, after=latest[-1].id))) == [
            "old 100%",
            "odd \ufffd",
        ]
        (failed,) = history.query(HistoryQuery(failed=True))
        assert (failed.action, failed.new_path, failed.why, failed.moved) == (
            Op.MOVE,
            "new_name",
            "because",
            10,
        )
        assert failed.run == latest[-1].run + 1
        assert len(history.query(HistoryQuery(run=failed.run))) == 3
        assert paths(history.query(HistoryQuery(search="100%"))) == ["old 100%"]
        assert paths(history.query(HistoryQuery(search="new_n"))) == ["old 100%"]
        assert paths(history.query(HistoryQuery(search='"HELLO'))) == ['he said "hello"']
        assert history.query(HistoryQuery(search="name%")) == []
        assert len(history.query(HistoryQuery(action=Op.SEND))) == 11
        assert paths(history.query(HistoryQuery(side=Side.LOCAL))) == ['he said "hello"']
        assert history.query(HistoryQuery(since_ns=clock.now + SECOND)) == []
        assert len(history.query(HistoryQuery(until_ns=latest[-1].time_ns))) == 9
        assert tended(history) <= 1
    assert failed is not None
    history.begin_run()
    history.record(outcome(), "later", None)
    assert history.query(HistoryQuery(limit=1))[0].run == failed.run + 1
    history.close()


@pytest.mark.usefixtures("search")
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Überstunden.ODT", "überSTUNDEN"),
        ("cafe\u0301/menu", "CAFÉ"),  # composed otherwise
        ("café/menu", "cafe\u0301"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("Straße", "STRASSE"),
        ("Мир/Файл", "мир/ф"),
        ("a/日本語.txt", "本語"),
        ("x/İ", "İ"),
        ("Report.TXT", "report.t"),
        ("ab", "B"),
    ],
)
def test_text_is_found_whatever_its_case_and_accents(tmp_path: Path, path: str, text: str) -> None:
    history = History(tmp_path / "history.sqlite", Ticks())
    for number in range(3):
        history.record(outcome(), f"another {number}", None)
    history.record(outcome(), path, None)
    history.record(outcome(Op.MOVE), "it was this", path)
    for _ in range(2):
        assert paths(history.query(HistoryQuery(search=text))) == ["it was this", path]
        tended(history)
    history.close()


@pytest.mark.slow
def test_every_mixture_of_filters_finds_what_looking_through_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock that is set back now and then, and an index that is used for few rows, too."""
    monkeypatch.setattr(query, "FEW", 5)
    monkeypatch.setattr(schema, "SEGMENT", 60)
    clock = Ticks()
    history = History(tmp_path / "history.sqlite", clock)
    kinds = [
        (op, side, result)
        for op in (Op.SEND, Op.FETCH)
        for side in (Side.REMOTE, Side.LOCAL)
        for result in Result
    ]
    for number in range(300):
        clock.now += (number % 7 - 2) * 400 * SECOND
        if number % 40 == 0:
            history.begin_run()
        history.record(
            outcome(*kinds[number * 7 % len(kinds)]), f"{number % 3} Word {number % 11}/f", None
        )
        if number == 200:
            history.commit()
            tended(history)
    everything = history.query(HistoryQuery(limit=1000))
    moments = [None, *(everything[at].time_ns for at in (20, 150, 260))]
    asked = 0
    for op in (None, Op.SEND):
        for side in (None, Side.LOCAL):
            for failed in (False, True):
                for text in (None, "word 1", "0 w", "no such"):
                    for run in (None, 3):
                        for since in moments:
                            for until in moments:
                                wanted = HistoryQuery(
                                    op, side, failed, run, text, since, until, limit=1000
                                )
                                expected = [one for one in everything if _fits(one, wanted)]
                                assert history.query(wanted) == expected, wanted
                                asked += bool(expected)
    assert asked > 200
    history.close()


def _fits(one: Transfer, wanted: HistoryQuery) -> bool:
    return (
        wanted.action in {None, one.action}
        and wanted.side in {None, one.side}
        and (not wanted.failed or one.result in {Result.FAILED, Result.WAITS})
        and wanted.run in {None, one.run}
        and (wanted.search is None or fold(wanted.search) in fold(one.path))
        and (wanted.since_ns is None or one.time_ns >= wanted.since_ns)
        and (wanted.until_ns is None or one.time_ns < wanted.until_ns)
    )


# keeping it small ---------------------------------------------------------------------------------


def recorded(history: History, clock: Ticks, first: int, last: int) -> None:
    """A row and a run a day."""
    for number in range(first, last):
        history.begin_run()
        history.record(outcome(), f"file {number}", None)
        clock.now += DAY
    history.commit()


def spans_left_behind(history: History) -> int:
    """Hours of which no row is there any more."""
    assert history._db is not None
    rows = "SELECT count(*) FROM spans WHERE last < (SELECT min(id) FROM transfers)"
    return int(history._db.execute(rows).fetchone()[0])


def test_what_is_too_old_goes_in_small_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share at a time, and the next share some runs later, until no more is too old."""
    monkeypatch.setattr(schema, "STEP", 10)
    monkeypatch.setattr(schema, "SEGMENT", 20)
    monkeypatch.setattr(schema, "RUNS", 5)
    clock = Ticks()
    history = History(tmp_path / "history.sqlite", clock)
    recorded(history, clock, 0, 400)
    assert tended(history, Limits(days=30)) == 40 + 2  # made searchable, then a share forgotten
    assert len(history.query(HistoryQuery(limit=1000))) == 400 - 20
    assert tended(history, Limits(days=30)) == 0
    recorded(history, clock, 400, 405)
    tended(history, Limits(days=30))
    assert len(history.query(HistoryQuery(limit=1000))) == 385 - 20
    for day in range(405, 700, 5):
        recorded(history, clock, day, day + 5)
        tended(history, Limits(days=30))
    left = paths(history.query(HistoryQuery(limit=1000)))
    assert schema.KEPT_RUNS == len(left) == 200
    assert (left[0], left[-1]) == ("file 699", "file 500")
    assert history._db is not None
    assert schema.segments(history._db)[0] * 20 <= 500
    assert spans_left_behind(history) == 0
    history.close()


@pytest.mark.parametrize("rows", [1, 50, 201, 1000])
def test_a_clock_that_is_years_ahead_for_a_while_takes_little(tmp_path: Path, rows: int) -> None:
    """Ten years, for a hundred runs; however often there is upkeep, and across restarts."""
    clock = Ticks()
    history = History(tmp_path / "history.sqlite", clock)
    recorded(history, clock, 0, rows)
    right = clock.now
    clock.now += 3650 * DAY
    for number in range(rows, rows + 100):
        recorded(history, clock, number, number + 1)
        tended(history)
    history.close()
    clock.now = right
    history = History(tmp_path / "history.sqlite", clock)
    tended(history)
    assert len(history.query(HistoryQuery(limit=10_000))) >= min(rows, 0.85 * rows) + 100
    history.close()


@pytest.mark.slow
def test_a_file_that_is_too_big_gets_smaller_on_the_disk_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "SEGMENT", 2000)
    path = tmp_path / "history.sqlite"
    history = History(path, Ticks())
    for number in range(15_000):
        history.record(outcome(), f"a folder of many/and one in it/file {number}", f"new/{number}")
    history.commit()
    tended(history)
    assert _size(path) > 2_000_000
    tended(history, Limits(megabytes=1))
    left = history.query(HistoryQuery(limit=100_000))
    assert 1000 < len(left) < 10_000
    assert left[0].path.endswith(" 14999")
    assert len(history.query(HistoryQuery(search="FOLDER of", limit=100_000))) == len(left)
    assert spans_left_behind(history) == 0
    history.close()
    assert _size(path) < 1_300_000


def _size(path: Path) -> int:
    return sum(
        each.stat().st_size
        for each in path.parent.glob(f"{path.name}*")
        if not each.name.endswith("-shm")
    )


# a million rows -----------------------------------------------------------------------------------


def steps_of(db: sqlite3.Connection, wanted: HistoryQuery) -> int:
    """How much SQLite has to do for it, in thousands of its own instructions. Unlike the time, it
    is the same on every machine and beside every load."""
    count = 0

    def another() -> int:
        nonlocal count
        count += 1
        return 0

    db.set_progress_handler(another, 1000)
    find(db, wanted)
    db.set_progress_handler(None, 0)
    return count


AT = 15 * SECOND
MIXTURES = {
    "all": HistoryQuery(),
    "a page far behind": HistoryQuery(before=5000),
    "failed": HistoryQuery(failed=True),
    "an action that was seldom": HistoryQuery(action=Op.TOUCH),
    "an action that never was": HistoryQuery(action=Op.MOVE),
    "a side": HistoryQuery(side=Side.LOCAL),
    "an action on the other side": HistoryQuery(action=Op.SEND, side=Side.LOCAL),
    "a run": HistoryQuery(run=100),
    "a failure of a run": HistoryQuery(run=100, failed=True),
    "long ago": HistoryQuery(until_ns=5000 * AT),
    "an hour long ago": HistoryQuery(since_ns=4800 * AT, until_ns=5000 * AT),
    "seldom and long ago": HistoryQuery(action=Op.TOUCH, until_ns=5000 * AT),
    "in the future": HistoryQuery(since_ns=10**19),
    "text": HistoryQuery(search="REPORT 4999."),
    "text that never was": HistoryQuery(search="no such thing"),
    "text of every row": HistoryQuery(search="report"),
    "text and failed": HistoryQuery(search="report 4007.", failed=True),
    "text, action, side, time": HistoryQuery(
        Op.SEND, Side.REMOTE, search="t 4999.t", since_ns=4990 * AT, until_ns=5000 * AT
    ),
}


@pytest.fixture(scope="module")
def million(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    folder = tmp_path_factory.mktemp("history")
    return filled(folder / "small.sqlite", 10_000), filled(folder / "big.sqlite", 1_000_000)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("which", MIXTURES)
def test_a_million_rows_cost_hardly_more_than_ten_thousand(
    million: tuple[sqlite3.Connection, sqlite3.Connection], which: str
) -> None:
    small, big = million
    wanted = MIXTURES[which]
    assert find(small, wanted) == find(big, wanted) or which not in {
        "a page far behind",
        "a run",
        "text",
    }
    # A hundred times the rows; what is looked through all would cost a hundred times as much.
    assert steps_of(big, wanted) <= 8 * max(steps_of(small, wanted), 5)


@pytest.mark.slow
def test_a_million_rows_take_less_room_than_what_is_kept_by_default(
    million: tuple[sqlite3.Connection, sqlite3.Connection],
) -> None:
    _, big = million
    assert schema._used(big) < Limits().megabytes * 10**6


@pytest.mark.slow
def test_a_step_of_upkeep_costs_the_same_with_a_million_rows(
    million: tuple[sqlite3.Connection, sqlite3.Connection],
) -> None:
    costs = []
    for db in million:
        count = 0

        def another() -> int:
            nonlocal count
            count += 1
            return 0

        db.set_progress_handler(another, 10)
        assert schema.tend(db, 10_000 * AT + 180 * DAY, Limits())
        db.set_progress_handler(None, 0)
        costs.append(count)
    # A hundred times the rows, and the spans; what a step looks through all would show.
    assert costs[1] <= 4 * costs[0]


# nothing holds up the drive -----------------------------------------------------------------------


def test_recording_touches_no_file(tmp_path: Path) -> None:
    history = History(tmp_path / "not there" / "history.sqlite", Ticks())
    for number in range(1000):
        history.record(outcome(), f"file {number}", None)
    (tmp_path / "not there").mkdir()
    assert len(history.query(HistoryQuery(limit=2000))) == 1000
    history.close()


@pytest.mark.expected_log("could not be written")
def test_a_history_that_another_program_holds_waits_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(tmp_path / "history.sqlite", Ticks())
    assert history.query() == []
    other = sqlite3.connect(tmp_path / "history.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for number in range(3):
        history.record(outcome(), f"file {number}", None)
        history.commit()  # which would wait for 5 s by default
    assert history.query() == []
    other.execute("ROLLBACK")
    assert paths(history.query()) == ["file 2", "file 1", "file 0"]
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(history_module, "MOST_WAITING", 2)
    for number in range(5):
        history.record(outcome(), f"later {number}", None)
    history.commit()
    other.execute("ROLLBACK")
    assert paths(history.query(HistoryQuery(search="later"))) == ["later 4", "later 3"]
    other.close()
    history.close()


@pytest.mark.expected_log("could not be written")
def test_a_commit_that_fails_half_way_leaves_no_transaction_open(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite", Ticks())
    history.query()
    assert history._db is not None
    pages = history._db.execute("PRAGMA page_count").fetchone()[0]
    history._db.execute(f"PRAGMA max_page_count = {pages}")  # as a full disk: SQLITE_FULL
    for number in range(400):
        history.record(outcome(), f"file {number}", None)
    history.commit()
    history._db.execute("PRAGMA max_page_count = 100000")
    found = history.query(HistoryQuery(limit=1000))
    assert paths(found) == [f"file {number}" for number in reversed(range(400))]
    history.close()


@pytest.mark.expected_log("is damaged")
@pytest.mark.parametrize("how", ["garbage", "zeros", "half"])
def test_a_damaged_history_is_moved_aside(folder: Path, how: str) -> None:
    replica = open_replica(folder)
    make(replica, "file", data=b"words")
    replica.record(outcome(), "before", None)
    replica.close()
    path = folder / "history.sqlite"
    data = path.read_bytes()
    damaged = {
        "garbage": b"\xff" * len(data),
        "zeros": bytes(len(data)),
        "half": data[: len(data) // 2],
    }[how]
    path.write_bytes(damaged)
    again = open_replica(folder)
    assert dict(tree(again)) == {"file": b"words"}
    again.record(outcome(), "file", None)
    assert paths(again.history.query()) == ["file"]
    assert (folder / "history.sqlite.damaged").read_bytes() == damaged
    again.close()


# another process, another layout ------------------------------------------------------------------


def test_another_process_reads_while_one_writes(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    assert read_history(path, HistoryQuery()) == []
    assert not path.exists()
    history = History(path, Ticks())
    history.record(outcome(), "one", None)
    history.commit()
    assert paths(read_history(path, HistoryQuery())) == ["one"]
    history.close()
    assert paths(read_history(path, HistoryQuery(search="ONE"))) == ["one"]


_LAYOUT_0 = """
PRAGMA journal_mode = WAL;
CREATE TABLE transfer (
    id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, run INTEGER NOT NULL, action TEXT NOT NULL, side TEXT NOT NULL,
    path TEXT NOT NULL, new_path TEXT, size INTEGER NOT NULL, moved INTEGER NOT NULL, seconds REAL NOT NULL,
    result TEXT NOT NULL, why TEXT NOT NULL);
CREATE INDEX transfer_time ON transfer (time_ns);
CREATE INDEX transfer_action ON transfer (action, time_ns);
INSERT INTO transfer VALUES (3, 1700000000000000000, 4, 'send', 'remote', 'a', NULL, 1, 2, 0.5, 'done', '');
INSERT INTO transfer VALUES (5, 1700000001000000000, 5, 'move', 'local', 'Ä', 'b', 0, 0, 0.25, 'failed', 'why not');
"""


def test_a_history_of_the_first_layout_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    old = sqlite3.connect(path, isolation_level=None)
    old.executescript(_LAYOUT_0)
    old.close()
    with pytest.raises(history_module.OldHistory):
        read_history(path, HistoryQuery())
    history = History(path, Ticks())
    history.record(outcome(), "new", None)
    new, move, send = history.query()
    assert (new.path, new.run) == ("new", 6)
    assert move == Transfer(
        5,
        1700000001000000000,
        5,
        Op.MOVE,
        Side.LOCAL,
        "Ä",
        "b",
        0,
        0,
        0.25,
        Result.FAILED,
        "why not",
    )
    assert send == Transfer(
        3, 1700000000000000000, 4, Op.SEND, Side.REMOTE, "a", None, 1, 2, 0.5, Result.DONE, ""
    )
    assert history.query(HistoryQuery(search="ä", until_ns=1700000002 * SECOND)) == [move]
    history.close()
    assert len(read_history(path, HistoryQuery())) == 3
