"""`rename`: all but the name stays, whether the drive is mounted or not, and a kill at any moment
loses nothing."""

from __future__ import annotations

import os
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from syncin_mount.app.synchronizations import change_settings, rename_drive
from syncin_mount.config import Folders
from syncin_mount.config.folders import HOME_VARIABLE
from syncin_mount.store import lock
from syncin_mount.store.lock import take_lock
from tests.cli.conftest import World, until
from tests.cli.in_process import call
from tests.cli.test_up import ours

__all__ = ["ours"]  # a fixture

CONFIGURATION = """# mine
[servers.home]
url = "http://127.0.0.1:9"
login = "user1"
client_id = "4bae3d6f-7ae9-43d9-97ee-8dd61c2131ea"

[synchronizations.docs]
server = "home"
remote = "personal/docs"
mountpoint = "/nowhere/docs"
filters = ["old"]
paused = true

[synchronizations.pics]
server = "home"
remote = "personal/pics"
mountpoint = "/nowhere/pics"
"""


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two synchronizations, one with a local copy and a log."""
    (tmp_path / "config.toml").write_text(CONFIGURATION)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    Folders.find().make()
    copy = tmp_path / "state/replicas/docs"
    copy.mkdir(parents=True, mode=0o700)
    (copy / "precious").write_text("here alone")
    logs = tmp_path / "state/logs"
    logs.mkdir(exist_ok=True, mode=0o700)
    (logs / "docs.log").write_text("now\n")
    (logs / "docs.log.1").write_text("before\n")
    return tmp_path


def run(home: Path, *words: str) -> tuple[int, str, str]:
    return call(words, stdin="", folder=home, environment={"SYNCIN_MOUNT_HOME": str(home)})


def is_renamed(home: Path, name: str) -> None:
    """Everything is under this name, and nothing is under the former one."""
    found = tomllib.loads((home / "config.toml").read_text())["synchronizations"]
    assert sorted(found) == sorted([name, "pics"])
    settings = found[name]
    assert (settings["remote"], settings["mountpoint"]) == ("personal/docs", "/nowhere/docs")
    assert (settings["filters"], settings["paused"]) == (["old"], True)
    assert "former_name" not in settings
    replicas = home / "state/replicas"
    assert [path.name for path in replicas.iterdir() if path.is_dir()] == [name]
    assert (replicas / name / "precious").read_text() == "here alone"
    assert (home / f"state/logs/{name}.log").read_text() == "now\n"
    assert (home / f"state/logs/{name}.log.1").read_text() == "before\n"
    assert not (home / "state/logs/docs.log").exists()


def test_all_but_the_name_stays(home: Path):
    status, out, error = run(home, "rename", "docs", "my papers")
    assert (status, out, error) == (0, "docs is 'my papers' now\n", "")
    is_renamed(home, "my papers")
    assert (home / "config.toml").read_text().startswith("# mine\n")
    assert run(home, "rename", "my papers", "my papers")[1] == "my papers: it has this name\n"
    assert run(home, "show", "docs")[0] == 2


@pytest.mark.parametrize("moment", ["before the copy moves", "after it moved", "amid the logs"])
def test_a_kill_is_completed_by_the_next_command(
    home: Path, monkeypatch: pytest.MonkeyPatch, moment: str
):
    move = rename_drive._move

    def killed(folders: object, old: str, new: str) -> None:
        if moment == "after it moved":
            # the wrapper declares its folders as object
            move(folders, old, new)  # type: ignore[arg-type]
        elif moment == "amid the logs":
            (home / "state/replicas" / old).rename(home / "state/replicas" / new)
            (home / "state/logs/docs.log").rename(home / f"state/logs/{new}.log")
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(rename_drive, "_move", killed)
        assert run(home, "rename", "docs", "papers")[0] == 1
    assert 'former_name = "docs"' in (home / "config.toml").read_text()
    assert run(home, "list")[0] == 0
    is_renamed(home, "papers")


def test_a_kill_before_anything_was_written_changes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    before = (home / "config.toml").read_text()

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("syncin_mount.config.file.write_atomic", killed)
        assert run(home, "rename", "docs", "papers")[0] == 1
    assert (home / "config.toml").read_text() == before
    assert (home / "state/replicas/docs/precious").exists()


@pytest.mark.parametrize(
    ("name", "new", "status", "why"),
    [
        ("docs", "pics", 1, "there is a synchronization 'pics' already"),
        ("docs", "../x", 2, "cannot be a synchronization's name"),
        ("docs", "", 2, "cannot be a synchronization's name"),
        ("dosc", "x", 2, "did you mean 'docs'?"),
        ("docs", "left", 1, "there is a local copy of another drive in"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    home: Path, name: str, new: str, status: int, why: str
):
    (home / "state/replicas/left").mkdir()
    before = (home / "config.toml").read_text()
    found = run(home, "rename", name, new)
    assert (found[0], found[1]) == (status, "")
    assert why in found[2]
    assert (home / "config.toml").read_text() == before
    assert (home / "state/replicas/docs/precious").exists()


def test_a_copy_that_a_process_has_open_is_left_alone(home: Path):
    descriptor = take_lock(home / "state/replicas/docs")
    before = (home / "config.toml").read_text()
    status, _, error = run(home, "rename", "docs", "papers")
    assert status == 1
    assert "in use by process" in error
    assert (home / "config.toml").read_text() == before

    os.close(descriptor)
    assert run(home, "rename", "docs", "papers")[0] == 0


async def test_the_history_the_registration_and_what_is_pending_stay(world: World):
    (world.disk / "a").write_text("a")
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    requests = len([each for each in world.dev.requests if each.method == "GET"])
    assert await world.must("rename", "docs", "papers") == "docs is 'papers' now\n"
    [registered] = world.dev.store.state.paths
    assert registered.settings["name"] == "papers"
    assert [each["path"] for each in await world.json("transfers", "papers")] == ["a"]
    assert (await world.json("status", "papers"))[0]["known"] == 1
    await world.must("sync", "papers")
    assert len([each for each in world.dev.requests if each.method == "GET"]) <= requests + 2
    [registered] = world.dev.store.state.paths
    assert registered.settings["name"] == "papers"


@pytest.mark.usefixtures("mounts")
async def test_a_mounted_drive_is_mounted_again(world: World):
    await world.log_in()
    await world.add()
    await world.must("mount", "docs", "--manual")
    (world.drive / "new").write_text("here alone")
    with (world.drive / "new").open():
        assert "files of it are open" in await world.refused(
            "rename", "docs", "papers", status=1, process=True
        )
    assert (world.drive / "new").exists()
    await world.must("rename", "docs", "papers")
    assert await world.read("new") == "here alone"
    [status] = await world.json("status", "papers")
    assert (status["mounted"], status["manual"], status["waiting"]) == (True, True, 1)
    await world.must("sync", "papers")
    assert (world.disk / "new").read_text() == "here alone"
    await world.must("umount", "papers")


@pytest.mark.usefixtures("mounts")
async def test_the_supervisor_follows(ours: World):
    await ours.must("up")
    await ours.must("rename", "docs", "papers")

    async def is_up() -> bool:
        found = {each["name"]: each for each in await ours.json("status")}
        return bool(
            "docs" not in found
            and found["papers"]["mounted"]
            and found["papers"]["supervised"]["phase"] == "up"
        )

    await until(is_up, "the supervisor looks after the new name")


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize("manual", [False, True])
async def test_a_supervisor_that_is_quicker_is_no_failure(
    ours: World, monkeypatch: pytest.MonkeyPatch, manual: bool
):
    """The new name is in the configuration before the server is told, which takes as long as the
    server likes: the supervisor mounts it meanwhile."""
    send = change_settings.send_settings

    async def slow(*given: Any) -> Any:
        async def is_there() -> bool:
            found = {each["name"]: each for each in await ours.json("status")}
            return bool(found["papers"]["mounted"])

        await until(is_there, "the supervisor mounts the new name")
        return await send(*given)

    monkeypatch.setattr(rename_drive, "send_settings", slow)
    await ours.must("up")
    if manual:
        await ours.must("umount", "docs")
        await ours.must("mount", "docs", "--manual")
    said = await ours.must("rename", "docs", "papers")
    assert said == f"docs is 'papers' now\npapers is mounted at {ours.drive}\n"
    [status] = await ours.json("status", "papers")
    assert (status["mounted"], status["manual"]) == (True, manual)


def test_who_only_looks_is_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch):
    """`status` and the page have a local copy at rest for as long as they read it."""
    looking = [take_lock(home / "state/replicas/docs", look=True)]
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: os.close(looking.pop()))
    monkeypatch.setattr(lock, "time", clock)
    assert run(home, "rename", "docs", "papers")[0] == 0
    assert looking == []
    is_renamed(home, "papers")
