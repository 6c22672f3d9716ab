"""What a process costs: its memory, its processor time, and how often it was woken."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ground import Ground
from syncin_mount.config import Folders
from syncin_mount.config.folders import HOME_VARIABLE
from syncin_mount.control.supervision import NAME
from syncin_mount.control.transport import listener_of

IDLE_S = 30.0
SETTLE_S = 12.0
"""Until connections that nobody uses any more are closed: nothing tells that from outside, so each
measurement waits for so long before it begins."""


def memory(pid: int) -> float:
    """MiB that are this process's alone, and its share of what others have too (PSS)."""
    return _mib(pid, "Pss")


def own_memory(pid: int) -> float:
    """MiB that are this process's alone (USS)."""
    return _mib(pid, "Private_Clean") + _mib(pid, "Private_Dirty")


def resident(pid: int) -> float:
    """MiB in memory, what others have too included (RSS)."""
    return _mib(pid, "Rss")


def _mib(pid: int, field: str) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition(f"\n{field}:")[2].split()[0]) / 1024


def processor(pid: int) -> tuple[int, int]:
    """Ticks of processor time (10 ms), and how often it was woken."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    woken = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        woken += int(status.read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return int(ticks[11]) + int(ticks[12]), woken


def during(pid: int, seconds: float) -> str:
    """What it did in the next so many seconds."""
    before = processor(pid)
    time.sleep(seconds)  # the time that is measured
    after = processor(pid)
    return f"{10 * (after[0] - before[0])} ms CPU, woken {after[1] - before[1]} times"


@contextlib.contextmanager
def supervisor_at(home: Path, **environment: str) -> Iterator[int]:
    """Runs meanwhile, without a desktop but for what is in ``environment``; its process id."""
    environment |= {"PATH": os.environ["PATH"], HOME_VARIABLE: str(home)}

    def run(*words: str) -> None:
        command = [sys.executable, "-m", "syncin_mount", *words]
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=True)

    run("up")
    pid = listener_of(Folders(home, home / "state", home / "run", portable=True).socket(NAME))
    assert pid is not None
    try:
        yield pid
    finally:
        run("down", "--force")


def until_mounted(ground: Ground, profile: str) -> None:
    """Returns when the supervisor has mounted it."""
    while not json.loads(ground.sandbox.must(profile, "status", "--json"))[0]["mounted"]:
        time.sleep(0.1)  # asks again: another process
