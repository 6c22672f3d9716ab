"""Examples that run with every test; `./dev sim fs` runs more."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mounts.differential.machine import OPTIONS, STEPS, Ground, explore

EXAMPLES = 50


@contextlib.contextmanager
def folder_on_disk() -> Iterator[Path]:
    """Where tests write to memory, the disk's file system has to be asked for."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_drive_answers_as_a_local_folder(mount, tmp_path, part):
    drive = mount(*OPTIONS)
    with folder_on_disk() if part == 0 else contextlib.nullcontext(tmp_path) as where:
        local = where / "local"
        local.mkdir()
        ground = Ground(local, drive.path)
        try:
            explore(ground, part, EXAMPLES, STEPS)
            drive.again()
            ground.remembered()
        finally:
            ground.end()
