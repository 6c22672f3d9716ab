"""`./dev soak wine`: all that is for Windows, on each Python, slow tests too, with the figures.

Each file is a run of its own, so that one that ends Python, or takes too long, costs no other.
The Pythons run side by side, in a prefix each.
"""

from __future__ import annotations

import argparse
import collections
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.wine.interpreters import INTERPRETERS
from tests.wine.places import ROOT
from tests.wine.selection import LEFT_OUT, OUTSIDE, RUN

LIMIT_S: Final = 3600
"""Of one file. Wine's server is one thread: on a busy machine it takes six times as long."""


@dataclass(slots=True)
class Figures:
    """What became of tests; ``seconds`` are those of all runs."""

    passed: int = 0
    left_out: int = 0
    failed: int = 0
    seconds: float = 0.0

    def add(self, other: Figures) -> None:
        self.passed += other.passed
        self.left_out += other.left_out
        self.failed += other.failed
        self.seconds += other.seconds


def files(names: tuple[str, ...] = RUN) -> Iterator[str]:
    """Yield the files with tests, without those that are left out whole."""
    for name in names:
        path = ROOT / name
        found = sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
        for file in found:
            told = file.relative_to(ROOT).as_posix()
            if told not in LEFT_OUT:
                yield told


def figures_of(report: Path, status: int, seconds: float) -> Figures:
    """What pytest's report tells; a run that left none, or failed without a test, has failed."""
    found = Figures(seconds=seconds)
    if report.exists():
        for case in ET.parse(report).iter("testcase"):
            outcomes = {each.tag for each in case}
            if outcomes & {"failure", "error"}:
                found.failed += 1
            elif "skipped" in outcomes:
                found.left_out += 1
            else:
                found.passed += 1
    if status != 0 and not found.failed:
        found.failed = 1
    return found


def run_file(version: str, file: str) -> Figures:
    """Run one file, and show what it says when it fails."""
    with tempfile.TemporaryDirectory(prefix="syncin-wine-") as place:
        report = Path(place) / "report.xml"
        began = time.monotonic()
        words = (sys.executable, "-m", "tests.wine", "--python", version)
        try:
            done = subprocess.run(
                [*words, file, "-q", f"--junitxml={report}"],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=LIMIT_S,
            )
            status, said = done.returncode, done.stdout
        except subprocess.TimeoutExpired as error:
            status, said = 124, (error.stdout or b"") + b"\n(took too long)\n"
        found = figures_of(report, status, time.monotonic() - began)
    if status != 0:
        sys.stdout.buffer.write(said)
    print(
        f"{version} {file}: {found.passed} passed, {found.left_out} left out,"
        f" {found.failed} failed in {found.seconds:.0f} s",
        flush=True,
    )
    return found


def run(version: str, wanted: list[str], told: dict[str, Figures]) -> None:
    """Run the files, and add up the figures of each folder."""
    for file in wanted:
        folder = "/".join(file.split("/")[:2])
        told.setdefault(folder, Figures()).add(run_file(version, file))


def main() -> int:
    """Return 0 when nothing failed."""
    parser = argparse.ArgumentParser(prog="./dev soak wine", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="TESTS", help="these files and folders alone")
    parser.add_argument("--python", choices=sorted(INTERPRETERS), help="this version alone")
    asked = parser.parse_args()
    versions = [asked.python] if asked.python else sorted(INTERPRETERS)
    wanted = list(files(tuple(asked.names) or (*RUN, OUTSIDE)))
    for version in versions:
        # Sets up what is missing, and says in a sentence what cannot be had.
        subprocess.run([ROOT / "dev", "wine", "--python", version, "--version"], check=True)
    told: dict[str, dict[str, Figures]] = collections.defaultdict(dict)
    threads = [
        threading.Thread(target=run, args=(version, wanted, told[version])) for version in versions
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failed = 0
    for version in versions:
        for folder, found in told[version].items():
            failed += found.failed
            print(
                f"| {version} | `{folder}` | {found.passed} | {found.left_out} | {found.failed} |"
                f" {found.seconds:.0f} s |"
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
