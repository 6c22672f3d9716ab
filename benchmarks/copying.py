"""What a big copy into the drive costs, and what it costs others: beside `cp` in the folder below,
in turn."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.ground import Ground

PIECE = 1 << 20
BETWEEN = 0.002
"""Seconds between two creates: what a program does that makes a file now and then."""


@dataclass
class Round:
    """Seconds that each copy took, and that each create took meanwhile."""

    copies: list[float] = field(default_factory=list)
    creates: list[float] = field(default_factory=list)

    def worst_ms(self) -> float:
        """The 99th percentile of the creates."""
        ordered = sorted(self.creates)
        return ordered[int(len(ordered) * 0.99)] * 1000


def copy_in(ground: Ground, rounds: int, size: int) -> dict[str, Any]:
    """A file of ``size`` bytes copied into a mounted drive while another program makes small files
    there."""
    name = ground.fresh()
    ground.sandbox.mount(name, "bench")
    ground.sandbox.must(name, "sync", "bench")
    source = ground.sandbox.base / "source.bin"
    with source.open("wb") as file:
        for offset in range(0, size, PIECE):
            file.write(os.urandom(min(PIECE, size - offset)))
    native = ground.sandbox.base / "native"
    native.mkdir()
    places = {"native": native, "drive": ground.drive(name)}
    found = {what: Round() for what in places}
    for turn in range(rounds):
        for what, place in places.items():
            os.sync()
            _one_copy(source, place, turn, found[what])
    drive, below = found["drive"], found["native"]
    ratios = [ours / cp for ours, cp in zip(drive.copies, below.copies, strict=True)]
    return {
        "into the drive, s": [round(each, 2) for each in drive.copies],
        "cp below, s": [round(each, 2) for each in below.copies],
        "drive / cp, time (median)": round(statistics.median(ratios), 2),
        "creates meanwhile, 99 % within, ms": round(drive.worst_ms(), 1),
        "… below, ms": round(below.worst_ms(), 1),
    }


def _one_copy(source: Path, place: Path, turn: int, found: Round) -> None:
    ended = threading.Event()
    maker = threading.Thread(
        target=_make_files, args=(place / f"small{turn}", ended, found.creates)
    )
    maker.start()
    copy = place / "copy.bin"
    try:
        started = time.perf_counter()
        subprocess.run(["cp", source, copy], check=True)
        found.copies.append(time.perf_counter() - started)
    finally:
        ended.set()
        maker.join()
    copy.unlink()


def _make_files(folder: Path, ended: threading.Event, took: list[float]) -> None:
    folder.mkdir()
    number = 0
    while not ended.wait(BETWEEN):
        started = time.perf_counter()
        (folder / f"{number}.txt").write_bytes(b"x" * 4096)
        took.append(time.perf_counter() - started)
        number += 1
