"""When a run is due, whatever the clocks do."""

from __future__ import annotations

import math

import pytest

from reconciler.engine.schedule import LEAST, Moment, recalled, wait

HOUR = 3600.0
DAY = 24 * HOUR
BEGAN = 1_700_000_000


def at(wall: float, steady: float) -> Moment:
    """So many seconds later by each clock."""
    return Moment(int((BEGAN + wall) * 1e9), 100.0 + steady)


@pytest.mark.parametrize(
    ("every", "now", "left"),
    [
        pytest.param(HOUR, at(0, 0), HOUR, id="just ran"),
        pytest.param(HOUR, at(HOUR / 2, HOUR / 2), HOUR / 2, id="half of it"),
        pytest.param(HOUR, at(HOUR, HOUR), 0.0, id="due"),
        pytest.param(HOUR, at(5 * HOUR, 5 * HOUR), -4 * HOUR, id="missed four times, and due once"),
        pytest.param(DAY, at(3 * DAY, HOUR), -2 * DAY, id="the machine slept"),
        pytest.param(
            HOUR, at(-10 * DAY, HOUR / 2), HOUR / 2, id="set back, and the steady clock goes on"
        ),
        pytest.param(HOUR, at(-10 * DAY, HOUR), 0.0, id="set back and due"),
        pytest.param(
            HOUR,
            at(10 * DAY, 1.0),
            LEAST - 1.0,
            id="set forward: no sooner than a minute after the last",
        ),
        pytest.param(HOUR, at(10 * DAY, LEAST), 0.0, id="set forward, a minute ago"),
        pytest.param(
            30.0, at(10.0, 10.0), 20.0, id="an interval below the least one holds all the same"
        ),
    ],
)
def test_what_is_left(every: float, now: Moment, left: float) -> None:
    found = wait(every, at(0, 0), now)
    assert found == pytest.approx(left) if left >= 0 else found <= 0


def test_what_never_ran_is_due() -> None:
    assert wait(DAY, None, at(0, 0)) == -math.inf


def test_a_clock_that_keeps_jumping_forward_brings_no_storm() -> None:
    """A day forward every second, and a run whenever one is due."""
    last, runs = at(0, 0), 0
    for second in range(1, 3601):
        now = at(second * DAY, second)
        if wait(HOUR, last, now) <= 0:
            last, runs = now, runs + 1
    assert runs == 3600 / LEAST


@pytest.mark.parametrize(
    ("wall", "left"),
    [
        pytest.param(None, -math.inf, id="nobody knows"),
        pytest.param(-HOUR / 4, HOUR * 3 / 4, id="in another process a while ago"),
        pytest.param(-2 * DAY, -47 * HOUR, id="before the machine was off"),
        pytest.param(
            DAY, -math.inf, id="in the future: the clock was wrong, and it is made up at once"
        ),
    ],
)
def test_a_run_of_another_process(wall: float | None, left: float) -> None:
    now = at(0, 0)
    last = recalled(None if wall is None else at(wall, 0).wall_ns, now)
    assert wait(HOUR, last, now) == pytest.approx(left)


def test_a_run_of_another_process_stays_known_when_the_clock_is_set_back() -> None:
    last = recalled(at(-HOUR / 4, 0).wall_ns, at(0, 0))
    assert wait(HOUR, last, at(-10 * DAY, HOUR / 4)) == pytest.approx(HOUR / 2)
