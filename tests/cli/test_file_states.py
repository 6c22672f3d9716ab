"""A mounted drive tells how its files stand, as they change: real daemon, server and mount."""

from __future__ import annotations

import json
import os
import stat

import msgspec
import pytest
import trio

from syncin_mount.config import Folders
from syncin_mount.control.announcements import Announcement, announced_at
from syncin_mount.control.watching import follow_states
from syncin_mount.devserver import Delay, Reply, Rule
from tests.cli.conftest import World

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(120)]


def folders(world: World) -> Folders:
    return Folders(world.home, world.home / "state", world.home / "run", portable=True)


class Told:
    """The last state that each path was told to have, and all states in their order."""

    def __init__(self) -> None:
        self.now: dict[str, str] = {}
        self.states: dict[str, list[str]] = {}
        self.news = trio.Event()

    async def follow(self, world: World, *, task_status: trio.TaskStatus[None]) -> None:
        async with follow_states(folders(world).socket("docs")) as changes:
            async for change in changes:
                if change.everything:
                    task_status.started()
                for name, state in zip(change.names, change.states, strict=True):
                    path = f"{change.folder}/{name}".lstrip("/")
                    self.now[path] = state.value
                    self.states.setdefault(path, []).append(state.value)
                self.news.set()
                self.news = trio.Event()

    async def until(self, path: str, state: str, seconds: float = 30) -> None:
        with trio.fail_after(seconds):
            while self.now.get(path) != state:
                await self.news.wait()


async def test_files_are_told_as_they_come_and_go(world: World, nursery: trio.Nursery):
    (world.disk / "old").mkdir()
    (world.disk / "old" / "there.txt").write_text("from the server")
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    told = Told()
    await nursery.start(told.follow, world)
    (world.drive / "new").mkdir()
    (world.drive / "new" / "a.txt").write_text("from here")
    await told.until("new/a.txt", "waiting")
    await told.until("new", "waiting")
    await told.until("new/a.txt", "synced")
    await told.until("new", "synced")
    assert (world.disk / "new" / "a.txt").read_text() == "from here"
    # what nobody can upload needs somebody: it is told, and so are the folders above
    world.dev.faults.add(Rule(Reply(403), path="*bad.txt*"))
    (world.drive / "new" / "bad.txt").write_text("nobody wants it")
    await told.until("new/bad.txt", "problem")
    await told.until("new", "problem")
    world.dev.faults.add(Rule(Delay(1.5), path="*slow.txt*"))
    (world.drive / "new" / "slow.txt").write_text("takes its time")
    await told.until("new/slow.txt", "syncing")
    await told.until("new/slow.txt", "synced")
    (world.drive / "new" / "bad.txt").unlink()
    await told.until("new", "synced")
    nursery.cancel_scope.cancel()


async def test_a_drive_is_announced_as_long_as_it_is_served(world: World):
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    path = announced_at(folders(world), "docs")
    told = msgspec.json.decode(path.read_bytes(), type=Announcement)
    assert (told.name, told.mountpoint) == ("docs", str(world.drive))
    assert told.socket == str(folders(world).socket("docs"))
    assert told.home == str(world.home)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    done = await trio.run_process(
        [*told.command, "status", "docs", "--json"],
        capture_stdout=True,
        env={**os.environ, "SYNCIN_MOUNT_HOME": told.home},
    )
    assert "docs" in json.dumps(json.loads(done.stdout))
    await world.must("umount", "docs")
    assert not path.exists()
