"""The same random operations on a drive and on a local folder give the same results, errors
included."""

from __future__ import annotations

import mmap
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

NAMES = ["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "f", "f/a", "f/d"]


class Side:
    """One of the two folders, and the descriptors that are open in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.open: dict[int, int] = {}

    def do(self, step: Callable[[Side], object]) -> object:
        try:
            return step(self)
        except OSError as error:
            return f"errno {error.errno}"

    def path(self, name: str) -> Path:
        return self.root / name

    def tree(self) -> dict[str, object]:
        found: dict[str, object] = {}
        for path in sorted(self.root.rglob("*")):
            info = path.lstat()
            content: object = None
            if path.is_symlink():
                content = os.readlink(path)
            elif path.is_file():
                content = path.read_bytes()
            size = info.st_size if path.is_file() else None
            old = info.st_mtime_ns if info.st_mtime_ns < 100 else None  # set, and not changed since
            found[str(path.relative_to(self.root))] = (
                info.st_mode,
                info.st_nlink,
                size,
                old,
                content,
            )
        return found

    def descriptors(self) -> list[object]:
        return [
            (slot, os.fstat(fd).st_size, os.fstat(fd).st_nlink, os.pread(fd, 1 << 20, 0))
            for slot, fd in sorted(self.open.items())
        ]

    def close(self) -> None:
        for fd in self.open.values():
            os.close(fd)
        self.open.clear()


def names_step(random: random.Random) -> Callable[[Side], object]:
    one, two = random.sample(NAMES, 2)
    mode, size = random.choice([0o600, 0o644, 0o755]), random.randrange(5000)
    return random.choice(
        [
            lambda side: os.mkdir(side.path(one), mode),
            lambda side: os.rmdir(side.path(one)),
            lambda side: os.unlink(side.path(one)),
            lambda side: os.rename(side.path(one), side.path(two)),
            lambda side: os.rename(side.path(one), side.path(two)),
            lambda side: os.symlink(two, side.path(one)),
            lambda side: side.path(one).write_text(two),
            lambda side: side.path(one).write_text(two),
            lambda side: os.chmod(side.path(one), mode, follow_symlinks=True),
            # To the size that it has: no change by POSIX and for the kernel's FUSE, a new mtime on
            # ext4.
            lambda side: (
                os.truncate(side.path(one), size) if side.path(one).stat().st_size != size else None
            ),
            lambda side: sorted(os.listdir(side.path(one))),
            lambda side: os.readlink(side.path(one)),
            lambda side: os.utime(side.path(one), ns=(5, 7)),
        ]
    )


def descriptor_step(random: random.Random) -> Callable[[Side], object]:
    slot, name, offset = random.randrange(4), random.choice(NAMES), random.randrange(100_000)
    data = random.randbytes(random.choice([1, 100, 5000, 40_000]))
    flags = random.choice([0, os.O_TRUNC, os.O_APPEND, os.O_EXCL]) | os.O_RDWR | os.O_CREAT

    def opened(side: Side) -> None:
        fd = os.open(side.path(name), flags, 0o644)
        if slot in side.open:
            os.close(side.open[slot])
        side.open[slot] = fd

    def mapped(side: Side) -> bytes:
        size = os.fstat(side.open[slot]).st_size
        if not size:
            return b""
        with mmap.mmap(side.open[slot], size) as memory:
            start = offset % size
            memory[start : start + 10] = data[:1] * len(memory[start : start + 10])
            # a write through a mapping gives a new mtime on ext4 and here, none on tmpfs
            os.utime(side.open[slot])
            return memory[:]

    steps: list[Callable[[Side], object]] = [
        opened,
        lambda side: os.close(side.open.pop(slot)),
        lambda side: os.pwrite(side.open[slot], data, offset),
        lambda side: os.write(side.open[slot], data),
        lambda side: os.ftruncate(side.open[slot], offset),
        lambda side: os.fsync(side.open[slot]),
        lambda side: os.pread(side.open[slot], len(data), offset),
        lambda side: os.fchmod(side.open[slot], 0o600 + (offset & 0o77)),
        mapped,
    ]
    chosen = random.choice(steps)
    return lambda side: chosen(side) if chosen is opened or slot in side.open else None


@pytest.mark.parametrize("seed", range(6))
def test_the_same_operations_give_the_same_results(drive, tmp_path, seed):
    dice = random.Random(seed)
    local = Side(tmp_path / "local")
    local.root.mkdir()
    there = Side(drive.path)
    for number in range(500):
        step = (names_step if dice.random() < 0.5 else descriptor_step)(dice)
        results = [side.do(step) for side in (local, there)]
        assert results[0] == results[1], number
        if number % 25 == 0:
            assert local.tree() == there.tree(), number
            assert local.descriptors() == there.descriptors(), number
    local.close()
    there.close()
    drive.again()
    assert local.tree() == there.tree()
