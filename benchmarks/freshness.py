"""How soon somebody sees what others changed: in a folder that is open here, and elsewhere."""

from __future__ import annotations

import os
import random
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.drives import Drive
from benchmarks.ground import Ground

A_FOLDER = 1000
EDITS = 100
ELSEWHERE = 5
IDLE = 30.0
"""Seconds for which the processor is watched while nothing changes."""

PATIENCE = 300.0
"""Seconds after which an edit counts as not seen."""


def freshness(ground: Ground, count: int) -> dict[str, Any]:
    """``count`` files in folders of a thousand on the server. One folder is open in the drive:
    ``EDITS`` edits in it as other clients make them, at random moments. Then some in another
    folder, which only a listing shows."""
    name = ground.fresh()
    there, here = ground.folder(name), ground.drive(name)
    _fill(there, count)
    ground.sandbox.mount(name, "bench")
    ground.sandbox.must(name, "sync", "bench")
    process = Drive("ours", here, [ground.daemon(name)], [ground.sandbox.server_pid])
    process.settle()
    opened = os.open(here / "folder-00000", os.O_RDONLY | os.O_DIRECTORY)
    try:
        figures = {"files": count, **_idle(process)}
        rng = random.Random(count)
        figures |= _edits(there, here, "folder-00000", EDITS, rng)
        if count <= 10 * A_FOLDER:
            figures |= _edits(there, here, "folder-00001", ELSEWHERE, rng)
    finally:
        os.close(opened)
    ground.sandbox.must(name, "umount", "bench")
    return figures


def _fill(folder: Path, count: int) -> None:
    for start in range(0, count, A_FOLDER):
        at = folder / f"folder-{start // A_FOLDER:05d}"
        at.mkdir()
        for number in range(min(A_FOLDER, count - start)):
            (at / f"file-{number:04d}.txt").touch()


def _idle(process: Drive) -> dict[str, Any]:
    server = Drive("server", process.root, process.others)
    before = process.cpu(), server.cpu()
    time.sleep(IDLE)  # what is measured is that nothing happens meanwhile
    used = [now - then for now, then in zip((process.cpu(), server.cpu()), before, strict=True)]
    return {
        "nothing changes: CPU of drive and server, % of a core": " ".join(
            f"{100 * each / IDLE:.2f}" for each in used
        )
    }


def _edits(there: Path, here: Path, folder: str, count: int, rng: random.Random) -> dict[str, Any]:
    """Seconds from the edit's end on the server to the moment when the drive shows its size."""
    waits = []
    for number in range(1, count + 1):
        time.sleep(rng.uniform(0.0, 3.0))  # others do not wait for our looks
        name = f"file-{rng.randrange(A_FOLDER):04d}.txt"
        beside = there / folder / ".sync-in.bench"
        beside.write_bytes(b"x" * (1000 + number))
        os.replace(beside, there / folder / name)
        waits.append(_seen(here / folder / name, 1000 + number))
    waits.sort()
    what = "open folder" if count == EDITS else "elsewhere"
    return {
        f"{what}: edits": count,
        f"{what}: median, s": round(statistics.median(waits), 2),
        f"{what}: 99th of 100, s": round(waits[min(int(0.99 * count), count - 1)], 2),
    }


def _seen(path: Path, size: int) -> float:
    began = time.perf_counter()
    while os.stat(path).st_size != size:
        time.sleep(0.01)  # the drive tells nobody when it shows something
        if time.perf_counter() - began > PATIENCE:
            return PATIENCE
    return time.perf_counter() - began


ROWS = {
    "fresh-small": ("2,000 files: how soon others' edits are seen", freshness, 2_000),
    "fresh-large": ("a million files: the same", freshness, 1_000_000),
}
