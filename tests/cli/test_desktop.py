"""`desktop`: what file managers load, and what their menus start."""

from __future__ import annotations

import configparser
import stat
from pathlib import Path

import pytest

from syncin_mount.app.support import desktop_files
from syncin_mount.app.support.desktop_files import Presence
from tests.cli.conftest import World

COMMAND = ("/usr/bin/python3", "-m", "syncin_mount")


@pytest.fixture
def share(tmp_path: Path) -> Path:
    return tmp_path / "share"


def test_all_files_are_put_there_and_taken_away(share: Path):
    others = share / "nautilus-python/extensions/somebody.py"
    others.parent.mkdir(parents=True)
    others.write_text("mine")
    assert desktop_files.presence(share, COMMAND) is Presence.NONE
    paths, _ = desktop_files.install(share, COMMAND)
    assert all(path.is_file() for path in paths)
    assert desktop_files.presence(share, COMMAND) is Presence.WHOLE
    names = {str(path.relative_to(share)) for path in paths}
    assert {
        "nautilus-python/extensions/syncin_mount_files.py",
        "nemo-python/extensions/syncin_mount_files.py",
        "caja-python/extensions/syncin_mount_files.py",
        "thunarx-python/extensions/syncin_mount_files.py",
        "syncin-mount/filemanager/syncin_filemanager/extension.py",
        "icons/hicolor/scalable/emblems/emblem-syncin-synced.svg",
        "icons/hicolor/scalable/apps/syncin-mount.svg",
        "kio/servicemenus/syncin-mount.desktop",
        "applications/syncin-mount.desktop",
    } <= names
    assert sorted(desktop_files.remove(share).paths) == paths
    assert [path for path in share.rglob("*") if path.is_file()] == [others]
    assert not (share / "syncin-mount").exists()


def test_those_of_an_older_version_are_replaced(share: Path):
    desktop_files.install(share, COMMAND)
    old = share / desktop_files.MODULES / "no_more.py"
    old.write_text("old")
    assert desktop_files.presence(share, COMMAND) is Presence.OLD
    desktop_files.install(share, COMMAND)
    assert not old.exists()
    (share / desktop_files.MODULES / "menu.py").write_text("old")
    assert desktop_files.presence(share, COMMAND) is Presence.OLD


def test_a_package_brings_its_own_entry(share: Path):
    paths, _ = desktop_files.install(share, ("/usr/bin/syncin-mount",), entry=False)
    assert not any("applications" in str(path) or "apps" in path.parts for path in paths)
    assert desktop_files.presence(share, ("/usr/bin/syncin-mount",)) is Presence.WHOLE
    own = [share / "applications/syncin-mount.desktop"]
    own += [share / "icons/hicolor/scalable/apps/syncin-mount.svg"]
    for path in own:
        path.parent.mkdir(parents=True)
        path.write_text("the package's")
    desktop_files.install(share, ("/usr/bin/syncin-mount",), entry=False)
    assert [path.read_text() for path in own] == ["the package's"] * 2


def test_those_of_the_user_come_before_those_of_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    own, system = tmp_path / "own", tmp_path / "system"
    environment = {"XDG_DATA_HOME": str(own), "XDG_DATA_DIRS": f"{tmp_path / 'none'}:{system}"}
    assert desktop_files.found_share(environment) == (own, Presence.NONE)
    desktop_files.install(system, desktop_files.PACKAGED, entry=False)
    (system / desktop_files.ENTRY).parent.mkdir()
    (system / desktop_files.ENTRY).write_text("the package's")
    assert desktop_files.found_share(environment) == (system, Presence.WHOLE)
    desktop_files.install(own, desktop_files.own_command())
    assert desktop_files.found_share(environment) == (own, Presence.WHOLE)
    (own / desktop_files.MODULES / "menu.py").unlink()
    assert desktop_files.found_share(environment) == (own, Presence.OLD)


def parsed(text: str) -> configparser.RawConfigParser:
    found = configparser.RawConfigParser(interpolation=None, delimiters=("=",))
    # keys keep their case, as the documentation of configparser has it
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read_string(text)
    return found


def test_dolphins_menu_names_each_act_in_all_languages(share: Path):
    desktop_files.install(share, COMMAND)
    path = share / desktop_files.SERVICE_MENU
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    found = parsed(path.read_text())
    acts = found["Desktop Entry"]["Actions"].strip(";").split(";")
    assert acts == ["server", "explain", "compare", "sync", "hold", "release", "trash"]
    for act in acts:
        section = found[f"Desktop Action {act}"]
        assert section["Exec"] == f"/usr/bin/python3 -m syncin_mount desktop run {act} -- %F"
        assert {"Name", "Name[de]", "Name[fr]"} <= set(section)


@pytest.mark.parametrize(
    ("word", "written"),
    [("/usr/bin/x", "/usr/bin/x"), ("/a b", '"/a b"'), ("/50%", '"/50%%"'), ('/"$', r'"/\\"\\$"')],
)
def test_words_of_the_command_are_quoted(word: str, written: str):
    assert desktop_files.exec_words([word]) == written


async def test_installing_and_removing_by_command(
    world: World, monkeypatch: pytest.MonkeyPatch, share: Path
):
    monkeypatch.setenv("XDG_DATA_HOME", str(share))
    said = await world.must("desktop", "install")
    assert "start the file manager again" in said
    assert "desktop remove" in said
    assert (share / desktop_files.ENTRY).exists()
    assert "removed" in await world.must("desktop", "remove")
    assert "nothing was installed" in await world.must("desktop", "remove")
    share.rename(share.with_name("elsewhere"))
    share.write_text("no folder")
    assert "make it writable" in await world.refused("desktop", "install", status=1)


async def test_the_folder_on_the_server_is_told(world: World, monkeypatch: pytest.MonkeyPatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    await world.log_in()
    await world.add()
    (world.drive / "a b").mkdir(parents=True)
    (world.drive / "a b" / "c.txt").write_text("x")
    base = f"{world.url}/#/spaces/files/personal/docs"
    for path, end in (("", ""), ("a b", "/a%20b"), ("a b/c.txt", "/a%20b"), ("x.txt", "")):
        said = await world.must("desktop", "run", "server", str(world.drive / path))
        assert said == f"{base}{end}\n"


async def test_files_of_no_drive_or_of_several_are_refused(world: World, tmp_path: Path):
    await world.log_in()
    await world.add()
    said = await world.refused("desktop", "run", "sync", str(tmp_path / "x"))
    assert said == f"'{tmp_path / 'x'}' is in no drive of syncin-mount"
    said = await world.refused("desktop", "run", "hold", str(world.drive / "x"), status=1)
    assert said == "Nothing of it waits to be uploaded"
    await world.refused("desktop", "run", "dance", str(world.drive))


async def test_what_keeps_a_run_from_beginning_is_told(world: World):
    await world.log_in()
    await world.add()
    await world.must("pause", "docs")
    said = await world.refused("desktop", "run", "sync", str(world.drive / "x"), status=1)
    assert said.startswith("'docs' is paused")


@pytest.mark.usefixtures("mounts")
async def test_changes_are_held_and_released_by_path(world: World):
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    await world.stop()
    (world.drive / "d").mkdir()
    (world.drive / "d" / "a.txt").write_text("edited")
    (world.drive / "b.txt").write_text("edited")
    await world.must("desktop", "run", "hold", str(world.drive / "d" / "a.txt"))
    held = {each["path"]: each["held"] for each in await world.json("journal", "list", "docs")}
    assert held == {"d": False, "d/a.txt": True, "b.txt": False}
    await world.must("desktop", "run", "release", str(world.drive / "d"))
    held = {each["path"]: each["held"] for each in await world.json("journal", "list", "docs")}
    assert set(held.values()) == {False}


async def test_a_bookmark_that_no_file_manager_shows_is_told(world: World):
    await world.log_in()
    where = ("--remote", "personal/docs", "--mountpoint", str(world.drive))
    done = await world.run("add", "docs", "--server", "home", *where, "--bookmark")
    assert done.status == 0
    assert "no file manager with a sidebar" in done.error


def test_files_of_somebody_else_are_kept(share: Path):
    """One that was there before, and one of ours that somebody changed."""
    foreign = share / desktop_files.SERVICE_MENU
    foreign.parent.mkdir(parents=True)
    foreign.write_text("somebody's")
    placed = desktop_files.install(share, COMMAND)
    kept = foreign.with_name(f"{foreign.name}.kept")
    assert (placed.kept, kept.read_text()) == ([kept], "somebody's")
    assert desktop_files.install(share, COMMAND).kept == [], "what this wrote is its own"
    assert desktop_files.install(share, ("other",)).kept == [], "an older one of ours, too"
    entry = share / desktop_files.ENTRY
    entry.write_text("changed")
    again = desktop_files.install(share, COMMAND)
    assert [each.read_text() for each in again.kept] == ["changed"]
    entry.write_text("changed again")
    removed = desktop_files.remove(share)
    assert [each.read_text() for each in removed.kept] == ["changed again"]
    left = {path.read_text() for path in share.rglob("*") if path.is_file()}
    assert left == {"somebody's", "changed", "changed again"}


def test_a_relative_folder_of_data_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    found = desktop_files.user_share({"XDG_DATA_HOME": "relative/share"})
    assert found == tmp_path / ".local" / "share"
