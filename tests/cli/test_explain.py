"""`explain`, as a real command: mounted, not mounted, and without the server."""

from __future__ import annotations

import pytest

from tests.cli.conftest import World


async def test_a_path_is_explained_without_a_mount(world: World):
    (world.disk / "a").write_text("there")
    await world.log_in()
    await world.add()
    [node] = (await world.json("explain", "docs", "a"))["nodes"]
    assert (node["base_state"], node["local_state"], node["remote_state"]["size"]) == (
        None,
        None,
        5,
    )
    assert [(action["op"], action["side"]) for action in node["actions"]] == [("fetch", "local")]
    assert (await world.json("status", "docs"))[0]["known"] == 0
    await world.must("sync", "docs")
    said = await world.must("explain", "docs", str(world.drive / "a"))
    assert "agreed on:     a, 5 B of " in said
    assert "would happen:  Nothing is to be done: both sides are the same." in said
    await world.stop()
    done = await world.run("explain", "docs", "a")
    assert done.status == 0
    assert "on the server: not known" in done.out
    assert "docs: " in done.error


@pytest.mark.usefixtures("mounts")
async def test_a_mounted_drive_explains(world: World):
    await world.log_in()
    await world.add()
    await world.must("mount", "docs", "--manual")
    (world.drive / "new").write_text("x")
    [node] = (await world.json("explain", "docs", "new"))["nodes"]
    assert [(action["op"], action["side"]) for action in node["actions"]] == [("send", "remote")]
    assert not (world.disk / "new").exists()


async def test_paths_that_cannot_be(world: World):
    await world.log_in()
    await world.add()
    assert "neither here nor on the server" in await world.refused(
        "explain", "docs", "nope", status=1
    )
    assert "is not in" in await world.refused("explain", "docs", "/etc/passwd")
    for path in ("../x", "/", str(world.drive), "."):
        await world.refused("explain", "docs", path)
    assert "not UTF-8" in await world.refused("explain", "docs", "a\udcff", status=1)
