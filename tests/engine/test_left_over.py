"""What `status` tells of what is left over: names, never numbers, and nothing that is settled."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from reconciler.model import ROOT
from tests.engine.clockwork import Drive

FILES = 4
OTHERS = 80


@pytest.fixture
async def drive(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Drive]:
    """Changes are followed as they come."""
    drive = Drive(tmp_path / "replica", nursery, every=None)
    yield drive
    await drive.stop()


def remove_folder(drive: Drive, name: bytes) -> None:
    """As `rm -r` does."""
    folder = drive.replica.lookup(ROOT, name)
    assert folder is not None
    for child, _ in list(drive.replica.children(folder, None, 10_000)):
        drive.replica.unlink(folder, child)
    drive.replica.rmdir(ROOT, name)


async def told(drive: Drive, seconds: float) -> list[str]:
    """Every problem that is shown in the next seconds."""
    found: list[str] = []
    for _ in range(int(seconds * 10)):
        found += [f"{each.path}: {each.why}" for each in drive.engine.status().problems]
        await trio.sleep(0.1)
    return found


async def test_a_folder_that_is_removed_leaves_no_numbers_behind(
    drive: Drive, autojump_clock: MockClock
):
    """It was 1,800 lines of "node 9: it waits for another change" for a while."""
    drive.disk.make_folder("d", 1)
    for number in range(FILES):
        drive.put(f"d/f{number}", b"%d" % number)
    for number in range(OTHERS):
        drive.put(f"other{number}", b"it stays")
    await drive.start()
    await trio.sleep(600)  # the burst's guard forgets that they are new
    remove_folder(drive, b"d")
    lines = await told(drive, 120)
    assert [each for each in lines if re.search(r"node \d|another change", each)] == []
    assert len(drive.disk.tree()) == OTHERS
    assert {each for each in lines if not each.startswith("d")} == set()
