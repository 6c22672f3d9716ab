"""Running what sets things up: what it says goes on to the caller, line by line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.wine.places import ROOT, CannotSetUp


def run(
    what: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> None:
    """Tells ``what`` is done, and does it. Raises CannotSetUp when it fails."""
    print(what, flush=True)
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError as error:
        raise CannotSetUp(f"{what}: there is no {error.filename} on this computer") from error
    if done.returncode != 0:
        raise CannotSetUp(f"{what} failed with status {done.returncode}; see the lines above")


def pip(what: str, *arguments: str | Path) -> None:
    """Runs pip, as it is configured, in the same way."""
    options = ("--disable-pip-version-check", "--no-input", "--quiet")
    run(what, (sys.executable, "-I", "-u", "-m", "pip", *options, *arguments))
