"""What `status` tells of what is left over: names, never numbers, and nothing that is settled."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from reconciler.model import ROOT
from syncin_mount.store import NodeType
from tests.engine.clockwork import Drive

FILES = 4
OTHERS = 80

SIZE = 200 << 10
"""Bytes that are hashed in a thread, after the content came."""


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
    assert lines
    waits = "it waits for 'd' to be deleted first"
    assert {*lines} <= {f"d/f{number}: {waits}" for number in range(FILES)}


async def test_a_run_that_finds_no_server_is_not_the_last_run(
    drive: Drive, autojump_clock: MockClock
):
    """Offline, `status` once showed each vain try as the last run; and since when it is offline."""
    drive.put("a", b"1")
    await drive.start()
    await trio.sleep(60)
    last = drive.engine.status().last_run_ns
    assert last is not None
    drive.offline = True
    await trio.sleep(120)
    now = drive.engine.status()
    assert now.online is False
    assert now.offline_seconds is not None
    assert 60 < now.offline_seconds <= 120
    assert now.last_run_ns is not None
    assert drive.now_ns() - now.last_run_ns > 90e9
    drive.offline = False
    await trio.sleep(120)
    assert drive.engine.status().offline_seconds is None


async def test_an_upload_under_way_is_not_said_to_be_written(
    drive: Drive, autojump_clock: MockClock
):
    """ "is being written" stayed for the whole upload of a file that a run had found being
    written."""
    await drive.start()
    await trio.sleep(60)
    node = drive.replica.create(ROOT, b"big", NodeType.FILE, mode=0o644, uid=0, gid=0).node
    drive.replica.begin_write(node, discard=True)
    await trio.sleep(60)  # a listing comes and goes
    assert {each.why for each in drive.engine.status().problems} == {"“big” is being written."}
    drive.replica.written(node, size=0, mtime_ns=drive.now_ns())
    told: set[str] = set()
    sampled = False
    while "big" not in drive.disk.tree():
        if drive.engine.is_in_flight(node):
            told |= {each.why for each in drive.engine.status().problems}
            sampled = True
        await trio.sleep(0.01)
    assert sampled
    assert told == set()


@pytest.mark.slow
async def test_what_is_here_and_what_is_to_come_are_always_all(
    drive: Drive, autojump_clock: MockClock
):
    """Files, and bytes: the total of progress does not change while contents come."""
    for number in range(40):
        drive.put(f"f{number}", bytes(SIZE))
    await drive.start()
    sums = set[tuple[int, int]]()
    while not sums or drive.hydrator.waiting:
        names = list(drive.replica.children(ROOT, None, 10_000))
        here = sum(drive.read(os.fsdecode(name)) is not None for name, _ in names)
        coming = drive.hydrator.downloads()
        if len(names) == 40:
            partly = sum(each.done for each in coming.arriving)
            sums.add((here + coming.waiting, SIZE * here + partly + coming.bytes))
        await trio.sleep(0.003)
    assert sums == {(40, 40 * SIZE)}
