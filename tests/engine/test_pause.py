"""A pause, in simulated time: nothing is carried, what was under way stops at once and goes on
where it stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from reconciler.errors import Unavailable
from reconciler.model import ROOT
from tests.engine.clockwork import Drive

WHY = "'desk' is paused"


@pytest.fixture
async def drive(tmp_path: Path, nursery: trio.Nursery) -> Drive:
    """Follows both sides; not started yet."""
    return Drive(tmp_path / "replica", nursery, every=None)


async def test_nothing_is_carried_and_then_everything(
    drive: Drive, autojump_clock: MockClock
) -> None:
    drive.put("theirs", b"theirs")
    await drive.start()
    await trio.sleep(60)
    drive.engine.pause(WHY)
    drive.write("mine", b"mine")
    drive.put("late", b"late")
    listed = len(drive.server.listings)
    await trio.sleep(86_400)
    assert len(drive.server.listings) == listed
    assert set(drive.disk.tree()) == {"theirs", "late"}
    now = drive.engine.status()
    assert (now.online, now.offline_why, now.next_try_seconds) == (False, WHY, None)
    report = await drive.engine.sync()
    assert report.offline == WHY
    assert len(drive.server.listings) == listed
    assert [step.path for step in (await drive.engine.sync(dry_run=True)).steps] == ["mine", "late"]
    assert "mine" not in drive.disk.tree()
    drive.engine.resume()
    await trio.sleep(60)
    assert set(drive.disk.tree()) == {"theirs", "mine", "late"}
    assert drive.read("late") == b"late"
    await drive.stop()


async def test_a_fetch_stops_at_once_and_goes_on_where_it_stopped(
    drive: Drive, autojump_clock: MockClock
) -> None:
    size = 400_000
    drive.put("film", bytes(range(250)) * (size // 250))
    await drive.start()

    def arrived() -> int:
        node = drive.replica.lookup(ROOT, b"film")
        if node is None:
            return 0
        return sum(
            path.stat().st_blocks * 512
            for path in drive.folder.glob("incoming/*")
            if path.is_file()
        )

    with trio.fail_after(60):
        while arrived() < 40_000:  # noqa: ASYNC110 (on a clock that jumps)
            await trio.sleep(0.01)
    node = drive.replica.lookup(ROOT, b"film")
    assert node is not None
    drive.engine.pause(WHY)
    kept = arrived()
    with pytest.raises(Unavailable, match=WHY):
        await drive.hydrator.ensure(node, size - 10, size)
    await trio.sleep(3600)
    assert arrived() == kept < size
    sent = drive.server.given
    drive.engine.resume()
    await trio.sleep(120)
    assert drive.read("film") is not None
    assert drive.server.given - sent <= size - kept + 4096
    await drive.stop()


@pytest.mark.slow
@pytest.mark.parametrize("by", ["itself", "sync"])
async def test_a_run_under_way_stops_at_once(
    drive: Drive, autojump_clock: MockClock, by: str
) -> None:
    await drive.start()
    await trio.sleep(60)
    for number in range(200):
        drive.write(f"mine{number}", b"x" * 100)
    offline: list[str | None] = []
    async with trio.open_nursery() as nursery:

        async def sync() -> None:
            offline.append((await drive.engine.sync()).offline)

        if by == "sync":
            nursery.start_soon(sync)
        with trio.fail_after(60):
            while len(drive.disk.tree()) < 10:  # noqa: ASYNC110 (on a clock that jumps)
                await trio.sleep(0.01)
        drive.engine.pause(WHY)
        sent = len(drive.disk.tree())
        await trio.sleep(600)
    assert sent <= len(drive.disk.tree()) < 30
    assert offline == ([WHY] if by == "sync" else [])
    assert drive.engine.status().running == ""
    drive.engine.resume()
    await trio.sleep(600)
    assert len([name for name in drive.disk.tree() if name.startswith("mine")]) == 200
    await drive.stop()


async def test_a_pause_holds_up_the_schedule_and_what_was_due_is_made_up_once(
    tmp_path: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    drive = Drive(tmp_path / "replica", nursery, every=3600.0)
    await drive.start()
    await trio.sleep(60)
    drive.engine.pause(WHY)
    await trio.sleep(10 * 3600)
    assert len(drive.server.listings) == 1
    drive.engine.resume()
    await trio.sleep(60)
    assert len(drive.server.listings) == 2
    drive.engine.pause(WHY)
    drive.engine.resume()
    await trio.sleep(600)
    assert len(drive.server.listings) == 2, "resuming is no reason for a run that is not due"
    await drive.stop()
