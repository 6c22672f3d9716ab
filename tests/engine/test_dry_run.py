"""A dry run tells exactly what a run would do, and a run can be bound to that."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.model import Result
from reconciler.planner.guards import other_plan
from reconciler.reporting.report import Explained, State
from tests.engine.world import Device, World, open_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened


async def differing(world: World) -> Device:
    """Something of every kind is to be done."""
    for name in ("edit", "move", "gone", "clash", "theirs"):
        world.put(name, name.encode(), mtime=1_600_000_000)
    device = await world.device()
    await device.sync()
    device.write("edit", b"edited here")
    device.rename("move", "moved")
    device.unlink("gone")
    device.write("clash", b"ours", mtime=1_700_000_000)
    world.put("clash", b"the server's", mtime=1_800_000_000)
    world.put("theirs", b"edited there")
    world.put("new/file", b"n")
    device.mkdir("folder")
    device.write("new-here", b"n")
    device.mkdir("both")
    world.put("both", b"a file of a folder's name")
    return device


async def test_it_names_every_action_with_its_states_and_does_nothing(world: World):
    device = await differing(world)
    before, there = device.tree(), world.on_disk()
    report = await device.sync(dry_run=True)
    assert (device.tree(), world.on_disk()) == (before, there)
    steps = {(step.side, step.op, step.path): step for step in report.steps}
    edit = steps["remote", "send", "edit"]
    assert edit.base == State("file", "edit", 4, 1_600_000_000)
    assert edit.remote == edit.base
    assert edit.local is not None
    assert edit.local.size == len(b"edited here")
    assert "here" in edit.reason
    move = steps["remote", "move", "move"]
    assert (move.new_path, move.local and move.local.path, move.base and move.base.path) == (
        "moved",
        "moved",
        "move",
    )
    assert steps["remote", "delete", "gone"].local is None
    assert "recent" in steps["local", "fetch", "clash"].reason
    assert all(step.reason for step in report.steps)
    done = await device.sync(plan=report.plan)
    assert done.halted is None
    acted = [outcome for outcome in done.outcomes if outcome.action.side.value != "base"]
    assert {outcome.result for outcome in acted} == {Result.DONE}
    assert len(acted) == len(report.steps)


async def test_the_same_plan_has_the_same_identity_although_time_goes_on(world: World):
    device = await differing(world)
    first = (await device.sync(dry_run=True)).plan
    # the test gives the plan another date
    device.engine._parts.stamp = lambda: "another date"  # type: ignore[method-assign]
    assert (await device.sync(dry_run=True)).plan == first
    done = await device.sync(plan=first)
    assert done.halted is None
    assert any("another date" in path for path in device.tree())
    assert not (await device.sync(dry_run=True)).steps


@pytest.mark.parametrize(
    "change",
    [
        lambda world, device: world.put("edit", b"edit2", mtime=1_600_000_001),
        lambda world, device: device.write("edit", b"edited hera"),
        lambda world, device: world.put("another", b""),
        lambda world, device: device.rename("moved", "elsewhere"),
        lambda world, device: (world.disk / "new/file").write_bytes(b"o2"),
    ],
)
async def test_a_world_that_changed_refuses_the_plan(
    world: World, change: Callable[[World, Device], None]
):
    device = await differing(world)
    report = await device.sync(dry_run=True)
    assert report.plan is not None
    change(world, device)
    before, there = device.tree(), world.on_disk()
    done = await device.sync(plan=report.plan)
    assert done.halted == other_plan(report.plan)
    assert not done.outcomes
    assert (device.tree(), world.on_disk()) == (before, there)
    assert device.engine.status().halted is None
    again = await device.sync(dry_run=True)
    assert again.plan != report.plan
    assert (await device.sync(plan=again.plan)).halted is None


@pytest.mark.expected_log("halted: ")
async def test_a_confirmed_plan_passes_its_guard_and_no_other(world: World):
    for number in range(40):
        world.put(f"{number}", b"x")
    device = await world.device()
    await device.sync()
    for path in world.disk.iterdir():
        path.unlink()
    report = await device.sync(dry_run=True)
    assert report.halted
    assert len(report.steps) == 40
    assert (await device.sync(plan="0" * 12)).halted != report.halted
    assert len(device.tree()) == 40
    assert (await device.sync(plan=report.plan)).halted is None
    assert device.tree() == {}


async def test_one_path_is_explained(world: World):
    device = await differing(world)
    world.put("only-there", b"x")
    device.write(".DS_Store", b"x")

    async def explained(path: str) -> Explained:
        [found] = (await device.engine.explain(path)).explained or []
        return found

    edit = await explained("edit")
    assert edit.base == edit.remote == State("file", "edit", 4, 1_600_000_000)
    assert edit.known
    assert [(step.op, step.side) for step in edit.steps] == [("send", "remote")]
    moved = await explained("moved")
    assert moved.remote is not None
    assert (moved.remote.path, [step.op for step in moved.steps]) == ("move", ["move"])
    assert await explained("move") == Explained(**{**fields(moved), "path": "move"})
    gone = await explained("gone")
    assert (gone.local, [step.op for step in gone.steps]) == (None, ["delete"])
    there = await explained("only-there")
    assert (there.base, there.local, [step.op for step in there.steps]) == (None, None, ["fetch"])
    junk = await explained(".DS_Store")
    assert (junk.steps, junk.why) == ((), "It is left out by a filter or by its name.")
    assert (await device.engine.explain("nope")).explained == []
    await device.sync()
    same = await explained("edit")
    assert (same.steps, same.why) == ((), "Nothing is to be done: both sides are the same.")
    world.stop_server()
    away = await device.engine.explain("edit")
    assert away.offline
    [found] = away.explained or []
    assert (found.local, found.remote, found.known, found.steps) == (same.local, None, False, ())
    assert "could not be asked" in found.why


async def test_what_is_below_a_folder_goes_with_it(world: World):
    world.put("folder/deep/file", b"x")
    world.put("keep", b"x")
    device = await world.device()
    await device.sync()
    device.rename("folder", "renamed")
    [found] = (await device.engine.explain("renamed/deep/file")).explained or []
    assert [(step.op, step.path, step.new_path) for step in found.steps] == [
        ("move", "folder", "renamed")
    ]


def fields(found: Explained) -> dict[str, Any]:
    return {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
