"""A daemon that hangs says nothing: its card says so, and it is followed again when it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio

from syncin_mount.config import Folders
from syncin_mount.control import client, silence, watching
from syncin_mount.control.conflict_messages import ConflictRequest, ReadVersionRequest
from syncin_mount.control.failures import NoAnswer
from syncin_mount.control.messages import SyncRequest
from syncin_mount.supervisor.supervisor import Supervisor
from syncin_mount.web import live as live_module
from syncin_mount.web.live import Live
from syncin_mount.web.runs import Runs
from tests.web.telling import configure
from tests.web.test_live import Desk, TabThere, until


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with the drive "drive0", which is configured."""
    command = [sys.executable, "-m", "tests.web.telling_process", str(tmp_path), "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


async def test_one_that_hangs_says_so_and_keeps_nobody_from_anything(
    daemon: subprocess.Popen[bytes],
    tmp_path: Path,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(watching, "SILENT_S", 0.1)
    monkeypatch.setattr(silence, "ANSWERS_S", 0.5)
    monkeypatch.setattr(live_module, "REST_S", 0.05)
    folders = Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)
    [other] = configure(folders, ["other"], tmp_path)
    supervisor = Supervisor(folders)
    supervisor.read_configuration(must=True)
    live = Live(folders, supervisor, Runs(folders, nursery), nursery)
    async with live.watch() as parts:
        tab = TabThere(parts)
        await tab.until(lambda tab: (tab.cards.get("drive0", {}).get("status") or {}).get("known"))
        os.kill(daemon.pid, signal.SIGSTOP)
        await tab.until(lambda tab: "does not answer" in str(tab.cards["drive0"]["error"]))
        async with other.up(folders):
            await tab.until(lambda tab: tab.state(other) == "idle")
        os.kill(daemon.pid, signal.SIGCONT)
        await tab.until(lambda tab: tab.cards["drive0"]["error"] is None)
        assert tab.cards["drive0"]["status"]["state"] == "idle"


async def test_conflicts_of_one_that_hangs_are_not_waited_for(
    daemon: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(silence, "ANSWERS_S", 0.5)
    folders = Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)
    which = ConflictRequest(number=1)
    os.kill(daemon.pid, signal.SIGSTOP)
    async with client.Client(folders.socket("drive0")) as drive:
        for ask in (
            drive.conflicts,
            partial(drive.versions, which),
            partial(drive.read_version, ReadVersionRequest(1, "named")),
        ):
            with trio.fail_after(10), pytest.raises(NoAnswer):
                await ask()


async def test_long_work_of_one_that_hangs_is_not_waited_for(
    daemon: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(client, "FIRST_LOOK_S", 0.05)
    monkeypatch.setattr(silence, "ANSWERS_S", 0.2)
    folders = Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)
    which = ConflictRequest(number=1)
    os.kill(daemon.pid, signal.SIGSTOP)
    async with client.Client(folders.socket("drive0")) as drive:

        async def sync() -> None:
            async with drive.sync(SyncRequest()) as events:
                async for _ in events:
                    pass

        for ask in (partial(drive.explain, "a"), partial(drive.swap, which), sync):
            with trio.fail_after(10), pytest.raises(NoAnswer):
                await ask()


async def test_one_that_has_nothing_to_say_is_not_taken_for_one_that_hangs(
    tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watching, "SILENT_S", 0.05)
    desk = Desk(tmp_path, nursery)
    async with desk.docs.up(desk.folders), desk.live.watch() as parts:
        await TabThere(parts).until(lambda tab: tab.state(desk.docs) == "idle")
        asked = desk.docs.asked
        await until(lambda: desk.docs.asked >= asked + 3)
        assert (desk.docs.followers, desk.docs.told) == (1, 1)
