"""Bit rot: bytes of a content that changed on the disk by themselves. It is never sent, it is told,
and the server's version comes back where there is one."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from syncin_mount.app.runtime.content_patrol import Patrol
from syncin_mount.store import check
from syncin_mount.store.maintenance.content_check import look_at_contents
from syncin_mount.vfs import FileSystem
from tests.engine.world import Device, World

SAID = pytest.mark.expected_log("it changed on the disk by itself|cannot be read: .Errno 5")
UNSENT = pytest.mark.expected_log("its content changed on the disk by itself since it was saved")


def flip(device: Device, path: str, at: int = 3) -> bytes:
    """Flips a bit of the content on the disk; what it is then."""
    file = object_of(device, path)
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    before = file.stat()
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    return bytes(data)


def object_of(device: Device, path: str) -> Path:
    record = device.replica._ix.node(device.node(path))
    assert record is not None
    return Path(device.replica._objects.path(record.owner, record.number))


async def opened(device: Device, fs: FileSystem, path: str, flags: int) -> int:
    """As the kernel opens a file: once more by its name where the inode is over (ESTALE)."""
    for _ in range(2):
        attr = device.replica.attr(device.node(path))
        assert attr is not None
        try:
            return await fs.open(attr.ino, flags)
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
    raise AssertionError("it stays stale")


async def append(device: Device, path: str, data: bytes) -> None:
    fs = FileSystem(device.replica, device.hydrator)
    handle = await opened(device, fs, path, os.O_RDWR)
    attr = device.replica.attr(device.node(path))
    assert attr is not None
    await fs.write(handle, attr.size, data)
    fs.flush(handle)
    fs.release(handle)


def sent(world: World, device: Device, data: bytes) -> None:
    device.write("f", data)


def fetched(world: World, _device: Device, data: bytes) -> None:
    world.put("f", data, mtime=1_600_000_000)


@pytest.mark.slow
@SAID
@pytest.mark.parametrize("size", [10, 5000, 70_000, 3 << 20])
@pytest.mark.parametrize("came", [sent, fetched])
async def test_an_append_over_rot_sends_no_rot(
    world: World, came: Callable[[World, Device, bytes], None], size: int
) -> None:
    device = await world.device()
    good = os.urandom(size)
    came(world, device, good)
    await device.sync()
    await device.hydrator.counting.wait()
    rotten = flip(device, "f", size // 2)
    await append(device, "f", b"appended")
    assert device.read("f") == good + b"appended"
    await device.sync()
    assert world.on_disk() == {"f": good + b"appended"}
    assert list(device.bin().values()) == [rotten]
    assert device.hydrator.rot() == []
    assert check(device.replica) == []


@SAID
async def test_a_truncation_over_rot_sends_no_rot(world: World) -> None:
    device = await world.device()
    device.write("f", b"good bytes and more")
    await device.sync()
    flip(device, "f")
    fs = FileSystem(device.replica, device.hydrator)
    for _ in range(2):
        attr = device.replica.attr(device.node("f"))
        assert attr is not None
        with contextlib.suppress(OSError):  # ESTALE at first
            await fs.setattr(attr.ino, size=10)
    await device.sync()
    assert world.on_disk() == {"f": b"good bytes"}


async def test_what_is_replaced_as_a_whole_needs_no_proof(world: World) -> None:
    device = await world.device()
    device.write("f", b"good bytes")
    await device.sync()
    flip(device, "f")
    fs = FileSystem(device.replica, device.hydrator)
    handle = await opened(device, fs, "f", os.O_WRONLY | os.O_TRUNC)
    await fs.write(handle, 0, b"new")
    fs.flush(handle)
    fs.release(handle)
    await device.sync()
    assert world.on_disk() == {"f": b"new"}
    assert device.bin() == {}


@SAID
async def test_a_content_that_the_disk_lost_comes_back_when_it_is_opened(world: World) -> None:
    device = await world.device()
    device.write("f", b"good bytes")
    await device.sync()
    object_of(device, "f").unlink()
    fs = FileSystem(device.replica, device.hydrator)
    handle = await opened(device, fs, "f", os.O_RDONLY)
    assert bytes(await fs.read(handle, 0, 100)) == b"good bytes"
    fs.release(handle)


@UNSENT
async def test_rot_of_what_is_not_sent_is_told_and_not_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await world.device()
    device.write("edited", b"first")
    await device.sync()
    device.write("edited", b"second")
    device.write("new", b"only here")
    later = time.time_ns() + 60 * 10**9
    monkeypatch.setattr(device.replica.writer, "now_ns", lambda: later)  # they are quiet
    patrol = Patrol(device.replica, device.hydrator)
    await patrol.count_unsent()
    flip(device, "edited")
    flip(device, "new")
    report = await device.sync()
    assert {each.path for each in report.problems} == {"edited", "new"}
    assert all(
        each.lasting and "changed on the disk by itself" in each.why for each in report.problems
    )
    assert world.on_disk() == {"edited": b"first"}
    assert [each.what for each in look_at_contents(device.replica)] == [
        f"{name}: its content changed on the disk by itself, and the server does not have it"
        for name in ("edited", "new")
    ]
    device.write("edited", b"saved anew")
    device.write("new", b"looked at")
    assert (await device.sync()).problems == []
    assert world.on_disk() == {"edited": b"saved anew", "new": b"looked at"}


@pytest.mark.slow
@SAID
async def test_a_round_of_the_patrol_heals_what_the_server_has(world: World) -> None:
    device = await world.device()
    for name in ("a", "b", "c"):
        device.write(name, name.encode() * 50)
    await device.sync()
    flip(device, "a")
    object_of(device, "b").unlink()
    os.truncate(object_of(device, "c"), 7)
    patrol = Patrol(device.replica, device.hydrator, rate=1e12)
    await patrol.go_round()
    with trio.fail_after(20):
        await device.hydrator.wait_drained()
    assert device.tree() == {name: name.encode() * 50 for name in ("a", "b", "c")}
    assert check(device.replica) == []
    assert list(look_at_contents(device.replica)) == []
    device.hydrator.rot()
    seen = device.replica.sequence()
    state = device.replica.folder / "patrol"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    await patrol.go_round()  # not again before a month has passed
    assert device.replica.sequence() == seen


@UNSENT
async def test_a_round_tells_what_nobody_else_has(world: World) -> None:
    device = await world.device()
    device.write("f", b"only here")
    patrol = Patrol(device.replica, device.hydrator, rate=1e12)
    await patrol.go_round()
    rotten = flip(device, "f")
    os.unlink(device.replica.folder / "patrol")
    await patrol.go_round()
    assert [path for path, _ in device.hydrator.rot()] == ["f"]
    assert device.read("f") == rotten
    device.write("f", b"saved anew")
    assert device.hydrator.rot() == []


async def test_a_round_goes_on_where_it_stopped(world: World) -> None:
    device = await world.device()
    for number in range(5):
        device.write(f"f {number}", b"words")
    (device.replica.folder / "patrol").write_text(
        json.dumps({"next": device.node("f 3"), "began_ns": 0})
    )
    await Patrol(device.replica, device.hydrator, rate=1e12).go_round()
    versions = [
        (device.node(f"f {n}"), device.replica.local(device.node(f"f {n}"))) for n in range(5)
    ]
    counted = [
        local is not None and device.replica.checksum_of(node, local.version)
        for node, local in versions
    ]
    assert [bool(each) for each in counted] == [False, False, False, True, True]


async def test_check_contents_heals_with_repair(world: World) -> None:
    device = await world.device()
    device.write("f", b"good bytes")
    await device.sync()
    rotten = flip(device, "f")
    [told] = look_at_contents(device.replica)
    assert told.what == "f: its content changed on the disk by itself; the server has it"
    [told] = look_at_contents(device.replica, heal=True)
    assert told.what == "f: it changed on the disk by itself; the server's version comes back"
    assert list(look_at_contents(device.replica)) == []
    device.hydrator.want(device.node("f"))
    with trio.fail_after(20):
        await device.hydrator.wait_drained()
    assert device.read("f") == b"good bytes"
    assert device.bin() == {"f": rotten}
