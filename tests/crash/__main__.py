"""``./dev crash --kills N --seed S``: a drive's process is killed again and again, and everything looked at each time.

Each home (a server, a drive) has a seed of its own, S, S + 1, …, and ``--each`` kills. A failing one is named by its
seed; it happens again with the same seed as far as real processes do the same at the same moments.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.home import Broken, Figures, Home, Plan, plan
from tests.crash.points import POINTS


def home(
    seed: int, kills: int, figures: Figures, points: list[str] | None = None, *, verbose: bool = False
) -> str | None:
    """What was wrong, or None."""
    chance = random.Random(seed)
    what: Plan | None = None
    with tempfile.TemporaryDirectory(prefix="syncin-crash-") as place, Home(Path(place) / "w", chance, figures) as one:
        number = 0
        try:
            for number in range(1, kills + 1):
                what = plan(chance, points)
                if verbose:
                    print(f"seed {seed}, kill {number}: {what.text()}", flush=True)
                one.cycle(what)
            one.check()
        except Broken as error:
            return f"kill {number} ({what.text() if what else 'none'}): {error}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many (100)")
    parser.add_argument("--seed", type=int, default=1, help="of the first home (1)")
    parser.add_argument("--each", type=int, default=20, help="kills of one home (20)")
    parser.add_argument("--point", action="append", choices=list(POINTS), help="at these points alone", metavar="POINT")
    parser.add_argument("--stop", action="store_true", help="end with the first failure")
    parser.add_argument("--verbose", action="store_true", help="say where each kill is to come")
    options = parser.parse_args()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)  # whatever the shell did: what is mounted must go
    figures, began = Figures(), time.monotonic()
    try:
        failed = kill_all(options, figures)
    except KeyboardInterrupt:
        failed = True
        print("interrupted")
    seconds = time.monotonic() - began
    print(f"{figures.kills} kills in {seconds:.0f} s; {figures.steps} steps acknowledged, {figures.in_flight} not")
    print(f"{figures.taken_for_others} times a request of the killed process was taken for somebody else's")
    for point, count in sorted(figures.reached.items()):
        print(f"  {count:4} {point}")
    never = sorted(set(options.point or POINTS) - {each.removesuffix(" (start)") for each in figures.reached})
    print(f"never reached: {', '.join(never) or 'none'}")
    return 1 if failed else 0


def kill_all(options: argparse.Namespace, figures: Figures) -> bool:
    """Whether a home failed."""
    failed = False
    for number, start in enumerate(range(0, options.kills, options.each)):
        seed = options.seed + number
        kills = min(options.each, options.kills - start)
        failure = home(seed, kills, figures, options.point, verbose=options.verbose)
        if failure is not None:
            failed = True
            print(f"seed {seed} failed: {failure}", flush=True)
            if options.stop:
                break
    return failed


if __name__ == "__main__":
    sys.exit(main())
