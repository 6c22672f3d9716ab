"""The Wine prefix (its drive C and registry), and running Windows' Python in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.wine.commands import run
from tests.wine.places import COMPILED, HERE, PREFIX, ROOT, inside, packages_folder, python_folder

_MEMORY: Final = Path("/dev/shm")
_ROOM_BYTES: Final = 2 << 30
"""Tests write where their syncs cost nothing, if there is that much room."""
_MADE: Final = PREFIX / "made"


def is_there() -> bool:
    """Whether the prefix was made whole."""
    return _MADE.exists()


def set_up() -> None:
    """Makes the prefix. Raises CannotSetUp."""
    shutil.rmtree(PREFIX, ignore_errors=True)
    PREFIX.parent.mkdir(exist_ok=True)
    run(
        "making a folder for Wine", ("xvfb-run", "-a", "wine", "wineboot", "--init"), _environment()
    )
    run("waiting for Wine", ("wineserver", "--wait"), _environment())
    _MADE.touch()


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "WINEPREFIX": str(PREFIX),
        "WINEDEBUG": "-all",
        # No question about installing .NET and a browser, and no entries in a desktop's menu.
        "WINEDLLOVERRIDES": "mscoree,mshtml=d;winemenubuilder.exe=d",
    }


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    with tempfile.TemporaryDirectory(
        prefix="syncin-wine-", dir=_MEMORY if room else None, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def run_python(version: str, arguments: Sequence[str], **variables: str) -> int:
    """Runs Windows' Python in the project's folder, and passes on what it says; its status. Nothing
    of it runs on afterwards."""
    python_path = (
        *(packages_folder(version), HERE / "under_wine", ROOT, ROOT / "platform" / "windows"),
    )
    with _temporary_folder() as temporary:
        environment = {
            **_environment(),
            "PYTHONPATH": ";".join(inside(each) for each in python_path),
            "PYTHONPYCACHEPREFIX": inside(COMPILED / version),
            # Wine takes TEMP from its registry.
            "PYTEST_DEBUG_TEMPROOT": inside(temporary),
            **variables,
        }
        for name in ("PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "TMPDIR"):
            environment.pop(name, None)
        try:
            return _pass_on(
                ["wine", str(python_folder(version) / "python.exe"), *arguments], environment
            )
        finally:
            subprocess.run(
                ["wineserver", "--kill"], env=environment, stdin=subprocess.DEVNULL, check=False
            )


def _pass_on(command: list[str], environment: dict[str, str]) -> int:
    """Through a pipe: under Wine Python cannot write to a file that was opened outside."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
    ) as process:
        assert process.stdout is not None
        while piece := process.stdout.read(1 << 16):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        return process.wait()
