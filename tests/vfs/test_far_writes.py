"""A write that is refused leaves the size alone, though the kernel pads the page in which the file
ended before it."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.model import ROOT
from syncin_mount import system

PAGE = 4096
FAR = 1 << 62


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """On a disk, also where other tests write to memory."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def refuses(tmp_path: Path) -> None:
    """The disk below has to refuse it: tmpfs does not."""
    with (tmp_path / "probe").open("wb") as file:
        try:
            system.pwrite(file.fileno(), b"x", FAR)
        except OSError:
            return
    pytest.skip("the file system of the tests takes files of any size")


def _page(*data: tuple[int, bytes]) -> bytes:
    """What the kernel hands over of a page: what was written, and zeros."""
    page = bytearray(PAGE)
    for offset, piece in data:
        page[offset : offset + len(piece)] = piece
    return bytes(page)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "handed", "expected"),
    [
        (0, [], 0),
        (5, [], 5),
        (5, [(0, _page((0, b"xxxxx")))], 5),
        (PAGE, [], PAGE),
        (PAGE + 904, [(PAGE, _page((0, b"x" * 904)))], PAGE + 904),
        (5, [(0, _page((0, b"xxxxx"), (100, b"new")))], 103),  # two writes, one of them far
        (5, [(0, _page((0, b"xxxxx"))), (2 * PAGE, _page((7, b"new")))], 2 * PAGE + 10),
        (5, [(2 * PAGE, _page())], 3 * PAGE),  # a page of zeros was written as such
        (0, [(0, b"x" * 2 * PAGE)], 2 * PAGE),
    ],
)
async def test_the_size_is_left_alone(
    world, size: int, handed: list[tuple[int, bytes]], expected: int
):
    ino = await world.create(b"file", b"x" * size)
    handle = await world.fs.open(ino, os.O_RDWR)
    for offset, data in handed:
        await world.fs.write(handle, offset, data)
    with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        await world.fs.write(handle, FAR, b"far")
    assert world.fs.getattr(ino).size == expected
    # The kernel goes on taking the file for long, and pads.
    await world.fs.write(handle, expected // PAGE * PAGE, _page((expected % PAGE, b"more")))
    assert world.fs.getattr(ino).size == expected + 4
    world.fs.release(handle)
    assert world.replica.attr(world.replica.by_ino(ino)).size == expected + 4
    world.restart()
    assert world.fs.lookup(ROOT, b"file").size == expected + 4


@pytest.mark.slow
async def test_zeros_that_somebody_wrote_stay_where_nothing_is_refused(world):
    ino = await world.create(b"file", b"xxxxx")
    handle = await world.fs.open(ino, os.O_RDWR)
    await world.fs.write(handle, 0, _page((0, b"xxxxx")))
    await world.fs.write(handle, 4 * PAGE, b"end")
    world.fs.release(handle)
    assert world.fs.getattr(ino).size == 4 * PAGE + 3


@pytest.mark.slow
async def test_a_longer_file_that_is_refused_leaves_it_alone(world):
    ino = await world.create(b"file", b"xxxxx")
    with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        await world.fs.setattr(ino, size=FAR)
    assert world.fs.getattr(ino).size == 5
    assert await world.read(ino) == b"xxxxx"
