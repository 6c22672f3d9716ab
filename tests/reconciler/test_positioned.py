"""Positioned reading and writing, above all with two threads on one descriptor."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.positioned import is_hole, pread, pwrite, read_cached, read_into
from syncin_mount import system

BLOCK = 512
BLOCKS = 64
"""Of each thread; those of the two take turns in the file."""


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    import os

    fd = os.open(tmp_path / "file", system.OPEN)
    yield fd
    os.close(fd)


class Worker(threading.Thread):
    """Writes blocks of its own in any order, and reads each again."""

    def __init__(self, fd: int, number: int, rounds: int) -> None:
        super().__init__()
        self._fd = fd
        self._number = number
        self._rounds = rounds
        self.wrong = 0
        self.last: dict[int, bytes] = {}

    def run(self) -> None:
        chance = random.Random(self._number)
        buffer = bytearray(BLOCK)
        for count in range(self._rounds):
            at = (2 * chance.randrange(BLOCKS) + self._number) * BLOCK
            block = f"{self._number}:{count:07}:{at:07} ".encode() * (BLOCK // 18)
            block += bytes(BLOCK - len(block))
            self.last[at] = block
            self.wrong += pwrite(self._fd, block, at) != BLOCK
            if count % 2:
                self.wrong += pread(self._fd, BLOCK, at) != block
            else:
                self.wrong += read_into(self._fd, memoryview(buffer), at) != BLOCK
                self.wrong += buffer != block


@pytest.mark.parametrize("rounds", [2_500, pytest.param(25_000, marks=pytest.mark.slow)])
def test_two_threads_on_one_descriptor_are_never_at_a_wrong_place(fd: int, rounds: int) -> None:
    workers = [Worker(fd, number, rounds) for number in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.wrong for worker in workers] == [0, 0]
    for at, block in (workers[0].last | workers[1].last).items():
        assert pread(fd, BLOCK, at) == block


def test_the_end_of_the_file_ends_a_read(fd: int) -> None:
    assert pwrite(fd, b"0123456789", 0) == 10
    assert pread(fd, 100, 4) == b"456789"
    assert pread(fd, 100, 10) == b""
    assert pread(fd, 100, 5_000) == b""
    assert pread(fd, 0, 0) == b""
    buffer = bytearray(b"." * 8)
    assert read_into(fd, memoryview(buffer), 7) == 3
    assert buffer == b"789....."
    assert read_into(fd, memoryview(buffer), 10) == 0


@pytest.mark.parametrize("data", [b"abc", memoryview(b"xabcx")[1:4], memoryview(bytearray(b"abc"))])
def test_whatever_has_bytes_is_written(fd: int, data: bytes | memoryview) -> None:
    assert pwrite(fd, data, 5) == 3
    assert pread(fd, 100, 0) == b"\0\0\0\0\0abc"


def test_places_beyond_32_bits_are_reached(fd: int) -> None:
    far = (1 << 32) + 7
    try:
        pwrite(fd, b"far", far)
    except OSError as error:
        pytest.skip(f"no such large file here: {error}")
    pwrite(fd, b"near", 7)
    assert pread(fd, 3, far) == b"far"
    assert pread(fd, 4, 7) == b"near"


def test_what_is_said_to_be_cached_is_right(fd: int) -> None:
    pwrite(fd, b"0123456789", 0)
    buffer = bytearray(4)
    count = read_cached(fd, memoryview(buffer), 3)
    assert buffer[:count] == b"3456"[:count]


def test_data_and_what_lies_behind_the_end_are_no_holes(fd: int) -> None:
    pwrite(fd, b"x" * 8192, 0)
    assert not is_hole(fd, 4096, 0)
    assert not is_hole(fd, 4096, 8192)


def test_a_closed_descriptor_is_refused() -> None:
    with pytest.raises(OSError, match="descriptor"):
        pread(10_000, 1, 0)
