"""``./dev sim --runs N --seed S``: runs the simulation with the seeds S, S + 1, … and shows what fails."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.sim.scenario import make
from tests.sim.shrink import shrink
from tests.sim.world import Outcome, run


def show(seed: int, outcome: Outcome, lines: int) -> None:
    print(f"seed {seed} failed: {outcome.failure}")
    for line in outcome.log[-lines:] if lines else ():
        print("   ", line)
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev sim", description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="how many seeds (100)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--shrink", action="store_true", help="reduce what fails to the steps that are needed")
    parser.add_argument("--log", type=int, default=0, metavar="LINES", help="show so many last lines of a failing log")
    parser.add_argument("--stop", action="store_true", help="end with the first failure")
    options = parser.parse_args()
    failed: list[int] = []
    figures: Counter[str] = Counter()
    began = time.monotonic()
    for seed in range(options.seed, options.seed + options.runs):
        scenario = make(seed)
        outcome = run(scenario)
        figures += outcome.figures
        if outcome.failure is None:
            continue
        failed.append(seed)
        if options.shrink:
            scenario, outcome = shrink(scenario, outcome)
            print(f"shrunk: {scenario.style.value}, faults {scenario.fault_rate}, pace {scenario.pace}")
            for device in scenario.devices:
                print("   ", device)
            for step in (*scenario.start, *scenario.steps):
                print("   ", step)
        show(seed, outcome, options.log)
        if options.stop:
            break
    seconds = time.monotonic() - began
    told = ", ".join(f"{count} {what}" for what, count in sorted(figures.items()))
    print(f"{options.runs} runs from seed {options.seed}, {len(failed)} failed, in {seconds:.0f} s: {told}")
    if failed:
        print("failed seeds:", *failed)
    return 1 if failed else 0


sys.exit(main())
