"""A desktop for each test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.session import PROGRAMS, Desktop


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    missing = [each for each in PROGRAMS if shutil.which(each) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    with (
        tempfile.TemporaryDirectory(prefix="fm-", dir="/tmp") as base,
        Desktop(Path(base) / "d") as desktop,
    ):
        yield desktop
