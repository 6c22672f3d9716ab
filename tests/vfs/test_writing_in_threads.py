"""Large writes that a thread does: what is asked of the same file meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import trio
import trio.testing

import syncin_mount.vfs.files
from reconciler.model import ROOT
from syncin_mount.vfs.positioned import write_at

LIMIT = 20.0
PART = b"x" * 300_000


class Held:
    """Stands before ``write_at``: writes of a thread wait here until they are let go."""

    def __init__(self, write_at: Callable[[int, Any, int], None]) -> None:
        self._write_at = write_at
        self.let_go = threading.Event()
        self.began = trio.Event()

    def __call__(self, fd: int, data: bytes, offset: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            trio.from_thread.run_sync(self.began.set)
            assert self.let_go.wait(LIMIT)
        self._write_at(fd, data, offset)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    held = Held(write_at)
    monkeypatch.setattr(syncin_mount.vfs.files, "write_at", held)
    yield held
    held.let_go.set()


async def _while_written(
    world: Any,
    held: Held,
    act: Callable[[int, int], Awaitable[None]],
    *,
    unlinked: bool = False,
) -> tuple[int, int]:
    """A file with a part on its way into it by a thread while ``act(handle, inode)`` is done."""
    handle, found = await world.fs.create(ROOT, b"file", 0o644, os.O_RDWR, 1, 1)
    if unlinked:
        world.fs.unlink(ROOT, b"file")

    async def write() -> None:
        await world.fs.write(handle, 0, PART, in_thread=True)

    async def meanwhile() -> None:
        try:
            await act(handle, found.ino)
        finally:
            held.let_go.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        await held.began.wait()
        nursery.start_soon(meanwhile)
    return handle, found.ino


def _local(world: Any, ino: int) -> Any:
    return world.replica.local(world.replica.by_ino(ino))


async def test_others_are_answered_and_nothing_of_it_is_recorded_meanwhile(world, held):
    async def act(handle: int, ino: int) -> None:
        assert _local(world, ino).busy, "the mark comes before the first byte"
        await world.create(b"small", b"content")
        world.clock.now += 10
        world.fs.record_quiet_handles(world.clock.now)
        world.fs.flush(handle)
        assert _local(world, ino).busy, "half of it is no version"

    handle, ino = await _while_written(world, held, act)
    world.fs.flush(handle)
    assert (_local(world, ino).busy, _local(world, ino).size) == (False, len(PART))


async def test_who_records_waits_for_what_came_before(world, held):
    done: list[str] = []
    handle, found = await world.fs.create(ROOT, b"file", 0o644, os.O_RDWR, 1, 1)

    async def write(offset: int) -> None:
        await world.fs.write(handle, offset, PART, in_thread=True)
        done.append("written")

    async def sync() -> None:
        await world.fs.fsync(handle)
        assert not _local(world, found.ino).busy
        done.append("synced")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write, 0)
        await held.began.wait()
        nursery.start_soon(sync)
        await trio.testing.wait_all_tasks_blocked()
        assert not done
        held.let_go.set()
    assert done == ["written", "synced"]
    assert _local(world, found.ino).size == len(PART)
    world.fs.release(handle)


async def test_a_small_write_comes_after_the_large_one_that_came_before(world, held):
    async def act(handle: int, _ino: int) -> None:
        async def write() -> None:
            await world.fs.write(handle, 5, b"small")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            await trio.testing.wait_all_tasks_blocked()
            held.let_go.set()

    handle, ino = await _while_written(world, held, act)
    world.fs.release(handle)
    assert await world.read(ino, 0, 12) == b"xxxxxsmallxx"


@pytest.mark.parametrize("unlinked", ["before", "meanwhile", ""])
async def test_the_content_stays_open_until_it_is_written(world, held, unlinked):
    async def act(handle: int, _ino: int) -> None:
        if unlinked == "meanwhile":
            world.fs.unlink(ROOT, b"file")
        world.fs.release(handle)
        fresh = os.open(world.folder / "fresh", os.O_RDWR | os.O_CREAT)
        os.close(fresh)

    _, ino = await _while_written(world, held, act, unlinked=unlinked == "before")
    assert (world.folder / "fresh").stat().st_size == 0, "no descriptor was given out again"
    world.clock.now += 10
    world.fs.record_quiet_handles(world.clock.now)
    if not unlinked:
        assert await world.read(ino) == PART
        assert not _local(world, ino).busy


async def test_what_the_disk_refuses_a_thread_is_told(world, monkeypatch):
    def refuse(_fd: int, _data: bytes, _offset: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(syncin_mount.vfs.files, "write_at", refuse)
    handle, found = await world.fs.create(ROOT, b"file", 0o644, os.O_RDWR, 1, 1)
    with pytest.raises(OSError, match="No space"):
        await world.fs.write(handle, 0, PART, in_thread=True)
    world.fs.flush(handle)
    assert not _local(world, found.ino).busy
    world.fs.release(handle)
