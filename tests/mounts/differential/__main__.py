"""``./dev sim fs --examples N --seed S``: random steps on a drive and on a local folder, until they
differ."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.mounts.conftest import Drive
from tests.mounts.differential.machine import OPTIONS, STEPS, Ground, explore

PORTION = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev sim fs", description=__doc__)
    parser.add_argument("--examples", type=int, default=1000, help="how many (1,000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first portion of examples (1)")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of each example ({STEPS})")
    options = parser.parse_args()
    began = time.monotonic()
    done = steps = 0
    for seed in range(options.seed, options.seed + -(-options.examples // PORTION)):
        with tempfile.TemporaryDirectory(prefix="syncin-fs-") as name:
            top = Path(name)
            drive = Drive(top, *OPTIONS)
            (top / "local").mkdir()
            ground = Ground(top / "local", drive.path)
            try:
                explore(ground, seed, PORTION, options.steps)
                drive.again()
                ground.remembered()
            except BaseException:
                print(f"seed {seed}:", file=sys.stderr)
                raise
            finally:
                ground.end()
                drive.clean_up()
        done, steps = done + PORTION, steps + ground.steps
        print(
            f"seed {seed}: {done} examples, {steps} steps, {time.monotonic() - began:.0f} s",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
