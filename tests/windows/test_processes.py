"""Commands, the supervisor and daemons as processes of Windows: started, found, killed, ended.

The server is away all the time, and the drive is shown to nobody (``tests/wine/no_mount.py``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncin_mount.config import ConfigurationFile, Folders, Server, Synchronization
from syncin_mount.config.folders import HOME_VARIABLE
from syncin_mount.control.supervision import NAME
from syncin_mount.control.transport import listener_of
from syncin_mount.system.processes import alive, kill

pytestmark = [
    pytest.mark.skipif(sys.platform != "win32", reason="of Windows' processes"),
    pytest.mark.timeout(600),
]

LIMIT_S = 120.0


def until(holds: Callable[[], object], why: str) -> None:
    """Returns once it holds."""
    end = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end, why
        time.sleep(0.05)


class World:
    """A profile with one synchronization, whose server is nowhere."""

    def __init__(self, home: Path) -> None:
        self.folders = Folders(home, home / "state", home / "run", portable=True)
        self.folders.make()
        server = Server(
            "home", "https://127.0.0.1:9", "user1", "4bae3d6f-7ae9-43d9-97ee-8dd61c2131ea"
        )
        docs = Synchronization("docs", "home", "personal/docs", home / "drive" / "docs")
        ConfigurationFile(self.folders).update(
            lambda now: replace(now, servers={"home": server}, synchronizations={"docs": docs})
        )
        self._environment = {**os.environ, HOME_VARIABLE: str(home)}

    def run(self, *words: str, status: int | None = 0) -> str:
        """A command's output. Its streams are files: what outlives it could hold a pipe open."""
        with (self.folders.config / "said").open("w+b") as said:
            done = subprocess.run(
                [sys.executable, "-m", "syncin_mount", *words],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=self._environment,
                check=False,
                timeout=LIMIT_S,
            )
            said.seek(0)
            text = said.read().decode(errors="replace")
        assert status is None or done.returncode == status, (
            words,
            done.returncode,
            text,
            self.logs(),
        )
        return text

    def logs(self) -> str:
        folder = self.folders.log(NAME).parent
        return "\n".join(
            f"--- {each.name}\n{each.read_text(errors='replace')}" for each in folder.glob("*.log")
        )

    def status(self) -> dict[str, Any]:
        (found,) = json.loads(self.run("status", "--json"))
        return dict(found)

    def daemon(self, name: str = "docs") -> int | None:
        return listener_of(self.folders.socket(name))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "home")
    yield world
    for name in (NAME, "docs"):
        pid = world.daemon(name)
        if pid:
            kill(pid)
            until(lambda pid=pid: not alive(pid), "it does not end")  # type: ignore[misc]


def test_a_drive_is_mounted_found_and_unmounted(world: World) -> None:
    world.run("mount", "docs")
    pid = world.daemon()
    assert pid is not None
    assert alive(pid)
    assert world.status()["pid"] == pid
    assert "docs" in world.run("list")
    again = world.run("mount", "docs", status=None)
    assert "mounted already" in again
    world.run("umount", "docs")
    assert not alive(pid)
    assert world.daemon() is None
    assert not world.folders.socket("docs").exists()


def test_a_daemon_that_cannot_start_says_why(world: World) -> None:
    world.folders.replicas.mkdir(parents=True)
    world.folders.replica("docs").write_text("in the way")
    said = world.run("mount", "docs", status=None)
    assert "Traceback" not in said
    assert str(world.folders.replica("docs")) in said
    assert world.daemon() is None


def test_a_killed_daemon_is_seen_as_gone_and_mounted_again(world: World) -> None:
    world.run("mount", "docs")
    first = world.daemon()
    assert first is not None
    kill(first)
    until(lambda: not alive(first), "it does not end")
    assert world.folders.socket("docs").exists()  # what a kill leaves
    assert world.daemon() is None
    assert world.status()["mounted"] is False
    world.run("mount", "docs")
    assert world.daemon() not in {None, first}


def test_the_supervisor_mounts_restarts_and_ends(world: World) -> None:
    world.run("up")
    supervisor, first = world.daemon(NAME), world.daemon()
    assert supervisor is not None
    assert first is not None
    assert world.status()["mounted"] is True
    kill(first)
    until(lambda: world.daemon() not in {None, first}, "it is not mounted again")
    second = world.daemon()
    assert second is not None
    world.run("umount", "docs")
    until(lambda: not alive(second), "the daemon does not end")
    assert world.status()["mounted"] is False
    world.run("up")
    third = world.daemon()
    assert third is not None
    world.run("down")
    until(lambda: not alive(supervisor), "the supervisor does not end")
    assert not alive(third)


def test_a_second_supervisor_is_refused(world: World) -> None:
    world.run("up")
    supervisor = world.daemon(NAME)
    said = world.run("up", "--foreground", status=None)
    assert "supervisor" in said
    assert world.daemon(NAME) == supervisor


def test_drives_outlive_a_killed_supervisor_and_the_next_one_finds_them(world: World) -> None:
    world.run("up")
    supervisor, drive = world.daemon(NAME), world.daemon()
    assert supervisor is not None
    kill(supervisor)
    until(lambda: not alive(supervisor), "it does not end")
    assert drive is not None
    assert alive(drive)
    world.run("up")
    assert world.daemon() == drive
    assert world.daemon(NAME) not in {None, supervisor}
    world.run("down")
    until(lambda: not alive(drive), "the drive does not end")
