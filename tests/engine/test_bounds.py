"""Values from the server that no replica can hold, and times before 1970, which it holds as well as
any."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
import trio

from syncin_mount.devserver import Reply, Rule
from syncin_mount.store import Replica
from tests.engine.world import World

FAR = 20_000_000_000


def line(name: str, size: int, mtime: int) -> str:
    return f'{{"{name}":[false,{size},{mtime},55,null]}}\n'


def listing(*lines: str) -> Rule:
    return Rule(
        effect=Reply(200, "".join(lines) + "done", "text/plain"), method="POST", pattern="/diff/"
    )


@pytest.mark.parametrize(
    ("size", "mtime"), [(5, FAR), (5, -FAR), (2**63, 1), (5, 10**30), (10**30, 5)]
)
async def test_one_entry_out_of_bounds_is_one_problem(
    world: World, size: int, mtime: int, tmp_path: Path
) -> None:
    device = await world.device()
    world.faults.add(listing(line("future.txt", size, mtime)))
    report = await device.engine.sync()
    assert report.offline is None
    assert [problem.path for problem in report.problems] == ["future.txt"]
    device.write("mine.txt", b"goes all the same")
    world.faults.clear()
    assert (await device.sync()).complete
    assert world.on_disk() == device.tree() == {"mine.txt": b"goes all the same"}
    device.replica.commit()
    device.replica.close()
    Replica.open(tmp_path / "replica-a").close()


@pytest.mark.parametrize(
    "mtime", [-100.0, -0.001, -1.5, -9_000_000_000.0, 9_000_000_000.0, 0.0, 0.4]
)
async def test_a_time_before_1970_comes_and_goes(world: World, mtime: float) -> None:
    world.put("old.txt", b"from then", mtime=mtime)
    if os.stat(world.disk / "old.txt").st_mtime_ns // 10**6 != int(mtime * 1000 // 1):
        pytest.skip("this file system holds no such time")
    device = await world.device()
    assert (await device.sync()).complete
    assert device.read("old.txt") == b"from then"
    assert not (await device.sync()).outcomes, "it does not come to rest"
    device.write("old.txt", b"and now", mtime=mtime)
    device.write("mine.txt", b"mine", mtime=mtime - 1)
    assert (await device.sync()).complete
    assert world.on_disk() == {"old.txt": b"and now", "mine.txt": b"mine"}
    assert not (await device.sync()).outcomes, "it does not come to rest"
    other = await world.device("b")
    assert (await other.sync()).complete
    assert other.tree() == device.tree()


@pytest.mark.expected_log("finds no place on the local disk")
@pytest.mark.parametrize("size", [2**44 + 1, 2**62, 2**63 - 1])
async def test_a_file_that_no_disk_here_can_hold_keeps_no_other_content_away(
    world: World, size: int, tmp_path: Path
) -> None:
    """The server says that it is so large; ext4 holds 16 TiB at most."""
    with (tmp_path / "probe").open("wb") as probe, contextlib.suppress(OSError):
        probe.truncate(size)
        pytest.skip("this file system holds files so large")
    world.put("small.txt", b"comes all the same", mtime=5)
    device = await world.device()
    world.faults.add(listing(line("huge.bin", size, 5), line("small.txt", 18, 5)))
    await device.engine.sync()
    with trio.fail_after(20):
        await device.hydrator.wait_drained()
    assert device.read("small.txt") == b"comes all the same"
    assert device.tree_of_names() == {"huge.bin", "small.txt"}
    world.faults.clear()
    assert (await device.sync()).complete
    assert device.tree() == {"small.txt": b"comes all the same"}
