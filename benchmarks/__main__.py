"""``./dev bench``: the benchmarks. What counts is ratios to a reference measured in the same run, not seconds."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from typing import Any

from benchmarks import stall, sync
from benchmarks.ground import Ground
from syncin_mount.cli.sandbox import Sandbox


def main() -> int:
    """Measures what the words ask for; the exit status."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument(
        "what",
        choices=["sync", "stall"],
        help="sync: carrying files across, beside a bare HTTP loop; stall: how long the drive stands still meanwhile",
    )
    rows = sorted({*sync.ROWS, *stall.ROWS})
    parser.add_argument("--only", action="append", choices=rows, help="this row only; may be repeated")
    parser.add_argument("--rounds", type=int, default=3, help="how often each of sync is measured, in turn (default 3)")
    parser.add_argument("--scale", type=float, default=1.0, help="1: the full sizes; 0.1: a tenth, to try it out")
    parser.add_argument("--json", action="store_true", help="print JSON")
    words = parser.parse_args()
    if words.what == "sync":
        known = {row: (what, partial(_rounds, measure, words.rounds)) for row, (what, measure) in sync.ROWS.items()}
    else:
        known = {row: (what, partial(_count, measure)) for row, (what, measure) in stall.ROWS.items()}
    found = []
    for row in words.only or known:
        if row not in known:
            parser.error(f"{words.what} has no row {row}")
        what, measure = known[row]
        with Sandbox() as sandbox:  # each row on a server of its own
            sandbox.server_files.mkdir(parents=True)
            sandbox.start_server(sandbox.base / "requests.jsonl")
            figures = measure(Ground(sandbox, words.scale))
        found.append({"row": row, "what": what, "figures": figures})
        if not words.json:
            _show(found[-1])
    if words.json:
        json.dump(found, sys.stdout, indent=2)
        print()
    return 0


def _rounds(measure: sync.Measure, rounds: int, ground: Ground) -> dict[str, Any]:
    return measure(ground, rounds)


def _count(measure: stall.Measure, ground: Ground) -> dict[str, Any]:
    return measure(ground, int(100_000 * ground.scale))


def _show(row: dict[str, Any]) -> None:
    print(f"{row['row']:<12} {row['what']}")
    for key, value in row["figures"].items():
        print(f"{'':<12}   {key:<38} {value}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
