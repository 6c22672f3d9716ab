"""Killed or refused by the disk at every single step, nothing is lost and the next start completes
it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHM = Path("/dev/shm")


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory: there syncing costs nothing."""
    folder = Path(tempfile.mkdtemp(dir=SHM if os.access(SHM, os.W_OK) else None))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["kill", "fail"])
@pytest.mark.parametrize("disks", ["one disk", "two disks"])
def test_nothing_is_lost_at_any_step(how: str, disks: str, memory: Path, tmp_path: Path) -> None:
    if disks == "two disks" and memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    trashes = memory if disks == "one disk" else tmp_path
    done = subprocess.run(
        [sys.executable, "-m", "tests.trash.steps", how, memory, trashes],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["steps"] > (40 if disks == "one disk" else 60), "the steps are not seen any more"
    assert found["doubles"] == 0
