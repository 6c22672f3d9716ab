"""A backup is put back on the server, and its trash knows nothing of what came after it: whatever
goes here because of that is in the bin here, however little tells of it, and however long it
takes."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.engine.clockwork import Drive
from tests.engine.test_confirming import restarted
from tests.engine.test_faults import OLD
from tests.engine.test_faults_circumstances import TODAY, restore
from tests.engine.world import World

FILES = 60


def back_up(world: World) -> None:
    shutil.copytree(world.disk, world.tmp / "backup", copy_function=shutil.copy2)


async def test_a_backup_from_before_all_that_is_here(world: World) -> None:
    world.put("of yesterday", b"of yesterday", mtime=OLD)
    back_up(world)
    os.unlink(world.disk / "of yesterday")
    device = await world.device()
    device.write("f", b"made today", mtime=TODAY)
    await device.sync()
    restore(world, "backup")
    await device.sync()
    assert device.tree() == world.on_disk() == {"of yesterday": b"of yesterday"}
    assert list(device.bin().values()) == [b"made today"]


async def test_what_was_just_sent_proves_nothing(world: World) -> None:
    """A push reached the server that was put back, before any listing did."""
    world.put("of yesterday", b"of yesterday", mtime=OLD)
    back_up(world)
    os.unlink(world.disk / "of yesterday")
    device = await world.device(manual=False)
    device.write("f", b"made today", mtime=TODAY)
    await device.sync()
    restore(world, "backup")
    device.write("g", b"made after that", mtime=TODAY + 60)
    await world.settled(device)
    assert world.on_disk().get("g") == b"made after that"
    await device.sync()
    assert (
        device.tree()
        == world.on_disk()
        == {"of yesterday": b"of yesterday", "g": b"made after that"}
    )
    assert list(device.bin().values()) == [b"made today"]


async def test_folders_tell_of_it_where_every_file_was_edited(world: World) -> None:
    """Two folders that are new, and a file that nobody touched meanwhile."""
    world.put("d/a", b"a of yesterday", mtime=OLD)
    world.put("e/b", b"b of yesterday", mtime=OLD)
    back_up(world)
    world.put("stays outside", b"x", mtime=OLD)
    device = await world.device()
    await device.sync()
    device.write("d/a", b"a of today", mtime=TODAY)
    device.write("e/b", b"b of today", mtime=TODAY)
    device.write("new", b"made today", mtime=TODAY)
    await device.sync()
    for name in ("d", "e"):  # as far as the backup goes; the rest is what it was
        os.rename(world.disk / name, world.tmp / f"former {name}")
        shutil.copytree(world.tmp / "backup" / name, world.disk / name, copy_function=shutil.copy2)
    os.unlink(world.disk / "new")
    await device.sync()
    assert device.tree() == world.on_disk()
    assert {b"a of today", b"b of today", b"made today"} <= set(device.bin().values())


async def test_what_the_web_deleted_is_in_no_bin_here(world: World) -> None:
    """Nothing tells of a backup: the server's trash has it."""
    for name in "abc":
        world.put(f"d/{name}", name.encode(), mtime=OLD)
    device = await world.device()
    await device.sync()
    os.unlink(world.disk / "d" / "a")
    await device.sync()
    assert not device.bin()


@pytest.mark.parametrize("way", ["is gone", "is the former one", "is gone with its folder"])
@pytest.mark.parametrize("restarts", [False, True])
async def test_what_the_server_confirmed_and_lost_with_its_power(
    world: World, way: str, *, restarts: bool
) -> None:
    """No disk had it yet, neither has the trash; a power cut may have ended this process, too."""
    for name in ("stays", "d/stays", "edited"):
        world.put(name, b"of yesterday", mtime=OLD)
    device = await world.device()
    await device.sync()
    path = {"is gone": "new", "is the former one": "edited"}.get(way, "d/e/new")
    if path == "d/e/new":
        device.mkdir("d/e")
    device.write(path, b"made today", mtime=TODAY)
    await device.sync()
    assert world.on_disk()[path] == b"made today"
    if way == "is the former one":
        (world.disk / path).write_bytes(b"of yesterday")
        os.utime(world.disk / path, (TODAY + 5, TODAY + 5))
    elif path == "d/e/new":
        shutil.rmtree(world.disk / "d" / "e")
    else:
        os.unlink(world.disk / path)
    if restarts:
        device = await restarted(world, device)
    await device.sync()
    assert device.tree() == world.on_disk()
    assert b"made today" in device.bin().values()


async def test_what_is_deleted_long_after_it_was_sent_is_in_no_bin_here(
    drive: Drive, autojump_clock: MockClock
) -> None:
    drive.put("stays", b"of yesterday")
    await drive.start()
    await drive.engine.sync()
    drive.write("new", b"made today")
    await trio.sleep(60)
    await drive.engine.sync()
    await drive.engine.sync()
    await trio.sleep(3600)
    drive.disk.delete("new")
    await drive.engine.sync()
    assert drive.read("new") is None
    assert not drive.bin()


@pytest.fixture
async def drive(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Drive]:
    drive = Drive(tmp_path / "replica", nursery, every=None, manual=True)
    yield drive
    await drive.stop()


@pytest.mark.expected_log("halted: mass deletion")
@pytest.mark.parametrize("restarts", [False, True])
async def test_it_is_remembered_while_the_deletions_wait(
    drive: Drive, autojump_clock: MockClock, *, restarts: bool
) -> None:
    """All else that follows is done, and the files that look as before are proved; then somebody
    lets them go."""
    for number in range(5):
        drive.put(f"same{number}", b"s%d" % number)
    backup = drive.disk.backup()
    await drive.start()
    await drive.engine.sync()
    for number in range(FILES):
        drive.write(f"f{number}", b"made today %d" % number)
    await trio.sleep(60)
    await drive.engine.sync()
    assert len(drive.disk.tree()) == FILES + 5
    drive.disk.restore(backup)
    for _ in range(3):
        await drive.engine.sync()
        await trio.sleep(60)
    assert drive.engine.status().halted
    assert drive.read("f7") == b"made today 7"
    if restarts:
        await drive.stop()
        await drive.start()
    await drive.engine.sync(confirmed=True)
    assert drive.read("f7") is None
    assert drive.bin() == {b"made today %d" % number for number in range(FILES)}
