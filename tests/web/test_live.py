"""What a tab is told of the drives, over the real control API: by one stream from each, however
many tabs there are, and nothing while nobody looks."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import trio
import trio.lowlevel

from syncin_mount.config import ConfigurationFile, Folders
from syncin_mount.control import watching
from syncin_mount.control.watching import NotTold
from syncin_mount.supervisor.supervisor import Supervisor
from syncin_mount.web import live as live_module
from syncin_mount.web.live import Live
from syncin_mount.web.runs import Runs
from tests.web.telling import TellingDrive, at_work, configure

PATIENCE = 30.0


class Desk:
    """Two drives, and tabs."""

    def __init__(self, place: Path, nursery: trio.Nursery) -> None:
        self.folders = Folders(place, place / "state", place / "run", portable=True)
        self.docs, self.music = configure(self.folders, ["docs", "music"], place)
        self.supervisor = Supervisor(self.folders)
        self.supervisor.read_configuration(must=True)
        self.live = Live(self.folders, self.supervisor, Runs(self.folders, nursery), nursery)


@pytest.fixture
def desk(tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(live_module, "REST_S", 0.05)
    monkeypatch.setattr(live_module, "FOLLOW_AGAIN_S", 0.05)
    return Desk(tmp_path, nursery)


class TabThere:
    """What a tab knows after the parts that it read."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts
        self.program: dict[str, Any] = {}
        self.cards: dict[str, dict[str, Any]] = {}
        self.read = 0

    async def until(self, condition: Callable[[TabThere], Any]) -> None:
        with trio.fail_after(PATIENCE):
            while not condition(self):
                self._take(await anext(self._parts))

    def _take(self, part: bytes) -> None:
        self.read += 1
        for line in map(json.loads, part.splitlines()):
            if line["event"] == "program":
                self.program = line
            elif line["event"] == "card":
                self.cards[line["name"]] = line
            else:
                del self.cards[line["name"]]

    def state(self, drive: TellingDrive) -> str | None:
        status = self.cards.get(drive.name, {}).get("status")
        return status and cast("str", status["state"])

    def known(self, drive: TellingDrive) -> int:
        return int(self.cards[drive.name]["status"]["known"])


async def until(condition: Callable[[], bool]) -> None:
    """Something that the kernel or hypercorn tells nobody of."""
    with trio.fail_after(PATIENCE):
        while not condition():
            await trio.lowlevel.checkpoint()


async def test_two_tabs_share_one_stream_and_a_hidden_page_has_none(desk: Desk):
    async with desk.docs.up(desk.folders):
        async with desk.live.watch() as one, desk.live.watch() as two:
            for parts in (one, two):
                await TabThere(parts).until(lambda tab: tab.state(desk.docs) == "idle")
            assert desk.docs.followers == 1
        await until(lambda: not desk.docs.followers)
        told = desk.docs.told
        desk.docs.change(known=7)
        async with desk.live.watch() as later:
            await TabThere(later).until(lambda tab: tab.state(desk.docs) and tab.known(desk.docs))
        assert desk.docs.told == told + 1  # nothing in between


async def test_a_thousand_changes_come_in_a_few_parts_and_end_with_the_last(desk: Desk):
    async with desk.docs.up(desk.folders), desk.live.watch() as parts:
        tab = TabThere(parts)
        await tab.until(lambda tab: tab.state(desk.docs) == "idle")
        before, began = tab.read, trio.current_time()
        for number in range(1, 1001):
            desk.docs.change(known=number, work=at_work(number, 1000))
            await trio.lowlevel.checkpoint()
        await tab.until(lambda tab: tab.known(desk.docs) == 1000)
        took = trio.current_time() - began
    assert tab.read - before <= took / live_module.TELL_EVERY_S + 2


async def test_a_tab_that_does_not_read_gets_the_latest_and_holds_up_nobody(desk: Desk):
    async with (
        desk.docs.up(desk.folders),
        desk.live.watch() as slow_parts,
        desk.live.watch() as parts,
    ):
        slow, tab = TabThere(slow_parts), TabThere(parts)
        await slow.until(lambda tab: tab.state(desk.docs) == "idle")
        await tab.until(lambda tab: tab.state(desk.docs) == "idle")
        for number in range(1, 6):
            desk.docs.change(known=number)
            await tab.until(partial(knows, desk.docs, number))
        before = slow.read
        await slow.until(lambda tab: tab.known(desk.docs) == 5)
        assert slow.read == before + 1


async def test_a_drive_that_ends_and_begins_is_followed(desk: Desk):
    async with desk.live.watch() as parts:
        tab = TabThere(parts)
        await tab.until(lambda tab: tab.state(desk.docs) == "unmounted")
        for _ in range(2):
            async with desk.docs.up(desk.folders):
                await tab.until(lambda tab: tab.state(desk.docs) == "idle")
            await tab.until(lambda tab: tab.state(desk.docs) == "unmounted")
    assert tab.program["order"] == ["docs", "music"]


async def test_a_daemon_of_an_older_version_is_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """It does not know the call."""
    monkeypatch.setattr(watching, "follow_drive", not_known)
    async with desk.docs.up(desk.folders), desk.live.watch() as parts:
        tab = TabThere(parts)
        await tab.until(lambda tab: tab.state(desk.docs) == "idle")
        desk.docs.change(known=3)
        await tab.until(lambda tab: tab.known(desk.docs) == 3)
        assert desk.docs.told == 0


def knows(drive: TellingDrive, number: int, tab: TabThere) -> bool:
    return tab.known(drive) == number


def not_known(path: Path, _patience: float) -> Any:
    raise NotTold(f"{path.name}: the daemon is of another version")


async def test_what_is_removed_and_added_comes_with_its_card(desk: Desk):
    async with desk.live.watch() as parts:
        tab = TabThere(parts)
        await tab.until(lambda tab: len(tab.cards) == 2)
        file = ConfigurationFile(desk.folders)
        file.update(lambda now: now.without_synchronization("music"))
        desk.live.look_now()
        await tab.until(lambda tab: [*tab.cards] == ["docs"])
        assert tab.program["order"] == ["docs"]
        configure(desk.folders, ["photos"], desk.folders.config)
        desk.live.look_now()
        await tab.until(lambda tab: "photos" in tab.cards)


@pytest.mark.expected_log("the configuration is not followed")
async def test_a_configuration_that_cannot_be_read_is_told(desk: Desk):
    async with desk.live.watch() as parts:
        tab = TabThere(parts)
        await tab.until(lambda tab: len(tab.cards) == 2)
        desk.folders.config_file.write_text("nonsense = [")
        desk.live.look_now()
        await tab.until(lambda tab: tab.program["trouble"])
        assert len(tab.cards) == 2


async def test_many_drives_take_a_descriptor_each_and_give_it_back(desk: Desk, tmp_path: Path):
    drives = configure(desk.folders, [f"n{number}" for number in range(50)], tmp_path)
    desk.supervisor.read_configuration()
    before = len(os.listdir("/proc/self/fd"))
    async with AsyncExitStack() as stack:
        for each in drives:
            await stack.enter_async_context(each.up(desk.folders))
        async with desk.live.watch() as parts:
            tab = TabThere(parts)
            await tab.until(lambda tab: all(tab.state(each) == "idle" for each in drives))
            assert all(each.followers == 1 for each in drives)
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before)
