"""Checksums of large contents that are computed while they arrive."""

from __future__ import annotations

import hashlib
import os

import pytest

import reconciler.hydration.download_checksums
import reconciler.hydration.downloads
import reconciler.hydration.hash_along
from reconciler.hydration.content_proof import Verdict, look_at
from reconciler.model import NodeId
from reconciler.ports import Replica
from syncin_mount.devserver import CutResponse, Rule
from tests.engine.world import Device, World, until

OLD, LATER = 1_600_000_000, 1_700_000_000
MIB = 1 << 20
LARGE = reconciler.hydration.hash_along.FROM_BYTES + 2 * MIB + 5


def summed(data: bytes) -> str:
    return hashlib.new("sha512_256", data).hexdigest()


def known(device: Device, path: str) -> str | None:
    node = device.node(path)
    local = device.replica.local(node)
    assert local is not None
    return device.replica.checksum_of(node, local.version)


def is_here(device: Device, path: str) -> bool:
    local = device.replica.local(device.node(path))
    return local is not None and local.present


@pytest.fixture
def afterwards(monkeypatch: pytest.MonkeyPatch) -> list[NodeId]:
    """The contents that were read again to be counted."""
    found: list[NodeId] = []

    async def watched(replica: Replica, node: NodeId) -> Verdict:
        found.append(node)
        return await look_at(replica, node)

    monkeypatch.setattr(reconciler.hydration.download_checksums, "look_at", watched)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["random", "zeros", "holes"])
async def test_a_large_content_is_counted_as_it_arrives(
    world: World, afterwards: list[NodeId], kind: str
) -> None:
    data = bytes(LARGE) if kind == "zeros" else os.urandom(LARGE)
    if kind == "holes":
        data = data[:MIB] + bytes(5 * MIB) + data[6 * MIB :]
    world.put("large", data, mtime=OLD)
    device = await world.device()
    await device.sync()
    await device.hydrator.counting.wait()
    assert device.read("large") == data
    assert known(device, "large") == summed(data)
    assert not afterwards


@pytest.mark.slow
async def test_what_broke_off_and_goes_on_is_counted_whole(
    world: World, afterwards: list[NodeId]
) -> None:
    data = os.urandom(LARGE)
    world.put("large", data, mtime=OLD)
    rule = Rule(CutResponse(6 * MIB + 77), method="GET", path="*/large", count=1)
    world.faults.add(rule)
    device = await world.device()
    await device.sync()
    await until(lambda: is_here(device, "large"))
    await device.hydrator.counting.wait()
    assert world.faults.acted(rule) == 1
    assert device.read("large") == data
    assert known(device, "large") == summed(data)
    assert not afterwards


async def test_what_was_saved_anew_meanwhile_does_not_get_the_checksum_of_what_arrived(
    world: World, afterwards: list[NodeId], monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await world.device()
    digest = reconciler.hydration.hash_along.HashAlong.digest

    async def saved_meanwhile(along: reconciler.hydration.hash_along.HashAlong) -> str | None:
        told = await digest(along)
        assert told is not None
        device.write("large", b"saved anew", mtime=LATER)
        return told

    monkeypatch.setattr(reconciler.hydration.hash_along.HashAlong, "digest", saved_meanwhile)
    world.put("large", os.urandom(LARGE), mtime=OLD)
    await device.sync()
    await device.hydrator.wait_drained()
    await device.hydrator.counting.wait()
    assert device.read("large") == b"saved anew"
    assert known(device, "large") in (None, summed(b"saved anew"))
    assert afterwards == [device.node("large")]


@pytest.mark.slow
async def test_a_version_that_is_given_up_is_not_counted(world: World) -> None:
    """The server's file was replaced while it was fetched: the new one's checksum is kept."""
    first, second = os.urandom(LARGE), os.urandom(LARGE)
    world.put("large", first, mtime=OLD)
    world.faults.add(Rule(CutResponse(5 * MIB), method="GET", path="*/large", count=1))
    device = await world.device()
    await device.sync()
    world.put("large", second, mtime=LATER)
    await device.sync()
    await device.hydrator.wait_drained()
    await device.hydrator.counting.wait()
    assert device.read("large") == second
    assert known(device, "large") == summed(second)
