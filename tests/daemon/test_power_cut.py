"""A power cut between a save and its bytes' way to the disk, end to end: the last good copy is
never lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.engine.world import open_world

GOOD = b"months of work"


@pytest.mark.parametrize("how", ["in place", "rename over"])
@pytest.mark.parametrize("zeros", [False, True])
async def test_the_servers_version_outlives_a_save_that_did_not_reach_the_disk(
    tmp_path: Path, how: str, zeros: bool
):
    async with open_world(tmp_path) as world:
        device = await world.device()
        device.write("thesis", GOOD, mtime=1_700_000_000)
        await device.sync()
        contents = device.replica.durability.unsynced_contents()
        device.replica.durability.sync_contents(contents)
        device.replica.durability.mark_synced(contents)
        saved = GOOD + b", and today's"
        if how == "in place":
            device.write("thesis", saved)
        else:
            device.write("thesis.tmp", saved)
            device.rename("thesis.tmp", "thesis")
        device.replica.commit()
        record = device.replica._ix.node(device.node("thesis"))
        assert record is not None
        content = device.replica._objects.path(record.owner, record.number)
        device.replica.abandon()
        os.truncate(content, 0)
        if zeros:
            os.truncate(content, len(saved))
        (tmp_path / "replica-a" / "running").write_text("another boot\n")
        device.hydrator.want = lambda *_: None  # type: ignore[method-assign]
        after = await world.device("a")
        for _ in range(2):
            await after.sync()
        if zeros:
            assert GOOD in world.trashed().values()
        else:
            assert world.on_disk()["thesis"] == GOOD
            assert after.tree()["thesis"] in {GOOD, None}


@pytest.mark.parametrize("zeros", [False, True])
async def test_a_save_that_was_not_sent_outlives_the_next_one_that_did_not_reach_the_disk(
    tmp_path: Path, zeros: bool
):
    """Offline, say: the first save is on this disk and nowhere else when the second is torn."""
    first, second = GOOD + b", and the morning's", GOOD + b", the morning's and the afternoon's"
    async with open_world(tmp_path) as world:
        device = await world.device()
        replica = device.replica
        device.write("thesis", GOOD, mtime=1_700_000_000)
        await device.sync()
        until = 0
        for saved in (first, second):
            until = replica.sequence()
            device.write("thesis.tmp", saved)
            device.rename("thesis.tmp", "thesis")
            if saved is first:
                replica.durability.sync_contents(contents := replica.durability.unsynced_contents())
                replica.durability.mark_synced(contents)
                replica.commit()
        replica.commit(effects_until=until)
        record = replica._ix.node(device.node("thesis"))
        assert record is not None
        content = replica._objects.path(record.owner, record.number)
        replica.abandon()
        os.truncate(content, 0)
        if zeros:
            os.truncate(content, len(second))
        (tmp_path / "replica-a" / "running").write_text("another boot\n")
        device.hydrator.want = lambda *_: None  # type: ignore[method-assign]
        after = await world.device("a")
        for _ in range(2):
            await after.sync()
        if zeros:
            assert first in after.bin().values()
            assert GOOD in world.trashed().values()
        else:
            assert world.on_disk()["thesis"] == first
            assert after.tree()["thesis"] == first
