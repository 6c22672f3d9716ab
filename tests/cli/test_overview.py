"""How a synchronization is, in words: from plain values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from syncin_mount.app.drives.drive_state import state_of
from syncin_mount.cli.ui import output, progress_text, status_table
from syncin_mount.cli.ui.status_table import Line, StatusRow
from syncin_mount.config import Synchronization
from syncin_mount.control.messages import Problem, Progress, Running, Status
from syncin_mount.control.supervision import Phase, Supervised

UPLOADING = Progress(
    "carrying",
    files=5000,
    files_done=1,
    bytes=1024,
    bytes_done=256,
    speed=100.0,
    left=7.7,
    transfers=(
        Running("send", "remote", "a", 1, 2),
        Running("send", "remote", "b", 1, 2, phase="finishing"),
    ),
)
COMING = Progress("carrying", files=2, files_done=1, bytes=100, bytes_done=50, to_fetch=1)
NOW = 1_700_000_000.0
DOCS = Synchronization("docs", "home", "personal/docs", Path("/docs"))
UP = Supervised("docs", Phase.UP)


def status(**more: Any) -> Status:
    return structs.replace(
        Status("docs", "home", "personal/docs", "/docs", mounted=True, online=True), **more
    )


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (StatusRow(DOCS, status()), ("mounted", "online", "idle")),
        (StatusRow(DOCS, status(online=None)), ("mounted", "not asked", "idle")),
        (StatusRow(DOCS, status(online=False)), ("mounted", "offline", "offline")),
        (StatusRow(DOCS, status(mounted=False, online=None)), ("no", "-", "-")),
        (
            StatusRow(replace(DOCS, enabled=False), status(mounted=False, online=None)),
            ("disabled", "-", "-"),
        ),
        (StatusRow(DOCS, status(paused=True, halted="x")), ("mounted", "-", "paused")),
        (StatusRow(DOCS, status(halted="x", running="listing")), ("mounted", "online", "halted")),
        (StatusRow(DOCS, status(refused="x")), ("mounted", "online", "refused")),
        (StatusRow(DOCS, status(running="listing")), ("mounted", "online", "listing")),
        (StatusRow(DOCS, status(read_only=True)), ("read-only", "online", "idle")),
        (
            StatusRow(DOCS, status(running="send a", work=UPLOADING)),
            ("mounted", "online", "uploading 25 %"),
        ),
        (StatusRow(DOCS, status(work=COMING)), ("mounted", "online", "downloading 50 %")),
        (StatusRow(DOCS, status(waits_for_turn=True)), ("mounted", "online", "waits its turn")),
        (
            StatusRow(DOCS, status(problems=(Problem("a", "b", lasting=True),))),
            ("mounted", "online", "1 problem"),
        ),
        (
            StatusRow(DOCS, status(problems=(Problem("a", "is locked"),))),
            ("mounted", "online", "waits"),
        ),
        (StatusRow(DOCS, None, Supervised("docs", Phase.STARTING)), ("starting", "-", "-")),
        (
            StatusRow(DOCS, None, Supervised("docs", Phase.WAITING, 2, "no room", 1, NOW + 240)),
            ("no", "-", "again in 4 min"),
        ),
        (StatusRow(DOCS, None, None, "broken", 1), ("no", "-", "error")),
    ],
)
def test_the_row(seen: StatusRow, words: tuple[str, ...]):
    headings = status_table.columns([seen])
    row = dict(zip(headings, status_table.row(seen, headings, NOW), strict=True))
    assert (row["DRIVE"], row["SERVER"], row["NOW"]) == words


def test_each_state_has_a_word_of_its_own_and_is_told_below():
    states = {
        "paused": status(paused=True, online=False),
        "offline": status(online=False, why_offline="no answer", offline_since=NOW, next_try=NOW),
        "read-only": status(read_only=True, direction="download"),
        "halted": status(halted="2000 deletions"),
    }
    told = {kind: status_table.lines(StatusRow(DOCS, each)) for kind, each in states.items()}
    assert {kind: [line.kind for line in lines] for kind, lines in told.items()} == {
        kind: [kind] for kind in states
    }
    assert told["paused"][0].text.endswith("syncin-mount resume docs")
    assert told["offline"][0].text == (
        f"since {output.moment(NOW)}: no answer; next try at {output.time_of_day(NOW)}"
    )
    assert "changes are refused here" in told["read-only"][0].text
    words = [state_of(each).value for each in states.values()]
    assert words == ["paused", "offline", "idle", "halted"]


def test_the_whole_work_is_told_where_there_are_many_files():
    told = status_table.lines(StatusRow(DOCS, status(running="x", work=UPLOADING)))
    assert told[0] == Line(
        "docs", "in all", "1 of 5000 files, 256 B of 1.0 KiB, 25 %, 100 B/s, 8 s left"
    )


def test_the_next_run_is_a_column_where_something_is_scheduled():
    assert "NEXT RUN" not in status_table.columns([StatusRow(DOCS, status())])
    assert "NEXT RUN" in status_table.columns(
        [StatusRow(DOCS, status()), StatusRow(DOCS, status(next_run=NOW))]
    )


def test_transfers_with_speed_and_time_left():
    running = Running("send", "remote", "a.iso", 3 << 20, 12 << 20, float(1 << 20), 9.0)
    started = Running("fetch", "local", "b", 0, 100)
    assert status_table.lines(StatusRow(DOCS, status(transfers=(running, started)))) == [
        Line("docs", "uploading", "a.iso, 3.0 MiB of 12.0 MiB, 25 %, 1.0 MiB/s, 9 s left"),
        Line("docs", "downloading", "b, 100 B"),
    ]


def test_problems_that_need_somebody_come_first_and_the_rest_is_counted():
    found = [Problem(f"w{each}", "is in use") for each in range(4)] + [
        Problem("p", "is too long", lasting=True)
    ]
    seen = StatusRow(DOCS, status(problems=tuple(found)))
    brief = status_table.lines(seen)
    assert brief[0] == Line("docs", "problem", "p: is too long")
    assert brief[-1] == Line("docs", "", "and 2 more: syncin-mount status docs")
    assert len(brief) == status_table.PROBLEMS + 1
    assert len(status_table.lines(seen, brief=False)) == 5


def test_what_the_supervisor_does_about_it():
    refused = Supervised("docs", Phase.WAITING, 1, "the mount point is not empty", 1, NOW)
    again = f"next try at {output.time_of_day(NOW)}"
    assert status_table.lines(StatusRow(DOCS, None, refused)) == [
        Line("docs", "drive", f"the mount point is not empty; {again}")
    ]


@pytest.mark.parametrize(
    ("after", "tells"),
    [
        (StatusRow(DOCS, status(next_try=NOW + 1), UP), False),
        (
            StatusRow(
                DOCS, status(transfers=(Running("send", "remote", "a", 5, 9, 1.0, 4.0),)), UP
            ),
            True,
        ),
        (StatusRow(DOCS, status(waiting=1), UP), True),
        (StatusRow(DOCS, status(), Supervised("docs", Phase.UP, why="files are open")), True),
        (StatusRow(DOCS, None, UP, "gone"), True),
    ],
)
def test_when_there_is_something_new_to_tell(after: StatusRow, tells: bool):
    assert (after.key != StatusRow(DOCS, status(), UP).key) is tells


def test_a_transfer_that_goes_on_is_nothing_new():
    one, other = (
        status(transfers=(Running("send", "remote", "a", done, 9, 1.0, 4.0),)) for done in (1, 2)
    )
    assert StatusRow(DOCS, one).key == StatusRow(DOCS, other).key


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (3600, "1 h"),
        (7800, "2 h 10 min"),
        (259_200, "3 d"),
    ],
)
def test_durations(seconds: float, text: str):
    assert progress_text.duration(seconds) == text
