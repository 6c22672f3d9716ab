"""Runs on a schedule, in simulated time: when they start, what they leave alone between, and what
no clock can do."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from reconciler.engine.next_step import WALL_CLOCK_LOOK_SECONDS
from reconciler.errors import Unavailable
from reconciler.hydration.endurance import LONGEST
from reconciler.model import ROOT
from reconciler.requests import backoff
from tests.engine.clockwork import Drive

HOUR = 3600.0
DAY = 24 * HOUR
SLACK = 5.0
"""Seconds that a run may start late: the simulated server takes its time."""


@pytest.fixture
async def drive(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Drive]:
    """Runs every hour; not started yet."""
    drive = Drive(tmp_path / "replica", nursery, every=HOUR)
    yield drive
    await drive.stop()


def starts(drive: Drive) -> list[float]:
    return [after - before for before, after in itertools.pairwise(drive.server.listings)]


async def test_runs_start_every_interval_and_nothing_is_carried_between(
    drive: Drive, autojump_clock: MockClock
) -> None:
    drive.put("theirs", b"theirs")
    await drive.start()
    await trio.sleep(HOUR / 2)
    assert drive.read("theirs") == b"theirs", "the first run comes at once"
    assert len(drive.server.listings) == 1
    drive.write("mine", b"mine")
    drive.put("late", b"late")
    await trio.sleep(HOUR / 2 - 60)
    assert "mine" not in drive.disk.tree()
    assert {each.path for each in drive.replica.local_changes.pending()} == {"mine"}, (
        "it waits in the journal"
    )
    await trio.sleep(120)
    assert drive.disk.tree() == {"theirs": b"theirs", "mine": b"mine", "late": b"late"}
    assert drive.read("late") == b"late"
    await trio.sleep(20 * HOUR)
    assert starts(drive) == pytest.approx([HOUR] * 21, abs=SLACK)


async def test_contents_go_on_coming_between_runs(drive: Drive, autojump_clock: MockClock) -> None:
    drive.put("film", b"x" * 100_000)
    drive.server.gives_contents = False
    await drive.start()
    await trio.sleep(HOUR / 4)
    assert drive.read("film") is None
    drive.server.gives_contents = True
    await trio.sleep(backoff.LONGEST_DELAY_SECONDS + SLACK)
    assert drive.read("film") == b"x" * 100_000
    assert len(drive.server.listings) == 1, (
        "the server's coming back is no reason for a run that is not due"
    )


async def test_what_somebody_opens_is_fetched_at_once(
    drive: Drive, autojump_clock: MockClock
) -> None:
    drive.put("film", b"x" * 100_000)
    drive.server.gives_contents = False
    await drive.start()
    await trio.sleep(HOUR / 4)
    node = drive.replica.lookup(ROOT, b"film")
    assert node is not None
    began = trio.current_time()
    with pytest.raises(Unavailable):
        await drive.hydrator.ensure(node, 0, 10)
    assert LONGEST <= trio.current_time() - began < LONGEST + SLACK
    with trio.fail_after(1), pytest.raises(Unavailable):  # one has waited in vain for all
        await drive.hydrator.ensure(node, 0, 10)
    drive.server.gives_contents = True
    with trio.fail_after(SLACK):
        await drive.hydrator.ensure(node, 0, 10)
    assert len(drive.server.listings) == 1


async def test_who_opens_something_waits_while_its_content_cannot_be_given(
    drive: Drive, autojump_clock: MockClock
) -> None:
    drive.put("film", b"x" * 100_000)
    drive.server.gives_contents = False
    await drive.start()
    await trio.sleep(HOUR / 4)
    node = drive.replica.lookup(ROOT, b"film")
    assert node is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drive.hydrator.ensure, node, 0, 100_000)
        await trio.sleep(LONGEST - 2 * SLACK)
        drive.server.gives_contents = True
    assert drive.read("film") == b"x" * 100_000


async def test_reading_what_was_replaced_meanwhile_brings_the_run_forward(
    drive: Drive, autojump_clock: MockClock
) -> None:
    drive.put("film", b"x" * 100_000)
    drive.server.gives_contents = False
    await drive.start()
    await trio.sleep(HOUR / 4)
    drive.put("film", b"another")
    drive.server.gives_contents = True
    drive.link.alive()
    await trio.sleep(HOUR / 4)
    assert len(drive.server.listings) == 1, (
        "that it cannot be fetched in the background is no reason"
    )
    node = drive.replica.lookup(ROOT, b"film")
    assert node is not None
    with trio.fail_after(SLACK):
        await drive.hydrator.ensure(node, 0, 10)
    assert drive.read("film") == b"another"
    drive.server.gives_contents = False
    drive.put("book", b"x" * 100_000)
    await drive.engine.sync()
    drive.put("book", b"another")
    drive.server.gives_contents = True
    drive.link.alive()
    node = drive.replica.lookup(ROOT, b"book")
    assert node is not None
    for _ in range(20):  # a program that goes on trying
        with pytest.raises(Unavailable):
            await drive.hydrator.ensure(node, 0, 10)
        await trio.sleep(1)
    assert drive.read("book") is None, "not sooner than a minute after the last run"
    await trio.sleep(40 + SLACK)
    assert drive.read("book") == b"another"
    assert starts(drive)[-1] == pytest.approx(60, abs=SLACK)
    await trio.sleep(3 * HOUR)
    assert starts(drive)[-2:] == pytest.approx([HOUR] * 2, abs=SLACK), (
        "and the interval holds again"
    )


async def test_sync_runs_between_and_the_interval_counts_from_it(
    drive: Drive, autojump_clock: MockClock
) -> None:
    await drive.start()
    await trio.sleep(HOUR / 2)
    drive.write("mine", b"mine")
    assert (await drive.engine.sync()).complete
    assert "mine" in drive.disk.tree()
    await trio.sleep(2 * HOUR + SLACK)
    assert starts(drive) == pytest.approx([HOUR / 2, HOUR, HOUR], abs=SLACK)


@pytest.mark.parametrize("slept", [5 * HOUR, 3 * DAY])
async def test_runs_that_were_missed_while_the_machine_slept_are_made_up_once(
    drive: Drive, autojump_clock: MockClock, slept: float
) -> None:
    await drive.start()
    await trio.sleep(HOUR / 2)
    drive.jump(slept)  # trio's clock stood still
    await trio.sleep(WALL_CLOCK_LOOK_SECONDS + SLACK)
    assert len(drive.server.listings) == 2, "soon after waking"
    await trio.sleep(HOUR - WALL_CLOCK_LOOK_SECONDS - 2 * SLACK)
    assert len(drive.server.listings) == 2, "once"
    await trio.sleep(3 * HOUR)
    assert starts(drive)[1:] == pytest.approx([HOUR] * 3, abs=SLACK)


async def test_runs_that_were_missed_while_the_program_was_down_are_made_up_once(
    drive: Drive, autojump_clock: MockClock
) -> None:
    await drive.start()
    await trio.sleep(HOUR / 4)
    await drive.stop()
    await trio.sleep(HOUR / 4)
    await drive.start()
    await trio.sleep(HOUR / 4)
    assert len(drive.server.listings) == 1, "none was missed"
    await trio.sleep(HOUR / 4 + SLACK)
    assert len(drive.server.listings) == 2
    await drive.stop()
    await trio.sleep(10 * HOUR)
    await drive.start()
    await trio.sleep(HOUR / 2)
    assert len(drive.server.listings) == 3
    await trio.sleep(HOUR)
    assert len(drive.server.listings) == 4


@pytest.mark.parametrize("jump", [-10 * DAY, -HOUR / 2, -90.0])
async def test_a_clock_that_is_set_back_does_not_stop_the_runs(
    drive: Drive, autojump_clock: MockClock, jump: float
) -> None:
    await drive.start()
    for _ in range(5):
        await trio.sleep(HOUR)
        drive.jump(jump)
    await trio.sleep(SLACK)
    assert starts(drive) == pytest.approx([HOUR] * 5, abs=SLACK)


async def test_a_clock_that_is_set_forward_and_back_brings_one_run_a_jump_at_most(
    drive: Drive, autojump_clock: MockClock
) -> None:
    await drive.start()
    await trio.sleep(HOUR / 2)
    for jump in (400 * DAY, -400 * DAY, 3 * HOUR, -3 * HOUR):
        drive.jump(jump)
        await trio.sleep(3 * 60)
    assert len(drive.server.listings) <= 5
    await trio.sleep(10 * HOUR)
    assert starts(drive)[-9:] == pytest.approx([HOUR] * 9, abs=SLACK)


async def test_a_run_remembered_from_the_future_is_made_up_at_once(
    drive: Drive, autojump_clock: MockClock
) -> None:
    drive.jump(400 * DAY)
    await drive.start()
    await trio.sleep(60)
    await drive.stop()
    drive.jump(-400 * DAY)
    await drive.start()
    await trio.sleep(2.5 * HOUR)
    assert starts(drive)[1:] == pytest.approx([HOUR] * 2, abs=SLACK)


async def test_coming_back_online_starts_what_was_due(
    drive: Drive, autojump_clock: MockClock
) -> None:
    await drive.start()
    await trio.sleep(HOUR / 2)
    drive.offline = True
    await trio.sleep(DAY)
    assert len(drive.server.listings) == 1
    assert drive.engine.status().online is False
    drive.offline = False
    back = trio.current_time()
    await trio.sleep(2.5 * HOUR)
    assert [when - back for when in drive.server.listings[1:]] == pytest.approx(
        [30, HOUR + 30, 2 * HOUR + 30], abs=40
    )


async def test_another_interval_holds_at_once_and_off_follows_both_sides(
    drive: Drive, autojump_clock: MockClock
) -> None:
    await drive.start()
    await trio.sleep(60)
    drive.engine.reschedule(DAY)
    await trio.sleep(3 * HOUR)
    assert len(drive.server.listings) == 1
    drive.engine.reschedule(2 * HOUR)
    await trio.sleep(SLACK)
    assert len(drive.server.listings) == 2
    drive.engine.reschedule(None)
    drive.write("mine", b"mine")
    await trio.sleep(30)
    assert "mine" in drive.disk.tree()
    assert drive.engine.status().next_run_ns is None


async def test_no_run_starts_where_the_program_starts_none(
    drive: Drive, autojump_clock: MockClock
) -> None:
    await drive.start()
    await trio.sleep(60)
    drive.engine.reschedule(HOUR, allowed=False)
    await trio.sleep(3 * HOUR)
    assert len(drive.server.listings) == 1
    assert drive.engine.status().next_run_ns is None
    assert (await drive.engine.sync()).complete
    drive.engine.reschedule(HOUR, allowed=True)
    await trio.sleep(HOUR + SLACK)
    assert len(drive.server.listings) == 3


async def test_the_next_run_is_told(drive: Drive, autojump_clock: MockClock) -> None:
    await drive.start()
    await trio.sleep(HOUR / 2)
    told = drive.engine.status().next_run_ns
    assert told is not None
    assert (told - drive.now_ns()) / 1e9 == pytest.approx(HOUR / 2, abs=SLACK)


async def test_manual_leaves_the_schedule_to_others(
    tmp_path: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    drive = Drive(tmp_path / "replica", nursery, every=HOUR, manual=True)
    await drive.start()
    await trio.sleep(DAY)
    assert not drive.server.listings
    await drive.stop()


async def test_a_run_waits_for_its_turn_and_for_its_contents_when_others_wait(
    tmp_path: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    lock = trio.Lock()

    @contextlib.asynccontextmanager
    async def turn() -> AsyncIterator[bool]:
        async with lock:
            yield True

    drives = [Drive(tmp_path / name, nursery, every=HOUR, turn=turn) for name in ("a", "b")]
    for drive in drives:
        drive.put("big", b"x" * 200_000)
    await lock.acquire()
    for drive in drives:
        await drive.start()
    await trio.sleep(60)
    assert all(drive.engine.status().waits_for_turn for drive in drives)
    drives[0].engine.reschedule(None)
    await trio.sleep(10)
    assert not drives[0].engine.status().waits_for_turn, "a wait ends when the schedule changes"
    drives[0].engine.reschedule(HOUR)
    assert (await drives[1].engine.sync()).complete, "whoever asks for a run waits for nobody"
    lock.release()
    await trio.sleep(60)
    assert [len(drive.server.listings) for drive in drives] == [1, 1], (
        "a run that was made meanwhile is not made again"
    )
    assert not any(drive.engine.status().waits_for_turn for drive in drives)
    assert not lock.locked()
    for drive in drives:
        await drive.stop()
