"""Filters, everything real: what they leave out stays on both sides, and comes together again when they go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.filters import DEFAULT, Filter
from syncin_mount.config.filters import matcher
from tests.engine.world import Device, World, open_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened


async def with_filters(device: Device, *patterns: str) -> None:
    """From now on the synchronization has these, and a run has seen them."""
    filters = Filter(rule=matcher(patterns)) if patterns else DEFAULT
    device.engine.settings = replace(device.engine.settings, filters=filters)
    await settled(device)


async def settled(device: Device) -> None:
    report = await device.sync()
    assert report.complete, report
    assert not report.conflicts
    again = await device.sync()
    assert not again.outcomes, "a second run found something to do"
    assert again.complete


FILES = {"keep.txt": b"k", "docs": None, "docs/a.txt": b"a", "docs/private": None, "docs/private/b.txt": b"b"}


async def filled(world: World) -> Device:
    for path, content in FILES.items():
        if content is not None:
            world.put(path, content, mtime=1_600_000_000)
    device = await world.device()
    await settled(device)
    assert device.tree() == FILES
    return device


async def test_what_is_left_out_from_the_start_is_on_its_own_side_only(world: World):
    world.put("docs/server.TMP", b"1")
    world.put("docs/server.txt", b"2")
    device = await world.device()
    device.write("here.tmp", b"3")
    device.write("here.txt", b"4")
    await with_filters(device, ".*.tmp$")
    assert set(device.tree()) == {"docs", "docs/server.txt", "here.tmp", "here.txt"}
    assert set(world.on_disk()) == {"docs", "docs/server.TMP", "docs/server.txt", "here.txt"}


async def test_a_new_filter_removes_nothing_and_its_end_brings_nothing_back_that_is_there(world: World):
    device = await filled(world)
    await with_filters(device, "docs/private")
    assert device.tree() == FILES
    assert world.on_disk() == FILES
    mark = len(world.server.requests)
    await with_filters(device)
    assert device.tree() == FILES
    assert world.on_disk() == FILES
    methods = {each.method for each in list(world.server.requests)[mark:]}
    assert methods == {"POST"}, "more than listings"


async def test_edits_behind_a_filter_cross_when_it_goes_and_are_no_conflict(world: World):
    device = await filled(world)
    await with_filters(device, "docs/private")
    device.write("docs/private/b.txt", b"edited here")
    device.write("docs/private/new.txt", b"new here")
    world.put("docs/private/theirs.txt", b"new there")
    await settled(device)
    assert world.on_disk()["docs/private/b.txt"] == b"b"
    assert "docs/private/theirs.txt" not in device.tree()
    await with_filters(device)
    expected = {
        **FILES,
        "docs/private/b.txt": b"edited here",
        "docs/private/new.txt": b"new here",
        "docs/private/theirs.txt": b"new there",
    }
    assert device.tree() == expected
    assert world.on_disk() == expected


@pytest.mark.parametrize("side", ["here", "there"])
async def test_what_was_deleted_behind_a_filter_comes_back_when_it_goes(world: World, side: str):
    device = await filled(world)
    await with_filters(device, "docs/private")
    if side == "here":
        device.unlink("docs/private/b.txt")
        device.rmdir("docs/private")
    else:
        (world.disk / "docs/private/b.txt").unlink()
        (world.disk / "docs/private").rmdir()
    await settled(device)
    assert ("docs/private" in device.tree()) is (side == "there")
    assert ("docs/private" in world.on_disk()) is (side == "here")
    await with_filters(device)
    assert device.tree() == FILES
    assert world.on_disk() == FILES


@pytest.mark.parametrize("side", ["here", "there"])
async def test_what_leaves_the_filter_is_a_new_file_for_the_other_side(world: World, side: str):
    device = await filled(world)
    await with_filters(device, "docs/private")
    if side == "here":
        device.rename("docs/private/b.txt", "b.txt")
    else:
        (world.disk / "docs/private/b.txt").rename(world.disk / "b.txt")
    await settled(device)
    assert device.tree()["b.txt"] == b"b"
    assert world.on_disk()["b.txt"] == b"b"
    assert ("docs/private/b.txt" in device.tree()) is (side == "there")
    assert ("docs/private/b.txt" in world.on_disk()) is (side == "here")


async def test_a_folder_that_leaves_the_filter_takes_all_below_it_along(world: World):
    device = await filled(world)
    await with_filters(device, "docs/private")
    device.rename("docs/private", "open")
    await settled(device)
    assert device.tree() == {"keep.txt": b"k", "docs": None, "docs/a.txt": b"a", "open": None, "open/b.txt": b"b"}
    assert world.on_disk() == {**FILES, "open": None, "open/b.txt": b"b"}


async def test_what_goes_behind_a_filter_here_stays_on_the_server(world: World):
    device = await filled(world)
    await with_filters(device, ".*.local$")
    device.rename("docs", "docs.local")
    await settled(device)
    local = {path.replace("docs", "docs.local"): content for path, content in FILES.items() if path != "keep.txt"}
    assert device.tree() == {**FILES, **local}
    assert world.on_disk() == FILES


async def test_an_editor_s_backup_behind_a_filter_makes_the_save_one_upload(world: World):
    device = await filled(world)
    await with_filters(device, ".*~$")
    mark = len(world.server.requests)
    device.rename("keep.txt", "keep.txt~")
    device.write("keep.txt", b"saved")
    await settled(device)
    assert device.tree() == {**FILES, "keep.txt": b"saved", "keep.txt~": b"k"}
    assert world.on_disk() == {**FILES, "keep.txt": b"saved"}
    requests = [each for each in list(world.server.requests)[mark:] if "keep.txt" in each.path]
    assert [each.method for each in requests if each.method != "HEAD"] == ["PUT"]


@pytest.mark.parametrize("side", ["here", "there"])
async def test_a_deleted_folder_stays_where_it_holds_what_is_left_out(world: World, side: str):
    device = await filled(world)
    await with_filters(device, "docs/private")
    if side == "here":
        for path in ("docs/private/b.txt", "docs/a.txt"):
            device.unlink(path)
        for path in ("docs/private", "docs"):
            device.rmdir(path)
    else:
        (world.disk / "docs/private/b.txt").unlink()
        (world.disk / "docs/private").rmdir()
        (world.disk / "docs/a.txt").unlink()
        (world.disk / "docs").rmdir()
    report = await device.sync()
    [problem] = report.problems
    assert problem.path == "docs"
    assert "a filter leaves out" in problem.why
    left = {path: content for path, content in FILES.items() if path != "docs/a.txt"}
    assert (world.on_disk() if side == "here" else device.tree()) == left
    assert (device.tree() if side == "here" else world.on_disk()) == {"keep.txt": b"k"}


async def test_a_content_that_only_the_server_has_is_never_given_up(world: World):
    device = await filled(world)
    world.put("docs/private/late.txt", b"late")
    await device.engine.sync()
    assert device.replica.absent_count() == 1
    device.engine.settings = replace(device.engine.settings, filters=Filter(rule=matcher(("docs/private",))))
    device.rename("docs/private", "open")
    await device.sync()
    await settled(device)
    assert device.tree()["open/late.txt"] == b"late"
    assert world.on_disk()["open/late.txt"] == b"late"
    assert world.on_disk()["docs/private/late.txt"] == b"late"
