"""Contents that are read while they arrive."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
import trio

from reconciler.model import ROOT, Mode, NodeId
from syncin_mount.vfs import FileSystem
from tests.engine.world import SETTINGS, Device, World

MIB = 1 << 20


async def test_readers_of_far_parts_do_not_wait_for_each_other(world: World) -> None:
    """The background fetches from the start; who reads near the end gets a request of their own, beside it."""
    data = bytes(range(256)) * 4096 * 12
    world.put("big", data)
    device = await world.device()
    await device.engine.sync()
    node = device.node("big")
    await device.hydrator.ensure(node, 10 * MIB, 10 * MIB + 10)
    await device.hydrator.ensure(node, 6 * MIB, 6 * MIB + 10)
    await device.hydrator.wait_drained()
    assert device.read("big") == data


async def _arrived(device: Device, node: NodeId, size: int) -> None:
    """Returns when all of the content lies in the incoming file and the node does not have it yet."""
    with trio.fail_after(20):
        while True:
            local = device.replica.local(node)
            assert local is not None
            assert not local.present
            job = device.hydrator._jobs.get(node)
            if job is not None and job.incoming.missing(0, size) is None:
                return
            await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("how", ["append", "truncate on opening", "truncate"])
async def test_what_arrived_and_is_not_taken_in_yet_is_written_to(
    world: World, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader's first pages had all of it sent, and the background has not come to this file yet."""
    data = bytes(range(256)) * 4096
    world.put("doc", data)
    device = await world.device()
    monkeypatch.setattr(device.hydrator, "want", lambda *_nodes: None)
    await device.engine.sync()
    fs, node = FileSystem(device.replica, device.hydrator), device.node("doc")
    ino = fs.lookup(ROOT, b"doc").ino
    reader = await fs.open(ino, os.O_RDONLY)
    assert bytes(await fs.read(reader, 0, 4096)) == data[:4096]
    await _arrived(device, node, len(data))
    if how == "truncate":
        await fs.setattr(ino, size=10)
        expected = data[:10]
    else:
        writer = await fs.open(ino, os.O_WRONLY | (os.O_APPEND if how == "append" else os.O_TRUNC))
        await fs.write(writer, len(data) if how == "append" else 0, b"new")
        fs.flush(writer)
        fs.release(writer)
        expected = data + b"new" if how == "append" else b"new"
    assert device.read("doc") == expected
    assert bytes(await fs.read(reader, 0, len(data) + 10)) == expected
    fs.close()


async def test_what_is_still_being_proved_is_not_written_to(world: World) -> None:
    """Mode secure: the content has arrived and its checksum is being counted when somebody opens it for writing."""
    data = os.urandom(1 << 20) * 24
    world.put("doc", data)
    device = await world.device(settings=replace(SETTINGS, mode=Mode.SECURE))
    fs = FileSystem(device.replica, device.hydrator)
    await device.engine.sync()
    node = device.node("doc")
    await _arrived(device, node, len(data))
    with trio.fail_after(20):
        writer = await fs.open(fs.lookup(ROOT, b"doc").ino, os.O_WRONLY | os.O_APPEND)
    await fs.write(writer, len(data), b"tail")
    fs.flush(writer)
    fs.release(writer)
    assert device.read("doc") == data + b"tail"
    fs.close()
