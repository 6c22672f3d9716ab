"""``./dev damage``: damages replicas, and sees to it that nothing is lost silently."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.damage.cases import originals, run


def main() -> int:
    """0 when every case holds."""
    options = argparse.ArgumentParser(prog="./dev damage", description=__doc__)
    options.add_argument("--cases", type=int, default=1000, help="how many (default: %(default)s)")
    options.add_argument("--seed", type=int, default=1, help="the first (default: %(default)s)")
    asked = options.parse_args()
    logging.disable(logging.CRITICAL)
    began, failed = time.monotonic(), 0
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as place:
        of = originals(Path(place))
        for seed in range(asked.seed, asked.seed + asked.cases):
            if wrong := run(seed, of, Path(place)):
                failed += 1
                print(wrong, flush=True)
    seconds = time.monotonic() - began
    print(f"{asked.cases} cases from seed {asked.seed}, {failed} failed, in {seconds:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
