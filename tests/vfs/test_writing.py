"""When what was written is recorded, and with which time."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import trio

from reconciler.model import ROOT, Local
from syncin_mount.store import AttrChanged, Replica

SET = 1_234_567_890_123_456_700  # Windows keeps hundreds of nanoseconds


def local(world: Any, ino: int) -> Local:
    found: Local = world.replica.local(world.replica.by_ino(ino))
    return found


async def test_flush_records_size_and_time(world):
    handle, found = await world.fs.create(ROOT, b"file", 0o644, os.O_WRONLY, 1, 1)
    await world.fs.write(handle, 0, b"content")
    assert local(world, found.ino).size == 0
    assert local(world, found.ino).busy
    assert world.fs.getattr(found.ino).size == 7
    world.fs.flush(handle)
    assert local(world, found.ino).size == 7
    assert (local(world, found.ino).busy, local(world, found.ino).open_for_writing) == (False, True)
    world.fs.release(handle)
    assert not local(world, found.ino).open_for_writing


async def test_each_burst_of_writes_is_a_version(world):
    handle, found = await world.fs.create(ROOT, b"file", 0o644, os.O_WRONLY, 1, 1)
    versions = [local(world, found.ino).version]
    for _ in range(3):
        await world.fs.write(handle, 0, b"one")
        versions.append(local(world, found.ino).version)
        await world.fs.write(handle, 3, b"two")
        assert local(world, found.ino).version == versions[-1]
        world.fs.flush(handle)
    world.fs.flush(handle)
    world.fs.release(handle)
    assert versions == sorted(set(versions))
    assert local(world, found.ino).version == versions[-1]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("write flush", None),
        ("write set flush", SET),  # cp -p, rsync: set through the handle or the path before close
        ("set write flush", None),  # the write is later
        ("write flush set", SET),  # touch -d after close
        ("write set write flush", None),
        ("write kernel flush", SET),  # writeback: the kernel hands over its own time
        # a page handed over late does not change the time that the kernel told
        ("write kernel write flush", SET),
        # cp -p under writeback: first the kernel's time, then the user's
        ("write kernel set flush", SET + 1),
        ("write kernel flush write flush", None),
        ("write set settle", SET),
        ("truncate set", SET),
        ("truncate kernel flush", SET),
    ],
)
async def test_the_time_is_the_last_one_that_was_set_or_of_the_last_write(world, steps, expected):
    ino = await world.create(b"file", b"old")
    await world.fs.setattr(ino, mtime_ns=5)
    handle = await world.fs.open(ino, os.O_RDWR)
    plan, seen = steps.split(), 0
    for step in plan:
        match step:
            case "write":
                await world.fs.write(handle, 0, b"new")
            case "flush":
                world.fs.flush(handle)
            case "set":
                await world.fs.setattr(ino, mtime_ns=SET + ("kernel" in plan), atime_ns=1)
            case "kernel":
                await world.fs.setattr(ino, mtime_ns=SET, ctime_ns=SET)
            case "truncate":
                await world.fs.setattr(ino, size=1)
            case "settle":
                world.clock.now += 2
                world.fs.record_quiet_handles(world.clock.now)
        seen = world.fs.getattr(ino).mtime_ns
    world.fs.release(handle)
    recorded = world.replica.attr(world.replica.by_ino(ino)).mtime_ns
    assert recorded == seen == world.fs.getattr(ino).mtime_ns
    assert recorded == expected if expected is not None else recorded > SET + 1


async def test_a_time_that_was_set_survives_a_kill_before_the_record(world):
    handle, found = await world.fs.create(ROOT, b"file", 0o644, os.O_WRONLY, 1, 1)
    await world.fs.write(handle, 0, b"content")
    await world.fs.setattr(found.ino, mtime_ns=SET, ctime_ns=SET)
    copy = world.folder.with_name("copy")
    # what the next process finds after a kill; times of files included
    shutil.copytree(world.folder, copy)
    replica = Replica.open(copy)
    try:
        node = replica.lookup(ROOT, b"file")
        left = None if node is None else replica.local(node)
        assert left is not None
        assert (left.size, left.mtime_ns, left.busy) == (7, SET, False)
    finally:
        replica.close()
        world.fs.release(handle)


async def test_settle_records_quiet_files_only(world):
    handle, found = await world.fs.create(ROOT, b"file", 0o644, os.O_WRONLY, 1, 1)
    await world.fs.write(handle, 0, b"content")
    world.clock.now += 1.9
    world.fs.record_quiet_handles(world.clock.now)
    assert local(world, found.ino).size == 0
    await world.fs.write(handle, 7, b" more")
    world.clock.now += 1.9
    world.fs.record_quiet_handles(world.clock.now)
    assert local(world, found.ino).size == 0
    world.clock.now += 0.1
    world.fs.record_quiet_handles(world.clock.now)
    assert local(world, found.ino).size == 12
    sequence = world.replica.sequence()
    world.fs.record_quiet_handles(world.clock.now + 10)
    world.fs.release(handle)
    assert world.replica.sequence() == sequence


async def test_truncating_by_path_is_recorded_at_once(world):
    ino = await world.create(b"file", b"content")
    await world.fs.setattr(ino, size=3)
    assert local(world, ino).size == 3
    await world.fs.setattr(ino, size=5)
    assert await world.read(ino) == b"con\0\0"
    assert not local(world, ino).busy


async def test_opening_with_truncation(world):
    ino = await world.create(b"file", b"content")
    handle = await world.fs.open(ino, os.O_WRONLY | os.O_TRUNC)
    assert world.fs.getattr(ino).size == 0
    world.fs.release(handle)
    assert local(world, ino).size == 0


async def test_fsync_records_through_any_handle(world):
    writer, found = await world.fs.create(ROOT, b"file", 0o644, os.O_WRONLY, 1, 1)
    reader = await world.fs.open(found.ino, os.O_RDONLY)
    await world.fs.write(writer, 0, b"content")
    await world.fs.fsync(reader)
    assert local(world, found.ino).size == 7
    assert bytes(await world.fs.read(reader, 2, 3)) == b"nte"
    await world.fs.folders.sync()
    world.fs.release(reader)
    world.fs.release(writer)


async def test_closing_the_file_system_records_what_handles_left(world):
    handle, found = await world.fs.create(ROOT, b"file", 0o644, os.O_WRONLY, 1, 1)
    await world.fs.write(handle, 0, b"content")
    world.restart()
    found = world.fs.lookup(ROOT, b"file")
    assert await world.read(found.ino) == b"content"


async def test_read_only_refuses_every_change(world):
    ino = await world.create(b"file", b"content")
    world.fs.read_only = True
    with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
        await world.fs.open(ino, os.O_RDWR)
    changes: list[Callable[[], object]] = [
        lambda: world.fs.mkdir(ROOT, b"new", 0o755, 1, 1),
        lambda: world.fs.unlink(ROOT, b"file"),
        lambda: world.fs.rename(ROOT, b"file", ROOT, b"new"),
        lambda: world.fs.xattrs.set(ino, b"user.x", b""),
        lambda: world.fs.symlink(ROOT, b"new", b"file", 1, 1),
    ]
    for change in changes:
        with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
            change()
    assert await world.read(ino) == b"content"


class FullDisk:
    """Has the replica refuse to record anything, as when even the space kept back is used up."""

    def __init__(self, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self._journal = world.replica._journal
        self._append = self._journal.append
        monkeypatch.setattr(self._journal, "append", self._refuse)

    @staticmethod
    def _refuse(*_args: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def has_room_again(self) -> None:
        self._patch.setattr(self._journal, "append", self._append)


async def _close_on_a_full_disk(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> tuple[FullDisk, int]:
    handle, found = await world.fs.create(ROOT, b"file", 0o644, os.O_WRONLY, 1, 1)
    await world.fs.write(handle, 0, b"content")
    disk = FullDisk(world, monkeypatch)
    for act in (world.fs.flush, world.fs.release):
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            act(handle)
    return disk, found.ino


async def test_what_could_not_be_recorded_at_close_is_recorded_once_there_is_room(
    world, monkeypatch
):
    disk, ino = await _close_on_a_full_disk(world, monkeypatch)
    world.clock.now += 2
    world.fs.record_quiet_handles(world.clock.now)
    assert local(world, ino).busy
    assert world.fs.getattr(ino).size == 7
    disk.has_room_again()
    world.fs.record_quiet_handles(world.clock.now)
    found = local(world, ino)
    assert (found.size, found.busy, found.open_for_writing) == (7, False, False)
    assert len(world.fs._files) == 0
    assert await world.read(ino) == b"content"


async def test_what_could_not_be_recorded_at_close_may_be_opened_or_removed(world, monkeypatch):
    disk, ino = await _close_on_a_full_disk(world, monkeypatch)
    disk.has_room_again()
    assert await world.read(ino) == b"content"
    assert local(world, ino).size == 7
    world.fs.unlink(ROOT, b"file")
    disk, ino = await _close_on_a_full_disk(world, monkeypatch)
    disk.has_room_again()
    world.fs.unlink(ROOT, b"file")
    world.fs.record_quiet_handles(world.clock.now + 2)
    assert len(world.fs._files) == 0
    assert world.replica.by_ino(ino) is None


async def test_what_could_never_be_recorded_is_taken_as_it_is_by_the_next_start(world, monkeypatch):
    disk, _ = await _close_on_a_full_disk(world, monkeypatch)
    world.fs.close()
    assert len(world.fs._files) == 0
    disk.has_room_again()
    world.restart()
    ino = world.fs.lookup(ROOT, b"file").ino
    assert (local(world, ino).size, local(world, ino).busy) == (7, False)
    assert await world.read(ino) == b"content"


@pytest.mark.parametrize("then", ["", "written again", "written and flushed again", "removed"])
async def test_what_was_fsynced_and_nothing_else_is_noted_as_being_on_the_disk(
    world, monkeypatch, then
):
    """What is not noted would be fetched anew after a power cut, although it lies on the disk."""
    handle, found = await world.fs.create(ROOT, b"file", 0o644, os.O_WRONLY, 1, 1)
    node = found.node
    await world.fs.write(handle, 0, b"content")
    world.fs.flush(handle)
    first = local(world, found.ino).version
    assert world.replica.durability.unsynced_contents() == [(node, first)]
    sync_journal = world.replica.sync_journal

    def meanwhile() -> None:
        sync_journal()
        if then.startswith("written"):
            trio.from_thread.run(world.fs.write, handle, 0, b"CONTENT")
        if "flushed" in then:
            trio.from_thread.run_sync(world.fs.flush, handle)
        if then == "removed":
            trio.from_thread.run_sync(world.fs.unlink, ROOT, b"file")

    monkeypatch.setattr(world.replica, "sync_journal", meanwhile)
    await world.fs.fsync(handle)
    monkeypatch.undo()
    world.fs.flush(handle)
    left = world.replica.durability.unsynced_contents()
    if then.startswith("written"):
        assert left == [(node, local(world, found.ino).version)]
        assert left != [(node, first)]
    else:
        assert left == []
    await world.fs.fsync(handle)
    assert world.replica.durability.unsynced_contents() == []
    sequence = world.replica.sequence()
    await world.fs.fsync(handle)
    assert world.replica.sequence() == sequence
    world.fs.release(handle)


async def test_what_a_refused_write_left_is_doubtful_and_told_again_once_nobody_has_it_open(
    world, monkeypatch
):
    told: list[object] = []
    world.replica.listen(told.append)
    handle, found = await world.fs.create(ROOT, b"file", 0o644, os.O_WRONLY, 1, 1)
    await world.fs.write(handle, 0, b"content")
    with monkeypatch.context() as patch:

        def full() -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        patch.setattr(world.replica, "require_space", full)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            await world.fs.write(handle, 7, b" and more")
    world.fs.flush(handle)
    node = world.replica.by_ino(found.ino)
    local = world.replica.local(node)
    assert local.size == 7
    assert local.doubtful
    assert told == []
    world.fs.release(handle)
    assert told == [AttrChanged(found.ino)]
