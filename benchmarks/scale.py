"""What stays flat when there is very much: a million files, a folder of 100,000, a journal of
100,000 operations."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.drives import Drive
from benchmarks.ground import Ground, many_files
from benchmarks.stall import reads, told
from benchmarks.work import can_drop, drop_all
from reconciler.model import ROOT, Base, Kind, NodeId
from syncin_mount.store import NodeType, Replica

A_FOLDER = 1000
LARGE = 100_000
LARGE_NAME = "large"


def million(ground: Ground, count: int) -> dict[str, Any]:
    """``count`` files, as after a synchronization, a tenth of them in one folder; mounted with the
    server away."""
    name = ground.fresh()
    large = count // 10
    began = time.perf_counter()
    with_files(ground.replica(name), count, large)
    figures: dict[str, Any] = {
        "files": count,
        "making the replica, s": round(time.perf_counter() - began, 1),
    }
    ground.sandbox.stop_server()
    drive = ground.drive(name)
    for what in ("first", "again"):
        if what == "first" and can_drop():
            drop_all()
        began = time.perf_counter()
        ground.sandbox.mount(name, "bench")
        os.listdir(drive)
        figures[f"mounted, {what}, s"] = round(time.perf_counter() - began, 2)
        if what == "first":
            process = Drive("ours", drive, [ground.daemon(name)])
            _memory(figures, "mounted", process)
            _commands(figures, drive, process, count, large)
        ground.sandbox.must(name, "umount", "bench")
    return figures


def _commands(figures: dict[str, Any], drive: Path, process: Drive, count: int, large: int) -> None:
    of_large = str(drive / LARGE_NAME)
    for what, words, lines in (
        ("ls of the large folder", ["ls", of_large], large),
        ("ls -l of it", ["ls", "-l", of_large], large + 1),
        ("find over everything", ["find", str(drive), "-type", "f"], count),
        ("find again", ["find", str(drive), "-type", "f"], count),
    ):
        began, cpu = time.perf_counter(), process.cpu()
        found = subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout.count(b"\n")
        if found != lines:
            raise OSError(f"{what} told {found} of {lines}")
        figures[f"{what}, s (CPU of the drive)"] = (
            f"{time.perf_counter() - began:.2f} ({process.cpu() - cpu:.2f}), {_rate(lines, began)}"
            " an entry"
        )
    _memory(figures, "afterwards", process)


def _rate(lines: int, began: float) -> str:
    return f"{(time.perf_counter() - began) / lines * 1e6:.1f} µs"


def _memory(figures: dict[str, Any], when: str, process: Drive) -> None:
    resident, own = process.memory()
    figures[f"resident, {when}, MiB (its own)"] = f"{resident / 2**20:.0f} ({own / 2**20:.0f})"


def with_files(folder: Path, count: int, large: int) -> None:
    """A replica of so many empty files as the server has them, ``large`` of them in one folder."""
    replica = Replica.open(folder)
    at, number = ROOT, 0
    for number in range(count):
        if number % A_FOLDER == 0 and (number >= large or number == 0):
            at = replica.new_id()
            called = LARGE_NAME if number == 0 else f"folder-{number // A_FOLDER:05d}"
            replica.place_folder(at, _base(Kind.FOLDER, ROOT, called))
        replica.place_file(replica.new_id(), _base(Kind.FILE, at, f"file-{number:07d}.txt"))
        if number % 20_000 == 0:
            replica.commit()
    replica.close()


def _base(kind: Kind, parent: NodeId, name: str) -> Base:
    return Base(kind, parent, name, 0, 1_700_000_000, 0, 0)


def journal(ground: Ground, count: int) -> dict[str, Any]:
    """``count`` operations that no commit took up, their process killed: how long the next start
    takes."""
    folder = ground.sandbox.base / "journal"
    child = os.fork()
    if child == 0:  # ends without closing anything, as after SIGKILL
        try:
            _operate(folder, count)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    size = sum(each.stat().st_size for each in (folder / "journal").iterdir())
    began = time.perf_counter()
    replica = Replica.open(folder)
    took = time.perf_counter() - began
    done = replica.sequence()
    replica.close()
    if done < count:
        raise OSError(f"{done} of {count} operations are there")
    return {
        "operations": count,
        "MiB of journal": round(size / 2**20, 1),
        "the start that replays it, s": round(took, 2),
    }


def _operate(folder: Path, count: int) -> None:
    """What saving files makes of operations: created, written, renamed to its name, now and then
    one is removed."""
    replica = Replica.open(folder)
    at = ROOT
    for number in range(count // 4):
        if number % A_FOLDER == 0:
            at = replica.create(
                ROOT, b"folder-%d" % number, NodeType.FOLDER, mode=0o755, uid=0, gid=0
            ).node
        name = b"file-%d.tmp" % number
        node = replica.create(at, name, NodeType.FILE, mode=0o644, uid=0, gid=0).node
        replica.begin_write(node)
        replica.written(node, size=0, mtime_ns=time.time_ns())
        if number % 4 == 3:
            replica.unlink(at, name)
        else:
            replica.rename(at, name, at, b"file-%d.txt" % number)


def listing(ground: Ground, count: int) -> dict[str, Any]:
    """Opening and reading a small file of a real mount while full runs find ``count`` entries
    unchanged."""
    name = ground.fresh()
    (ground.folder(name) / "small.txt").write_bytes(b"small")
    many_files(ground.folder(name), count)
    ground.sandbox.must(name, "sync", "bench")
    ground.sandbox.mount(name, "bench")
    ground.sandbox.must(name, "sync", "bench")
    file = ground.drive(name) / "small.txt"
    before = reads(file, lambda: True, most=2000)
    done = threading.Event()

    def sync() -> None:
        try:
            for _ in range(3):
                ground.sandbox.must(name, "sync", "bench")
        finally:
            done.set()

    thread = threading.Thread(target=sync)
    thread.start()
    during = reads(file, lambda: not done.is_set())
    thread.join()
    return told(before, during)


Measure = Callable[[Ground, int], dict[str, Any]]

ROWS: dict[str, tuple[str, Measure, int]] = {
    "million": (
        "1,000,000 files, 100,000 of them in one folder; wanted: mounted in 3 s, 250 MiB",
        million,
        1_000_000,
    ),
    "journal": ("100,000 operations to replay; wanted: 10 s", journal, 100_000),
    "listing": (
        "a reader during runs over 100,000 unchanged entries; wanted: 99 % in 20 ms",
        listing,
        100_000,
    ),
}
