"""Deletions over a span of simulated time: a burst is judged when it has come to rest, before its
first deletion goes, on both sides; what has nothing to do with it goes on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from reconciler.model import NodeId, Side
from reconciler.planner.deletion_history import SPAN_NS, Losses
from tests.engine.clockwork import Drive

FILES = 60
HALTS = pytest.mark.expected_log("halted: mass deletion")


@pytest.fixture
async def drive(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Drive]:
    """Changes are followed as they come; not started yet."""
    drive = Drive(tmp_path / "replica", nursery, every=None)
    yield drive
    await drive.stop()


async def begin(drive: Drive) -> None:
    """Both sides have the files."""
    for number in range(FILES):
        drive.put(f"f{number}", b"%d" % number)
    await drive.start()
    await trio.sleep(60)
    assert left(drive, "there") == FILES


def delete_there(drive: Drive, name: str) -> None:
    drive.disk.delete(name)


def here(drive: Drive) -> set[str]:
    return {bytes(name).decode() for name, _ in drive.replica.children(NodeId(1), None, 10_000)}


async def delete(drive: Drive, side: str, numbers: range, pace: float) -> None:
    for number in numbers:
        if side == "here":
            drive.unlink(f"f{number}")
        else:
            delete_there(drive, f"f{number}")
        await trio.sleep(pace)


def left(drive: Drive, side: str) -> int:
    """Files that the other side still has."""
    found = drive.disk.tree() if side == "here" else here(drive)
    return sum(name.startswith("f") for name in found)


@pytest.mark.slow
@HALTS
@pytest.mark.parametrize("side", ["here", "there"])
@pytest.mark.parametrize("pace", [0.0, 0.5, 5.0])
async def test_none_goes_of_a_burst_that_is_a_mass(
    drive: Drive, side: str, pace: float, autojump_clock: MockClock
) -> None:
    """However slow: a run or push in its middle saw less than half of all."""
    await begin(drive)
    await delete(drive, side, range(FILES - 2), pace)
    await trio.sleep(120)
    assert left(drive, side) == FILES - (0 if pace < 5 else left_out(drive, side))
    status = drive.engine.status()
    assert status.halted
    assert status.halted.count == FILES - 2 or pace == 5.0
    await everything_else_goes(drive)
    assert (await drive.engine.sync(confirmed=True)).halted is None
    assert left(drive, side) == 2
    assert drive.engine.status().halted is None
    assert not list(drive.replica.dirty())


@pytest.mark.parametrize("gone", [25, pytest.param(FILES - 2, marks=HALTS)])
async def test_who_waits_for_everything_waits_for_a_burst_to_be_judged(
    drive: Drive, gone: int, autojump_clock: MockClock
) -> None:
    """It was told that nothing could be done about the deletions, while they only came to rest."""
    await begin(drive)
    await delete(drive, "here", range(gone), 0.0)
    await drive.engine.wait_synced()
    is_mass = gone > FILES / 2
    assert bool(drive.engine.status().halted) is is_mass
    assert left(drive, "here") == (FILES if is_mass else FILES - gone)


def left_out(drive: Drive, side: str) -> int:
    """What had gone before anything could be seen of a burst: as many as nobody is asked about."""
    gone = FILES - left(drive, side)
    assert gone <= 20
    return gone


async def everything_else_goes(drive: Drive) -> None:
    drive.write("new", b"new")
    drive.write(f"f{FILES - 1}", b"edited")
    drive.put("there", b"there")
    await trio.sleep(60)
    tree = drive.disk.tree()
    assert tree["new"] == b"new"
    assert tree[f"f{FILES - 1}"] == b"edited"
    assert drive.read("there") == b"there"
    assert {each.path for each in drive.engine.status().problems} == set()


@HALTS
@pytest.mark.parametrize("side", ["here", "there"])
async def test_portions_below_the_limit_add_up_over_restarts(
    drive: Drive, side: str, autojump_clock: MockClock
) -> None:
    await begin(drive)
    await delete(drive, side, range(25), 0.0)
    await trio.sleep(300)
    assert left(drive, side) == FILES - 25
    await drive.stop()
    await drive.start()
    await delete(drive, side, range(25, 40), 0.0)
    await trio.sleep(300)
    assert left(drive, side) == FILES - 25
    halted = drive.engine.status().halted
    assert halted is not None
    assert (halted.count, halted.before) == (40, 25)


@pytest.mark.slow
@pytest.mark.parametrize("side", ["here", "there"])
async def test_what_went_long_ago_does_not_count(
    drive: Drive, side: str, autojump_clock: MockClock
) -> None:
    await begin(drive)
    await delete(drive, side, range(25), 0.0)
    await trio.sleep(2 * SPAN_NS / 1e9)
    await delete(drive, side, range(25, 37), 0.0)
    await trio.sleep(300)
    assert left(drive, side) == FILES - 37


async def test_few_deletions_wait_for_nothing(drive: Drive, autojump_clock: MockClock) -> None:
    await begin(drive)
    await delete(drive, "here", range(5), 0.0)
    await trio.sleep(4)
    assert left(drive, "here") == FILES - 5


@pytest.mark.slow
async def test_a_build_that_makes_and_removes_is_no_loss(
    drive: Drive, autojump_clock: MockClock
) -> None:
    await begin(drive)
    for turn in range(8):
        for number in range(15):
            drive.write(f"object{turn}-{number}", b"object")
        await trio.sleep(60)
        for number in range(15):
            drive.unlink(f"object{turn}-{number}")
        await trio.sleep(60)
    assert drive.engine.status().halted is None
    assert len(drive.disk.tree()) == FILES


async def make_young(drive: Drive, count: int) -> None:
    """Files that are made here after the start and sent, so that none was there an hour ago."""
    drive.write("stays", b"stays")
    await trio.sleep(60)
    for number in range(count):
        drive.write(f"f{number}", b"%d" % number)
    await trio.sleep(60)
    assert left(drive, "here") == count


@pytest.mark.slow
@HALTS
@pytest.mark.parametrize("side", ["here", "there"])
@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(("portion", "pause"), [(15, 30.0), (15, 61.0), (5, 12.0), (1, 30.0)])
async def test_young_files_do_not_all_go_in_portions(
    drive: Drive, side: str, restarts: bool, portion: int, pause: float, autojump_clock: MockClock
) -> None:
    """None of them was there when the hour began; half of the most is the limit all the same."""
    await drive.start()
    await make_young(drive, FILES)
    for start in range(0, FILES, portion):
        await delete(drive, side, range(start, start + portion), 0.0)
        await trio.sleep(pause)
        if restarts and start % 15 == 0:
            await drive.stop()
            await drive.start()
    await trio.sleep(120)
    assert left(drive, side) >= FILES // 2
    halted = drive.engine.status().halted
    assert halted is not None
    assert halted.before > 0
    assert (await drive.engine.sync(confirmed=True)).halted is None
    assert left(drive, side) == 0
    drive.write("more", b"more")
    await trio.sleep(10)
    drive.unlink("more")
    await trio.sleep(10)
    assert drive.engine.status().halted is None, "what was let go does not count again"
    assert "more" not in drive.disk.tree()


@pytest.mark.slow
async def test_young_files_out_and_in_are_no_loss(drive: Drive, autojump_clock: MockClock) -> None:
    await drive.start()
    await make_young(drive, FILES)
    for _ in range(6):
        await delete(drive, "here", range(15), 0.0)
        await trio.sleep(30)
        assert left(drive, "here") == FILES - 15
        for number in range(15):
            drive.write(f"f{number}", b"%d" % number)
        await trio.sleep(30)
    assert drive.engine.status().halted is None
    assert left(drive, "here") == FILES


@HALTS
async def test_who_has_confirmed_is_not_asked_again_for_the_same_burst(
    drive: Drive, autojump_clock: MockClock
) -> None:
    await begin(drive)
    await delete(drive, "here", range(FILES - 2), 0.0)
    await trio.sleep(60)
    drive.offline = True
    assert (await drive.engine.sync(confirmed=True)).offline
    drive.offline = False
    before = drive.server.delete
    count = 0

    async def breaks(path: str) -> None:
        nonlocal count
        count += 1
        if count == 10:
            drive.offline = True
        await before(path)

    drive.server.delete = breaks  # type: ignore[method-assign]
    await drive.engine.sync(confirmed=True)
    assert 2 < left(drive, "here") < FILES
    await drive.stop()
    drive.offline = False
    await drive.start()
    await trio.sleep(300)
    assert drive.engine.status().halted is None
    assert left(drive, "here") == 2


@HALTS
async def test_a_run_that_somebody_asks_for_waits_until_the_burst_is_at_rest(
    drive: Drive, autojump_clock: MockClock
) -> None:
    await begin(drive)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(delete, drive, "here", range(FILES - 2), 0.2)
        await trio.sleep(6)
        report = await drive.engine.sync()
    assert report.halted
    assert left(drive, "here") == FILES


@pytest.mark.slow
@HALTS
async def test_what_was_deleted_and_comes_back_ends_the_halt(
    drive: Drive, autojump_clock: MockClock
) -> None:
    await begin(drive)
    await delete(drive, "there", range(FILES - 2), 0.0)
    await trio.sleep(60)
    assert drive.engine.status().halted
    for number in range(FILES - 2):
        drive.put(f"f{number}", b"%d" % number)
    await trio.sleep(60)
    assert drive.engine.status().halted is None
    assert left(drive, "there") == FILES


def test_what_is_remembered_survives_and_damage_of_it_counts_as_nothing() -> None:
    class Kept:
        text = ""

        def load(self) -> str:
            return self.text

        def save(self, text: str) -> None:
            self.text = text

    kept, now = Kept(), SPAN_NS * 10
    losses = Losses(kept)
    losses.tick(now, 100)
    losses.note(Side.REMOTE, [(NodeId(5), True), (NodeId(6), False), (NodeId(200), True)], now)
    losses.save()
    for _ in range(2):
        past = losses.past(now)
        assert (past.nodes[Side.REMOTE], past.files[Side.REMOTE]) == (2, 1), (
            "what is younger is no loss"
        )
        losses = Losses(kept)
    assert losses.past(now + SPAN_NS + 10**11).nodes[Side.REMOTE] == 0
    for damage in (
        *("[", "7", '{"gone": [1]}', '{"ticks": 3}', '{"gone": [[1, 2, "no", 3, "x"]]}', "null"),
        *(json.dumps({"gone": [[now, 1, "", 3, 4]]}), '{"sizes": [1]}', '{"sizes": [[1e400, 2]]}'),
        *('{"sizes": {"a": 1}}', '{"sizes": null}', "[" * 100_000),
    ):
        kept.text = damage
        assert Losses(kept).past(now).nodes[Side.REMOTE] == 0
