"""What both sides brought into the first run: taken for equal by size and second, proved at
leisure."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

import reconciler.executor.doubtful_files
import reconciler.executor.server_checksums
from reconciler.model import ROOT, UNPROVED, Conflict, Mode, Settings
from syncin_mount.devserver import CutResponse, Reply, Rule
from tests.engine.test_same_stamp import everywhere
from tests.engine.world import Device, World, until

OLD, LATER = 1_600_000_000, 1_700_000_000
MEETING = Settings(host="desk", meeting=True)


def inode(device: Device, path: str) -> int:
    base = device.replica.base(device.node(path))
    assert base is not None
    return base.inode


def contents_asked(world: World) -> int:
    return world.requests("GET", "/operation/")


async def test_equal_files_are_agreed_on_unread_and_proved_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler.executor.doubtful_files, "PORTION", 20)
    device = await world.device(settings=MEETING)
    for number in range(50):
        world.put(f"{number}", b"%d" % number, mtime=OLD)
        device.write(f"{number}", b"%d" % number, mtime=OLD)
    report = await device.sync()
    assert report.complete
    assert world.requests("POST", "/diff/") == 1, "nothing but one listing"
    assert inode(device, "7") == UNPROVED
    for _ in range(4):
        assert not (await device.sync()).outcomes
    assert inode(device, "7") == (world.disk / "7").stat().st_ino
    assert not device.engine._parts.prover.waiting
    assert contents_asked(world) == 0


async def test_the_server_copies_nothing_that_is_not_proved_yet(world: World) -> None:
    """Another name of a file that was taken for equal unread: the server's may be another."""
    data = os.urandom(2 << 20)
    world.put("a", data[::-1], mtime=OLD)
    device = await world.device(settings=MEETING, manual=False)
    node = device.write("a", data, mtime=OLD)
    await until(lambda: device.replica.base(node) is not None)
    assert inode(device, "a") == UNPROVED
    device.replica.link(node, ROOT, b"b")
    await until(lambda: "b" in world.on_disk())
    for _ in range(3):
        await device.sync()
    assert world.on_disk()["b"] == device.read("b") == data
    assert world.on_disk()["a"] == device.read("a")
    assert data[::-1] in everywhere(world, device)


async def test_one_that_is_edited_and_changes_places_before_it_is_proved(world: World) -> None:
    """Nobody can tell any more what the server has; the edit goes where it is here, and the
    server's version to the trash."""
    world.put("a", b"equal", mtime=OLD)
    world.put("b", b"theirs", mtime=OLD)
    device = await world.device(settings=MEETING)
    device.write("a", b"equal", mtime=OLD)
    await device.sync()
    assert inode(device, "a") == UNPROVED
    device.write("a", b"edited", mtime=LATER)
    for source, target in (("a", "x"), ("b", "a"), ("x", "b")):
        device.rename(source, target)
    await device.sync()
    await device.sync()
    assert device.tree() == world.on_disk() == {"a": b"theirs", "b": b"edited"}
    assert b"equal" in everywhere(world, device)


def mtime(device: Device, path: str) -> int:
    local = device.replica.local(device.node(path))
    assert local is not None
    return local.mtime


async def test_where_only_times_differ_no_content_crosses(world: World) -> None:
    device = await world.device(settings=MEETING)
    world.put("same", b"equal", mtime=OLD)
    world.put("other", b"12345", mtime=OLD)
    device.write("same", b"equal", mtime=LATER)
    device.write("other", b"54321", mtime=LATER)
    sent = world.requests("PUT", "/operation/")
    report = await device.sync()
    assert report.conflicts == 1
    assert world.on_disk() == device.tree() == {"same": b"equal", "other": b"54321"}
    assert contents_asked(world) == 2, "small ones are read"
    assert world.requests("POST", "/diff/") == 1, "no listing with checksums"
    assert world.requests("PUT", "/operation/") - sent == 1
    assert b"12345" in world.trashed().values()
    assert device.progress.compared == [
        *((0, 2, True), (1, 2, True), (2, 2, True)),
        *((0, 2, False), (1, 2, False)),
    ], "it is shown"


def equal_files(world: World, device: Device, contents: dict[str, bytes]) -> None:
    """On both sides, each with another time."""
    for name, content in contents.items():
        world.put(name, content, mtime=OLD)
        device.write(name, content, mtime=LATER)


async def test_the_server_computes_checksums_where_reading_is_slow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler.executor.server_checksums, "SECONDS_A_FILE", 0)
    monkeypatch.setattr(reconciler.executor.server_checksums, "TRIAL", 3)
    device = await world.device(settings=MEETING)
    equal_files(world, device, {str(number): b"%d" % number for number in range(20)})
    report = await device.sync()
    assert (report.complete, report.conflicts) == (True, 0)
    assert contents_asked(world) == 3, "a trial"
    assert {mtime(device, str(number)) for number in range(20)} == {OLD}


async def test_large_and_empty_contents_are_not_read(world: World) -> None:
    device = await world.device(settings=MEETING)
    contents = {"large": bytes(range(256)) * 1024, "empty": b""}
    equal_files(world, device, contents)
    report = await device.sync()
    assert (report.complete, report.conflicts) == (True, 0)
    assert contents_asked(world) == 0
    assert {mtime(device, name) for name in contents} == {OLD}


async def test_what_cannot_be_read_there_is_asked_of_the_server(world: World) -> None:
    device = await world.device(settings=MEETING)
    equal_files(world, device, {name: name.encode() for name in ("bad", "good")})
    rule = Rule(Reply(500), method="GET", path="*/bad")
    world.faults.add(rule)
    report = await device.sync()
    assert world.faults.acted(rule) == 1
    assert (report.complete, report.conflicts) == (True, 0)
    assert {mtime(device, name) for name in ("bad", "good")} == {OLD}


@pytest.mark.slow
async def test_a_server_that_goes_away_while_it_is_read_ends_the_run(world: World) -> None:
    device = await world.device(settings=MEETING)
    equal_files(world, device, {str(number): b"%d" % number for number in range(40)})
    for method, path in (("GET", "*/operation/*"), ("GET", "*/handshake")):
        world.faults.add(Rule(CutResponse(0), method=method, path=path))
    report = await device.sync()
    assert report.offline
    assert contents_asked(world) < 40
    assert not report.outcomes, "no file counts as edited on both sides"
    world.faults.clear()
    assert (await device.sync()).complete
    assert {mtime(device, str(number)) for number in range(40)} == {OLD}


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("conflict", list(Conflict))
@pytest.mark.parametrize("here", [OLD - 5, LATER])
async def test_equal_files_get_the_time_that_the_server_has_without_a_request(
    world: World, mode: Mode, conflict: Conflict, here: int
) -> None:
    """A copy's time is that of the copying: were it sent, every other computer would take each file
    for edited. Only who has the local side win gets it."""
    settings = replace(MEETING, conflict=conflict, mode=mode)
    device = await world.device(settings=settings)
    names = [str(number) for number in range(5)]
    for name in names:
        world.put(name, b"equal" + name.encode(), mtime=OLD)
        device.write(name, b"equal" + name.encode(), mtime=here)
    before = world.requests("PATCH") + world.requests("PUT") + world.requests("POST", "/operation")
    report = await device.sync()
    assert (report.complete, report.conflicts) == (True, 0)
    after = world.requests("PATCH") + world.requests("PUT") + world.requests("POST", "/operation")
    everywhere_ = here if conflict is Conflict.LOCAL else OLD
    assert {mtime(device, name) for name in names} == {everywhere_}
    assert {int((world.disk / name).stat().st_mtime) for name in names} == {everywhere_}
    listings = world.requests("POST", "/diff/")
    if conflict is not Conflict.LOCAL:
        assert after - before == listings, "listings alone"
    device.engine.settings = replace(settings, meeting=False)
    assert not (await device.sync()).outcomes


@pytest.mark.parametrize("winner", list(Conflict))
async def test_a_container_with_its_time_put_back_is_not_lost(
    world: World, winner: Conflict
) -> None:
    device = await world.device(settings=replace(MEETING, conflict=winner))
    world.put("container", b"sealed there", mtime=OLD)
    device.write("container", b"sealed here!", mtime=OLD)
    await device.sync()
    device.engine.settings = replace(device.engine.settings, meeting=False)
    report = await device.sync()
    assert report.conflicts == 1
    assert device.tree() == world.on_disk()
    assert {b"sealed there", b"sealed here!"} <= set(everywhere(world, device))


@pytest.mark.parametrize(
    "what", ["deleted there", "edited there", "folder deleted there", "edited here"]
)
async def test_what_is_not_proved_yet_is_kept(world: World, what: str) -> None:
    device = await world.device(settings=MEETING)
    world.put("d/container", b"sealed there", mtime=OLD)
    world.put("d/stays", b"stays", mtime=OLD)
    world.put("stays", b"stays", mtime=OLD)
    device.mkdir("d")
    device.write("d/container", b"sealed here!", mtime=OLD)
    await device.sync()
    there = world.disk / "d/container"
    if what == "edited there":
        world.put("d/container", b"sealed again", mtime=LATER)
    elif what == "edited here":
        device.write("d/container", b"sealed anew", mtime=LATER)
    else:
        there.unlink()
    if what == "folder deleted there":
        (world.disk / "d/stays").unlink()
        os.rmdir(world.disk / "d")
    await device.sync()
    lost = b"sealed there" if what == "edited here" else b"sealed here!"
    assert lost in everywhere(world, device)
    assert device.tree() == world.on_disk()


async def test_a_push_sends_nothing_over_what_is_not_proved(world: World) -> None:
    device = await world.device(settings=MEETING, debounce=0.05, manual=False)
    world.put("container", b"sealed there", mtime=OLD)
    device.write("container", b"sealed here!", mtime=OLD)
    await world.settled(device)
    device.write("container", b"sealed anew", mtime=LATER)
    await world.settled(device)
    assert world.on_disk() == {"container": b"sealed anew"}
    assert b"sealed there" in world.trashed().values()
