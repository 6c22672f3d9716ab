"""What it takes to start a command, beside a Python that does nothing, and what the processes that
stay keep in memory."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks.ground import Ground
from benchmarks.processes import (
    SETTLE_S,
    memory,
    own_memory,
    resident,
    supervisor_at,
    until_mounted,
)
from syncin_mount.config.folders import HOME_VARIABLE

TURNS = 10
"""Measurements of each command a round, after one that warms up."""


def startup(ground: Ground, rounds: int) -> dict[str, Any]:
    """Milliseconds by the clock and of processor time, each command in turn."""
    profile = ground.fresh()
    home = ground.sandbox.base / profile
    program = [sys.executable, "-m", "syncin_mount"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "--help": [*program, "--help"],
        "list": [*program, "list"],
        "status, mounted": [*program, "status"],
    }
    figures: dict[str, Any] = {}
    with supervisor_at(home) as supervisor:
        until_mounted(ground, profile)
        time.sleep(SETTLE_S)  # what came before comes to rest
        environment = {"PATH": os.environ["PATH"], HOME_VARIABLE: str(home)}
        found = _in_turn(commands, environment, rounds)
        daemon = ground.daemon(profile)
        for name, pid in (("drive at rest", daemon), ("supervisor", supervisor)):
            figures[f"memory of the {name}, MiB"] = (
                f"{resident(pid):.1f} resident, {memory(pid):.1f} with its share of what others"
                f" have too, {own_memory(pid):.1f} its own"
            )
    figures |= _told(found)
    at_rest = {
        "python -c pass": commands["python -c pass"],
        "status, not mounted": [*program, "status"],
    }
    return figures | _told(_in_turn(at_rest, environment, rounds))


def _in_turn(
    commands: dict[str, list[str]], environment: dict[str, str], rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Seconds by the clock and of processor time, of each measurement."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(1 + TURNS * rounds):
        for name, words in commands.items():
            began, used = time.monotonic(), _processor()
            subprocess.run(words, env=environment, check=True, capture_output=True, timeout=60)
            if turn:
                found[name].append((time.monotonic() - began, _processor() - used))
    return found


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _told(found: dict[str, list[tuple[float, float]]]) -> dict[str, str]:
    bare = statistics.median(clock for clock, _ in found["python -c pass"])
    told = {}
    for name, times in found.items():
        clock = statistics.median(each for each, _ in times)
        used = statistics.median(each for _, each in times)
        told[name] = f"{clock * 1000:.0f} ms ({clock / bare:.1f}), {used * 1000:.0f} ms CPU"
    return told


ROWS = {"startup": ("starting commands, beside a bare Python; memory at rest", startup)}
