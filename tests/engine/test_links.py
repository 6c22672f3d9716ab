"""Several names of one file here, and files of their own on the server."""

from __future__ import annotations

import os

from reconciler.model import ROOT, Op
from tests.engine.world import World

BIG = 3 << 20


async def test_each_name_is_a_file_on_the_server_and_a_write_changes_all(world: World) -> None:
    device = await world.device()
    first = device.write("a", b"one")
    device.mkdir("d")
    second = device.replica.link(first, device.node("d"), b"b").node
    await device.sync()
    assert world.on_disk() == {"a": b"one", "d": None, "d/b": b"one"}
    device.write("d/b", b"other")
    await device.sync()
    assert world.on_disk() == {"a": b"other", "d": None, "d/b": b"other"}
    world.put("a", b"the server's", mtime=1_900_000_000)
    await device.sync()
    assert (device.read("a"), device.read("d/b")) == (b"the server's", b"other")
    assert [device.replica.attr(node).nlink for node in (first, second)] == [1, 1]  # type: ignore[union-attr]
    await device.sync()
    assert world.on_disk() == {"a": b"the server's", "d": None, "d/b": b"other"}


async def test_link_and_unlink_is_a_move_on_the_server(world: World) -> None:
    device = await world.device()
    first = device.write("a", b"words")
    await device.sync()
    device.progress.outcomes.clear()
    device.replica.link(first, ROOT, b"b")
    device.unlink("a")
    await device.sync()
    assert world.on_disk() == {"b": b"words"}
    assert [each.action.op for each in device.progress.outcomes] == [Op.MOVE]
    assert world.trashed() == {}


async def test_the_server_copies_what_another_name_has_sent(world: World) -> None:
    device = await world.device()
    data = os.urandom(BIG)
    first = device.write("a", data)
    await device.sync()
    device.replica.link(first, ROOT, b"b")
    device.progress.outcomes.clear()
    await device.sync()
    assert world.on_disk() == {"a": data, "b": data}
    assert world.requests("COPY") == 1
    assert [each.moved_bytes for each in device.progress.outcomes] == [0]
