"""Who asks for portion after portion leaves the others their half. (``syncin_fuse.turns`` itself;
no mount.)"""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pyfuse3
import pytest
import trio
import trio.testing

from syncin_fuse.operations import Operations
from syncin_fuse.turns import LATELY, LONGEST, REMEMBERED, Turns
from syncin_mount.store import Replica
from syncin_mount.vfs import FileSystem, NoHydrator

LISTER, CREATOR = 10, 20
HANDLE = 1


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def _portion(turns: Turns, clock: Clock, takes: float, handle: int = HANDLE) -> float:
    """Seconds that the portion waited."""
    before = trio.current_time()
    async with turns.portion(handle):
        waited = trio.current_time() - before
        clock.now += takes
    return waited


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def turns(clock: Clock) -> Turns:
    turns = Turns(clock)
    turns.opened(HANDLE, LISTER)
    return turns


async def test_alone_nobody_waits(turns, clock, autojump_clock):
    for _ in range(5):
        assert await _portion(turns, clock, 0.001) == 0
        turns.small(LISTER)  # its own: a listing that is followed by what was listed


async def test_beside_others_it_waits_as_long_as_its_last_portion_took(
    turns, clock, autojump_clock
):
    await _portion(turns, clock, 0.0005)
    turns.small(CREATOR)
    assert await _portion(turns, clock, 0.001) == pytest.approx(0.0005)
    turns.small(CREATOR)
    turns.small(LISTER)
    assert await _portion(turns, clock, 1.0) == pytest.approx(0.001)
    turns.small(CREATOR)
    assert await _portion(turns, clock, 0.001) == pytest.approx(LONGEST)
    assert await _portion(turns, clock, 0.001) == 0  # the other has stopped


async def test_several_wait_one_after_the_other(turns, clock, autojump_clock):
    """Reading ahead, the kernel asks for several portions of one file at once."""
    await _portion(turns, clock, 0.001)
    waited: list[float] = []

    async def one() -> None:
        waited.append(await _portion(turns, clock, 0.001))

    turns.small(CREATOR)
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(one)
    assert sorted(waited) == pytest.approx([0.001, 0.002, 0.003])


async def test_what_is_remembered_of_processes_and_handles_is_bounded(turns, clock, autojump_clock):
    for number in range(10 * REMEMBERED):
        turns.small(100 + number)
        turns.opened(1000 + number, 100 + number)
        turns.closed(1000 + number)
        await _portion(turns, clock, 0.0)
    assert len(turns._last) <= REMEMBERED + 1
    assert len(turns._owners) == 1


async def test_a_portion_that_is_given_up_leaves_the_others_their_way(turns, clock, autojump_clock):
    await _portion(turns, clock, 0.001)
    turns.small(CREATOR)
    with trio.move_on_after(0.0001):
        await _portion(turns, clock, 0.001)
    assert await _portion(turns, clock, 0.001) == pytest.approx(0.001)
    assert turns._waiting == 0


def test_who_works_now_and_then_shares(turns):
    assert not turns.shared(HANDLE)
    turns.small(LISTER)
    assert not turns.shared(HANDLE), "its own"
    turns.small(CREATOR)
    assert [turns.shared(HANDLE) for _ in range(LATELY + 1)] == [True] * LATELY + [False]


async def test_what_the_kernel_asks_for_a_copy_is_nobody_s_work(tmp_path):
    """One SETATTR a MiB, in the name of a thread of the kernel: the copy waited for itself."""
    replica = Replica.open(tmp_path / "replica")
    fs = FileSystem(replica, NoHydrator())
    operations = Operations(fs)
    kernel: Any = SimpleNamespace(pid=7, uid=0, gid=0)
    writer: Any = SimpleNamespace(pid=8, uid=0, gid=0)
    info, entry = await operations.create(1, b"file", 0o644, os.O_WRONLY, writer)
    told, others = ("mtime", "ctime"), ("mode", "uid", "gid", "size", "atime")
    fields: Any = SimpleNamespace(**{f"update_{name}": name in told for name in (*told, *others)})
    try:
        await operations.setattr(entry.st_ino, entry, fields, info.fh, kernel)
        with pytest.raises(pyfuse3.FUSEError):
            await operations.getxattr(entry.st_ino, b"security.capability", kernel)
        assert not operations.turns.shared(info.fh)
        await operations.getattr(entry.st_ino, kernel)
        assert operations.turns.shared(info.fh)
        await operations.release(info.fh)
    finally:
        fs.close()
        replica.close()
