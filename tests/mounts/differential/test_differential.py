"""Examples that run with every test; `./dev sim fs` runs more."""

from __future__ import annotations

import pytest

from tests.mounts.differential.machine import OPTIONS, STEPS, Ground, explore

PARTS = 6
EXAMPLES = 50


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_drive_answers_as_a_local_folder(mount, tmp_path, part):
    drive = mount(*OPTIONS)
    local = tmp_path / "local"
    local.mkdir()
    ground = Ground(local, drive.path)
    try:
        explore(ground, part, EXAMPLES, STEPS)
        drive.again()
        ground.remembered()
    finally:
        ground.end()
