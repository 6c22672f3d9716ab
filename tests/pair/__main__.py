"""``./dev pair``: two drives of real processes on one folder, whose people rename each other's
folders."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.pair.pair import Foreign, Wanted, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev pair", description=__doc__)
    parser.add_argument("--runs", type=int, default=1, help="how many seeds (1)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--operations", type=int, default=1000, help="operations a side (1000)")
    parser.add_argument(
        "--pause", type=float, default=0.1, help="seconds between two, at most (0.1)"
    )
    parser.add_argument(
        "--latency", type=float, default=0.0, help="seconds more for requests, and answers (0)"
    )
    parser.add_argument("--hurried", action="store_true", help="send after 0.3 s, list every 2 s")
    parser.add_argument(
        "--server", metavar="URL", help="one that runs already; then the following, too"
    )
    parser.add_argument("--login", help="whose password is in SYNCIN_PAIR_PASSWORD")
    parser.add_argument(
        "--remote", help="an empty folder there, as personal/NAME; one for each run: NAME-SEED"
    )
    parser.add_argument("--disk", type=Path, help="the user's folder on this computer's disk")
    options = parser.parse_args()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)  # what is mounted must go
    failed = 0
    for seed in range(options.seed, options.seed + options.runs):
        began = time.monotonic()
        wanted = Wanted(
            seed,
            options.operations,
            options.pause,
            options.latency,
            options.hurried,
            _server(options, seed),
        )
        with tempfile.TemporaryDirectory(prefix="syncin-pair-") as place:
            why, figures = run(Path(place) / "w", wanted)
            failed += why is not None
            logs = {each.name: each.read_text() for each in Path(place).glob("*.log")}
        seconds = time.monotonic() - began
        print(f"seed {seed}: {why or 'passed'}; {figures}, in {seconds:.0f} s", flush=True)
        for name, text in logs.items():
            (Path(tempfile.gettempdir()) / f"syncin-pair-{seed}-{name}").write_text(text)
    print(f"{options.runs} runs, {failed} failed")
    return 1 if failed else 0


def _server(options: argparse.Namespace, seed: int) -> Foreign | None:
    if options.server is None:
        return None
    name = f"{options.remote.removeprefix('personal/')}-{seed}"
    disk = options.disk / "files" / name
    disk.mkdir()
    password = os.environ["SYNCIN_PAIR_PASSWORD"]
    return Foreign(
        options.server, options.login, password, f"personal/{name}", disk, options.disk / "trash"
    )


if __name__ == "__main__":
    sys.exit(main())
