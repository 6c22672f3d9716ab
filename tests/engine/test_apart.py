"""Planning in a thread, on a snapshot: the same plan, and what changes meanwhile is not lost."""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio

from reconciler.engine import plan_worker
from reconciler.engine.plan_worker import PlanRequest, run_on_snapshot
from reconciler.lookups import Lookups
from reconciler.model import ROOT
from reconciler.reporting.report import Report
from reconciler.trees.listing_scan import ListingScan
from reconciler.trees.tree_view import Trees
from tests.engine.world import Device, World


@pytest.fixture
def everything_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_worker, "PLAN_IN_THREAD_FROM_NODES", 0)


async def differing(world: World) -> Device:
    """Both sides moved, edited, deleted and made something."""
    for name in ("edited", "moved", "deleted", "both", "theirs"):
        world.put(f"docs/{name}.txt", name.encode(), mtime=1_600_000_000)
    world.put("old/in.txt", b"in", mtime=1_600_000_000)
    device = await world.device()
    await device.sync()
    device.write("docs/edited.txt", b"edited here")
    device.write("docs/both.txt", b"edited here", mtime=1_700_000_100)
    device.rename("docs/moved.txt", "moved.txt")
    device.unlink("docs/deleted.txt")
    device.write("new.txt", b"new here")
    world.put("docs/both.txt", b"edited on the server", mtime=1_700_000_000)
    world.put("docs/theirs.txt", b"edited there", mtime=1_700_000_000)
    world.put("new there/x.txt", b"x")
    shutil.rmtree(world.disk / "old")
    return device


async def test_it_is_the_same_plan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    device = await differing(world)
    engine, asked = device.engine, PlanRequest(with_id=True, steps=True, subject="docs/both.txt")
    tree = await engine._full_run.observe(Report())
    assert tree is not None
    here = await engine._parts.planning.full(tree, engine.settings, "date", asked)
    monkeypatch.setattr(plan_worker, "PLAN_IN_THREAD_FROM_NODES", 0)
    there = await engine._parts.planning.full(tree, engine.settings, "date", asked)
    assert here is not None
    assert len(here.made.actions) > 6
    assert here == there


@pytest.mark.usefixtures("everything_apart")
async def test_a_run_apart_settles_everything(world: World) -> None:
    device = await differing(world)
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk()
    assert (await device.sync()).outcomes == []


@pytest.mark.usefixtures("everything_apart")
async def test_a_listing_is_matched_apart_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()
    finish = ListingScan.finish

    def watched(self: ListingScan, known: Any = None) -> Any:
        threads.add(threading.get_ident())
        return finish(self, known)

    monkeypatch.setattr(ListingScan, "finish", watched)
    world.put("a/b/c.txt", b"1")
    device = await world.device()
    await device.sync()
    assert threads
    assert threading.get_ident() not in threads
    assert device.tree() == world.on_disk()


class Halfway:
    """Holds a planning thread when it has seen the trees, until what happens meanwhile has
    happened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        drafted = plan_worker._drafted

        def slow(view: Trees, *rest: Any) -> Any:
            made = drafted(view, *rest)
            self.reached.set()
            assert self.go_on.wait(20)
            return made

        monkeypatch.setattr(plan_worker, "_drafted", slow)

    async def meanwhile(self, device: Device, act: Callable[[], None]) -> None:
        """One run of the device, in the middle of whose planning something happens."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(device.sync)
            assert await trio.to_thread.run_sync(self.reached.wait, 20)
            act()
            self.go_on.set()


@pytest.mark.usefixtures("everything_apart")
async def test_changes_while_it_is_planned_are_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await differing(world)
    halfway = Halfway(monkeypatch)

    def act() -> None:
        device.write("docs/theirs.txt", b"now edited here too", mtime=1_700_000_200)
        device.write("new.txt", b"newer", mtime=1_700_000_200)
        device.write("docs/edited.txt~", b"saved by rename", mtime=1_700_000_200)
        device.rename("docs/edited.txt~", "docs/edited.txt")
        device.rename("moved.txt", "moved again.txt")

    await halfway.meanwhile(device, act)
    report = await device.sync()
    assert report.complete, report.problems
    tree = device.tree()
    assert tree == world.on_disk()
    assert tree["docs/theirs.txt"] == b"now edited here too"
    assert tree["docs/edited.txt"] == b"saved by rename"
    assert tree["new.txt"] == b"newer"
    assert tree["moved again.txt"] == b"moved"


@pytest.mark.usefixtures("everything_apart")
async def test_what_a_listing_told_besides_is_not_given_to_another_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base went to the file that an editor put in the document's place; the listing's inode was
    for the former."""
    device = await world.device()
    device.write("doc.txt", b"first", mtime=1_600_000_000)
    await device.sync()  # its inode is told by the next listing
    former = device.node("doc.txt")
    world.put("other.txt", b"so that something is planned")
    halfway = Halfway(monkeypatch)

    def act() -> None:
        device.rename("doc.txt", "doc.bak")
        device.write("doc.txt", b"second", mtime=1_700_000_000)
        device.unlink("doc.bak")
        assert device.replica.base(former) is None

    await halfway.meanwhile(device, act)
    assert device.replica.base(former) is None
    assert (await device.sync()).complete
    assert (
        device.tree()
        == world.on_disk()
        == {"doc.txt": b"second", "other.txt": b"so that something is planned"}
    )
    assert world.trashed() == {"doc.txt": b"first"} or world.trashed() == {}


@pytest.mark.usefixtures("everything_apart")
async def test_a_commit_in_the_middle_begins_it_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await differing(world)
    rounds: list[str] = []
    drafted = plan_worker._drafted

    def ended_once(view: Trees, *rest: Any) -> Any:
        rounds.append("planned")
        if len(rounds) == 1:
            snapshots[-1].end()  # as a commit does it
        return drafted(view, *rest)

    snapshots: list[Any] = []
    snapshot = device.replica.snapshot

    def kept(ids: int = 0) -> Any:
        snapshots.append(snapshot(ids))
        return snapshots[-1]

    monkeypatch.setattr(device.replica, "snapshot", kept)
    monkeypatch.setattr(plan_worker, "_drafted", ended_once)
    report = await device.sync()
    assert len(rounds) > 1
    assert report.complete, report.problems
    assert device.tree() == world.on_disk()


async def test_cancelled_it_leaves_the_thread_to_end_before_the_replica_closes(
    world: World,
) -> None:
    device = await world.device()
    left = threading.Event()

    def job(known: Lookups) -> None:
        try:
            while True:
                known.local(ROOT)
        finally:
            left.set()

    with trio.move_on_after(0.2) as scope:
        await run_on_snapshot(device.replica, 1 << 30, job)
    assert scope.cancelled_caught
    assert await trio.to_thread.run_sync(left.wait, 10)


@pytest.mark.expected_log("made without a snapshot")
@pytest.mark.usefixtures("everything_apart")
async def test_a_disk_that_takes_no_commit_does_not_keep_it_from_planning(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await differing(world)

    def full(ids: int = 0) -> Any:
        raise OSError(errno.ENOSPC, "the disk is full")

    monkeypatch.setattr(device.replica, "snapshot", full)
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk()
