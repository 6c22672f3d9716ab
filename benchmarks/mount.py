"""What file system operations cost: the drive beside the native folder, a minimal C program and
rclone, in turn."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import work
from benchmarks.drives import Drive, all_drives
from benchmarks.ground import Ground
from benchmarks.work import Clock, Row, Timed

Part = Callable[[Path, Timed], None]

PARTS = {
    "small": ("create", "open-read", "open-read-cold", "rename", "unlink"),
    "listing": ("stat-cold", "stat-warm", "readdir-cold", "readdir-warm"),
    "large": ("write", "read-warm", "random-warm", "random-cold", "read-cold"),
    "tree": ("untar", "status-first", "status-again", "remove"),
}


@dataclass
class Results:
    """Seconds, CPU seconds and memory of every row and drive; by rounds, as a drive may fail in
    one."""

    turn: int = 0
    seconds: dict[tuple[str, str], dict[int, float]] = field(default_factory=dict)
    cpu: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    memory: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def take(self, drive: Drive, row: str, seconds: float, cpu: float) -> None:
        self.seconds.setdefault((row, drive.name), {})[self.turn] = seconds
        self.cpu.setdefault((row, drive.name), []).append(cpu)
        self.memory[row, drive.name] = drive.memory()

    def speed(self, row: str, other: str) -> float | None:
        """How many times the other's speed ours is: the median of the rounds' ratios."""
        own, others = self.seconds.get((row, "ours"), {}), self.seconds.get((row, other), {})
        ratios = [others[turn] / own[turn] for turn in own.keys() & others.keys()]
        return statistics.median(ratios) if ratios else None


def measure(ground: Ground, rounds: int, only: list[str] | None) -> list[dict[str, Any]]:
    """The figures of every row."""
    count = max(int(10_000 * ground.scale), 100)
    parts: dict[str, Part] = {
        "small": partial(work.small_files, count=max(count // 10, 20)),
        "listing": partial(work.listing, count=count),
        "large": partial(work.large_file, mib=max(int(256 * ground.scale), 8)),
    }
    wanted = [part for part, rows in PARTS.items() if only is None or set(only) & set(rows)]
    if "tree" in wanted:
        parts["tree"] = partial(
            work.tree, tarball=work.make_tarball(ground.sandbox.base, int(2000 * ground.scale))
        )
    if "listing" in wanted and not work.can_drop():
        print(
            "Only root can have the kernel forget names: stat and readdir, cold, are left out.",
            flush=True,
        )
    results = Results()
    with all_drives(ground, partial(work.prepare, count=count)) as drives:
        for turn in range(rounds):
            results.turn = turn
            order = drives[turn % len(drives) :] + drives[: turn % len(drives)]
            for part in wanted:
                _one_round(parts[part], order, results)
    return [
        _figures(name, row, results)
        for name, row in work.ROWS.items()
        if any(key[0] == name for key in results.cpu)
    ]


def _one_round(part: Part, drives: list[Drive], results: Results) -> None:
    def timed(drive: Drive, row: str, amount: float) -> Clock:
        return Clock(row, amount, drive.cpu, partial(results.take, drive))

    for drive in drives:
        try:
            part(drive.root, partial(timed, drive))
        except (OSError, subprocess.CalledProcessError) as error:
            if drive.name == "ours":
                raise
            print(f"{drive.name} failed, and was left where it was: {error}", flush=True)
            work.clear(drive.root)
        drive.settle()


def _figures(name: str, row: Row, results: Results) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "row": name,
        "what": row.what,
        "kind": row.kind,
        "unit": row.unit,
        "drives": {},
    }
    for key, seconds in results.seconds.items():
        if key[0] == name:
            resident, own = results.memory[key]
            figures["drives"][key[1]] = {
                "median": round(_shown(row, statistics.median(seconds.values())), 2),
                "all": [round(_shown(row, each), 2) for each in seconds.values()],
                "CPU, µs": round(statistics.median(results.cpu[key]) * 1e6, 1),
                "resident, MiB": round(resident / 2**20, 1),
                "own, MiB": round(own / 2**20, 1),
            }
    speeds = {other: results.speed(name, other) for other in ("native", "C", "rclone")}
    figures["times the speed of"] = {
        other: round(it, 3) for other, it in speeds.items() if it is not None
    }
    figures["wanted"] = [
        {"times": times, "of": other, "holds": speed >= times}
        for other, times in _wanted(row)
        if (speed := speeds[other]) is not None
    ]
    return figures


def _wanted(row: Row) -> Iterator[tuple[str, float]]:
    if row.kind == "metadata":
        yield "rclone", 2.0
    elif not row.kernel:  # where the kernel answers for both, nobody is quicker
        yield "rclone", 1.5
    if row.kernel:
        yield "native", 0.9
    if row.half_of_c:
        yield "C", 0.5


def _shown(row: Row, seconds: float) -> float:
    return {"µs": seconds * 1e6, "ms": seconds * 1e3, "MiB/s": 1 / seconds}[row.unit]


def show(found: list[dict[str, Any]]) -> None:
    """Two tables, and what of the wanted does not hold."""
    others = ("native", "C", "rclone")
    names = [
        name
        for name in ("native", "C", "ours", "rclone")
        if any(name in row["drives"] for row in found)
    ]
    print(f"\n{'':<52}{'':<{10 * len(names)}}  ours, times the speed of")
    print(
        f"{'':<52}{''.join(f'{name:>10}' for name in names)}"
        f"{''.join(f'{name:>8}' for name in others)}"
        "   wanted"
    )
    for row in found:
        drives, speeds = row["drives"], row["times the speed of"]
        values = "".join(
            f"{drives[name]['median']:>10.4g}" if name in drives else " " * 10 for name in names
        )
        ratios = "".join(
            f"{speeds[other]:>8.2f}" if other in speeds else " " * 8 for other in others
        )
        wanted = ", ".join(
            f"{each['times']} of {each['of']}: {'yes' if each['holds'] else 'NO'}"
            for each in row["wanted"]
        )
        print(f"{row['what'] + ', ' + row['unit']:<52}{values}{ratios}   {wanted}")
    print(
        f"\n{'CPU of what answers, µs; MiB resident (its own)':<52}"
        f"{''.join(f'{name:>22}' for name in names[1:])}"
    )
    for row in found:
        cells = "".join(_costs(row["drives"].get(name)) for name in names[1:])
        print(f"{row['what']:<52}{cells}")
    missed = [
        f"{row['row']} ({each['times']} of {each['of']})"
        for row in found
        for each in row["wanted"]
        if not each["holds"]
    ]
    print(
        f"\nDoes not hold: {', '.join(missed)}." if missed else "\nAll that is wanted holds.",
        flush=True,
    )


def _costs(drive: dict[str, Any] | None) -> str:
    if drive is None:
        return " " * 22
    return f"{drive['CPU, µs']:>9.4g} {drive['resident, MiB']:>5.0f} ({drive['own, MiB']:>3.0f}) "
