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
from tests.wine.places import (
    COMPILED,
    HERE,
    ROOT,
    WINFSP,
    inside,
    packages_folder,
    prefix_folder,
    python_folder,
)

_MEMORY: Final = Path("/dev/shm")
_ROOM_BYTES: Final = 2 << 30
"""Tests write where their syncs cost nothing, if there is that much room."""
_MADE: Final = "made"


def is_there(version: str) -> bool:
    """Whether the prefix was made whole."""
    return (prefix_folder(version) / _MADE).exists()


def set_up(version: str) -> None:
    """Makes the prefix. Raises CannotSetUp."""
    make(prefix_folder(version))


def make(folder: Path) -> None:
    """Makes a prefix in this folder, in place of what is there. Raises CannotSetUp."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    variables = environment(folder)
    run("making a folder for Wine", ("xvfb-run", "-a", "wine", "wineboot", "--init"), variables)
    run("waiting for Wine", ("wineserver", "--wait"), variables)
    (folder / _MADE).touch()


def environment(prefix: Path) -> dict[str, str]:
    """The variables of what runs in a prefix."""
    return {
        **os.environ,
        "WINEPREFIX": str(prefix),
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


def run_python(version: str, arguments: Sequence[str], **more: str) -> int:
    """Runs Windows' Python in the project's folder, and passes on what it says; its status. Nothing
    of it runs on afterwards."""
    with _temporary_folder() as temporary:
        variables = python_environment(version)
        # Wine takes TEMP from its registry.
        variables |= {"PYTEST_DEBUG_TEMPROOT": inside(temporary), **more}
        try:
            return _pass_on([*python(version), *arguments], variables)
        finally:
            end(variables)


def python(version: str) -> list[str]:
    """The words that start Windows' Python."""
    return ["wine", str(python_folder(version) / "python.exe")]


def python_environment(version: str, *first: Path) -> dict[str, str]:
    """The variables of Windows' Python, which finds modules in ``first`` before all others."""
    python_path = (
        *(*first, packages_folder(version), HERE / "under_wine"),
        *(ROOT, ROOT / "platform" / "windows"),
    )
    variables = {
        **environment(prefix_folder(version)),
        "PYTHONPATH": ";".join(inside(each) for each in python_path),
        "PYTHONPYCACHEPREFIX": inside(COMPILED / version),
        "WINFSP_LIBRARY_PATH": inside(WINFSP),
    }
    for name in ("PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "TMPDIR"):
        variables.pop(name, None)
    return variables


def end(variables: dict[str, str]) -> None:
    """Ends all that runs in the prefix of these variables."""
    subprocess.run(["wineserver", "--kill"], env=variables, stdin=subprocess.DEVNULL, check=False)


def _pass_on(command: list[str], variables: dict[str, str]) -> int:
    """Through a pipe: under Wine Python cannot write to a file that was opened outside."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=variables,
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
