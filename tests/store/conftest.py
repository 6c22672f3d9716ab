from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncin_mount.store import Replica, check
from tests.store.support import open_replica


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "replica"


@pytest.fixture
def replica(folder: Path) -> Iterator[Replica]:
    """An open replica, which must be sound in the end."""
    replica = open_replica(folder)
    yield replica
    if not replica._closed:
        assert check(replica) == []
        replica.close()
