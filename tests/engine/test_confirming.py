"""What the server did and nobody heard of: the answer was lost, or the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.model import Conflict, Settings
from syncin_mount.devserver import CutResponse, Reply, Rule
from tests.engine.world import Device, World

OLD, THEN, LATER = 1_600_000_000, 1_650_000_000, 1_700_000_000


async def sent_unheard(world: World, *, new: bool) -> Device:
    """A version of ``a`` is on the server; here nobody knows."""
    device = await world.device()
    world.put("other", b"other", mtime=OLD)
    if not new:
        world.put("a", b"old", mtime=OLD)
    await device.sync()
    device.write("a", b"sent", mtime=THEN)
    rule = Rule(effect=CutResponse(), method="POST" if new else "PUT", path="*/a", count=1)
    world.faults.add(rule)
    assert not (await device.sync()).complete
    assert world.on_disk() == {"other": b"other", "a": b"sent"}
    return device


async def restarted(world: World, device: Device) -> Device:
    """What was in memory is gone."""
    device.replica.close()
    return await world.device()


def delete(device: Device) -> None:
    device.unlink("a")


def rename(device: Device) -> None:
    device.rename("a", "b")


def replace_by_rename(device: Device) -> None:
    device.write("a.new", b"saved again", mtime=LATER)
    device.rename("a.new", "a")


def save_again(device: Device) -> None:
    """Within the second."""
    device.write("a", b"saved again", mtime=THEN + 0.5)


CHANGES: list[tuple[Callable[[Device], None], dict[str, bytes]]] = [
    (delete, {}),
    (rename, {"b": b"sent"}),
    (save_again, {"a": b"saved again"}),
    (replace_by_rename, {"a": b"saved again"}),
]


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True], ids=["lost answer", "killed"])
@pytest.mark.parametrize("new", [True, False], ids=["new", "edited"])
@pytest.mark.parametrize(
    ("change", "left"), CHANGES, ids=[change.__name__ for change, _ in CHANGES]
)
async def test_a_change_after_it_is_no_conflict(
    world: World,
    change: Callable[[Device], None],
    left: dict[str, bytes],
    *,
    new: bool,
    killed: bool,
) -> None:
    device = await sent_unheard(world, new=new)
    change(device)
    if killed:
        device = await restarted(world, device)
    report = await device.sync()
    assert report.complete, report.problems
    assert report.conflicts == 0
    assert world.on_disk() == device.tree() == {"other": b"other", **left}
    assert not device.bin()
    assert not device.replica.leftovers()


async def test_what_somebody_else_made_of_it_is_a_change(world: World) -> None:
    device = await sent_unheard(world, new=True)
    world.put("a", b"theirs, later", mtime=LATER)
    delete(device)
    report = await device.sync()
    assert report.complete, report.problems
    assert world.on_disk() == device.tree() == {"other": b"other", "a": b"theirs, later"}


async def test_another_of_its_size_and_second_is_no_answer(world: World) -> None:
    """Somebody else made it just before; ours never got there, and the process was killed."""
    device = await world.device()
    world.put("other", b"other", mtime=OLD)
    await device.sync()
    device.write("a", b"ours", mtime=THEN)
    world.faults.add(Rule(effect=Reply(503), method="POST", path="*/a", count=1))
    await device.sync()
    world.put("a", b"them", mtime=THEN)
    device = await restarted(world, device)
    report = await device.sync()
    assert report.complete, report.problems
    assert world.on_disk() == device.tree()
    assert device.read("a") == b"ours"
    assert b"them" in world.trashed().values()


async def test_what_was_taken_for_a_moved_file_is_not_confirmed_as_well(world: World) -> None:
    """The server gave the inode of a file that somebody replaced to our upload of the same content:
    the listing says that the file moved there. Two files at one place would end each other."""
    device = await world.device()
    world.put("a", b"same", mtime=THEN)
    await device.sync()
    a = device.node("a")
    device.write("b", b"same", mtime=THEN)
    world.faults.add(Rule(effect=CutResponse(), method="POST", path="*/b", count=1))
    assert not (await device.sync()).complete
    # what a listing concludes, and does here
    base = device.replica.base(a)
    assert base is not None
    (world.disk / "a").unlink()
    inode = (world.disk / "b").stat().st_ino
    device.replica.set_base(a, replace(base, name="b", inode=inode))
    device.rename("b", "b (conflict)")
    device.rename("a", "b")
    for _ in range(2):
        report = await device.sync()
        assert report.complete, report.problems
        assert device.node("b") == a
        assert world.on_disk() == device.tree() == {"b": b"same", "b (conflict)": b"same"}


async def test_what_did_not_arrive_is_sent(world: World) -> None:
    device = await world.device()
    world.put("other", b"other", mtime=OLD)
    await device.sync()
    device.write("a", b"content", mtime=THEN)
    world.faults.add(Rule(effect=Reply(503), method="POST", path="*/a", count=1))
    await device.sync()
    device = await restarted(world, device)
    report = await device.sync()
    assert report.complete, report.problems
    assert world.on_disk() == device.tree() == {"other": b"other", "a": b"content"}
    assert not device.replica.leftovers()


async def test_what_is_asked_for_again_and_again_is_asked_once(world: World) -> None:
    """A dry run asks nothing and changes nothing."""
    device = await sent_unheard(world, new=True)
    before = device.replica.sequence(), world.requests("HEAD")
    await device.sync(dry_run=True)
    assert (device.replica.sequence(), world.requests("HEAD")) == before
    await device.sync()
    once = world.requests("HEAD")
    await device.sync()
    assert world.requests("HEAD") == once


@pytest.mark.expected_log("failed at the move")
async def test_what_lay_beside_its_place_is_known_by_its_inode_when_it_is_moved(
    world: World,
) -> None:
    """The answer to its upload told the inode; the move to its place, in a later run, tells
    none."""
    device = await world.device()
    device.write("f", b"x" * (2 << 20))
    world.faults.add(Rule(effect=Reply(500), method="MOVE", count=1))
    assert not (await device.sync()).complete
    sent = world.requests("PUT", "/operation/")
    assert (await device.sync()).complete
    assert world.requests("PUT", "/operation/") == sent, "it is not sent again"
    base = device.replica.base(device.node("f"))
    assert base is not None
    assert base.inode == (world.disk / "f").stat().st_ino


async def test_what_may_lie_beside_its_place_says_nothing_of_the_place(world: World) -> None:
    """The answer to an upload under another name is lost. What is in the file's own place has its
    size and second by chance, and is not that upload."""
    device = await world.device(settings=Settings(host="desk", conflict=Conflict.LOCAL))
    world.put("other", b"other", mtime=OLD)
    await device.sync()
    device.write("f", b"mine!", mtime=OLD)
    world.put("f", b"their", mtime=OLD)
    world.faults.add(Rule(effect=CutResponse(), method="PUT", count=1))
    assert not (await device.sync()).complete
    await device.sync()
    assert device.tree() == world.on_disk() == {"f": b"mine!", "other": b"other"}
    assert b"their" in world.trashed().values()


def _replace_alike(world: World, path: str) -> bytes:
    """As `cp -p` of another file of equal size and second over it, under another inode."""
    there = world.disk / path
    other = bytes(reversed(there.read_bytes()))
    mtime = there.stat().st_mtime
    held = there.rename(there.with_name(f"{there.name}.held"))  # so that no inode comes back
    world.put(path, other, mtime=mtime)
    held.unlink()
    return other


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("new", [False, True])
async def test_what_had_arrived_unheard_is_known_from_what_looks_like_it(
    world: World, new: bool, again: bool
) -> None:
    """Another file comes to its place after the upload was found there, and before a listing."""
    device = await sent_unheard(world, new=new)
    if again:
        device = await restarted(world, device)
    world.faults.add(Rule(effect=Reply(502), path="*/diff/*", count=1))
    assert not (await device.sync()).complete
    base = device.replica.base(device.node("a"))
    assert base is not None
    assert base.inode == (world.disk / "a").stat().st_ino
    other = _replace_alike(world, "a")
    assert (await device.sync()).complete
    assert device.tree()["a"] == world.on_disk()["a"] == other


@pytest.mark.expected_log("failed at the move")
async def test_what_lay_beside_its_place_is_known_by_its_inode_after_a_restart(
    world: World,
) -> None:
    device = await world.device()
    device.write("f", b"x" * (2 << 20))
    world.faults.add(Rule(effect=Reply(500), method="MOVE", count=1))
    assert not (await device.sync()).complete
    device = await restarted(world, device)
    assert (await device.sync()).complete
    base = device.replica.base(device.node("f"))
    assert base is not None
    assert base.inode == (world.disk / "f").stat().st_ino
