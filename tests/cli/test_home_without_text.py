"""A home folder whose name is no text: drives, their supervisor and what it says work as
elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import World

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]


@pytest.fixture
def home(world: World) -> Path:
    return world.base / os.fsdecode(b"home \xff")


async def test_a_drive_is_there_with_its_files(world: World, home: Path) -> None:
    await world.log_in(home)
    (world.disk / "a.txt").write_text("there")
    await world.add(home=home)
    await world.must("up", home=home)
    try:
        await world.must("sync", "docs", home=home)
        assert (world.drive / "a.txt").read_text() == "there"
        (world.drive / "b.txt").write_text("here")
        await world.must("sync", "docs", home=home)
        assert (world.disk / "b.txt").read_text() == "here"
        assert "mounted  online" in await world.must("status", home=home)
    finally:
        await world.must("down", home=home)
    assert "all is in order" in await world.must("check", "docs", home=home)


async def test_why_a_drive_is_not_mounted_is_told_by_the_supervisor(
    world: World, home: Path
) -> None:
    """The reason names the folder, whose name reaches people as an escape."""
    await world.log_in(home)
    await world.add(home=home)
    index = home / "state/replicas/docs/index"
    index.parent.mkdir(parents=True, mode=0o700)
    index.write_text("no index")
    try:
        done = await world.run("up", home=home)
        assert done.status == 1
        assert r"home \udcff/" in done.error
        assert "error of the program" not in done.error
        told = await world.run("status", home=home)
        assert r"home \udcff/" in told.out + told.error
    finally:
        await world.must("down", home=home)
