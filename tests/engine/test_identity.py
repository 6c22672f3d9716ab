"""Who is who on the server, as the answers of uploads and of MAKE tell it: folders that others rename at once."""

from __future__ import annotations

import os

from reconciler.model import NodeId, Op
from tests.engine.world import Device, World


def _inode(device: Device, path: str) -> int:
    base = device.replica.base(device.node(path))
    assert base is not None
    return base.inode


async def test_a_new_folder_that_another_renamed_before_our_next_listing_is_the_same(world: World) -> None:
    a, b = await world.device("a"), await world.device("b")
    a.mkdir("d0")
    a.write("d0/one", b"1")
    a.write("d0/two", b"2")
    await a.sync()
    await b.sync()
    b.rename("d0", "D0")
    await b.sync()
    a.write("d0/new", b"3")
    await a.sync()
    await b.sync()
    expected = {"D0": None, "D0/one": b"1", "D0/two": b"2", "D0/new": b"3"}
    assert world.on_disk() == a.tree() == b.tree() == expected


async def test_what_was_sent_has_its_inode_before_any_listing(world: World) -> None:
    a = await world.device("a")
    a.mkdir("d")
    a.write("d/small", b"1")
    a.write("d/big", b"2" * (2 << 20))  # goes up beside its place, and is moved there
    a.write("d/" + "n" * 250, b"3")  # a name that cannot be received
    a.mkdir("d/with: colon")  # a name that MAKE refuses
    await a.sync()
    for path in ("d", "d/small", "d/big", "d/" + "n" * 250, "d/with: colon"):
        assert _inode(a, path) == os.stat(world.disk / path).st_ino, path
    a.write("d/small", b"4")
    await a.sync()
    assert _inode(a, "d/small") == os.stat(world.disk / "d/small").st_ino


async def test_the_run_after_the_first_one_writes_nothing_down(world: World) -> None:
    a = await world.device("a")
    a.mkdir("d")
    for number in range(20):
        a.write(f"d/{number}", b"x")
    await a.sync()
    before = a.replica.sequence()
    report = await a.sync()
    assert not report.outcomes
    assert a.replica.sequence() == before


async def test_a_file_that_another_moved_and_renamed_before_our_next_listing_is_the_same(world: World) -> None:
    a, b = await world.device("a"), await world.device("b")
    a.mkdir("x")
    a.write("f", b"content", mtime=1_600_000_000)
    await a.sync()
    node: NodeId = a.node("f")
    await b.sync()
    b.rename("f", "x/g")
    await b.sync()
    report = await a.sync()
    assert a.node("x/g") == node
    assert {outcome.action.op for outcome in report.outcomes} == {Op.MOVE}
