"""What people do in a drive: whole programs, on a real daemon beside a real server process."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workloads.desk import Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all tests of a file; each works in a folder of its own."""
    if not sys.platform.startswith("linux"):
        pytest.skip("mounts are for Linux")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK) or shutil.which("fusermount3") is None:
        pytest.skip("no /dev/fuse or no fusermount3 here")
    with Desk(tmp_path_factory.mktemp("desk")) as desk:
        yield desk
        log = desk.log
    assert "Traceback" not in log, log


@pytest.fixture
def place(desk: Desk, request: pytest.FixtureRequest) -> Path:
    """An empty folder in the drive."""
    place = desk.drive / str(request.node.name).removeprefix("test_")
    place.mkdir()
    return place
