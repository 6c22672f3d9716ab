"""Contents that are read while they arrive."""

from __future__ import annotations

from tests.engine.world import World

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
