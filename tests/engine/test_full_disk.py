"""A server on one disk and a replica on another, small one, that is full."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.hydration import space_wait
from reconciler.model import Op, Result, Side
from syncin_mount.store import check
from tests.engine.world import open_world, until
from tests.small_disk import SmallDisk, small_disk

MUCH = os.urandom(1 << 20)


@pytest.fixture(params=["tmpfs", "ext4"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", request.param, 40) as made:
        (made.path / "replica").mkdir()
        (tmp_path / "replica-a").symlink_to(made.path / "replica")
        yield made


@pytest.mark.slow
@pytest.mark.expected_log("the local disk is full: contents cannot be fetched")
@pytest.mark.expected_log("No space left|the local disk refused it", required=False)
async def test_what_is_here_still_goes_up_and_what_is_there_comes_once_there_is_room(
    disk: SmallDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space_wait, "SPACE_RETRY_SECONDS", 0.05)
    async with open_world(tmp_path) as world:
        device = await world.device()
        device.mkdir("folder")
        device.write("edited", MUCH, mtime=1_700_000_000)
        device.write("moved", MUCH)
        device.write("gone", MUCH * 2)
        device.write("theirs", MUCH)
        assert (await device.sync()).complete
        device.write("edited", MUCH[::-1])
        device.write("new", MUCH[:100_000])
        device.replica.commit()
        disk.fill(leave=200_000)  # the names find room, their contents none
        device.rename("moved", "folder/moved")
        device.unlink("gone")
        there = {f"there {number}": bytes([number]) * 400_000 for number in range(12)}
        for name, data in there.items():
            world.put(name, data, mtime=1_750_000_000)
        world.put("theirs", MUCH + b"more", mtime=1_750_000_000)
        mark = world.requests("GET", "/there")
        report = await device.sync()
        assert report.offline is None
        assert report.halted is None
        sent = {
            each.action.op: each.result
            for each in report.outcomes
            if each.action.side is Side.REMOTE
        }
        assert sent == {Op.SEND: Result.DONE, Op.MOVE: Result.DONE, Op.DELETE: Result.DONE}
        on_server = world.on_disk()
        assert on_server["edited"] == MUCH[::-1]
        assert on_server["new"] == MUCH[:100_000]
        assert on_server["folder/moved"] == MUCH
        assert "gone" not in on_server
        problems = {problem.path: problem.why for problem in device.engine.status().problems}
        assert any(why == space_wait.NO_SPACE for why in problems.values())
        assert device.read("theirs") == MUCH
        for _ in range(5):
            assert (await device.sync()).offline is None
        assert world.requests("GET", "/there") - mark < 12 * 5, (
            "the server is not asked for what finds no room"
        )
        assert check(device.replica) == []
        disk.free()
        # as the daemon does every second; what was kept back is kept back again
        device.replica.commit()
        await until(lambda: not list(device.replica.absent()))
        assert (await device.sync()).complete
        assert {name: device.read(name) for name in there} == there
        assert device.read("theirs") == MUCH + b"more"
        assert device.tree() == world.on_disk()
        assert check(device.replica) == []
