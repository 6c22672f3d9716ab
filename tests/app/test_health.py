"""What `doctor` looks at are values, and each has its sentence."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import trio

from syncin_mount.app.messages import sentence
from syncin_mount.app.messages.health import _FOUND, _help
from syncin_mount.app.support import health
from syncin_mount.app.support.health import Check, Finding, Remedy, State, examine
from syncin_mount.config import Folders
from tests.cli.conftest import World
from tests.small_disk import small_disk


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


@pytest.mark.parametrize("inside", ["replicas", "logs", "run", "tokens"])
async def test_what_the_program_cannot_write_is_wrong(world: World, inside: str) -> None:
    await world.log_in()
    shutil.rmtree(world.home / "state" / inside, ignore_errors=True)
    (world.home / "state" / inside).touch()
    seen = await found(world)
    unusable = seen[Check.FOLDERS_UNUSABLE]
    assert unusable.state is State.WRONG
    assert sentence(unusable) == (
        f"the folder {world.home}/state/{inside} cannot be used (Not a directory); make it"
        " writable for you or set SYNCIN_MOUNT_HOME"
    )
    assert Check.CONFIGURATION not in seen


async def test_a_home_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drives work where the program's own folders are there already; what installs does not."""
    home = tmp_path / "home"
    with small_disk(home, "tmpfs", 1):
        settings, state = home / ".config" / "syncin-mount", tmp_path / "state"
        settings.mkdir(parents=True)
        await trio.run_process(["mount", "-o", "remount,ro", home])
        monkeypatch.setenv("HOME", str(home))
        for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            monkeypatch.delenv(variable, raising=False)
        (tmp_path / "settings").mkdir()
        folders = Folders(tmp_path / "settings" / "own", state, tmp_path / "run", portable=False)
        seen = [each async for each in examine(folders)]
        [told] = [each for each in seen if each.check is Check.DESKTOP_UNWRITABLE]
        assert (told.state, told.remedy) == (State.NOTE, Remedy.MAKE_WRITABLE)
        assert sentence(told) == (
            f"{home}/.local/share cannot be written (Read-only file system): nothing for log-in,"
            " desktop or shell can be set up there; make it writable for you"
        )
        assert Check.CONFIGURATION in {each.check for each in seen}, "the rest is looked at"
        folders = Folders(settings, state, tmp_path / "run", portable=False)
        [*_, last] = [each async for each in examine(folders)]
        assert last.check is Check.FOLDERS_UNUSABLE
        assert f"{settings} cannot be used (Read-only file system); make it" in sentence(last)
        folders = Folders(tmp_path / "settings", state, tmp_path / "run", portable=True)
        seen = [each async for each in examine(folders)]
        assert Check.DESKTOP_UNWRITABLE not in {each.check for each in seen}


def test_both_of_the_users_folders_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file" / "data"))
    folders = Folders(tmp_path / "file" / "own", tmp_path / "state", tmp_path, portable=False)
    told = list(health._desktop_folders(folders))
    assert [each.data["path"] for each in told] == [tmp_path / "file", tmp_path / "file" / "data"]
    assert {str(each.data["why"]) for each in told} == {"Not a directory"}
    assert not (tmp_path / "state").exists(), "it makes nothing"
