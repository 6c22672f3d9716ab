"""Circumstances in which a synchronization must not lose anything: denied contradictions, lost
answers with somebody else at work, broken listings, clocks that are hours apart, a server restored
from a backup, a full disk."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable

import pytest
import trio

from reconciler.model import Mode, Op, Result, Settings, Side
from syncin_mount.devserver import CutResponse, Moment, Reply, Rule, StopListing
from syncin_mount.devserver.listing import checksum as read_checksum
from tests.engine.test_faults import OLD, begun, check_kept, is_settled, recovered, under_fault
from tests.engine.world import Device, World

DAY = 86_400
YESTERDAY = OLD + DAY
TODAY = YESTERDAY + DAY


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(20):
        while not condition():  # noqa: ASYNC110 - what is waited for is not ours to signal
            await trio.sleep(0.02)


# a server that contradicts itself for ever --------------------------------------------------------

CONTRADICTIONS = {
    "POST new.txt 405": lambda w, d: d.write("new.txt", b"new"),
    "PUT edit.txt 404": lambda w, d: d.write("edit.txt", b"edited"),
    "MOVE move.txt 405": lambda w, d: d.rename("move.txt", "moved.txt"),
    "DELETE gone.txt 405": lambda w, d: d.unlink("gone.txt"),
    "GET there.txt 404": lambda w, d: w.put("there.txt", b"there"),
    "GET edit.txt 404": lambda w, d: w.put("edit.txt", b"edited"),
}


@pytest.mark.slow
@pytest.mark.expected_log("cannot be fetched", required=False)
@pytest.mark.parametrize("case", CONTRADICTIONS)
async def test_a_contradiction_is_shown_and_asked_about_with_pauses(
    world: World, case: str
) -> None:
    """In the background, where every answer that does not fit asks for a listing."""
    method, name, status = case.split()
    for each in ("edit.txt", "move.txt", "gone.txt"):
        world.put(each, b"old", mtime=OLD)
    device = await world.device(debounce=0.05, manual=False)
    await world.settled(device)
    world.faults.add(Rule(effect=Reply(int(status)), method=method, path=f"*/{name}"))
    CONTRADICTIONS[case](world, device)
    device.engine.list_soon()
    await until(lambda: bool(device.engine.status().problems))
    mark = len(world.server.requests)
    await trio.sleep(0.7)  # a time in which nothing is to happen
    assert len(world.server.requests) - mark <= 4
    await recovered(world, device)


# a lost answer, and somebody else before the next run ---------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["cut", "502"])
@pytest.mark.parametrize("name", ["new.txt", "edit.txt"])
async def test_an_upload_with_a_lost_answer_is_overwritten_by_somebody(
    world: World, name: str, moment: str
) -> None:
    device = await begun(world)
    device.write(name, b"ours, sent", mtime=YESTERDAY)
    effect = CutResponse(0) if moment == "cut" else Reply(502, moment=Moment.AFTER)
    world.faults.add(
        Rule(effect=effect, path=f"*/{name}", method="POST" if name == "new.txt" else "PUT")
    )
    await under_fault(device)
    assert world.on_disk()[name] == b"ours, sent"
    world.put(name, b"theirs, later", mtime=TODAY)
    await recovered(world, device)
    assert device.read(name) == b"theirs, later"
    check_kept(world, device, b"ours, sent", b"theirs, later")


@pytest.mark.parametrize("name", ["new.txt", "edit.txt"])
async def test_an_upload_with_a_lost_answer_is_edited_on_here(world: World, name: str) -> None:
    device = await begun(world)
    device.write(name, b"first, sent", mtime=YESTERDAY)
    world.faults.add(
        Rule(effect=CutResponse(0), path=f"*/{name}", method="POST" if name == "new.txt" else "PUT")
    )
    await under_fault(device)
    device.write(name, b"second", mtime=TODAY)
    await recovered(world, device)
    assert device.read(name) == b"second"


async def test_a_deletion_with_a_lost_answer_and_a_new_file_there(world: World) -> None:
    device = await begun(world)
    device.unlink("gone.txt")
    world.faults.add(Rule(effect=CutResponse(0), path="*/gone.txt", method="DELETE"))
    await under_fault(device)
    world.put("gone.txt", b"made by somebody", mtime=TODAY)
    await recovered(world, device)
    assert device.read("gone.txt") == b"made by somebody"


async def test_a_move_with_a_lost_answer_and_a_new_file_at_the_old_place(world: World) -> None:
    device = await begun(world)
    device.rename("move.txt", "moved.txt")
    world.faults.add(Rule(effect=CutResponse(0), path="*/move.txt", method="MOVE"))
    await under_fault(device)
    world.put("move.txt", b"made by somebody", mtime=TODAY)
    await recovered(world, device)
    assert device.read("move.txt") == b"made by somebody"
    assert device.read("moved.txt") == b"old move.txt"


# listings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [0, 1, 3, 5])
async def test_a_cut_listing_concludes_nothing(world: World, lines: int) -> None:
    device = await begun(world)
    before = device.tree()
    world.faults.add(Rule(effect=StopListing(after_lines=lines), path="*/diff/*"))
    report = await device.engine.sync()
    assert report.offline
    assert not report.outcomes
    assert device.tree() == before
    await recovered(world, device)


async def test_an_error_entry_keeps_its_file_and_no_other(world: World) -> None:
    device = await begun(world)
    device.write("new.txt", b"new here")
    lines = [
        json.dumps({name: ["error", "EIO: i/o error"]})
        if name == "edit.txt"
        else json.dumps({name: [False, stat.st_size, int(stat.st_mtime), stat.st_ino, None]})
        for name in ("edit.txt", "move.txt", "touch.txt", "stays.txt")
        for stat in [(world.disk / name).stat()]
    ]
    body = "\n".join([*lines, "done"])
    world.faults.add(
        Rule(effect=Reply(200, body, "application/json; charset=utf-8"), path="*/diff/*")
    )
    report = await device.engine.sync()
    assert [problem.path for problem in report.problems] == ["edit.txt"], report
    assert device.read("edit.txt") == b"old edit.txt"
    assert "gone.txt" not in device.tree(), "what a whole listing does not have is gone"
    assert world.on_disk()["new.txt"] == b"new here"
    await recovered(world, device)
    check_kept(world, device, b"old edit.txt", b"new here", b"old gone.txt")


# clocks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-9, 9])
@pytest.mark.parametrize("whose", ["server", "client"])
async def test_clocks_that_are_hours_apart(
    world: World, monkeypatch: pytest.MonkeyPatch, whose: str, hours: int
) -> None:
    """One-sided changes cross as ever; where both changed, the stamps decide, and the loser lies in
    a bin."""
    real = time.time
    there = real() + (hours * 3600 if whose == "server" else 0)
    here = real() + (hours * 3600 if whose == "client" else 0)
    if whose == "server":
        world.stop_server()
        world.server.clock = lambda: real() + hours * 3600
    device = await begun_with_clock(world, monkeypatch, hours if whose == "client" else 0)
    device.write("new.txt", b"new here", mtime=here)
    world.put("there.txt", b"made there", mtime=there)
    device.write("edit.txt", b"edited here", mtime=here)
    world.put("edit.txt", b"edited there", mtime=there)
    device.unlink("gone.txt")
    (world.disk / "move.txt").unlink()
    report = await device.sync()
    assert report.complete, report
    assert report.conflicts == 1
    assert device.tree() == world.on_disk()
    assert set(device.tree()) == {"new.txt", "there.txt", "edit.txt", "touch.txt", "stays.txt"}
    assert device.read("edit.txt") == (b"edited here" if here >= there else b"edited there")
    check_kept(
        world, device, b"edited here", b"edited there", b"new here", b"made there", b"old gone.txt"
    )
    assert not (await device.sync()).outcomes


async def begun_with_clock(world: World, monkeypatch: pytest.MonkeyPatch, hours: int) -> Device:
    if hours:
        real = time.time_ns
        monkeypatch.setattr(
            "tests.engine.world.RealClock.now_ns", lambda _self: real() + hours * 3600 * 10**9
        )
    elif world.url:
        await world.start_server()
    return await begun(world)


# a backup -----------------------------------------------------------------------------------------


def restore(world: World, backup: str) -> None:
    """All files are other ones now, with the times that they had; the trash knows nothing of
    today."""
    shutil.rmtree(world.disk)
    shutil.rmtree(world.trash, ignore_errors=True)
    shutil.copytree(world.tmp / backup, world.disk, copy_function=shutil.copy2)


@pytest.mark.parametrize("files", [3, 40])
async def test_a_server_restored_from_yesterdays_backup(world: World, files: int) -> None:
    for number in range(files):
        world.put(f"same/{number}", b"%d" % number, mtime=OLD)
    device = await begun(world)
    shutil.copytree(world.disk, world.tmp / "backup", copy_function=shutil.copy2)
    device.write("edit.txt", b"edited today", mtime=TODAY)
    device.write("new.txt", b"made today", mtime=TODAY)
    device.mkdir("folder")
    device.write("folder/x", b"made in a folder today", mtime=TODAY)
    device.rename("move.txt", "moved.txt")
    assert (await device.sync()).complete
    device.write("stays.txt", b"edited here, not sent yet", mtime=TODAY + 60)
    restore(world, "backup")
    mark = len(world.server.requests)
    report = await device.sync()
    assert report.complete, report
    await recovered(world, device)
    assert not [
        each
        for each in list(world.server.requests)[mark:]
        if each.method == "GET" and "same" in each.path
    ]
    assert device.read("edit.txt") == b"old edit.txt"
    assert device.read("stays.txt") == b"edited here, not sent yet"
    today = {b"edited today", b"made today", b"made in a folder today"}
    assert today <= set(device.bin().values()), "nobody else has them"


async def test_a_restored_server_that_fails_meanwhile(world: World) -> None:
    """What follows from the backup is not done in one run: the next one still knows."""
    for number in range(5):
        world.put(f"same/{number}", b"%d" % number, mtime=OLD)
    device = await begun(world)
    shutil.copytree(world.disk, world.tmp / "backup", copy_function=shutil.copy2)
    device.write("new.txt", b"made today", mtime=TODAY)
    device.rename("move.txt", "moved.txt")
    assert (await device.sync()).complete
    restore(world, "backup")
    (world.disk / "edit.txt").write_bytes(b"and edited since")
    world.faults.add(Rule(effect=Reply(502), method="GET", path="*/edit.txt"))
    await under_fault(device)
    await recovered(world, device)
    check_kept(world, device, b"made today", b"old move.txt", b"and edited since")


async def test_an_older_version_put_back_on_the_server_leaves_the_newer_one_here_in_the_bin(
    world: World,
) -> None:
    device = await begun(world)
    device.write("edit.txt", b"edited today", mtime=TODAY)
    await device.sync()
    world.put("edit.txt", b"old edit.txt", mtime=OLD)
    await device.sync()
    assert device.read("edit.txt") == b"old edit.txt"
    assert list(device.bin().values()) == [b"edited today"]


# a full disk --------------------------------------------------------------------------------------


@pytest.mark.expected_log("the local disk is full|fetch edit.txt", required=True)
@pytest.mark.parametrize("name", ["there.txt", "edit.txt"])
async def test_a_full_local_disk(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Nothing more is fetched, what is here stays, and what was written here still goes up."""
    device = await begun(world)
    world.put(name, b"made there", mtime=TODAY)
    device.write("new.txt", b"new here")

    def full(*_args: object) -> object:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(device.replica, "incoming", full)
        report = await under_fault(device)
        assert report.offline is None
        problems = device.engine.status().problems
        assert [problem.path for problem in problems] == [name]
        assert "local disk" in problems[0].why
        assert world.on_disk()["new.txt"] == b"new here"
        sent = [
            each
            for each in report.outcomes
            if each.action.op is Op.SEND and each.action.side is Side.REMOTE
        ]
        assert [each.result for each in sent] == [Result.DONE]
    await recovered(world, device)
    assert device.read(name) == b"made there"
    assert is_settled(device)


async def test_what_is_gone_beside_an_unreadable_entry_is_listed_again_before_it_goes_here(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A content that the server may not read: its listing cannot tell what that is, now and for
    ever."""
    for name in ("a", "b"):
        world.put(name, name.encode())
    device = await world.device(settings=Settings(mode=Mode.SECURE))
    assert (await device.sync()).complete
    (world.disk / "a").unlink()
    world.put("c", b"c")

    def checksum(full: str) -> tuple[str, int]:
        if full.endswith("/c"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return read_checksum(full)

    monkeypatch.setattr("syncin_mount.devserver.listing.checksum", checksum)
    mark = world.requests("POST", "/diff/")
    await device.sync()
    assert set(device.tree()) == {"b"}
    assert world.requests("POST", "/diff/") == mark + 3
    (world.disk / "b").unlink()
    await device.sync(confirmed=True)
    assert device.tree() == {}
    assert world.requests("POST", "/diff/") == mark + 4, "it was unreadable all the time"
