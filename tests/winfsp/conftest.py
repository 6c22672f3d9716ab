"""A mounted drive for each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "win32":
    sys.path.append(str(Path(__file__).parent / "on_linux"))

from tests.winfsp.kernel import Kernel
from tests.winfsp.mounted import Mounted, mounted


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Mounted]:
    with mounted(tmp_path / "replica") as drive:
        yield drive


@pytest.fixture
def kernel(drive: Mounted) -> Kernel:
    return drive.kernel
