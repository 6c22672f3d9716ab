"""How long the trio thread is busy without a break, in runs over big trees: what every request of
the mount waits for.

Each row runs the real engine and store against an embedded server in a process of its own. What is
told is the longest step of any task, where it ended, and how late a task wakes that wants to wake
every millisecond.
"""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from benchmarks.ground import Ground, fill, many_files
from reconciler.model import ROOT
from syncin_mount.app.runtime.runtime import Runtime

LONGEST = 5
"""So many of the longest steps are told."""


@dataclass(eq=False)
class Steps(trio.abc.Instrument):
    """The longest steps: seconds, and where the task was when the step ended."""

    longest: list[tuple[float, str]] = field(default_factory=list)
    _began: float = field(default_factory=time.perf_counter)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._began = time.perf_counter()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        took = time.perf_counter() - self._began
        if len(self.longest) < LONGEST or took > self.longest[-1][0]:
            self.longest = sorted([*self.longest, (took, _where(task))], reverse=True)[:LONGEST]


def _where(task: trio.lowlevel.Task) -> str:
    """Our innermost lines in which the task waits."""
    found: list[str] = []
    for frame, line in task.iter_await_frames():
        name = frame.f_code.co_filename
        if "site-packages" not in name:
            found.append(f"{Path(name).name}:{line} {frame.f_code.co_name}")
    return " < ".join(reversed(found[-3:])) or task.name


class Collections:
    """How long the garbage collector stops everything, in whatever thread it was set off."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._began = 0.0

    def __call__(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.longest = max(self.longest, time.perf_counter() - self._began)


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[dict[str, Any]]:
    """Fills in the figures of what happens meanwhile."""
    figures: dict[str, Any] = {}
    steps, gaps, collections = Steps(), list[float](), Collections()

    async def wake() -> None:
        while True:
            began = time.perf_counter()
            await trio.sleep(0.001)
            gaps.append(time.perf_counter() - began - 0.001)

    began = time.perf_counter()
    trio.lowlevel.add_instrument(steps)
    gc.callbacks.append(collections)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wake)
        yield figures
        nursery.cancel_scope.cancel()
    trio.lowlevel.remove_instrument(steps)
    gc.callbacks.remove(collections)
    gaps.sort()
    figures["run, s"] = round(time.perf_counter() - began, 2)
    figures["longest step, ms"] = round(steps.longest[0][0] * 1000)
    figures["wake-ups late, ms (99 %)"] = round(gaps[int(len(gaps) * 0.99)] * 1000, 1)
    figures["wake-ups late, ms (most)"] = round(gaps[-1] * 1000)
    # Somebody who asks at any moment meets the long gaps more often: they take more of the time.
    total = sum(gaps) + 0.001 * len(gaps)
    figures["of the time in gaps over 20 ms, %"] = round(
        100 * sum(gap for gap in gaps if gap > 0.02) / total, 1
    )
    figures["longest garbage collection, ms"] = round(collections.longest * 1000)
    for number, (took, where) in enumerate(steps.longest, 1):
        figures[f"step {number}"] = f"{took * 1000:.0f} ms  {where}"


async def _run(runtime: Runtime, *, dry_run: bool = False) -> dict[str, Any]:
    async with watched() as figures:
        report = await runtime.engine.sync(dry_run=dry_run)
    assert not report.halted, report.halted
    assert not report.offline, report.offline
    assert not report.refused, report.refused
    return figures


def _within(
    ground: Ground, name: str, work: Callable[[Runtime], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    async def main() -> dict[str, Any]:
        async with ground.runtime(name) as runtime:
            return await work(runtime)

    return trio.run(main)


def new_remote(ground: Ground, count: int) -> dict[str, Any]:
    """The first run of an empty replica."""
    name = ground.fresh()
    many_files(ground.folder(name), count)
    return _within(ground, name, _run)


def new_local(ground: Ground, count: int) -> dict[str, Any]:
    """A run that would send everything."""

    async def work(runtime: Runtime) -> dict[str, Any]:
        fill(runtime.replica, count, 0)
        return await _run(runtime, dry_run=True)

    return _within(ground, ground.fresh(), work)


def unchanged(ground: Ground, count: int) -> dict[str, Any]:
    """A run in which nothing is to be done."""
    name = ground.fresh()
    many_files(ground.folder(name), count)

    async def work(runtime: Runtime) -> dict[str, Any]:
        await runtime.engine.sync()
        return await _run(runtime)

    return _within(ground, name, work)


def touched(ground: Ground, count: int) -> dict[str, Any]:
    """Every file has another time here: a plan over all of them."""
    name = ground.fresh()
    many_files(ground.folder(name), count)

    async def work(runtime: Runtime) -> dict[str, Any]:
        await runtime.engine.sync()
        replica = runtime.replica
        for _, folder in list(replica.local_children(ROOT)):
            for _, node in list(replica.local_children(folder)):
                replica.set_attr(node, mtime_ns=1_000_000_000)
        return await _run(runtime, dry_run=True)

    return _within(ground, name, work)


def mounted(ground: Ground, count: int) -> dict[str, Any]:
    """A program that opens and reads a small file of a real mount, again and again, while a first
    run takes place."""
    name = ground.fresh()
    (ground.folder(name) / "small.txt").write_bytes(b"small")
    ground.sandbox.mount(name, "bench")
    drive = ground.drive(name)
    before = reads(drive / "small.txt", lambda: True, most=2000)
    many_files(ground.folder(name), count)
    done = threading.Event()

    def sync() -> None:
        try:
            ground.sandbox.must(name, "sync", "bench")
        finally:
            done.set()

    thread = threading.Thread(target=sync)
    thread.start()
    during = reads(drive / "small.txt", lambda: not done.is_set())
    thread.join()
    return told(before, during)


def told(before: list[float], during: list[float]) -> dict[str, Any]:
    """The figures of a reader, from seconds in order."""
    return {
        "idle: open + read, ms (median)": round(before[len(before) // 2] * 1000, 2),
        "idle: open + read, ms (99 %)": round(before[int(len(before) * 0.99)] * 1000, 2),
        "during: reads": len(during),
        "during: open + read, ms (median)": round(during[len(during) // 2] * 1000, 2),
        "during: open + read, ms (99 %)": round(during[int(len(during) * 0.99)] * 1000, 1),
        "during: open + read, ms (most)": round(during[-1] * 1000),
    }


def reads(file: Path, go_on: Callable[[], bool], most: int = 1 << 30) -> list[float]:
    """Seconds of each, sorted."""
    took: list[float] = []
    while go_on() and len(took) < most:
        began = time.perf_counter()
        fd = os.open(file, os.O_RDONLY)
        assert os.read(fd, 10) == b"small"
        os.close(fd)
        took.append(time.perf_counter() - began)
        time.sleep(0.002)
    return sorted(took)


Measure = Callable[[Ground, int], dict[str, Any]]

ROWS: dict[str, tuple[str, Measure]] = {
    "new-remote": ("the first run, 100,000 entries on the server", new_remote),
    "new-local": ("100,000 new files here (dry run)", new_local),
    "no-op": ("100,000 unchanged entries", unchanged),
    "touched": ("100,000 files with another time here (dry run)", touched),
    "mounted": ("a reader in a real mount, during a first run over 100,000 entries", mounted),
}
