"""``./dev hostile --cases N --seed S``: a server that answers wrongly, in N ways, and then honestly
again."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter

from tests.hostile.cases import shuffled
from tests.hostile.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev hostile", description=__doc__)
    parser.add_argument(
        "--cases", type=int, default=300, help="how many (300); 0 for all that there are"
    )
    parser.add_argument("--seed", type=int, default=1, help="which come first (1)")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once (1)")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="those alone in whose name this is"
    )
    options = parser.parse_args()
    cases = [case for case in shuffled(options.seed) if options.only in str(case)]
    cases = cases[: options.cases or None]
    began = time.monotonic()
    parts = [cases[start : start + 120] for start in range(0, len(cases), 120)]
    failed = 0
    hits: Counter[str] = Counter()
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for found, hit in pool.imap(run, parts):
            hits += hit
            for case, why in found:
                failed += 1
                print(f"{case}\n    {why}\n", flush=True)
    print(
        f"{len(cases)} cases of seed {options.seed}, {failed} failed, in"
        f" {time.monotonic() - began:.0f} s"
    )
    asked = Counter(case.kind for case in cases)
    for kind in sorted(asked):
        if hits[kind] < asked[kind]:
            print(f"{kind}: {asked[kind] - hits[kind]} of {asked[kind]} cases met no request")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
