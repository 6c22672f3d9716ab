"""The tray icon of the real supervisor, on a message bus of the test's, with a panel that shows and
clicks it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from syncin_mount.config import ConfigurationFile, Folders
from syncin_mount.control.supervision import NAME
from syncin_mount.control.transport import listener_of
from syncin_mount.system.processes import alive
from tests.cli.conftest import World, until
from tests.daemon.buses import BusProcess, bus_process
from tests.daemon.test_desktop import desktop
from tests.tray.panels import Panel, panel

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

QUIT = "Unmount all drives and quit"


def folders(home: Path) -> Folders:
    return Folders(home, home / "state", home / "run", portable=True)


def supervisor(home: Path) -> int:
    pid = listener_of(folders(home).socket(NAME))
    assert pid is not None
    return pid


async def ended(pid: int) -> None:
    async def gone() -> bool:
        return not alive(pid)

    await until(gone, "the end of the process")


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """A program stands in the folder."""
    with subprocess.Popen(["sleep", "1000"], cwd=folder) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[BusProcess]:
    with bus_process(tmp_path / "bus") as found:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", found.address)
        yield found


@pytest.fixture
async def up(world: World, bus: BusProcess) -> AsyncIterator[World]:
    """Logged in, and ``docs`` is up; whatever a test leaves is taken away."""
    await world.log_in()
    await world.add("--every", "1d")
    await world.must("up")
    yield world
    with trio.CancelScope(shield=True):
        await world.run("down", "--force")
        left = listener_of(folders(world.home).socket(NAME))
        if left:
            os.kill(left, signal.SIGKILL)
            await ended(left)
            await world.run("down", "--force")


@pytest.fixture
async def shown(up: World, bus: BusProcess) -> AsyncIterator[Panel]:
    async with panel(bus.address) as found:
        await found.item("docs: up to date")
        yield found


async def test_sync_now_begins_a_run(up: World, shown: Panel):
    async def has_run() -> bool:
        return (await up.json("status", "docs"))[0]["last_run"] is not None

    await until(has_run, "the first run")  # the next one is due tomorrow
    (up.disk / "new.txt").write_text("from another computer")
    await shown.click("Sync now")

    async def came() -> bool:
        there = await trio.to_thread.run_sync(lambda: os.listdir(up.drive))
        return "new.txt" in there

    await until(came, "the file")
    await shown.item("docs: up to date")


async def test_pause_and_resume(up: World, shown: Panel):
    file = ConfigurationFile(folders(up.home))
    await shown.click("Pause")
    labels = await shown.shown(lambda labels: "docs: paused" in labels and "Resume" in labels)
    assert "Sync now" not in labels
    assert file.read().synchronizations["docs"].paused
    assert (await up.json("status", "docs"))[0]["state"] == "paused"
    await shown.click("Resume")
    await shown.shown(lambda labels: "docs: up to date" in labels and "Sync now" in labels)
    assert not file.read().synchronizations["docs"].paused


async def test_open_folder_asks_the_file_manager(up: World, shown: Panel, bus: BusProcess):
    async with desktop(bus.address, "org.freedesktop.FileManager1") as there:
        await shown.click("Open folder")
        await there.until_opened(1)
    assert there.opened == [up.drive.as_uri()]


async def test_the_page_opens_in_the_browser(up: World, shown: Panel, bus: BusProcess):
    async with desktop(bus.address, "org.freedesktop.portal.Desktop") as there:
        await shown.click("Open the page")
        await there.until_opened(1)
    assert there.opened[0].startswith("http://127.0.0.1:")
    assert "#ticket=" in there.opened[0]


async def test_a_drive_that_was_unmounted_is_mounted_again(up: World, shown: Panel):
    await up.must("umount", "docs")
    await shown.item("docs: not mounted")
    await shown.click("Mount")
    await shown.shown(lambda labels: "Open folder" in labels)
    assert up.drive.is_mount()


async def test_quit_unmounts_all_and_ends_the_supervisor(up: World, shown: Panel):
    pid = supervisor(up.home)
    await shown.click(QUIT)
    await ended(pid)
    assert not up.drive.is_mount()
    assert await up.must("down") == "nothing is mounted\n"


async def test_a_drive_with_open_files_stays_and_that_is_told(
    up: World, shown: Panel, bus: BusProcess
):
    pid = supervisor(up.home)
    async with desktop(bus.address) as there:
        with in_use(up.drive):
            await shown.click(QUIT)

            async def told() -> bool:
                return bool(there.notices)

            await until(told, "the notice")
    assert there.notices[0][3] == "Not all drives could be unmounted"
    assert "'docs' cannot be unmounted: files " in there.notices[0][4]
    assert up.drive.is_mount()
    assert supervisor(up.home) == pid


async def test_the_setting_is_followed_while_it_runs(up: World, shown: Panel):
    config = up.config.read_text()
    up.config.write_text(f"{config}\n[program]\ntray = false\n")

    async def gone() -> bool:
        return not await shown.is_there()

    await until(gone, "the end of the icon")
    up.config.write_text(config)
    await shown.until(lambda: len(shown.registered) == 2)
    await shown.item("docs: up to date")


async def test_a_bus_that_is_killed_harms_no_drive(up: World, bus: BusProcess):
    pid = supervisor(up.home)
    try:
        async with panel(bus.address) as found:
            await found.item("docs: up to date")
            bus.kill()
            await trio.sleep_forever()
    except* trio.EndOfChannel:
        pass
    assert await up.must("up") == f"docs is mounted at {up.drive}\n"
    assert supervisor(up.home) == pid


async def test_two_supervisors_have_an_icon_each(up: World, shown: Panel):
    home, drive = up.base / "home2", up.base / "drive2"
    await up.log_in(home=home)
    await up.add(home=home, drive=drive)
    try:
        await up.must("up", home=home)
        await shown.until(lambda: len(shown.registered) == 2)
        assert len(set(shown.registered)) == 2
        await shown.click("Pause")
        await shown.item("docs: paused")
        assert ConfigurationFile(folders(home)).read().synchronizations["docs"].paused
        assert not ConfigurationFile(folders(up.home)).read().synchronizations["docs"].paused
    finally:
        with trio.CancelScope(shield=True):
            await up.run("down", "--force", home=home)


def test_the_program_keeps_the_setting(tmp_path: Path):
    file = ConfigurationFile(folders(tmp_path))
    file.path.write_text("[program]\ntray = false\n")
    assert not file.read().tray
    file.update(lambda now: replace(now, synchronizations={}))
    assert not file.read().tray
