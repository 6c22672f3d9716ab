"""Carrying files across: ours beside a bare httpx loop against the same embedded server, in turn,
in one run."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import trio

from benchmarks.copying import copy_in
from benchmarks.ground import Ground, fill, many_files
from benchmarks.importing import first_run
from benchmarks.reference import together
from syncin_mount.app.runtime.runtime import Runtime
from syncin_mount.config.folders import HOME_VARIABLE

SMALL = 4096
CONCURRENCY = (1, 4, 8, 16)


async def _all_across(runtime: Runtime) -> float:
    started = time.perf_counter()
    report = await runtime.engine.sync()
    assert report.complete, (report.problems, report.offline, report.refused, report.halted)
    await runtime.hydrator.wait_drained()
    return time.perf_counter() - started


def files_up(ground: Ground, rounds: int, count: int, size: int) -> dict[str, Any]:
    """Ours: from changes in the replica to all of it on the server, listing and planning
    included."""

    async def ours() -> float:
        name = ground.fresh()
        async with ground.runtime(name) as runtime:
            fill(runtime.replica, count, size)
            return await _all_across(runtime)

    async def theirs(at_once: int) -> float:
        name = ground.fresh()
        source = ground.sandbox.base / "source"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir()
        block = os.urandom(min(size, 1 << 20))
        for number in range(count):
            with (source / f"{number:06d}.bin").open("wb") as file:
                for offset in range(0, size, len(block)):
                    file.write(block[: size - offset])
        async with ground.bare(name) as bare:
            return await together(
                at_once,
                [
                    partial(bare.send, file, f"files/{file.name}")
                    for file in sorted(source.iterdir())
                ],
            )

    return _beside(rounds, ours, theirs, count * size, count)


def files_down(ground: Ground, rounds: int, count: int, size: int) -> dict[str, Any]:
    """Ours: from an empty replica to every content in it, listing and planning included."""
    names: list[str] = []

    def prepared() -> str:
        name = ground.fresh()
        folder = ground.folder(name) / "files"
        folder.mkdir()
        block = os.urandom(min(size, 1 << 20))
        for number in range(count):
            with (folder / f"{number:06d}.bin").open("wb") as file:
                for offset in range(0, size, len(block)):
                    file.write(block[: size - offset])
        names.append(name)
        return name

    async def ours() -> float:
        async with ground.runtime(prepared()) as runtime:
            return await _all_across(runtime)

    async def theirs(at_once: int) -> float:
        name = prepared()
        target = ground.sandbox.base / "target"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        async with ground.bare(name) as bare:
            return await together(
                at_once,
                [
                    partial(bare.fetch, f"files/{number:06d}.bin", target / str(number))
                    for number in range(count)
                ],
            )

    return _beside(rounds, ours, theirs, count * size, count)


def _beside(
    rounds: int, ours: Callable[[], Any], theirs: Callable[[int], Any], size: int, count: int
) -> dict[str, Any]:
    """Measures both in turn. The bare loop runs at its best concurrency, found in a first round
    that does not count."""
    concurrency = CONCURRENCY if count > 1 else (1,)
    first = {at_once: trio.run(theirs, at_once) for at_once in concurrency}
    best = min(first, key=lambda at_once: first[at_once])
    own, bare = [], []
    for _ in range(rounds):
        own.append(trio.run(ours))
        bare.append(trio.run(theirs, best))
    ratio = statistics.median(mine / other for mine, other in zip(own, bare, strict=True))
    figures: dict[str, Any] = {
        "ours, s (median)": round(statistics.median(own), 3),
        "bare loop, s (median)": round(statistics.median(bare), 3),
        "bare loop's best concurrency": best,
        "ours / bare, time": round(ratio, 2),
        "ours / bare, time, of the quickest": round(min(own) / min(bare), 2),
    }
    if count == 1:
        figures["ours / bare, throughput"] = round(1 / ratio, 2)
        figures["ours, MiB/s"] = round(size / statistics.median(own) / 2**20)
    return figures


def no_op(ground: Ground, rounds: int, count: int) -> dict[str, Any]:
    """A run over an unchanged tree: CPU beside parsing the same listing with json, and the memory
    it takes."""
    name = ground.fresh()
    root = ground.folder(name)
    many_files(root, count)

    async def measure() -> dict[str, Any]:
        async with ground.runtime(name) as runtime:
            await _all_across(runtime)
            lines = _listing_lines(root)
            own, parse = [], []
            for _ in range(rounds):
                gc.collect()
                started = time.process_time()
                await _all_across(runtime)
                own.append(time.process_time() - started)
                started = time.process_time()
                for line in lines:
                    json.loads(line)
                parse.append(time.process_time() - started)
            ratio = statistics.median(mine / other for mine, other in zip(own, parse, strict=True))
            return {
                "entries": count,
                "ours, CPU s (median)": round(statistics.median(own), 3),
                "json alone, CPU s (median)": round(statistics.median(parse), 3),
                "ours / json, CPU": round(ratio, 2),
            }

    figures = trio.run(measure)
    empty = ground.fresh()
    ground.sandbox.must(empty, "sync", "bench")
    more = _most_memory(ground, name) - _most_memory(ground, empty)
    return {**figures, "memory at its most, over that of an empty run, MiB": round(more / 2**20, 1)}


def _most_memory(ground: Ground, name: str) -> int:
    """Bytes of its own that a command which finds nothing to do takes at its most, looked at every
    few milliseconds."""
    environment = {**os.environ, HOME_VARIABLE: str(ground.sandbox.base / name)}
    command = [sys.executable, "-m", "syncin_mount", "sync", "bench"]
    most = 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with contextlib.suppress(OSError, ValueError, IndexError):
                most = max(most, _memory(process.pid))
            time.sleep(0.005)
    assert process.returncode == 0
    return most


def _listing_lines(root: Path) -> list[bytes]:
    def walk(folder: Path, prefix: str) -> Iterator[bytes]:
        for entry in os.scandir(folder):
            info = entry.stat()
            stats = [entry.is_dir(), info.st_size, int(info.st_mtime), info.st_ino, None]
            yield json.dumps({prefix + entry.name: stats}).encode()
            if entry.is_dir():
                yield from walk(Path(entry.path), f"{prefix}{entry.name}/")

    return list(walk(root, ""))


def _memory(pid: int) -> int:
    """Bytes of memory of its own. The index's pages, which the kernel maps and can take back, are
    not."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


def one_edit(ground: Ground, rounds: int, count: int) -> dict[str, Any]:
    """One edited file among many in a real mount: from its close to the server's disk, by a
    push."""
    name = ground.fresh()
    root = ground.folder(name)
    many_files(root, count)
    drive = ground.drive(name)
    ground.sandbox.must(name, "sync", "bench")
    ground.sandbox.mount(name, "bench")
    # returns after the first run of the mount, and its own
    ground.sandbox.must(name, "sync", "bench")
    seconds: list[float] = []
    listings = 0
    for turn in range(rounds):
        listed = _listings(ground)
        with (drive / "folder-00000" / f"file-{turn:03d}.txt").open("wb") as file:
            file.write(b"edited")
        started = time.perf_counter()
        there = root / "folder-00000" / f"file-{turn:03d}.txt"
        while there.stat().st_size != 6:
            time.sleep(0.005)
        seconds.append(time.perf_counter() - started)
        listings += _listings(ground) - listed
    return {
        "entries": count,
        "close to server, s (median)": round(statistics.median(seconds), 2),
        "close to server, s (most)": round(max(seconds), 2),
        "listings meanwhile": listings,
    }


def _listings(ground: Ground) -> int:
    """How many the server was asked for so far."""
    return ground.requests.read_text().count("/operation/diff/")


Measure = Callable[[Ground, int], dict[str, Any]]

ROWS: dict[str, tuple[str, Measure]] = {
    "small-up": (
        "2,000 files of 4 KiB to the server",
        lambda g, n: files_up(g, n, int(2000 * g.scale), SMALL),
    ),
    "small-down": (
        "2,000 files of 4 KiB from it",
        lambda g, n: files_down(g, n, int(2000 * g.scale), SMALL),
    ),
    "large-up": (
        "one file of 1 GiB to the server",
        lambda g, n: files_up(g, n, 1, int(2**30 * g.scale)),
    ),
    "large-down": (
        "one file of 1 GiB from it",
        lambda g, n: files_down(g, n, 1, int(2**30 * g.scale)),
    ),
    "no-op": (
        "a run over 100,000 unchanged entries",
        lambda g, n: no_op(g, n, int(100_000 * g.scale)),
    ),
    "copy-in": ("a copy of 1 GiB into the drive", lambda g, n: copy_in(g, n, int(2**30 * g.scale))),
    "import": (
        "the first run after an import",
        lambda g, n: first_run(g, n, int(20_000 * g.scale)),
    ),
    "one-edit": (
        "one edit among 100,000 files",
        lambda g, n: one_edit(g, n, int(100_000 * g.scale)),
    ),
}
