"""A server's tree, and the client that has listed it."""

from __future__ import annotations

import pytest

from tests.reconciler.disk import Disk, Memory, listed


@pytest.fixture
def disk() -> Disk:
    disk = Disk()
    for folder in ("docs", "docs/old", "pics", "empty"):
        disk.mkdir(folder)
    for number, path in enumerate(("docs/a", "docs/b", "docs/old/c", "pics/p", "pics/q", "r", "s")):
        disk.put(path, "abcpqrs"[number], 1)
    return disk


@pytest.fixture
def memory(disk: Disk) -> Memory:
    return listed(disk)
