"""`./dev wine`: tests on a genuine Python for Windows, inside Wine."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.wine import interpreters, packages, prefix
from tests.wine.places import ROOT, WINFSP, CannotSetUp
from tests.wine.selection import IN_CI, OUTSIDE, PYTHON, RUN, RUN_THEM
from tests.winfsp import library

LIMIT_S: Final = 480
"""Of one test that has no limit of its own. Wine's server does one thing at a time, so a test of
many files takes several times as long as outside."""


def main() -> int:
    """Sets up, or runs what the arguments say; the status."""
    parser = argparse.ArgumentParser(
        prog="./dev wine",
        usage="./dev wine [--python VERSION] [--everything] [--left-out]"
        " [TESTS AND PYTEST'S ARGUMENTS]",
        allow_abbrev=False,
        description="Runs tests on a genuine Python for Windows, inside Wine. Without tests it"
        " runs those that CI runs. tests/wine/selection.py has the lists. What is not known here is"
        " pytest's.",
    )
    parser.add_argument("--python", choices=sorted(interpreters.INTERPRETERS), default="3.11")
    parser.add_argument(
        "--everything", action="store_true", help="all that is for Windows, slow tests too"
    )
    parser.add_argument(
        "--left-out", action="store_true", help="run what is left out, and nothing else"
    )
    parser.add_argument("--is-ready", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--set-up", action="store_true", help=argparse.SUPPRESS)
    chosen, others = parser.parse_known_args()
    if chosen.is_ready:
        return 0 if is_ready(chosen.python) else 1
    if chosen.set_up:
        try:
            set_up(chosen.python)
        except CannotSetUp as error:
            print(error, flush=True)
            return 1
        return 0
    named = [each for each in others if (ROOT / each.partition("::")[0]).exists()]
    outside = [each for each in named if each.startswith(OUTSIDE)]
    if outside and len(outside) < len(named):
        parser.error(f"what is in {OUTSIDE} runs by itself")
    if outside:
        return run_outside(chosen.python, others)
    if not named:
        others += RUN if chosen.everything or chosen.left_out else ("-m", "not slow", *IN_CI)
    return run_tests(chosen.python, others, left_out=chosen.left_out)


def is_ready(version: str) -> bool:
    """Whether all is set up for this version."""
    return (
        interpreters.is_there(version)
        and packages.are_there(version)
        and library.is_there(packages.winfsp_binding(version), WINFSP)
        and prefix.is_there(version)
    )


def set_up(version: str) -> None:
    """Does what is missing. Raises CannotSetUp."""
    if not interpreters.is_there(version):
        interpreters.set_up(version)
    if not packages.are_there(version):
        packages.set_up(version)
    try:
        library.make(packages.winfsp_binding(version), WINFSP)
    except RuntimeError as error:
        raise CannotSetUp(f"the stand-in for WinFsp cannot be made: {error}") from None
    if not prefix.is_there(version):
        prefix.set_up(version)


def run_tests(version: str, arguments: list[str], *, left_out: bool) -> int:
    """pytest's status."""
    return prefix.run_python(
        version,
        # Nothing that is cached outside is read inside, or the other way round.
        [
            *("-m", "pytest", "-p", "no:cacheprovider", "-p", "tests.wine.plugin"),
            *(f"--timeout={LIMIT_S}", *arguments),
        ],
        **({RUN_THEM: "1"} if left_out else {}),
    )


def run_outside(version: str, arguments: list[str]) -> int:
    """pytest's status, on Linux."""
    pytest = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    return subprocess.run(
        [*pytest, *arguments], env={**os.environ, PYTHON: version}, check=False
    ).returncode


if __name__ == "__main__":
    assert Path.cwd() == ROOT
    sys.exit(main())
