"""What a person is told on the desktop, and what not."""

from __future__ import annotations

import pytest

from syncin_mount.daemon.notifications import HOUR, LONG, Notices, State

HALT, EXPIRED = "half of it is gone", "the log-in has expired; syncin-mount server auth home"


def titles(*states: tuple[float, State]) -> list[list[str]]:
    notices = Notices("docs")
    return [[each.title for each in notices.follow(now, state)] for now, state in states]


def test_quiet_as_long_as_nothing_is_wrong():
    assert titles((0.0, State()), (1.0, State(online=True)), (10 * LONG, State(online=True))) == [
        [],
        [],
        [],
    ]


def test_only_new_conflicts_are_told():
    one, three = State(conflicts=1), State(conflicts=3)
    assert titles((0.0, one), (1.0, one), (2.0, three)) == [
        ["docs: 1 conflict"],
        [],
        ["docs: 2 conflicts"],
    ]


@pytest.mark.parametrize(
    ("state", "title"),
    [(State(halted=HALT), "docs: stopped"), (State(refused=EXPIRED), "docs: the server refuses")],
)
def test_what_needs_somebody_is_told_once(state: State, title: str):
    """Each try clears it for a moment: that does not make it new."""
    seen = titles((0.0, state), (5.0, State()), (10.0, state), (LONG, state), (3 * LONG, state))
    assert seen == [[title], [], [], [], [title]]


def test_another_reason_is_another_notice():
    assert titles((0.0, State(halted=HALT)), (1.0, State(halted="the folder is gone")))[1] == [
        "docs: stopped"
    ]


def test_a_server_that_is_away_is_told_of_after_a_day_once_each_time():
    away, back = State(online=False), State(online=True)
    told = ["docs: the server is away for a day"]
    assert titles((0.0, away), (LONG - 1, away), (LONG, away), (5 * LONG, away)) == [
        [],
        [],
        told,
        [],
    ]
    assert titles(
        (0.0, away), (LONG, away), (LONG + 1, back), (LONG + 2, away), (2 * LONG + 2, away)
    )[2:] == [
        [],
        [],
        told,
    ]


def test_a_file_that_is_not_here_is_told_of_once_an_hour():
    def read(count: int) -> State:
        return State(online=False, offline_reads=count)

    told = ["docs: a file is not on this computer yet"]
    moments = (
        (0.0, read(0)),
        (1.0, read(3)),
        (2.0, read(3)),
        (3.0, read(900)),
        (1.0 + HOUR, read(900)),
        (2.0 + HOUR, read(901)),
    )
    assert titles(*moments) == [[], told, [], [], [], told]
