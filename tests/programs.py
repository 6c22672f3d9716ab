"""Running ordinary programs in tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ENVIRONMENT = {
    **{
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "GIT_", "PIP_", "MAKE"))
    },
    "GIT_AUTHOR_NAME": "user1",
    "GIT_AUTHOR_EMAIL": "user1@example.org",
    "GIT_COMMITTER_NAME": "user1",
    "GIT_COMMITTER_EMAIL": "user1@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "LC_ALL": "C.UTF-8",
}
"""That of the tests without what would have programs behave otherwise here than elsewhere."""


def run(
    *command: object, cwd: Path | None = None, status: int | None = 0, stdin: str = "", **more: str
) -> str:
    """Runs it to its end and gives what it said, on both channels. ``more``: further variables of
    its environment; ``status``: how it must end, None for any way."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=ENVIRONMENT | more,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert status is None or done.returncode == status, (
        f"{command} ended with {done.returncode}: {done.stdout}"
    )
    return done.stdout


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def snapshot(folder: Path) -> dict[str, tuple[object, ...]]:
    """Every entry's mode, times in ns and content."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        content = (
            os.readlink(path)
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else None
        )
        found[str(path.relative_to(folder))] = (info.st_mode, info.st_mtime_ns, content)
    return found
