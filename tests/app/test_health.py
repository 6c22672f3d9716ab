"""What `doctor` looks at are values, and each has its sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncin_mount.app.messages import sentence
from syncin_mount.app.messages.health import _FOUND, _help
from syncin_mount.app.support import health
from syncin_mount.app.support.health import Check, Finding, Remedy, State, examine
from syncin_mount.config import Folders
from tests.cli.conftest import World


@pytest.mark.parametrize("check", Check)
def test_each_finding_has_a_sentence(check: Check) -> None:
    data = dict.fromkeys(re.findall(r"\{(\w+)\}", _FOUND[check]), 2)
    data |= {"in_clear": 0, "unverified": 0}
    data.pop("about", None)
    said = sentence(Finding(check, State.NOTE, "docs", data))
    assert said
    assert "{" not in said


@pytest.mark.parametrize("remedy", Remedy)
def test_each_remedy_has_a_clause(remedy: Remedy) -> None:
    finding = Finding(Check.STRAY_DEAD, State.NOTE, "docs", {"point": "/x"}, remedy)
    assert sentence(finding) == f"a crashed drive is left over at /x; {_help(finding, remedy)}"


async def found(world: World) -> dict[Check, Finding]:
    folders = Folders(world.home, world.home / "state", world.home / "run", portable=True)
    return {each.check: each async for each in examine(folders)}


async def test_a_new_drive_is_fine(world: World) -> None:
    await world.log_in()
    await world.add()
    seen = await found(world)
    assert {each.check for each in seen.values() if each.state is State.WRONG} <= {
        Check.DEVICE_MISSING,
        Check.DEVICE_CLOSED,
        Check.FUSERMOUNT_MISSING,
    }
    assert seen[Check.SERVER].about == "home"
    assert seen[Check.NOT_MOUNTED].data == {"point": world.drive}
    assert seen[Check.CONFIGURATION].data["synchronizations"] == 1
    assert Check.COPY_MISSING in seen
    await world.must("sync", "docs")
    assert (await found(world))[Check.COPY].data == {"common": 0, "waiting": 0}


async def test_what_is_wrong_has_a_remedy(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await world.log_in()
    await world.add()
    (world.drive / "file").touch()
    monkeypatch.setattr(health, "DEVICE", tmp_path / "no device")
    await world.stop()
    seen = await found(world)
    assert seen[Check.DEVICE_MISSING].remedy is Remedy.LOAD_MODULE
    assert seen[Check.SERVER_REFUSES].state is State.NOTE, "it may be back at any moment"
    holds = seen[Check.MOUNTPOINT_NOT_EMPTY]
    assert (holds.state, holds.about) == (State.WRONG, "docs")
    assert holds.remedy is Remedy.EMPTY_FOLDER
    assert sentence(holds) == (
        f"docs: the mount point {world.drive} is not empty; import it"
        " (syncin-mount add docs --import), or move it elsewhere"
    )


async def test_a_configuration_that_cannot_be_read_ends_it(world: World) -> None:
    await world.log_in()
    world.config.write_text("damaged = [")
    seen = await found(world)
    assert seen[Check.CONFIGURATION_WRONG].state is State.WRONG
    assert Check.CONFIGURATION not in seen
