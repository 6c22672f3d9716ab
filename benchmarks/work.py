"""What the benchmark of the mount does in each drive. Seconds of each row; preparing and clearing
away do not count."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sysconfig
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

BLOCK = 4096
MIB = 1 << 20
LISTED = "listed"
PAUSE = 2.0
"""Seconds between looking at something and looking again, in the warm rows: more than some drives
remember."""

DROP_CACHES = Path("/proc/sys/vm/drop_caches")


@dataclass(frozen=True)
class Row:
    """One line of the result.

    ``kind``: what is wanted beside rclone differs. ``half_of_c``: at least half of the C program's
    speed is wanted; ``kernel``: the kernel's memory answers, so 0.9 of the native folder's.
    ``unit`` is what one of it is called.
    """

    what: str
    kind: Literal["metadata", "throughput"]
    unit: Literal["µs", "MiB/s", "ms"] = "µs"
    half_of_c: bool = False
    kernel: bool = False


ROWS = {
    "create": Row("create 4 KiB (open, write, close)", "metadata", half_of_c=True),
    "open-read": Row("open + read 4 KiB, written a moment ago", "metadata", half_of_c=True),
    "open-read-cold": Row(
        "open + read 4 KiB, not in the drive's pages", "metadata", half_of_c=True
    ),
    "rename": Row("rename", "metadata", half_of_c=True),
    "unlink": Row("unlink", "metadata", half_of_c=True),
    "stat-cold": Row("stat, cold", "metadata"),
    "stat-warm": Row("stat, looked at 2 s ago", "metadata", kernel=True),
    "readdir-cold": Row("readdir with stat, cold, an entry of 10,000", "metadata"),
    "readdir-warm": Row("readdir with stat, looked at 2 s ago", "metadata"),
    "write": Row("sequential write", "throughput", "MiB/s"),
    "read-warm": Row("sequential read, warm", "throughput", "MiB/s", kernel=True),
    "read-cold": Row("sequential read, not in the drive's pages", "throughput", "MiB/s"),
    "random-warm": Row("random 4 KiB reads, warm", "throughput", kernel=True),
    "random-cold": Row("random 4 KiB reads, not in the drive's pages", "throughput"),
    "untar": Row("untar a repository of the Python library", "metadata", "ms"),
    "status-first": Row("git status, first", "metadata", "ms"),
    "status-again": Row("git status, 2 s later", "metadata", "ms"),
    "remove": Row("rm -r of it", "metadata", "ms"),
}

Timed = Callable[[str, float], "Clock"]


class Clock:
    """A context manager whose time is a row's. ``amount`` is how many of the row's unit are done
    meanwhile."""

    def __init__(
        self,
        row: str,
        amount: float,
        cpu: Callable[[], float],
        done: Callable[[str, float, float], None],
    ):
        self._row, self._amount, self._cpu, self._done = row, amount, cpu, done

    def __enter__(self) -> None:
        self._cpu_before = self._cpu()
        self._began = time.perf_counter()

    def __exit__(self, kind: object, *_error: object) -> None:
        took = time.perf_counter() - self._began
        if kind is None:
            self._done(
                self._row, took / self._amount, (self._cpu() - self._cpu_before) / self._amount
            )


def can_drop() -> bool:
    """Whether what the kernel remembers can be taken from it: that is for root alone."""
    return os.access(DROP_CACHES, os.W_OK)


def drop_all() -> None:
    """Names, inodes and pages, of everything."""
    os.sync()
    DROP_CACHES.write_text("3\n")


def _drop_names() -> None:
    os.sync()  # inodes with something to write would stay
    DROP_CACHES.write_text("2\n")


def _drop_pages(file: Path) -> None:
    """posix_fadvise(2): of this drive's file; what lies below it stays where it is."""
    fd = os.open(file, os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def prepare(folder: Path, count: int) -> None:
    """What is in every drive from the beginning: a folder of empty files to look at."""
    listed = folder / LISTED
    listed.mkdir()
    for number in range(count):
        (listed / f"file-{number:06d}.txt").touch()


def clear(folder: Path) -> None:
    """What a part that failed may have left, as far as it can be removed."""
    for name in ("small", "tree"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "large.bin").unlink(missing_ok=True)


def small_files(root: Path, timed: Timed, count: int) -> None:
    """One after the other, from creating to removing: over before any drive begins to carry them
    on."""
    folder = root / "small"
    folder.mkdir()
    data = os.urandom(BLOCK)
    names = [os.fspath(folder / f"{number:06d}.bin") for number in range(count)]
    with timed("create", count):
        for name in names:
            fd = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
            os.write(fd, data)
            os.close(fd)
    with timed("open-read", count):
        _read_all(names)
    for name in names:
        _drop_pages(Path(name))
    with timed("open-read-cold", count):
        _read_all(names)
    with timed("rename", count):
        for name in names:
            os.rename(name, name + ".new")
    with timed("unlink", count):
        for name in names:
            os.unlink(name + ".new")
    folder.rmdir()


def _read_all(names: list[str]) -> None:
    for name in names:
        fd = os.open(name, os.O_RDONLY)
        if len(os.read(fd, BLOCK)) != BLOCK:
            raise OSError(f"{name} is not what was written")
        os.close(fd)


def listing(root: Path, timed: Timed, count: int) -> None:
    """``count`` entries are there."""
    folder = root / LISTED
    order = random.Random(1)
    names = [
        os.fspath(folder / f"file-{number:06d}.txt")
        for number in order.sample(range(count), count // 5)
    ]
    for cold, warm, amount, look in (
        ("stat-cold", "stat-warm", len(names), partial(_stat_all, names)),
        ("readdir-cold", "readdir-warm", count, partial(_list, folder, count)),
    ):
        if can_drop():
            _drop_names()
            with timed(cold, amount):
                look()
        else:
            look()
        time.sleep(PAUSE)  # the row is of what the kernel knows by then
        with timed(warm, amount):
            look()


def _stat_all(names: list[str]) -> None:
    for name in names:
        os.stat(name)


def _list(folder: Path, count: int) -> None:
    with os.scandir(folder) as entries:
        found = sum(entry.stat().st_size == 0 for entry in entries)
    if found != count:
        raise OSError(f"{folder} told {found} of {count} entries")


def large_file(root: Path, timed: Timed, mib: int) -> None:
    """Written until close(2) returns, not until it is on the disk; then read."""
    file = root / "large.bin"
    block = os.urandom(MIB)
    with timed("write", mib):
        fd = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        for _ in range(mib):
            os.write(fd, block)
        os.close(fd)
    fd = os.open(file, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
    _read_whole(file)
    with timed("read-warm", mib):
        _read_whole(file)
    order = random.Random(2)
    places = order.sample(range(mib * MIB // BLOCK), mib * 8)
    with timed("random-warm", len(places)):
        _read_places(file, places)
    _drop_pages(file)
    with timed("random-cold", len(places)):
        _read_places(file, places)
    _drop_pages(file)
    with timed("read-cold", mib):
        _read_whole(file)
    file.unlink()


def _read_whole(file: Path) -> None:
    fd = os.open(file, os.O_RDONLY)
    buffer = bytearray(MIB)
    while os.readv(fd, [buffer]):
        pass
    os.close(fd)


def _read_places(file: Path, places: list[int]) -> None:
    fd = os.open(file, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    for place in places:
        os.pread(fd, BLOCK, place * BLOCK)
    os.close(fd)


def make_tarball(base: Path, most: int) -> Path:
    """A git repository with one commit of (the first ``most`` files of) the Python library,
    packed."""
    source, target = Path(sysconfig.get_paths()["stdlib"]), base / "library"
    left_out = shutil.ignore_patterns(
        "__pycache__", "site-packages", "dist-packages", "config-*", "*.so", "*.exe"
    )
    shutil.copytree(source, target, ignore=left_out, symlinks=True)
    files = sorted(path for path in target.rglob("*") if path.is_file())
    for file in files[most:]:
        file.unlink()
    who = [
        "-c",
        "user.name=bench",
        "-c",
        "user.email=bench@localhost",
        "-c",
        "commit.gpgsign=false",
    ]
    for words in (["init"], ["add", "-A", "-f"], [*who, "commit", "-m", "library"], ["gc"]):
        _git(target, *words)
    tarball = base / "library.tar"
    with tarfile.open(tarball, "w") as tar:
        tar.add(target, "library")
    shutil.rmtree(target)
    return tarball


def _git(folder: Path, *words: str) -> str:
    # File modes are not compared: rclone's drive has none.
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "-c",
        "core.fileMode=false",
        "-C",
        os.fspath(folder),
        *words,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def tree(root: Path, timed: Timed, tarball: Path) -> None:
    """What programs do with thousands of files; drives carry them on meanwhile, as they do for
    users."""
    folder = root / "tree"
    folder.mkdir()
    with timed("untar", 1):
        subprocess.run(["tar", "-xf", tarball, "-C", folder], check=True)
    for row in ("status-first", "status-again"):
        with timed(row, 1):
            said = _git(folder / "library", "status", "--porcelain")
        if said:
            raise OSError(f"git status tells changes: {said[:200]}")
        time.sleep(PAUSE)  # the row is of what the kernel knows by then
    with timed("remove", 1):
        subprocess.run(["rm", "-r", folder], check=True, capture_output=True)
