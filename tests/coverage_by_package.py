"""What tests under coverage executed, a line a package. `./dev coverage` ends with it."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

import coverage

COUNTED = ("num_statements", "covered_lines", "num_branches", "covered_branches")


def packages(files: Mapping[str, Any]) -> dict[str, Counter[str]]:
    """The sums of each folder's files, by the folder's path; and of all, as `total`."""
    sums: dict[str, Counter[str]] = {}
    for path, found in sorted(files.items()):
        for package in (str(PurePath(path).parent), "total"):
            sums.setdefault(package, Counter()).update(
                {name: found["summary"][name] for name in COUNTED}
            )
    sums["total"] = sums.pop("total", Counter())  # the last line
    return sums


def percent(sums: Mapping[str, int]) -> float:
    """How much of statements and branches was executed, as coverage counts it; 100 of none."""
    there = sums["num_statements"] + sums["num_branches"]
    return 100 * (sums["covered_lines"] + sums["covered_branches"]) / there if there else 100.0


def main() -> None:
    measured = coverage.Coverage()
    measured.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        measured.json_report(outfile=str(report))
        files = json.loads(report.read_text())["files"]
    print(f"{'package':45} {'statements':>10} {'branches':>8} {'covered':>8}")
    for package, sums in packages(files).items():
        print(
            f"{package:45} {sums['num_statements']:10} {sums['num_branches']:8}"
            f" {percent(sums):7.1f}%"
        )


if __name__ == "__main__":
    main()
