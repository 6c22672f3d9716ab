"""Full runs and pushes, everything real: what happens here arrives there, by the request that it
should take."""

from __future__ import annotations

import os
import shutil
import time
from typing import Any

import pytest

from reconciler.engine.plan_worker import Draft
from reconciler.model import Op, Result, Side
from syncin_mount.devserver import CutResponse, Reply, Rule, StopListing
from syncin_mount.store import HistoryQuery
from tests.engine.world import Device, World, until


def settled(device: Device) -> bool:
    return not list(device.replica.dirty()) and not device.hydrator.waiting


async def test_first_union_takes_both_sides(world: World) -> None:
    world.put("theirs/a.txt", b"from the server")
    world.put("both.txt", b"equal", mtime=1_700_000_000)
    device = await world.device()
    device.mkdir("ours")
    device.write("ours/b.txt", b"from here")
    device.write("both.txt", b"equal", mtime=1_700_000_000.5)
    report = await device.sync()
    assert report.complete, report.problems
    expected = {
        "theirs": None,
        "theirs/a.txt": b"from the server",
        "both.txt": b"equal",
        "ours": None,
        "ours/b.txt": b"from here",
    }
    assert device.tree() == expected
    assert world.on_disk() == expected
    assert world.requests("GET", "both.txt") == 0, "an equal file was fetched"
    assert world.requests("PUT", "both.txt") + world.requests("POST", "both.txt") == 0, (
        "an equal file was sent"
    )


async def test_a_second_run_does_nothing(world: World) -> None:
    world.put("d/a.txt", b"one")
    device = await world.device()
    device.write("b.txt", b"two")
    await device.sync()
    before = len(world.server.requests)
    report = await device.sync()
    assert not report.outcomes
    assert len(world.server.requests) == before + 1, "more than the listing was asked for"


@pytest.mark.parametrize("side", ["here", "there"])
async def test_edits_moves_and_deletions_cross(world: World, side: str) -> None:
    device = await world.device()
    for name in ("edit.txt", "move.txt", "gone.txt"):
        world.put(name, name.encode(), mtime=1_600_000_000)
    for number in range(5):
        world.put(f"folder/sub/{number}", b"%d" % number, mtime=1_600_000_000)
    world.put("doomed/x", b"x")
    await device.sync()
    mark = len(world.server.requests)
    if side == "here":
        device.write("edit.txt", b"edited")
        device.rename("move.txt", "folder/moved.txt")
        device.unlink("gone.txt")
        device.rename("folder", "renamed")
        device.unlink("doomed/x")
        device.rmdir("doomed")
    else:
        world.put("edit.txt", b"edited")
        os.rename(world.disk / "move.txt", world.disk / "folder/moved.txt")
        (world.disk / "gone.txt").unlink()
        os.rename(world.disk / "folder", world.disk / "renamed")
        (world.disk / "doomed/x").unlink()
        (world.disk / "doomed").rmdir()
    report = await device.sync()
    assert report.complete, report.problems
    expected = {
        "edit.txt": b"edited",
        "renamed": None,
        "renamed/moved.txt": b"move.txt",
        "renamed/sub": None,
        **{f"renamed/sub/{number}": b"%d" % number for number in range(5)},
    }
    assert device.tree() == expected
    assert world.on_disk() == expected
    requests = list(world.server.requests)[mark:]
    sent = [each for each in requests if each.method in ("PUT", "POST") and "diff" not in each.path]
    got = [each for each in requests if each.method == "GET" and "/browse/" not in each.path]
    moves = [each for each in requests if each.method == "MOVE"]
    moved = {
        (row.path, row.new_path)
        for row in device.replica.history.query(HistoryQuery(action=Op.MOVE))
    }
    assert moved == {("folder", "renamed"), ("move.txt", "renamed/moved.txt")}
    if side == "here":
        assert [each.method for each in sent] == ["PUT"]
        assert not got
        assert len(moves) == 2
    else:
        assert not sent
        assert len(got) == 1
        assert not moves


async def test_a_change_is_pushed_without_a_listing(world: World) -> None:
    world.put("a.txt", b"old", mtime=1_600_000_000)
    device = await world.device(debounce=0.05, manual=False)
    await until(lambda: settled(device) and device.engine.status().last_run_ns is not None)
    listings = world.requests("POST", "/diff/")
    device.write("a.txt", b"new")
    device.mkdir("d")
    device.write("d/new.txt", b"made here")
    await until(lambda: settled(device))
    assert world.on_disk() == {"a.txt": b"new", "d": None, "d/new.txt": b"made here"}
    assert world.requests("POST", "/diff/") == listings


async def test_a_push_never_overwrites_what_it_has_not_seen(world: World) -> None:
    """Both edit the same file between two listings: the earlier edit goes to the server's trash or
    a bin here."""
    world.put("a.txt", b"old", mtime=1_600_000_000)
    device = await world.device(debounce=0.05, manual=False)
    await until(lambda: settled(device) and device.engine.status().last_run_ns is not None)
    world.put("a.txt", b"edited there", mtime=time.time() - 100)
    device.write("a.txt", b"edited here")
    await until(lambda: settled(device))
    assert world.on_disk() == {"a.txt": b"edited here"}
    trashed = [path.read_bytes() for path in world.trash.rglob("*") if path.is_file()]
    assert trashed == [b"edited there"]


async def test_a_losing_edit_here_goes_to_the_bin(world: World) -> None:
    world.put("a.txt", b"old", mtime=1_600_000_000)
    device = await world.device()
    await device.sync()
    device.write("a.txt", b"edited here", mtime=1_650_000_000)
    world.put("a.txt", b"edited there, later", mtime=1_700_000_000)
    report = await device.sync()
    assert report.conflicts == 1
    assert device.tree() == {"a.txt": b"edited there, later"}
    assert [entry.path for entry in device.replica.bin.entries()] == ["a.txt"]
    device.replica.commit()
    kept = [path for path in (world.tmp / "replica-a" / "bin").rglob("a.txt") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [b"edited here"]


@pytest.mark.slow
async def test_offline_is_a_state_and_ends_by_itself(world: World) -> None:
    world.put("a.txt", b"old", mtime=1_600_000_000)
    device = await world.device(debounce=0.05, manual=False)
    await until(lambda: settled(device) and device.engine.status().last_run_ns is not None)
    world.stop_server()
    device.write("a.txt", b"written offline")
    device.rename("a.txt", "b.txt")
    await until(lambda: device.link.online is False)
    assert device.engine.status().offline_why
    await world.start_server()
    await until(lambda: settled(device))
    assert world.on_disk() == {"b.txt": b"written offline"}
    assert device.link.online is True


async def test_a_listing_that_stops_deletes_nothing(world: World) -> None:
    for number in range(50):
        world.put(f"{number}.txt", b"%d" % number)
    device = await world.device()
    await device.sync()
    world.faults.add(Rule(effect=StopListing(after_lines=10), path="*/diff/*", count=1))
    report = await device.sync()
    assert report.offline
    assert len(device.tree()) == 50
    assert (await device.sync()).complete


async def test_a_lost_answer_is_no_second_transfer(world: World) -> None:
    device = await world.device()
    device.write("a.txt", b"sent once")
    world.faults.add(
        Rule(effect=CutResponse(after_bytes=0), method="POST", path="*/a.txt", count=1)
    )
    await device.sync()
    await device.sync()
    assert world.on_disk() == {"a.txt": b"sent once"}
    assert settled(device)


@pytest.mark.expected_log("send a.txt: ")
async def test_a_refusal_waits_and_is_shown(world: World) -> None:
    device = await world.device()
    device.write("a.txt", b"locked out")
    device.write("b.txt", b"fine")
    world.faults.add(Rule(effect=Reply(423), path="*/a.txt", count=1))
    report = await device.sync()
    assert [problem.path for problem in report.problems] == ["a.txt"]
    assert world.on_disk() == {"b.txt": b"fine"}
    assert (await device.sync()).complete


@pytest.mark.expected_log("halted: ")
async def test_an_emptied_server_halts(world: World) -> None:
    for number in range(30):
        world.put(f"{number}.txt", b"%d" % number)
    device = await world.device()
    await device.sync()
    for path in world.disk.iterdir():
        path.unlink()
    report = await device.sync()
    assert report.halted
    assert len(device.tree()) == 30
    report = await device.sync(confirmed=True)
    assert not report.halted
    assert device.tree() == {}


async def test_a_dry_run_says_what_a_run_does(world: World) -> None:
    world.put("there.txt", b"1")
    device = await world.device()
    device.write("here.txt", b"22")
    planned = await device.sync(dry_run=True)
    assert {(step.op, step.side, step.path) for step in planned.steps} == {
        ("send", "remote", "here.txt"),
        ("fetch", "local", "there.txt"),
    }
    assert world.on_disk() == {"there.txt": b"1"}
    done = await device.sync()
    assert {(each.action.op, each.action.side, each.result) for each in done.outcomes} == {
        (Op.SEND, Side.REMOTE, Result.DONE),
        (Op.FETCH, Side.LOCAL, Result.DONE),
    }


async def test_two_devices_meet(world: World) -> None:
    first, second = await world.device("a"), await world.device("b")
    first.mkdir("d")
    first.write("d/x", b"1" * 300_000)
    await first.sync()
    await second.sync()
    assert second.tree() == first.tree() == world.on_disk()
    second.rename("d", "e")
    await second.sync()
    first.write("d/x", b"2" * 10)
    await first.sync()
    await second.sync()
    assert second.tree() == first.tree() == world.on_disk() == {"e": None, "e/x": b"2" * 10}


async def test_a_save_by_rename_is_one_put(world: World) -> None:
    world.put("doc.txt", b"first", mtime=1_600_000_000)
    device = await world.device()
    await device.sync()
    mark = len(world.server.requests)
    device.write("doc.txt.tmp", b"second")
    device.rename("doc.txt.tmp", "doc.txt")
    await device.sync()
    changes = [each.method for each in list(world.server.requests)[mark:] if each.method != "HEAD"]
    assert changes == ["POST", "GET", "PUT"], "a listing, a look and one upload were due"
    assert world.on_disk() == {"doc.txt": b"second"}


@pytest.mark.parametrize("pinned", [False, True])
async def test_a_file_that_is_held_open_is_sent_but_not_replaced(
    pinned: bool, world: World
) -> None:
    """A database that a program never closes must reach the server, and must not change under the
    program; nor must anything that is open change on Windows (``pinned``)."""
    world.put("data.db", b"old", mtime=1_600_000_000)
    device = await world.device()
    await device.sync()
    node = device.node("data.db")
    replica = device.replica
    begin, end = (
        (replica.pinned, replica.unpinned)
        if pinned
        else (replica.opened_for_write, replica.closed_for_write)
    )
    begin(node)
    device.write("data.db", b"written and recorded, still open", mtime=1_650_000_000)
    report = await device.sync()
    assert report.complete, report.problems
    assert world.on_disk() == {"data.db": b"written and recorded, still open"}

    world.put("data.db", b"edited there", mtime=1_700_000_000)
    report = await device.sync()
    assert [problem.path for problem in report.problems] == ["data.db"]
    assert device.read("data.db") == b"written and recorded, still open"
    end(node)
    assert (await device.sync()).complete
    assert device.tree() == world.on_disk() == {"data.db": b"edited there"}


async def test_a_pinned_file_that_was_deleted_on_the_server_goes_when_it_is_closed(
    world: World,
) -> None:
    world.put("open.txt", b"old", mtime=1_600_000_000)
    world.put("doomed/open.txt", b"old", mtime=1_600_000_000)
    world.put("other.txt", b"old", mtime=1_600_000_000)
    device = await world.device()
    await device.sync()
    nodes = [device.node("open.txt"), device.node("doomed/open.txt")]
    for node in nodes:
        device.replica.pinned(node)
    (world.disk / "open.txt").unlink()
    shutil.rmtree(world.disk / "doomed")
    await device.sync()
    assert set(device.tree()) == {"open.txt", "doomed", "doomed/open.txt", "other.txt"}
    for node in nodes:
        device.replica.unpinned(node)
    assert (await device.sync()).complete
    assert device.tree() == world.on_disk() == {"other.txt": b"old"}


async def test_edits_of_one_size_in_one_second_are_no_agreement(world: World) -> None:
    world.put("a.txt", b"old", mtime=1_600_000_000)
    device = await world.device()
    await device.sync()
    device.write("a.txt", b"edited here!", mtime=1_700_000_000)
    world.put("a.txt", b"and there...", mtime=1_700_000_000)
    await device.sync()
    assert device.tree() == world.on_disk() == {"a.txt": b"edited here!"}
    assert [path.read_bytes() for path in world.trash.rglob("*") if path.is_file()] == [
        b"and there..."
    ]


async def test_equal_edits_agree_without_an_upload(world: World) -> None:
    world.put("a.txt", b"old", mtime=1_600_000_000)
    device = await world.device()
    await device.sync()
    device.write("a.txt", b"the same", mtime=1_700_000_000)
    world.put("a.txt", b"the same", mtime=1_700_000_000)
    report = await device.sync()
    assert report.complete
    assert not list(device.replica.dirty())
    assert world.requests("PUT", "a.txt") == 0


async def test_new_files_of_one_size_in_one_second_both_stay(world: World) -> None:
    """A push finds a file of that name where it expected none. (Only a first union takes such files
    as equal.)"""
    world.put("other.txt", b"there before")
    device = await world.device(debounce=0.05, manual=False)
    await until(lambda: settled(device) and device.engine.status().last_run_ns is not None)
    world.put("a.txt", b"made there..", mtime=1_700_000_001)
    device.write("a.txt", b"made here!!!", mtime=1_700_000_001)
    await until(lambda: settled(device))
    assert device.tree() == world.on_disk()
    assert device.read("a.txt") == b"made here!!!"
    assert [path.read_bytes() for path in world.trash.rglob("*") if path.is_file()] == [
        b"made there.."
    ]


async def test_a_folder_made_anew_is_not_the_one_that_was_deleted(world: World) -> None:
    """A push may not delete a folder unseen; and MAKE is content with any folder that is there."""
    world.put("build/old.o", b"old", mtime=1_600_000_000)
    device = await world.device(debounce=0.05, manual=False)
    await until(lambda: settled(device) and device.engine.status().last_run_ns is not None)
    device.unlink("build/old.o")
    device.rmdir("build")
    device.mkdir("build")
    device.write("build/new.o", b"new", mtime=1_700_000_000)
    await until(lambda: settled(device))
    assert device.tree() == world.on_disk() == {"build": None, "build/new.o": b"new"}
    assert world.trashed() == {"Docs/build/old.o": b"old"}
    assert device.engine.status().conflicts == 0


async def test_a_folder_in_which_somebody_writes_is_not_deleted(world: World) -> None:
    """The file is opened after the plan was made; deletions come last, behind all transfers."""
    world.put("doomed/open.txt", b"old", mtime=1_600_000_000)
    world.put("doomed/other.txt", b"old", mtime=1_600_000_000)
    device = await world.device()
    await device.sync()
    node = device.node("doomed/open.txt")
    shutil.rmtree(world.disk / "doomed")
    world.put("new.txt", b"stays")
    plan = device.engine._parts.planning.full

    async def planned(*how: Any) -> Draft | None:
        made = await plan(*how)
        if node not in device.replica.being_written():
            device.replica.opened_for_write(node)
        return made

    # the test stands in for the planner
    device.engine._parts.planning.full = planned  # type: ignore[method-assign, assignment]
    await device.sync()
    assert "doomed/open.txt" in device.tree()
    device.write("doomed/open.txt", b"written meanwhile")
    device.replica.closed_for_write(node)
    assert (await device.sync()).complete
    assert device.tree()["doomed/open.txt"] == b"written meanwhile"
    assert world.on_disk()["doomed/open.txt"] == b"written meanwhile"


@pytest.mark.expected_log("halted: ")
async def test_a_push_does_not_make_a_removed_root_anew(world: World) -> None:
    world.put("a.txt", b"1")
    device = await world.device(debounce=0.05, manual=False)
    await until(lambda: settled(device) and device.engine.status().last_run_ns is not None)
    shutil.rmtree(world.disk)
    device.write("new.txt", b"2")
    await until(lambda: device.engine.status().halted is not None)
    assert not world.disk.exists()
    assert device.tree() == {"a.txt": b"1", "new.txt": b"2"}
