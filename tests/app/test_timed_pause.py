"""Pauses that end by themselves: when, and that nothing wakes without one."""

from __future__ import annotations

import datetime as dt
import math

import pytest
import trio
from trio.testing import MockClock

from syncin_mount.app.runtime.timed_pause import LOOK_EVERY_S, TimedPause
from syncin_mount.app.synchronizations import settings

NIGHT = dt.datetime(2026, 3, 2, 23, 50).astimezone().timestamp()


class Wall:
    """A wall clock that goes on while the computer sleeps, which timers do not."""

    def __init__(self) -> None:
        self.slept = 1_000_000.0

    def now(self) -> float:
        return self.slept + trio.current_time()


async def test_a_pause_ends_at_its_moment_once(autojump_clock: MockClock, nursery: trio.Nursery):
    wall, ended = Wall(), []

    async def over(until: int) -> None:
        ended.append((until, wall.now()))

    pause = TimedPause(over, wall.now)
    await nursery.start(pause.run)
    until = int(wall.now()) + 3600
    pause.set(until)
    pause.set(until)
    await trio.sleep(7200)
    assert [moment for moment, _ in ended] == [until]
    assert ended[0][1] - until < 1
    assert pause.until is None


async def test_it_ends_soon_after_the_computer_woke_up(
    autojump_clock: MockClock, nursery: trio.Nursery
):
    wall, ended = Wall(), trio.Event()

    async def over(until: int) -> None:
        ended.set()

    pause = TimedPause(over, wall.now)
    await nursery.start(pause.run)
    pause.set(int(wall.now()) + 3600)
    await trio.sleep(60)
    wall.slept += 8 * 3600
    with trio.fail_after(LOOK_EVERY_S + 1):
        await ended.wait()


async def test_one_that_was_taken_back_never_ends(autojump_clock: MockClock, nursery: trio.Nursery):
    async def over(until: int) -> None:
        pytest.fail("it was taken back")

    wall = Wall()
    pause = TimedPause(over, wall.now)
    await nursery.start(pause.run)
    pause.set(int(wall.now()) + 60)
    await trio.sleep(59)
    pause.set(None)
    await trio.sleep(3600)


async def test_nothing_wakes_without_a_pause(nursery: trio.Nursery):
    async def over(until: int) -> None:
        pass

    pause = TimedPause(over)
    await nursery.start(pause.run)
    await trio.testing.wait_all_tasks_blocked()
    assert trio.lowlevel.current_statistics().seconds_to_next_deadline == math.inf


@pytest.mark.parametrize("seconds", [0, 59, 30 * 86_400 + 1, math.inf, math.nan])
def test_a_pause_has_bounds(seconds: float):
    with pytest.raises(ValueError, match="from 1m to 30d"):
        settings.pause_end_after(seconds, NIGHT)


def test_a_time_of_day_is_the_next_one():
    assert settings.pause_end_after(60, NIGHT) == NIGHT + 60
    assert settings.pause_end_tomorrow(NIGHT) == NIGHT + 6 * 3600 + 600
    assert settings.pause_end_at(dt.time(23, 55), NIGHT) == NIGHT + 300
    assert settings.pause_end_at(dt.time(23, 50), NIGHT) == NIGHT + 86_400
    assert settings.pause_end_at(dt.time(0, 10), NIGHT) == NIGHT + 1200
