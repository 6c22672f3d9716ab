"""The configuration's `[hooks]`, as real commands of real runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import World, until


def configure(world: World, *words: str) -> None:
    """A hook that follows runs."""
    with world.config.open("a") as file:
        file.write(f"\n[hooks]\nafter_run = {json.dumps(words)}\n")


async def written(file: Path, line: str) -> None:
    async def is_there() -> bool:
        return file.exists() and line in file.read_text().splitlines()

    await until(is_there, f"{file.name} has the line {line!r}")


async def test_a_sync_without_a_mount_ends_after_its_hook(world: World) -> None:
    await world.log_in()
    await world.add()
    told = world.base / "told"
    configure(
        *(world, "/bin/sh", "-c"),
        f"echo $SYNCIN_DRIVE $SYNCIN_RESULT $SYNCIN_DONE >> '{told}'",
    )
    (world.disk / "theirs").write_text("theirs")
    await world.must("sync", "--dry-run", "docs")
    assert not told.exists(), "a simulation is no run"
    await world.must("sync", "docs")
    assert told.read_text() == "docs done 1\n"
    await world.stop()
    await world.run("sync", "docs")
    assert told.read_text().splitlines()[1:] == ["docs offline 0"]
    assert (await world.run("show", "docs")).status == 0
    assert "[hooks]" in world.config.read_text(), "commands leave it as it is"


@pytest.mark.usefixtures("mounts")
async def test_a_hook_of_a_mounted_drive_finds_the_contents_there(world: World) -> None:
    await world.log_in()
    await world.add()
    told = world.base / "told"
    configure(world, "/bin/sh", "-c", f"cat $SYNCIN_MOUNTPOINT/theirs >> '{told}'")
    (world.disk / "theirs").write_text("theirs\n")
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    await written(told, "theirs")


@pytest.mark.usefixtures("mounts")
async def test_a_command_on_the_drive_itself_can_be_a_hook(world: World) -> None:
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    told = world.base / "told"
    program = world.drive / "hook"
    program.write_text(f"#!/bin/sh\necho $SYNCIN_RESULT >> '{told}'\n")
    program.chmod(0o755)
    configure(world, str(program))
    await world.must("sync", "docs")
    await written(told, "done")
    assert program.exists()
