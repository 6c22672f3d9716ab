"""`pause` and `resume`, as real commands."""

from __future__ import annotations

import pytest

from tests.cli.conftest import World, until


async def test_sync_says_that_it_is_paused_and_what_to_do(world: World):
    await world.log_in()
    await world.add()
    (world.disk / "theirs").write_text("theirs")
    assert (
        await world.must("pause", "docs")
        == "docs: paused; nothing is transferred until: syncin-mount resume docs\n"
    )
    assert await world.must("pause", "--all") == "docs: is paused already\n"
    told = await world.refused("sync", "docs", status=1)
    assert (
        told == "'docs' is paused, and nothing is transferred; resume it: syncin-mount resume docs"
    )
    assert "Files to download: 1" in await world.must("sync", "--dry-run", "docs")
    assert (await world.json("status"))[0]["paused"] is True
    assert (await world.json("show", "docs"))["paused"] is True
    assert await world.must("resume", "--all") == "docs: resumed; pending changes are uploaded\n"
    assert await world.must("resume", "docs") == "docs: is not paused\n"
    await world.must("sync", "docs")
    assert "say which" in await world.refused("pause")
    assert "there is no synchronization 'nope'" in await world.refused("pause", "docs", "nope")
    assert (await world.json("show", "docs"))["paused"] is False, "all that are named, or none"
    [registered] = world.dev.store.state.paths
    assert "paused" not in registered.settings, "it is this computer's alone"


@pytest.mark.usefixtures("mounts")
async def test_a_mounted_drive_works_on_as_offline_and_the_pause_outlasts_it(world: World):
    await world.log_in()
    await world.add()
    (world.disk / "theirs").write_text("theirs")
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    await world.must("pause", "docs")
    (world.drive / "mine").write_text("mine")
    assert (world.drive / "theirs").read_text() == "theirs"
    requests = len(world.dev.requests)
    await world.must("umount", "docs")
    await world.must("mount", "docs")
    [now] = await world.json("status", "docs")
    assert (now["paused"], now["waiting"]) == (True, 1)
    assert "paused" in await world.must("status", "docs")
    assert (world.drive / "mine").read_text() == "mine"
    assert len(world.dev.requests) == requests
    await world.must("resume", "docs")

    async def sent() -> bool:
        return (world.disk / "mine").exists()

    await until(sent, "it goes on")
