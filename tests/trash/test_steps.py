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

from tests.trash.support import folder_on_another_disk

ROOT = Path(__file__).parents[2]
SHM = Path("/dev/shm")


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory: there syncing costs nothing."""
    folder = Path(tempfile.mkdtemp(dir=SHM if os.access(SHM, os.W_OK) else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=["one disk", "two disks"])
def trashes(request: pytest.FixtureRequest, memory: Path) -> Iterator[Path]:
    """Where the trash is."""
    if request.param == "one disk":
        yield memory
        return
    with folder_on_another_disk(memory) as folder:
        yield folder


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["kill", "fail"])
def test_nothing_is_lost_at_any_step(how: str, memory: Path, trashes: Path) -> None:
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
    assert found["steps"] > (40 if trashes == memory else 60), "the steps are not seen any more"
    assert found["doubles"] == 0
