"""What the icon, the tooltip and the words say of drives: tables, no bus."""

from __future__ import annotations

import pytest

from syncin_mount.app.drives.drive_state import DriveState
from syncin_mount.control.messages import Summary
from syncin_mount.control.supervision import Phase
from syncin_mount.desktop.page import Place
from syncin_mount.tray.view import (
    TOOLTIP_DRIVES,
    DriveView,
    Kind,
    Need,
    foremost,
    kind_of,
    needs,
    overall,
    tooltip,
    words,
)

WHY = "the daemon of 'docs' was killed"


def mounted(state: DriveState | str = DriveState.IDLE, name: str = "docs", **more) -> DriveView:
    word = state.value if isinstance(state, DriveState) else state
    return DriveView(name, Phase.UP, f"/mnt/{name}", summary=Summary(word, **more))


STATES = [
    (mounted(), Kind.IDLE, "up to date"),
    (mounted(waiting=1), Kind.IDLE, "1 change pending"),
    (mounted(DriveState.SYNCING), Kind.SYNCING, "syncing"),
    (
        mounted(DriveState.SYNCING, files=340, files_done=12, left=170.0),
        Kind.SYNCING,
        "syncing 12 of 340 · 3 min left",
    ),
    (
        mounted(DriveState.DOWNLOADING, files=2, files_done=1, left=7300.0),
        Kind.SYNCING,
        "downloading 1 of 2 · 2 h left",
    ),
    (mounted(DriveState.PAUSED, waiting=3), Kind.PAUSED, "paused, 3 changes pending"),
    (mounted(DriveState.OFFLINE), Kind.OFFLINE, "offline"),
    (mounted(DriveState.OFFLINE, waiting=2), Kind.OFFLINE, "offline, 2 changes pending"),
    (mounted(DriveState.HALTED, halted="why"), Kind.NEEDS_YOU, "stopped, needs you"),
    (mounted(DriveState.REFUSED, refused="why"), Kind.NEEDS_YOU, "refused by the server"),
    (mounted(DriveState.PROBLEMS, problems=2), Kind.NEEDS_YOU, "2 problems"),
    (mounted(DriveState.FAILED, failed="why"), Kind.OFFLINE, "the last run failed"),
    (mounted(DriveState.WAITING), Kind.IDLE, "tried again"),
    (mounted(DriveState.WAITS_FOR_TURN), Kind.IDLE, "waits for its turn"),
    (mounted(DriveState.UNMOUNTED), Kind.STOPPED, "not mounted"),
    (mounted("a word of a later version"), Kind.IDLE, "mounted"),
    (DriveView("docs", Phase.UP), Kind.IDLE, "mounted"),
    (DriveView("docs", Phase.UP, paused=True), Kind.PAUSED, "paused"),
    (DriveView("docs", Phase.DOWN), Kind.STOPPED, "not mounted"),
    (DriveView("docs", Phase.STARTING), Kind.STOPPED, "being mounted"),
    (DriveView("docs", Phase.STOPPING), Kind.STOPPED, "being unmounted"),
    (DriveView("docs", Phase.WAITING), Kind.STOPPED, "being mounted"),
    (DriveView("docs", Phase.WAITING, why=WHY), Kind.NEEDS_YOU, "cannot be mounted"),
]


@pytest.mark.parametrize(("drive", "kind", "said"), STATES)
def test_each_state_has_an_icon_and_words(drive: DriveView, kind: Kind, said: str):
    assert (kind_of(drive), words(drive)) == (kind, said)


def test_every_state_of_a_drive_is_in_the_table():
    assert {drive.state for drive, *_ in STATES} == {*DriveState, None}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "less than 1 min"),
        (59.9, "less than 1 min"),
        (60.0, "1 min"),
        (3600.0, "1 h"),
        (90_000.0, "1 day"),
        (200_000.0, "2 days"),
    ],
)
def test_how_long_it_takes_is_said_roughly(seconds: float, said: str):
    drive = mounted(DriveState.SYNCING, files=2, files_done=1, left=seconds)
    assert words(drive) == f"syncing 1 of 2 · {said} left"


IDLE, PAUSED, OFF = mounted(), mounted(DriveState.PAUSED), mounted(DriveState.OFFLINE)
BUSY, HALTED, DOWN = (
    mounted(DriveState.SYNCING),
    mounted(DriveState.HALTED),
    DriveView("docs", Phase.DOWN),
)


@pytest.mark.parametrize(
    ("drives", "kind"),
    [
        ((), Kind.STOPPED),
        ((DOWN,), Kind.STOPPED),
        ((DOWN, PAUSED), Kind.PAUSED),
        ((PAUSED, IDLE), Kind.IDLE),
        ((IDLE, OFF), Kind.OFFLINE),
        ((OFF, BUSY), Kind.SYNCING),
        ((BUSY, HALTED, DOWN), Kind.NEEDS_YOU),
    ],
)
def test_the_icon_shows_what_matters_most(drives: tuple[DriveView, ...], kind: Kind):
    assert overall(drives) is kind
    assert overall(drives[::-1]) is kind


def test_what_needs_somebody_is_named_with_its_place():
    halted = mounted(DriveState.HALTED, halted="Half is gone.", conflicts=2)
    assert needs(halted) == [
        Need("docs", "docs is stopped", "Half is gone.", Place.HALT),
        Need(
            "docs",
            "docs has 2 conflicts",
            "2 conflicts; look with: syncin-mount conflicts docs",
            Place.CONFLICTS,
        ),
    ]
    refused = mounted(DriveState.REFUSED, refused="Log in again.", problems=1)
    assert [(each.title, each.place) for each in needs(refused)] == [
        ("docs is refused by the server", Place.LOG_IN),
        ("docs has 1 problem", Place.PROBLEMS),
    ]
    assert [each.text for each in needs(DriveView("docs", Phase.WAITING, why=WHY))] == [WHY]
    for quiet in (IDLE, OFF, PAUSED, BUSY, DOWN, DriveView("docs", Phase.UP)):
        assert needs(quiet) == []


def test_the_tooltip_has_a_line_for_each_drive_and_no_markup():
    strange = mounted(name="a<b>&c\n\u202e")
    told = tooltip([IDLE, strange])
    assert told.title == "Sync-in: up to date"
    assert told.text == "docs: up to date\na&lt;b&gt;&amp;c\\n\\u202e: up to date"
    assert tooltip([]).text == "no synchronization is enabled"


def test_of_many_drives_those_that_need_somebody_are_told():
    many = [mounted(name=f"d{number}") for number in range(300)]
    many[250] = mounted(DriveState.HALTED, "halted")
    lines = tooltip(many).text.splitlines()
    assert len(lines) == TOOLTIP_DRIVES + 1
    assert lines[-2:] == ["halted: stopped, needs you", "and 290 more"]
    assert [each.name for each in foremost(many, 3)] == ["d0", "d1", "halted"]
