"""`sync --wait`, with real drives."""

from __future__ import annotations

import pytest

from tests.cli.conftest import World

pytestmark = pytest.mark.timeout(200)


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize("how", ["by itself", "on a schedule", "when told"])
async def test_it_returns_when_everything_is_on_the_server(world: World, how: str):
    await world.log_in()
    await world.add(*(["--every", "1d"] if how == "on a schedule" else []))
    await world.must("mount", "docs", *(["--manual"] if how == "when told" else []))
    await world.must("sync", "docs")
    for number in range(20):
        (world.drive / f"file{number}").write_text("mine")
    assert await world.must("sync", "--wait", "docs") == "docs: everything is on the server\n"
    assert len(list(world.disk.iterdir())) == 20
    assert await world.json("sync", "--wait", "--all") == [
        {"name": "docs", "waiting": 0, "error": None}
    ]


@pytest.mark.usefixtures("mounts")
async def test_what_keeps_it_from_that_is_said(world: World):
    await world.log_in()
    await world.add()
    sentence = await world.refused("sync", "--wait", "docs", status=1)
    assert sentence == (
        "'docs' is not mounted, so nothing uploads its changes; run: syncin-mount sync docs"
    )
    assert await world.must("sync", "--wait", "--all") == "nothing is mounted\n"
    await world.must("mount", "docs")
    await world.must("pause", "docs")
    (world.drive / "mine").write_text("mine")
    sentence = await world.refused("sync", "--wait", "docs", status=1)
    assert (
        sentence == "docs: paused, and nothing is transferred; resume it: syncin-mount resume docs"
    )


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize("how", ["by itself", "when told"])
async def test_it_ends_with_what_a_guard_says(world: World, how: str):
    """It waited for ever: the deletions are changes that do not go."""
    await world.log_in()
    for number in range(40):
        (world.disk / f"file{number}").write_text(f"there {number}")
    await world.add()
    await world.must("mount", "docs", *(["--manual"] if how == "when told" else []))
    await world.must("sync", "docs")
    for number in range(38):
        (world.drive / f"file{number}").unlink()
    sentence = await world.refused("sync", "--wait", "docs", status=4)
    assert "more than half of all" in sentence
    assert len(list(world.disk.iterdir())) > 20
    await world.must("sync", "--yes", "docs")
    assert await world.must("sync", "--wait", "docs") == "docs: everything is on the server\n"


@pytest.mark.parametrize("more", ["--dry-run", "--parallel", "--limit-up=2M"])
async def test_it_starts_no_run(world: World, more: str):
    await world.log_in()
    await world.add()
    done = await world.run("sync", "docs", "--wait", more)
    assert (done.status, "--wait starts no run" in done.error) == (2, True)
