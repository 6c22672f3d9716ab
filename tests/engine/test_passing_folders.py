"""Folders that a listing shows and that go again by themselves, in simulated time: where one was
moved away just before, and where one is listed at two places."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from reconciler.engine.condition import LISTING_EVERY
from reconciler.engine.passing_folders import HOLD, RECENT
from reconciler.model import ROOT, Entry, NodeId
from syncin_mount.store import NodeType
from tests.engine.clockwork import Drive

SLACK = 5.0
"""Seconds that requests take."""


@pytest.fixture
async def drive(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Drive]:
    """Has d0/one, as the server has it; d0 was renamed to D0 here, and that was sent."""
    drive = Drive(tmp_path / "replica", nursery, every=None)
    drive.disk.make_folder("d0", 1_600_000_000_000)
    drive.put("d0/one", b"1")
    await drive.start()
    await trio.sleep(SLACK)
    drive.replica.rename(ROOT, b"d0", ROOT, b"D0")
    await trio.sleep(SLACK)
    assert set(drive.disk.tree()) == {"D0", "D0/one"}
    yield drive
    await drive.stop()


def names(drive: Drive, folder: NodeId = ROOT) -> set[str]:
    return set(_paths(drive, folder, ""))


def _paths(drive: Drive, folder: NodeId, prefix: str) -> Iterator[str]:
    for name, node in drive.replica.children(folder, None, 1000):
        path = prefix + os.fsdecode(name)
        yield path
        attr = drive.replica.attr(node)
        if attr is not None and attr.kind is NodeType.FOLDER:
            yield from _paths(drive, node, f"{path}/")


@pytest.mark.parametrize("stays", [1.5 * LISTING_EVERY, HOLD - LISTING_EVERY])
async def test_what_came_back_where_a_folder_has_left_is_never_shown(
    drive: Drive, autojump_clock: MockClock, stays: float
) -> None:
    drive.put("d0/new", b"2")  # another device had looked before
    shown = set[str]()
    for _ in range(int(stays)):
        await trio.sleep(1.0)
        shown |= names(drive)
    assert len(drive.server.listings) > 1
    assert shown == {"D0", "D0/one"}
    drive.disk.move("d0/new", "D0/new")
    drive.disk.delete("d0")
    await trio.sleep(HOLD + 2 * LISTING_EVERY)
    assert names(drive) == {"D0", "D0/one", "D0/new"} == set(drive.disk.tree())
    assert not drive.engine.status().problems


async def test_a_folder_that_somebody_made_there_is_shown_after_a_while(
    drive: Drive, autojump_clock: MockClock
) -> None:
    drive.disk.make_folder("d0/sub", 1_600_000_000_000)
    drive.put("d0/new", b"2")
    await trio.sleep(LISTING_EVERY + SLACK)
    assert names(drive) == {"D0", "D0/one"}
    assert {each.path for each in drive.engine.status().problems} == {"d0", "d0/new", "d0/sub"}
    await trio.sleep(HOLD + SLACK)
    assert names(drive) == {"D0", "D0/one", "d0", "d0/new", "d0/sub"}
    assert not drive.engine.status().problems


async def test_who_waits_for_the_end_of_a_run_waits_for_it(
    drive: Drive, autojump_clock: MockClock
) -> None:
    drive.put("d0/new", b"2")
    began = trio.current_time()
    report = await drive.engine.sync()
    assert report.complete, report.problems
    assert names(drive) == {"D0", "D0/one", "d0", "d0/new"}
    assert HOLD <= trio.current_time() - began < HOLD + 2 * SLACK


@pytest.mark.parametrize("when", ["elsewhere", "later", "a file", "made here"])
async def test_nothing_else_waits(drive: Drive, autojump_clock: MockClock, when: str) -> None:
    if when == "later":
        await trio.sleep(RECENT + LISTING_EVERY + SLACK)
    if when == "made here":
        drive.replica.create(ROOT, b"d0", NodeType.FOLDER, mode=0o755, uid=0, gid=0)
    path = {"elsewhere": "d1/new", "a file": "d0"}.get(when, "d0/new")
    drive.put(path, b"2")
    await trio.sleep(LISTING_EVERY + SLACK)
    assert path in names(drive)


async def test_a_folder_is_renamed_back_and_forth(drive: Drive, autojump_clock: MockClock) -> None:
    """It is the same one: nothing is withheld."""
    drive.replica.rename(ROOT, b"D0", ROOT, b"d0")
    await trio.sleep(SLACK)
    drive.disk.move("d0", "D0")
    await trio.sleep(LISTING_EVERY + SLACK)
    drive.disk.move("D0", "d0")
    await trio.sleep(LISTING_EVERY + SLACK)
    assert names(drive) == {"d0", "d0/one"} == set(drive.disk.tree())


@pytest.mark.parametrize("known", [True, False])
async def test_a_folder_that_moves_while_it_is_listed_is_not_there_twice(
    drive: Drive, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    source = "D0" if known else "E0"
    if not known:
        drive.put("E0/one", b"2")
    listing, moved = drive.server.listing, list[str]()

    @contextlib.asynccontextmanager
    async def lists(snapshot: Any = None) -> AsyncIterator[Any]:
        async with listing(snapshot) as batches:

            async def twice() -> AsyncIterator[list[Entry]]:
                async for batch in batches:
                    yield batch
                if not moved:
                    moved.append(source)
                    drive.disk.move(source, "Z")
                    item = drive.disk.existing("Z")
                    yield [Entry("Z", True, 0, item.found.mtime, item.inode)]

            yield twice()

    monkeypatch.setattr(drive.server, "listing", lists)
    shown = set[str]()
    for _ in range(int(4 * LISTING_EVERY)):
        await trio.sleep(1.0)
        found = names(drive)
        shown |= found
        assert len(found & {source, "Z"}) <= 1
    assert moved
    assert {"Z", "Z/one"} <= names(drive)
    assert names(drive) == set(drive.disk.tree())


async def test_a_server_that_calls_all_folders_by_one_inode_is_followed(
    drive: Drive, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = drive.server.listing

    @contextlib.asynccontextmanager
    async def lists(snapshot: Any = None) -> AsyncIterator[Any]:
        async with listing(snapshot) as batches:

            async def alike() -> AsyncIterator[list[Entry]]:
                async for batch in batches:
                    yield [each._replace(inode=7) if each.is_folder else each for each in batch]

            yield alike()

    monkeypatch.setattr(drive.server, "listing", lists)
    drive.put("E/one", b"2")
    drive.put("F/one", b"3")
    await trio.sleep(4 * LISTING_EVERY)
    assert names(drive) == {"D0", "D0/one", "E", "E/one", "F", "F/one"}
