"""Paths into a drive, where a command takes them instead of its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from syncin_mount.cli.exit_status import CommandError
from syncin_mount.cli.ui.path_option import chosen_path, drive_at, name_or_path
from syncin_mount.cli.ui.path_status import path_status
from syncin_mount.config import Configuration, Server, Synchronization
from syncin_mount.control.messages import JournalEntry, Problem
from tests.cli.conftest import World


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """Two drives, a symbolic link to one of them, and the current folder in the first."""
    points = {name: tmp_path / name for name in ("docs", "docs 2")}
    for point in points.values():
        (point / "in/deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(points["docs 2"])
    monkeypatch.chdir(points["docs"] / "in")
    server = Server("home", "https://server", "user1", "4bae3d6f-7ae9-43d9-97ee-8dd61c2131ea")
    return Configuration(
        {"home": server},
        {
            name: Synchronization(name, "home", f"personal/{name}", point)
            for name, point in points.items()
        },
    )


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("{top}/docs/in/a", ("docs", "in/a")),
        ("{top}/docs 2/a", ("docs 2", "a")),
        ("{top}/docs", ("docs", "")),
        ("{top}/docs/", ("docs", "")),
        ("{top}/docs/in/../../docs 2/b", ("docs 2", "b")),
        ("{top}/link/in/b", ("docs 2", "in/b")),
        ("a", ("docs", "in/a")),
        ("./a", ("docs", "in/a")),
        ("../a", ("docs", "a")),
        ("..", ("docs", "")),
        (".", ("docs", "in")),
        ("../../docs 2/x", ("docs 2", "x")),
        ("{top}/docs 22/a", None),
        ("../../elsewhere", None),
        ("/", None),
    ],
)
def test_a_path_leads_to_a_drive(
    configuration: Configuration, tmp_path: Path, path: str, found: tuple[str, str] | None
):
    led = drive_at(configuration, path.format(top=tmp_path))
    assert (None if led is None else (led[0].name, led[1])) == found


def test_the_home_folder_is_a_path(
    configuration: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    led = drive_at(configuration, "~/docs/a")
    assert led is not None
    assert (led[0].name, led[1]) == ("docs", "a")


def test_a_name_goes_before_a_file_of_that_name(configuration: Configuration):
    Path("docs 2").touch()
    assert name_or_path(configuration, "docs 2")[0].name == "docs 2"
    one, path = name_or_path(configuration, "./docs 2")
    assert (one.name, path) == ("docs", "in/docs 2")


def test_what_is_in_no_drive_is_told(
    configuration: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for word in ("./a", "/etc/passwd", "."):
        with pytest.raises(CommandError, match=r"is in none of the drives; they are at .*docs"):
            name_or_path(configuration, word)
    with pytest.raises(CommandError, match="did you mean 'docs'"):
        name_or_path(configuration, "dosc")
    with pytest.raises(CommandError, match="is in none of the drives"):
        chosen_path(configuration, ("a",))
    assert chosen_path(configuration, ("docs", "a"))[1] == "a"


def test_a_current_folder_that_is_gone_leads_nowhere(configuration: Configuration):
    os.rmdir("deep")
    gone = Path("gone")
    gone.mkdir()
    os.chdir(gone)
    gone = Path.cwd()
    gone.rmdir()
    assert drive_at(configuration, "a") is None


def entry(path: str, new_path: str | None = None, state: str = "next") -> JournalEntry:
    return JournalEntry(1, 0.0, "send", path, new_path, 1, f"{path} is pending", state)


@pytest.mark.parametrize(
    ("path", "state", "changes"),
    [
        ("a", "pending", 1),
        ("dir", "pending", 2),
        ("dir/b", "pending", 1),
        ("di", "synchronized", 0),
        ("old", "pending", 1),
        ("new", "pending", 1),
        ("link", "local", 1),
        ("bad", "failed", 0),
        ("other", "synchronized", 0),
    ],
)
def test_the_state_of_a_path(path: str, state: str, changes: int):
    entries = [
        entry("a"),
        entry("dir/b"),
        entry("dir/c"),
        entry("old", "new"),
        entry("link", state="local"),
    ]
    found = path_status(path, entries, [Problem("bad/file", "the server refuses it")])
    assert (found.state, len(found.changes)) == (state, changes)


async def test_the_status_of_a_file_without_a_mount(world: World):
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    found = await world.json("status", str(world.drive / "a"))
    assert (found["name"], found["path"], found["state"]) == ("docs", "a", "synchronized")
    assert "state:" in await world.must("status", str(world.drive / "a"))
    assert "goes with NAME" in await world.refused("status", str(world.drive / "a"), "--watch")
    assert (await world.json("status", str(world.drive)))[0]["name"] == "docs"


@pytest.mark.usefixtures("mounts")
async def test_a_mounted_file_is_named_by_where_it_is(world: World):
    await world.log_in()
    await world.add()
    await world.must("mount", "docs", "--manual")
    (world.drive / "new").write_text("x")
    found = await world.json("status", str(world.drive / "new"))
    assert (found["state"], {each["path"] for each in found["changes"]}) == ("pending", {"new"})
    assert "docs at" in await world.must("status", str(world.drive / "new"))
    assert "'docs' has no 'nope'" in await world.refused(
        "status", str(world.drive / "nope"), status=1
    )
    [node] = (await world.json("explain", str(world.drive / "new")))["nodes"]
    assert [(action["op"], action["side"]) for action in node["actions"]] == [("send", "remote")]
