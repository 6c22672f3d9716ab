"""``./dev crash --kills N --seed S``: a drive's process is killed again and again, and everything
looked at each time.

Each home (a server, a drive) has a seed of its own, S, S + 1, …, and ``--each`` kills. A failing
one is named by its seed; it happens again with the same seed as far as real processes do the same
at the same moments.

A third of the kills comes at any moment, the others at named points. ``--times N`` goes through the
points instead, N times each.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tests.crash.home import Broken, Figures, Home
from tests.crash.plans import Plan, plan
from tests.crash.points import POINTS
from tests.crash.scenes import NEEDS_REMOTE_WINS

ANY_MOMENT = 0.33


def home(
    seed: int, kills: list[list[str]], figures: Figures, *, verbose: bool = False
) -> str | None:
    """What was wrong, or None. ``kills``: for each, the points it may come at."""
    chance = random.Random(seed)
    what: Plan | None = None
    number = 0
    conflict = (
        "remote"
        if any(one.startswith(NEEDS_REMOTE_WINS) for points in kills for one in points)
        else "recent"
    )
    try:
        with (
            tempfile.TemporaryDirectory(prefix="syncin-crash-") as place,
            Home(Path(place) / "w", chance, figures, conflict=conflict) as one,
        ):
            for number, points in enumerate(kills, 1):
                what = plan(chance, points)
                if verbose:
                    print(f"seed {seed}, kill {number}: {what.text()}", flush=True)
                one.cycle(what)
            one.check()
    except Broken as error:
        return f"kill {number} ({what.text() if what else 'none'}): {error}"
    return None


def by_chance(seed: int, points: list[str] | None) -> Iterator[list[str]]:
    """For each kill of a home the points it may come at; none for one at any moment. ``points``:
    these alone."""
    chance = random.Random(f"points {seed}")
    # Every fourth home lets the server win.
    everywhere = [
        each for each in POINTS if seed % 4 == 0 or not each.startswith(NEEDS_REMOTE_WINS)
    ]
    while True:
        yield points or ([] if points == [] or chance.random() < ANY_MOMENT else everywhere)


def in_turn(seed: int, points: list[str], times: int) -> list[list[str]]:
    """Every point, ``times`` times, in an order of its own."""
    all_of_them = [[point] for point in points for _ in range(times)]
    random.Random(seed).shuffle(all_of_them)
    return all_of_them


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many (100)")
    parser.add_argument("--seed", type=int, default=1, help="of the first home (1)")
    parser.add_argument("--each", type=int, default=20, help="kills of one home (20)")
    parser.add_argument(
        "--point",
        action="append",
        choices=list(POINTS),
        help="at these points alone",
        metavar="POINT",
    )
    parser.add_argument(
        "--times",
        type=int,
        help="at every point (of these) so often, instead of --kills",
        metavar="N",
    )
    parser.add_argument("--stop", action="store_true", help="end with the first failure")
    parser.add_argument("--verbose", action="store_true", help="say where each kill is to come")
    options = parser.parse_args()
    for ending in (signal.SIGINT, signal.SIGTERM):
        # whatever the shell did: what is mounted must go
        signal.signal(ending, signal.default_int_handler)
    figures, began = Figures(), time.monotonic()
    try:
        failed = kill_all(options, figures)
    except KeyboardInterrupt:
        failed = True
        print("interrupted")
    seconds = time.monotonic() - began
    print(
        f"{figures.kills} kills in {seconds:.0f} s; {figures.steps} steps acknowledged,"
        f" {figures.in_flight} not"
    )
    print(
        f"{len(figures.taken_for_others)} times a request of the killed process was taken for"
        " somebody else's"
    )
    if options.verbose:
        print(*(f"    {each}" for each in figures.taken_for_others), sep="\n")
    for point in sorted(figures.asked | figures.reached):
        print(f"  {figures.reached[point]:4} of {figures.asked[point]:4}  {point}")
    never = sorted(
        set(options.point or POINTS) - {each.removesuffix(" (start)") for each in figures.reached}
    )
    print(f"never reached: {', '.join(never) or 'none'}")
    return 1 if failed else 0


def homes(options: argparse.Namespace) -> Iterator[tuple[int, list[list[str]]]]:
    """The seed of each, and its kills."""
    if options.times:
        left = in_turn(options.seed, options.point or list(POINTS), options.times)
        for number, start in enumerate(range(0, len(left), options.each)):
            yield options.seed + number, left[start : start + options.each]
        return
    for number, start in enumerate(range(0, options.kills, options.each)):
        seed, kills = options.seed + number, min(options.each, options.kills - start)
        yield seed, list(islice(by_chance(seed, options.point), kills))


def kill_all(options: argparse.Namespace, figures: Figures) -> bool:
    """Whether a home failed."""
    failed = False
    for seed, kills in homes(options):
        failure = home(seed, kills, figures, verbose=options.verbose)
        if failure is not None:
            failed = True
            print(f"seed {seed} failed: {failure}", flush=True)
            if options.stop:
                break
    return failed


if __name__ == "__main__":
    sys.exit(main())
