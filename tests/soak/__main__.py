"""`./dev soak`: long runs of what CI runs a little of, one part after another.

Each part is a verb of its own (`./dev sim`, `./dev crash`, …) with settings for some twenty minutes
on two cores. A part that fails does not end the others, and says with which seed it happens again.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """What is run: ``python -m MODULE OPTION COUNT --seed SEED …``, or the module alone where
    nothing is drawn."""

    help: str
    module: str
    option: str = ""
    count: int = 1
    parallel: bool = False
    """It takes ``--jobs``."""

    def command(self, scale: float, seed: int) -> list[str]:
        if not self.option:
            return [sys.executable, "-m", self.module]
        count = max(1, round(self.count * scale))
        jobs = ["--jobs", str(os.cpu_count() or 1)] if self.parallel else []
        return [
            sys.executable,
            "-m",
            self.module,
            self.option,
            str(count),
            "--seed",
            str(seed),
            *jobs,
        ]


PARTS = {
    "sim": Part(
        "replicas, a server and faults, simulated", "tests.sim", "--runs", 50_000, parallel=True
    ),
    "twice": Part(
        "two drives that rename each other's folders, simulated", "tests.sim.twice", "--runs", 20
    ),
    "pair": Part("two drives of real processes on one folder", "tests.pair", "--runs", 5),
    "fs": Part(
        "the same operations on a drive and on a local folder",
        "tests.mounts.differential",
        "--examples",
        2000,
    ),
    "crash": Part("a drive whose process is killed", "tests.crash", "--kills", 700),
    "damage": Part("replicas in which something is damaged", "tests.damage", "--cases", 3000),
    "desktop": Part("file managers and a panel, with drives", "tests.desktop", "--rounds", 1),
    "hostile": Part(
        "a server that answers wrongly", "tests.hostile", "--cases", 13_000, parallel=True
    ),
    "packages": Part("packages, on a new system of each release", "tests.packages"),
    "installer": Part("the installer for Windows, under Wine", "tests.packages.on_windows"),
    "wine": Part("all that is for Windows, on its Python", "tests.wine.everything"),
}


def soak(names: list[str], scale: float, seed: int, parts: dict[str, Part] = PARTS) -> int:
    """Runs these parts. Returns 0 when none failed."""
    told = []
    for name in names:
        command = parts[name].command(scale, seed)
        print(f"== {name}: {parts[name].help} ({' '.join(command[1:])})", flush=True)
        began = time.monotonic()
        status = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
        told.append((name, status, time.monotonic() - began))
    print("== summary")
    for name, status, seconds in told:
        print(f"{name:9} {'passed' if status == 0 else f'FAILED ({status})'} in {seconds:.0f} s")
    return 1 if any(status for _, status, _ in told) else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="parts:\n" + "\n".join(f"  {name:9} {part.help}" for name, part in PARTS.items()),
    )
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help="these parts (default: all, as listed)"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="so many times as long (1)")
    parser.add_argument(
        "--seed", type=int, help="of each part (default: another one each time; it is shown)"
    )
    asked = parser.parse_args()
    if unknown := [name for name in asked.parts if name not in PARTS]:
        parser.error(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}")
    seed = asked.seed if asked.seed is not None else random.randrange(1_000_000, 1_000_000_000)
    return soak(asked.parts or list(PARTS), asked.scale, seed)


if __name__ == "__main__":
    sys.exit(main())
