"""The supervisor through the commands: real supervisors, daemons and mounts."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from syncin_mount.config import Folders
from syncin_mount.control.supervision import NAME
from syncin_mount.control.transport import listener_of, listens
from syncin_mount.mount_table import mounted_at
from syncin_mount.system.processes import alive
from tests.cli.conftest import World, until

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]


def folders(world: World) -> Folders:
    return Folders(world.home, world.home / "state", world.home / "run", portable=True)


def supervisor(world: World) -> int:
    pid = listener_of(folders(world).socket(NAME))
    assert pid is not None
    return pid


def daemon(world: World, name: str = "docs") -> int:
    pid = listener_of(folders(world).socket(name))
    assert pid is not None
    return pid


def pics(world: World) -> Path:
    return world.base / "pics"


def is_mounted(point: Path) -> bool:
    return mounted_at(point) is not None


async def comes_back(world: World) -> None:
    """Another daemon serves ``docs``: a killed one's mount answers nothing."""

    async def back() -> bool:
        try:
            return listens(folders(world).socket("docs")) and world.drive.is_mount()
        except OSError:
            return False

    await until(back, "the drive")


async def add_pics(world: World) -> None:
    (world.dev.files_of("user1") / "pics").mkdir()
    words = ("--server", "home", "--remote", "personal/pics", "--mountpoint", str(pics(world)))
    await world.must("add", "pics", *words)


async def ended(pid: int) -> None:
    async def gone() -> bool:
        return not alive(pid)

    await until(gone, "the end of the process")


async def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    await ended(pid)


@contextmanager
def user_of(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that stands in the folder."""
    with subprocess.Popen(["sleep", "1000"], cwd=folder) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def in_foreground(world: World) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "syncin_mount", "up", "--foreground"]
    environment = {**os.environ, "SYNCIN_MOUNT_HOME": str(world.home)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
async def ours(world: World) -> AsyncIterator[World]:
    """Logged in, with ``docs`` and ``pics``; whatever a test leaves is taken away."""
    await world.log_in()
    await world.add()
    await add_pics(world)
    yield world
    with trio.CancelScope(shield=True):
        await world.run("down", "--force")
        left = listener_of(folders(world).socket(NAME))
        if left:
            await kill(left)
            await world.run("down", "--force")


async def test_up_mounts_all_and_down_unmounts_all(ours: World):
    told = f"docs is mounted at {ours.drive}\npics is mounted at {pics(ours)}\n"
    assert await ours.must("up") == told
    assert is_mounted(ours.drive)
    assert is_mounted(pics(ours))
    first = supervisor(ours)
    socket = folders(ours).socket(NAME)
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert await ours.must("up") == told
    assert supervisor(ours) == first
    refused = await ours.refused("up", "--foreground", status=1)
    assert refused.startswith("a supervisor runs already")
    gone = "docs is unmounted\npics is unmounted\nnothing is supervised any more\n"
    assert await ours.must("down") == gone
    assert not is_mounted(ours.drive)
    assert not is_mounted(pics(ours))
    await ended(first)
    assert not socket.exists()
    assert await ours.must("down") == "nothing is mounted\n"


async def test_a_killed_daemon_comes_back_with_all_that_was_written(ours: World):
    await ours.must("up")
    killed = daemon(ours)
    (ours.drive / "file").write_text("kept")
    await kill(killed)
    await comes_back(ours)
    assert daemon(ours) != killed
    assert (ours.drive / "file").read_text() == "kept"
    log = folders(ours).log(NAME).read_text()
    assert "the daemon of 'docs' was killed by SIGKILL" in log


@pytest.mark.parametrize("how", ["umount", "fusermount3"])
async def test_what_is_unmounted_stays_so_until_it_is_mounted(ours: World, how: str):
    await ours.must("up")
    pid = daemon(ours)
    if how == "umount":
        assert await ours.must("umount", "docs") == "docs is unmounted\n"
    else:
        await trio.run_process(["fusermount3", "-u", str(ours.drive)])
        await ended(pid)
    # Has the supervisor look twice at least; nothing comes of it.
    await ours.must("enable", "pics")
    said = await ours.must("enable", "docs")
    assert said == (
        "docs was enabled already; it was unmounted; mount it: syncin-mount mount docs\n"
    )
    assert not is_mounted(ours.drive)
    assert (
        await ours.must("umount", "docs")
        == "docs is not mounted, and stays so until: syncin-mount mount docs\n"
    )
    assert await ours.must("mount", "docs") == f"docs is mounted at {ours.drive}\n"
    await kill(daemon(ours))  # it is looked after as before
    await comes_back(ours)


async def test_a_killed_supervisor_leaves_the_drives_and_the_next_takes_them_up(ours: World):
    await ours.must("up")
    await kill(supervisor(ours))
    kept = daemon(ours)
    (ours.drive / "file").write_text("still a drive")
    await ours.must("up")
    assert daemon(ours) == kept
    await kill(kept)
    await comes_back(ours)
    assert (ours.drive / "file").read_text() == "still a drive"
    await ours.must("umount", "pics")  # adopted, too: its end was in order
    assert "it was unmounted" in await ours.must("enable", "pics")


async def test_what_was_mounted_by_hand_is_taken_up_and_taken_down(ours: World):
    await ours.must("mount", "docs")
    pid = daemon(ours)
    await ours.must("up")
    assert daemon(ours) == pid
    assert "docs is unmounted" in await ours.must("down")
    await ended(pid)


async def test_down_takes_away_what_was_mounted_by_hand_without_a_supervisor(ours: World):
    await ours.must("mount", "docs")
    assert await ours.must("down") == "docs is unmounted\n"


async def test_a_drive_that_refuses_is_shown_with_its_sentence_and_tried_again(ours: World):
    ours.drive.mkdir(exist_ok=True)
    (ours.drive / "file").write_text("in the way")
    done = await ours.run("up")
    assert done.status == 1
    assert done.out == f"pics is mounted at {pics(ours)}\n"
    assert done.error.startswith("syncin-mount: docs: ")
    assert "is not empty" in done.error
    assert "; next try at " in done.error
    sentence = await ours.refused("mount", "docs", status=1)
    assert "is not empty" in sentence
    (ours.drive / "file").unlink()
    assert (
        await ours.must("up")
        == f"docs is mounted at {ours.drive}\npics is mounted at {pics(ours)}\n"
    )


class TestTheConfigurationIsFollowed:
    async def test_what_is_disabled_and_enabled_elsewhere(self, ours: World):
        """The file changes without a command that tells the supervisor: by an editor, or by the
        server's page."""
        await ours.must("disable", "pics")
        assert await ours.must("up") == f"docs is mounted at {ours.drive}\n"
        before = ours.config.read_text()
        ours.config.write_text(before.replace("enabled = false", "enabled = true"))

        async def there() -> bool:
            return is_mounted(pics(ours))

        await until(there, "the second drive")
        ours.config.write_text(before)

        async def gone() -> bool:
            return not listens(folders(ours).socket("pics"))

        await until(gone, "the end of the second drive")

    async def test_what_is_added_while_nothing_is_enabled(self, ours: World):
        await ours.must("disable", "docs", "pics")
        said = await ours.must("up")
        assert (
            said == "no synchronization is enabled yet; each is mounted as soon as it is added or"
            " enabled\n"
        )
        await ours.must("remove", "pics", "--yes")
        await ours.must(
            "add",
            "pics",
            "--server",
            "home",
            "--remote",
            "personal/pics",
            "--mountpoint",
            str(pics(ours)),
        )

        async def there() -> bool:
            return is_mounted(pics(ours))

        await until(there, "the new drive")

    async def test_a_broken_file_changes_nothing_and_is_told(self, ours: World):
        await ours.must("up")
        before = ours.config.read_text()
        ours.config.write_text("nonsense")
        log = folders(ours).log(NAME)

        async def told() -> bool:
            return "the configuration is not followed" in log.read_text()

        await until(told, "a line in the log")
        assert is_mounted(ours.drive)
        ours.config.write_text(before)
        await ours.must("up")


async def test_disable_unmounts_and_keeps_what_was_not_sent(ours: World):
    await ours.must("up")
    await ours.stop()
    (ours.drive / "file").write_text("kept")
    said = await ours.must("disable", "docs")
    assert said == "docs is disabled; it was unmounted; 1 change for the server waits here\n"
    assert not is_mounted(ours.drive)
    assert await ours.must("disable", "docs") == "docs was disabled already\n"
    assert await ours.must("up") == f"pics is mounted at {pics(ours)}\n"
    # By hand it can be mounted all the same, and is left alone then.
    await ours.must("mount", "docs")
    await ours.must("up")
    assert (ours.drive / "file").read_text() == "kept"
    assert (await ours.must("umount", "docs")).endswith("; 1 change for the server waits here\n")
    assert await ours.must("enable", "docs") == f"docs is enabled, and mounted at {ours.drive}\n"
    assert {each["path"] for each in await ours.json("journal", "docs")} == {"file"}


async def test_a_drive_in_use_is_not_taken_away(ours: World):
    await ours.must("up")
    with user_of(ours.drive) as user:
        because = f"files of it are open by sleep ({user.pid})"
        assert because in await ours.must("disable", "docs")
        done = await ours.run("down")
        assert done.status == 1
        assert f"'docs' cannot be unmounted: {because}" in done.error
        assert is_mounted(ours.drive)
        supervisor(ours)
        assert not is_mounted(pics(ours))

    async def gone() -> bool:
        return not is_mounted(ours.drive)

    await until(gone, "the end of the drive")


async def test_in_the_foreground_a_signal_unmounts_all(ours: World):
    with in_foreground(ours) as process:

        async def there() -> bool:
            return is_mounted(ours.drive) and is_mounted(pics(ours))

        await until(there, "both drives")
        drives = [daemon(ours, "docs"), daemon(ours, "pics")]
        process.send_signal(signal.SIGTERM)
        assert await trio.to_thread.run_sync(process.wait) == 0
        assert not is_mounted(ours.drive)
        assert not is_mounted(pics(ours))
        assert not any(map(alive, drives))


async def test_names_are_checked_before_anything_is_changed(ours: World):
    assert "there is no synchronization 'nothing'" in await ours.refused(
        "disable", "docs", "nothing"
    )
    assert [each["enabled"] for each in await ours.json("list")] == [True, True]
