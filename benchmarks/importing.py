"""What the first run takes after a folder was imported that is equal to the server's."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.ground import Ground

SIZE = 4096
PER_FOLDER = 100
OLD = 1_600_000_000
"""Seconds since the epoch: the time of the server's files."""


def first_run(ground: Ground, rounds: int, count: int) -> dict[str, Any]:
    """`add --import` of a copy of ``count`` files, and `sync`: seconds of each. Once the copy has
    the server's times, so that nothing is read; once it has others, so that both sides' contents
    are compared by checksum."""
    figures: dict[str, Any] = {"files": count}
    for kind in ("the same times", "other times"):
        imports, runs = [], []
        for _ in range(rounds):
            took = _one(ground, count, other_times=kind == "other times")
            imports.append(took[0])
            runs.append(took[1])
        figures[f"add --import, {kind}, s (median)"] = round(statistics.median(imports), 2)
        figures[f"first run, {kind}, s (median)"] = round(statistics.median(runs), 2)
    return figures


def _one(ground: Ground, count: int, *, other_times: bool) -> tuple[float, float]:
    ground.count += 1
    name = f"bench{ground.count}"
    theirs, ours = ground.folder(name), ground.drive(name)
    _fill(theirs, count)
    shutil.copytree(theirs, ours)
    if other_times:
        for folder, _, files in os.walk(ours):
            for each in files:
                os.utime(os.path.join(folder, each), (OLD + 7, OLD + 7))
    ground.sandbox.log_in(name, "bench")
    words = ("--server", "bench", "--remote", f"personal/{name}", "--mountpoint", str(ours))
    started = time.perf_counter()
    ground.sandbox.must(name, "add", "bench", *words, "--import", "--yes")
    imported = time.perf_counter()
    ground.sandbox.must(name, "sync", "bench")
    ended = time.perf_counter()
    return imported - started, ended - imported


def _fill(root: Path, count: int) -> None:
    for number in range(count):
        folder = root / f"{number // PER_FOLDER:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{number:06d}.bin"
        file.write_bytes(os.urandom(SIZE))
        os.utime(file, (OLD, OLD))
