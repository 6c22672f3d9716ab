"""A short run of ``./dev pair``: both sides come to rest, no folder is there twice, and nothing is
lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


@pytest.mark.skipif(
    not os.access("/dev/fuse", os.R_OK | os.W_OK) or shutil.which("fusermount3") is None,
    reason="no /dev/fuse or no fusermount3 here",
)
@pytest.mark.timeout(200)
def test_two_drives_at_work_on_one_folder() -> None:
    command = [sys.executable, "-m", "tests.pair", "--operations", "60", "--hurried", "--seed", "3"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 3: passed" in done.stdout
