"""The drive behind one port: mounted and unmounted say and do the same."""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from syncin_mount.app.drives import mounted_service
from syncin_mount.app.drives.drive import Drive
from syncin_mount.app.drives.mounted import MountedDrive
from syncin_mount.app.drives.mounted_service import MountedService, status_of
from syncin_mount.app.drives.open_drive import ask_drive, is_mounted, open_drive
from syncin_mount.app.drives.unmounted import UnmountedDrive
from syncin_mount.app.errors import NeverSynchronized, NotMounted
from syncin_mount.app.messages import sentence
from syncin_mount.app.processes.notices import Notice
from syncin_mount.app.processes.notify import notify
from syncin_mount.app.runtime.runtime import Runtime, open_runtime
from syncin_mount.app.runtime.turns import RememberedRun
from syncin_mount.config import ConfigurationFile, Folders, Server, Synchronization
from syncin_mount.config.model import Scheduler, Unit
from syncin_mount.control.failures import ControlError
from syncin_mount.control.messages import TransferQuery
from syncin_mount.control.server import serve_control
from syncin_mount.control.service import NotDone
from syncin_mount.control.watching import follow_drive, watch_drive
from tests.store.support import make

SERVER = Server("cloud", "http://127.0.0.1:9", "user1", "0c7a0d2e-0000-4000-8000-000000000001")


class Computer:
    """A configured drive whose server is away. `mounted` serves its control API as a daemon does,
    without the frontend."""

    def __init__(self, place: Path) -> None:
        self.folders = Folders(place, place / "state", place / "run", portable=True)
        self.docs = Synchronization(
            "docs", "cloud", "personal/docs", place / "docs", path_id=1, permissions="a:d:m"
        )
        self.configuration = ConfigurationFile(self.folders).update(
            lambda now: now.with_server(SERVER).with_synchronization(self.docs)
        )
        self.drive = functools.partial(open_drive, self.folders, self.configuration, self.docs)

    @asynccontextmanager
    async def mounted(self, stopping: trio.Event | None = None) -> AsyncIterator[Runtime]:
        async with (
            open_runtime(self.folders, SERVER, self.docs, alone=True) as runtime,
            trio.open_nursery() as nursery,
        ):
            end = trio.Event() if stopping is None else stopping
            service = MountedService(runtime, end, manual=False)
            await nursery.start(serve_control, service, self.folders.socket("docs"), sentence)
            yield runtime
            nursery.cancel_scope.cancel()

    async def has_changes(self) -> None:
        async with open_runtime(self.folders, SERVER, self.docs, alone=True) as runtime:
            for name in ("a.txt", "b.txt"):
                make(runtime.replica, name)


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path)


async def test_the_port_is_opened_as_the_drive_is(computer: Computer) -> None:
    async with computer.drive() as drive:
        assert isinstance(drive, UnmountedDrive)
        assert not drive.mounted
    async with computer.mounted():
        assert is_mounted(computer.folders, "docs")
        async with computer.drive() as drive:
            assert isinstance(drive, MountedDrive)
            assert (drive.name, drive.mounted) == ("docs", True)


async def test_both_tell_the_same(computer: Computer) -> None:
    await computer.has_changes()

    async def told() -> tuple[object, ...]:
        async with computer.drive() as drive:
            journal = [(each.sequence, each.op, each.path) for each in await drive.journal()]
            status = await drive.status()
            return (
                journal,
                await drive.transfers(TransferQuery()),
                await drive.bin.entries(),
                (status.name, status.waiting, status.known, status.absent, status.held),
            )

    at_rest = await told()
    async with computer.mounted():
        at_work = await told()
    assert at_rest == at_work
    # what `told` gives is declared as object
    assert len(at_rest[0]) == 2  # type: ignore[arg-type]


async def test_what_one_holds_the_other_releases(computer: Computer) -> None:
    await computer.has_changes()
    async with computer.drive() as drive:
        number = (await drive.journal())[0].sequence
        [held] = await drive.hold([number])
    async with computer.mounted(), computer.drive() as drive:
        assert [each.held for each in await drive.journal()] == [True, False]
        [again] = await drive.hold([number])
        [released] = await drive.release([number])
    assert held == again
    async with computer.drive() as drive:
        [refused] = await drive.release([number])
        [unknown] = await drive.discard([10**6])
    assert (released.done, refused.done, unknown.done) == (True, False, False)


async def test_a_bin_without_the_entry_says_what_to_do(computer: Computer) -> None:
    async with computer.drive() as drive:
        with pytest.raises(NeverSynchronized):
            await drive.bin.restore("1", None)
        assert await drive.bin.empty(["1"]) == 0
    await computer.has_changes()
    async with computer.drive() as drive:
        with pytest.raises(NotDone) as at_rest:
            await drive.bin.restore("1", None)
    async with computer.mounted(), computer.drive() as drive:
        with pytest.raises(ControlError) as at_work:
            await drive.bin.restore("1", None)
    told = "the bin has no entry '1'; look with: syncin-mount bin list docs"
    assert sentence(at_rest.value) == sentence(at_work.value) == told


async def test_a_pause_and_a_limit_hold_however_they_are_set(computer: Computer) -> None:
    file = ConfigurationFile(computer.folders)
    async with computer.drive() as drive:
        assert await drive.pause() is None
        assert await drive.limit(4096, None) is None
        assert (await drive.status()).paused is False  # as it was configured when it was opened
    now = file.read().synchronizations["docs"]
    assert (now.paused, now.limit_up, now.limit_down) == (True, 4096, None)
    async with computer.mounted(), computer.drive() as drive:
        assert await drive.resume() is None
        assert await drive.limit(None, 8192) is None
    now = file.read().synchronizations["docs"]
    assert (now.paused, now.limit_up, now.limit_down) == (False, None, 8192)


async def test_nothing_sends_by_itself_where_nothing_is_mounted(computer: Computer) -> None:
    async with computer.drive() as drive:
        with pytest.raises(NotMounted) as refused:
            await drive.wait_synced()
    assert sentence(refused.value).endswith("; run: syncin-mount sync docs")


async def test_a_daemon_that_ends_meanwhile_leaves_the_drive_at_rest(computer: Computer) -> None:
    await computer.has_changes()
    asked: list[bool] = []
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(computer.mounted())

        async def ask(drive: Drive) -> list[str]:
            asked.append(drive.mounted)
            if drive.mounted:
                await stack.aclose()
            return [each.path for each in await drive.journal()]

        found = await ask_drive(computer.folders, computer.configuration, computer.docs, ask)
    assert asked == [True, False]
    assert found == ["a.txt", "b.txt"]


async def test_a_notice_reaches_who_is_mounted_alone(computer: Computer) -> None:
    assert await notify(computer.folders, ["docs"], Notice.CONFIGURATION) == []
    async with computer.mounted():
        assert await notify(computer.folders, ["docs", "other"], Notice.SERVER) == []


async def test_who_follows_a_drive_is_told_of_what_was_asked_for_at_once(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounted_service, "WATCH_EVERY", 3600.0)
    stopping = trio.Event()
    told: list[str] = []
    with trio.fail_after(30):
        async with (
            computer.mounted(stopping) as runtime,
            follow_drive(computer.folders.socket("docs")) as changes,
        ):
            async for each in changes:
                told.append(each.state)
                if not runtime.link.paused:
                    runtime.pause(True)
                    await notify(computer.folders, ["docs"], Notice.SERVER)
                else:
                    stopping.set()
    assert told == ["idle", "paused"]


async def test_an_interval_alone_makes_no_moment_different(computer: Computer) -> None:
    """When the next run is due is counted anew at each look."""
    computer.docs = replace(computer.docs, scheduler=Scheduler(1, Unit.DAY))
    await computer.has_changes()
    RememberedRun(computer.folders.replica("docs")).save(time.time_ns() - 3600 * 10**9)
    async with computer.mounted() as runtime:
        looks = [status_of(runtime, mounted=True).next_run for _ in range(20)]
        assert looks[0] is not None
        assert len(set(looks)) == 1


@pytest.mark.slow
async def test_who_watches_a_drive_is_told_when_it_changes_and_until_it_ends(
    computer: Computer,
) -> None:
    await computer.has_changes()
    stopping = trio.Event()
    with trio.fail_after(30):
        async with computer.mounted(stopping) as runtime:
            told: list[tuple[str, int]] = []
            async with watch_drive(computer.folders.socket("docs")) as changes:
                async for each in changes:
                    told.append((each.state, each.waiting))
                    if not runtime.link.paused:
                        runtime.pause(True)
                    elif each.waiting == 2:
                        make(runtime.replica, "c.txt")
                    else:
                        stopping.set()
    assert told == [("idle", 2), ("paused", 2), ("paused", 3)]
