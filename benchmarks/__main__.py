"""``./dev bench``: the benchmarks. What counts is ratios to a reference measured in the same run, not seconds."""

from __future__ import annotations

import argparse
import json
import sys

from benchmarks import sync


def main() -> int:
    """Measures what the words ask for; the exit status."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("what", choices=["sync"], help="sync: carrying files across, beside a bare HTTP loop")
    parser.add_argument("--only", action="append", choices=sorted(sync.ROWS), help="this row only; may be repeated")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured, in turn (default 3)")
    parser.add_argument("--scale", type=float, default=1.0, help="1: the full sizes; 0.1: a tenth, to try it out")
    parser.add_argument("--json", action="store_true", help="print JSON")
    words = parser.parse_args()
    found = sync.run(words.only or sorted(sync.ROWS), rounds=words.rounds, scale=words.scale)
    if words.json:
        json.dump(found, sys.stdout, indent=2)
        print()
    else:
        for row in found:
            print(f"{row['row']:<12} {row['what']}")
            for key, value in row["figures"].items():
                print(f"{'':<12}   {key:<34} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
