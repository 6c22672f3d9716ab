"""``./dev sim --runs N --seed S``: runs the simulation with the seeds S, S + 1, … and shows what
fails."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator

from tests.sim.scenario import make
from tests.sim.shrink import shrink
from tests.sim.world import Outcome, attempt, run


def show(seed: int, outcome: Outcome, lines: int) -> None:
    print(f"seed {seed} failed: {outcome.failure}")
    for line in outcome.log[-lines:] if lines else ():
        print("   ", line)
    sys.stdout.flush()


def show_shrunk(seed: int) -> Outcome:
    """Prints the smallest scenario that was found to fail as this seed's does; how that one
    fails."""
    scenario = make(seed)
    scenario, outcome = shrink(scenario, run(scenario))
    print(f"shrunk: {scenario.style.value}, faults {scenario.fault_rate}, pace {scenario.pace}")
    for device in scenario.devices:
        print("   ", device)
    for step in (*scenario.start, *scenario.steps):
        print("   ", step)
    return outcome


def attempts(seeds: range, jobs: int) -> Iterator[tuple[int, str | None, Counter[str]]]:
    """In the order of the seeds."""
    if jobs == 1:
        yield from map(attempt, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(attempt, seeds, chunksize=10)


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev sim", description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="how many seeds (100)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once (1)")
    parser.add_argument(
        "--shrink", action="store_true", help="reduce what fails to the steps that are needed"
    )
    parser.add_argument(
        "--log",
        type=int,
        default=0,
        metavar="LINES",
        help="show so many last lines of a failing log",
    )
    parser.add_argument("--stop", action="store_true", help="end with the first failure")
    options = parser.parse_args()
    failed: list[int] = []
    figures: Counter[str] = Counter()
    began = time.monotonic()
    done = 0
    for seed, failure, found in attempts(
        range(options.seed, options.seed + options.runs), options.jobs
    ):
        done += 1
        figures += found
        if failure is None:
            continue
        failed.append(seed)
        show(seed, show_shrunk(seed) if options.shrink else run(make(seed)), options.log)
        if options.stop:
            break
    seconds = time.monotonic() - began
    told = ", ".join(f"{count} {what}" for what, count in sorted(figures.items()))
    print(f"{done} runs from seed {options.seed}, {len(failed)} failed, in {seconds:.0f} s: {told}")
    if failed:
        print("failed seeds:", *failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
