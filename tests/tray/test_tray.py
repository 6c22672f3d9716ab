"""The icon on a real message bus, with a panel of the test's and a supervisor that says what the
test wants. (test_supervisor.py has the real one.)

This file is long because every test needs the same bus, panel and supervisor.
"""

from __future__ import annotations

import logging
import math
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import trio
import trio.testing
from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    Properties,
    message_bus,
    new_method_call,
    new_signal,
)
from jeepney.io.trio import open_dbus_connection

from syncin_mount.config import Configuration, Folders, Synchronization
from syncin_mount.control.supervision import Phase, Supervised
from syncin_mount.desktop.session_bus import BUS
from syncin_mount.tray import tray
from syncin_mount.tray.icon import SIZES
from syncin_mount.tray.item import ITEM, ITEM_INTERFACE, MENU, MENU_INTERFACE
from syncin_mount.tray.tray import UPDATE_EVERY, WATCHER, keep_tray
from tests.daemon.buses import BusProcess, bus_process
from tests.daemon.test_desktop import desktop
from tests.tray.panels import LIMIT, Panel, panel
from tests.web.telling import TellingDrive, status_of


@dataclass
class Supervision:
    """Says what it is told to say."""

    configuration: Configuration = field(default_factory=Configuration)
    phases: dict[str, Supervised] = field(default_factory=dict)
    mounted: list[str] = field(default_factory=list)
    _changed: trio.Event = field(default_factory=trio.Event)

    def supervised(self) -> tuple[Supervised, ...]:
        return tuple(self.phases.values())

    async def wait_changed(self) -> None:
        await self._changed.wait()

    def mount(self, name: str) -> None:
        self.mounted.append(name)

    def has(self, *names: str, phase: Phase = Phase.DOWN, why: str | None = None) -> None:
        for name in names:
            self.configuration = self.configuration.with_synchronization(
                Synchronization(name, "home", f"personal/{name}", Path(f"/mnt/{name}"))
            )
            self.phases[name] = Supervised(name, phase, why=why)
        self.change()

    def change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[BusProcess]:
    with bus_process(tmp_path / "bus") as found:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", found.address)
        yield found


@pytest.fixture
def supervision() -> Supervision:
    found = Supervision()
    found.has("docs")
    return found


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)


@pytest.fixture
async def icon(
    bus: BusProcess, folders: Folders, supervision: Supervision, nursery: trio.Nursery
) -> None:
    """It runs."""
    nursery.start_soon(keep_tray, folders, supervision)


@pytest.fixture
async def shown(bus: BusProcess, icon: None) -> AsyncIterator[Panel]:
    """A panel that shows it."""
    async with panel(bus.address) as found:
        await found.icon()
        yield found


@asynccontextmanager
async def within_limit() -> AsyncIterator[None]:
    with trio.fail_after(LIMIT):
        yield


def deadline() -> float:
    """Seconds until a timer wakes anything in this process."""
    return trio.lowlevel.current_statistics().seconds_to_next_deadline


async def test_the_icon_has_pixels_a_tooltip_and_a_menu(shown: Panel):
    found = await shown.properties()
    assert (found["Category"], found["Id"]) == ("ApplicationStatus", "syncin-mount")
    assert (found["Status"], found["IconName"], found["Menu"]) == ("Active", "", MENU)
    assert found["ItemIsMenu"] is True
    assert [(width, height, len(pixels)) for width, height, pixels in found["IconPixmap"]] == [
        (size, size, 4 * size * size) for size in SIZES
    ]
    assert found["ToolTip"] == ("", [], "Sync-in: not mounted", "docs: not mounted")
    assert set(await shown.labels()) == {
        "docs: not mounted",
        "Mount",
        "Pause",
        "Unmount all drives and quit",
    }


async def test_a_change_is_told_and_nothing_else(shown: Panel, supervision: Supervision):
    await shown.labels()
    shown.signals.clear()
    supervision.has("docs", phase=Phase.WAITING, why="it is broken")
    await shown.until(lambda: len(shown.signals) == 4)
    told = {(path, member): body for path, member, body in shown.signals}
    assert told.keys() == {
        (ITEM, "NewIcon"),
        (ITEM, "NewStatus"),
        (ITEM, "NewToolTip"),
        (MENU, "LayoutUpdated"),
    }
    assert told[ITEM, "NewStatus"] == ("NeedsAttention",)
    revision, parent = told[MENU, "LayoutUpdated"]
    assert (revision, parent) == ((await shown.layout())[0], 0)
    assert "docs cannot be mounted …" in await shown.labels()
    supervision.change()
    await shown.layout()
    assert len(shown.signals) == 4


async def test_another_label_alone_is_no_new_menu(shown: Panel, supervision: Supervision):
    number = await shown.item("docs: not mounted")
    shown.signals.clear()
    supervision.has("docs", phase=Phase.WAITING)
    await shown.until(lambda: len(shown.signals) == 2)
    (updated, removed) = next(
        body for _, member, body in shown.signals if member == "ItemsPropertiesUpdated"
    )
    label = ("s", "docs: being mounted")
    assert (updated, removed) == ([(number, {"label": label, "enabled": ("b", False)})], [])


@pytest.mark.slow
async def test_a_storm_of_changes_is_told_at_a_pace(shown: Panel, supervision: Supervision):
    await shown.labels()
    shown.signals.clear()
    began = time.monotonic()
    for _ in range(200):
        for why in ("one", None):
            supervision.has("docs", phase=Phase.WAITING, why=why)
            await trio.sleep(0.002)
    supervision.has("docs", phase=Phase.WAITING, why="the end")
    await shown.shown(lambda labels: "docs cannot be mounted …" in labels)
    seconds = time.monotonic() - began
    assert len(shown.signals) <= 5 * (seconds / UPDATE_EVERY + 2)


@pytest.mark.slow
async def test_no_timer_wakes_the_supervisor_while_nothing_happens(
    shown: Panel, folders: Folders, supervision: Supervision
):
    drive = TellingDrive("docs", status_of(supervision.configuration.synchronizations["docs"]))
    async with drive.up(folders):
        supervision.has("docs", phase=Phase.UP)
        await shown.shown(lambda labels: "docs: up to date" in labels)
        end = time.monotonic() + LIMIT
        while deadline() < math.inf:  # until one update more would be told
            assert time.monotonic() < end, "a timer goes on for ever"
            await trio.lowlevel.checkpoint()
        shown.signals.clear()
        await trio.testing.wait_all_tasks_blocked(0.2)
        assert (deadline(), shown.signals) == (math.inf, [])


async def test_hundreds_of_drives(shown: Panel, supervision: Supervision):
    supervision.has(*(f"d{number}" for number in range(400)), phase=Phase.STARTING)
    labels = await shown.shown(lambda labels: "d20: being mounted" in labels)
    assert "and 371 more" in labels
    assert len(labels) < 150
    (_, _, _, text) = (await shown.properties())["ToolTip"]
    assert text.splitlines()[-1] == "and 391 more"


# the panel ----------------------------------------------------------------------------------------


async def test_a_panel_that_starts_again_gets_the_icon_again(
    bus: BusProcess, icon: None, supervision: Supervision
):
    for state in ("not mounted", "being mounted", "not mounted"):
        phase = Phase.STARTING if state == "being mounted" else Phase.DOWN
        supervision.has("docs", phase=phase)
        async with panel(bus.address) as found:
            assert f"docs: {state}" in await found.labels()
            assert found.registered == [await found.icon()]


async def test_a_panel_that_is_busy_is_asked_again(
    bus: BusProcess, folders: Folders, supervision: Supervision, nursery, monkeypatch
):
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    monkeypatch.setattr(tray, "_rest", rest)
    async with panel(bus.address) as found:
        found.refuses = 6
        nursery.start_soon(keep_tray, folders, supervision)
        await found.icon()
    assert rests[:6] == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0]


@pytest.mark.slow
async def test_a_panel_that_does_not_answer_is_asked_again(
    bus: BusProcess,
    folders: Folders,
    supervision: Supervision,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("syncin_mount.desktop.session_bus.PATIENCE", 1.0)
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    monkeypatch.setattr(tray, "_rest", rest)
    async with panel(bus.address) as found:
        found.keeps_silent = 2
        nursery.start_soon(keep_tray, folders, supervision)
        await found.icon()
        nursery.cancel_scope.cancel()
    assert rests == [2.0, 4.0]


async def test_clicks_on_what_is_gone_and_other_events_do_nothing(
    shown: Panel, supervision: Supervision
):
    number = await shown.item("Mount")
    for event in ("hovered", "opened", "closed", "nonsense"):
        await shown.ask(shown.call("Event", "isvu", number, event, ("i", 0), 0))
    await shown.ask(shown.call("Event", "isvu", 9999, "clicked", ("i", 0), 0))
    assert supervision.mounted == []
    (unknown,) = await shown.ask(
        shown.call(
            "EventGroup",
            "a(isvu)",
            [(number, "clicked", ("i", 0), 0), (9999, "clicked", ("i", 0), 0)],
        )
    )
    assert unknown == [9999]
    await shown.until(lambda: True)
    with trio.fail_after(LIMIT):
        while not supervision.mounted:  # noqa: ASYNC110 (a task of the icon's)
            await trio.sleep(0.01)
    assert supervision.mounted == ["docs"]


def calls(name: str) -> list[Message]:
    menu, item = DBusAddress(MENU, name, MENU_INTERFACE), DBusAddress(ITEM, name, ITEM_INTERFACE)
    return [
        new_method_call(menu, "GetLayout", "s", ("x",)),
        new_method_call(menu, "GetLayout", "iias", (77, -1, [])),
        new_method_call(menu, "GetProperty", "is", (0, "nothing")),
        new_method_call(menu, "Event", "i", (1,)),
        new_method_call(menu, "EventGroup", "as", (["x"],)),
        new_method_call(menu, "GetGroupProperties", "aias", (list(range(20_000)), [])),
        new_method_call(menu, "Nonsense"),
        new_method_call(item, "Nonsense"),
        new_method_call(DBusAddress("/", name, ITEM_INTERFACE), "Activate", "ii", (0, 0)),
        new_method_call(DBusAddress(ITEM, name, "org.example.Other"), "Activate", "ii", (0, 0)),
        Properties(item).get("Nothing"),
        Properties(item).set("Title", "s", "x"),
        new_method_call(DBusAddress(ITEM, name, "org.freedesktop.DBus.Properties"), "Get"),
    ]


async def test_nonsense_is_answered_with_an_error_and_harms_nothing(shown: Panel):
    name = await shown.icon()
    for call in calls(name):
        reply = await shown.reply(call)
        assert reply.header.message_type is MessageType.error, call
    assert "Mount" in await shown.labels()


async def test_what_hosts_ask_besides_is_answered(shown: Panel):
    name = await shown.icon()
    for path, word in ((ITEM, "IconPixmap"), (MENU, "AboutToShow")):
        introspect = DBusAddress(path, name, "org.freedesktop.DBus.Introspectable")
        (text,) = await shown.ask(new_method_call(introspect, "Introspect"))
        assert word in text
    await shown.ask(new_method_call(DBusAddress("/", name, "org.freedesktop.DBus.Peer"), "Ping"))
    item = DBusAddress(ITEM, name, ITEM_INTERFACE)
    for member in ("Activate", "SecondaryActivate", "ContextMenu"):
        await shown.ask(new_method_call(item, member, "ii", (0, 0)))
    assert await shown.ask(Properties(item).get("Title")) == (("s", "Sync-in"),)
    assert await shown.ask(shown.call("AboutToShow", "i", 0)) == (False,)
    assert await shown.ask(shown.call("AboutToShowGroup", "ai", [0, 77])) == ([], [77])
    menu = Properties(DBusAddress(MENU, name, MENU_INTERFACE))
    assert await shown.ask(menu.get("Version")) == (("u", 3),)
    (group,) = await shown.ask(shown.call("GetGroupProperties", "aias", [], ["label"]))
    assert ("s", "Mount") in [properties.get("label") for _, properties in group]


async def test_a_stranger_is_not_believed_that_the_panel_is_gone(
    supervision: Supervision, bus: BusProcess, shown: Panel
):
    name = await shown.icon()
    async with await open_dbus_connection(bus.address) as stranger:
        forged = new_signal(
            DBusAddress("/org/freedesktop/DBus", interface=BUS),
            "NameOwnerChanged",
            "sss",
            (WATCHER, ":1.1", ""),
        )
        forged.header.fields[HeaderFields.destination] = name
        await stranger.send(forged)
        await stranger.send(message_bus.GetId())
        while (await stranger.receive()).header.message_type is not MessageType.method_return:
            pass  # so the bus has passed it on
        await shown.labels()
    supervision.has("docs", phase=Phase.STARTING)
    await shown.item("docs: being mounted")
    assert shown.registered == [name]


# settings and the bus -----------------------------------------------------------------------------


async def test_the_setting_takes_it_away_and_brings_it_back(shown: Panel, supervision: Supervision):
    supervision.configuration = replace(supervision.configuration, tray=False)
    supervision.change()
    with trio.fail_after(LIMIT):
        while await shown.is_there():  # noqa: ASYNC110 (the bus's own task)
            await trio.sleep(0.01)
    supervision.configuration = replace(supervision.configuration, tray=True)
    supervision.change()
    await shown.until(lambda: len(shown.registered) == 2)
    assert "Mount" in await shown.labels()


async def test_without_a_bus_it_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, folders: Folders, supervision: Supervision
):
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    with trio.fail_after(1):
        await keep_tray(folders, supervision)


async def test_where_there_is_no_tray_nothing_happens(
    icon: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    caplog.set_level(logging.INFO)
    rests: list[float] = []
    monkeypatch.setattr(tray, "_rest", rests.append)
    with trio.move_on_after(1):
        await trio.sleep_forever()
    assert (caplog.messages, rests) == ([], [])


async def test_a_bus_that_ends_and_comes_back(
    bus: BusProcess,
    folders: Folders,
    supervision: Supervision,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
):
    caplog.set_level(logging.INFO)
    tried = trio.Event()
    goes_on = trio.Event()
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 8:
            tried.set()
            await goes_on.wait()

    monkeypatch.setattr(tray, "_rest", rest)
    nursery.start_soon(keep_tray, folders, supervision)
    with trio.fail_after(LIMIT):
        try:
            async with panel(bus.address) as found:
                await found.icon()
                bus.kill()
                await trio.sleep_forever()
        except* (trio.EndOfChannel, trio.BrokenResourceError):  # as much as was unread
            pass
        await tried.wait()
        assert rests == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
        (tmp_path / "bus").unlink(missing_ok=True)
        with bus_process(tmp_path / "bus") as again:
            goes_on.set()
            async with panel(again.address) as found:
                assert "Mount" in await found.labels()
            nursery.cancel_scope.cancel()
    # one sentence for the end, and one for each reason why there is none
    assert len(caplog.messages) == len(set(caplog.messages)) <= 3


Talk = Callable[[trio.SocketStream], Awaitable[None]]


async def hangs(stream: trio.SocketStream) -> None:
    await trio.sleep_forever()


async def hangs_up(stream: trio.SocketStream) -> None:
    await stream.receive_some(100)


async def talks_nonsense(stream: trio.SocketStream) -> None:
    await stream.receive_some(100)
    await stream.send_all(b"\xff" * 100_000 + b"\r\n")
    await trio.sleep_forever()


async def greets(stream: trio.SocketStream) -> None:
    while b"BEGIN" not in (line := await stream.receive_some(4096)):
        await stream.send_all(
            b"OK 0123456789abcdef0123456789abcdef\r\n" if b"AUTH" in line else b""
        )


async def takes_nothing(stream: trio.SocketStream) -> None:
    await greets(stream)
    await trio.sleep_forever()


async def talks_nonsense_later(stream: trio.SocketStream) -> None:
    await greets(stream)
    await stream.send_all(bytes(range(256)) * 100)
    await trio.sleep_forever()


async def announces_much(stream: trio.SocketStream) -> None:
    """A message of 100 MiB, of which as much comes as is taken."""
    await greets(stream)
    await stream.send_all(b"l\x04\x00\x01" + (100 << 20).to_bytes(4, "little") + b"\1\0\0\0" * 2)
    while True:
        await stream.send_all(bytes(65536))


@pytest.mark.parametrize(
    "talk",
    [hangs, hangs_up, talks_nonsense, takes_nothing, talks_nonsense_later, announces_much],
)
async def test_no_bus_hurts(
    talk: Talk,
    folders: Folders,
    supervision: Supervision,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("syncin_mount.desktop.session_bus.PATIENCE", 0.2)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
    tried = trio.Event()
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 3:
            tried.set()
            await trio.sleep_forever()

    monkeypatch.setattr(tray, "_rest", rest)
    listener = trio.socket.socket(socket.AF_UNIX)
    await listener.bind(str(tmp_path / "bus"))
    listener.listen()

    async def serve(stream: trio.SocketStream) -> None:
        try:
            await talk(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def run() -> None:
        await trio.serve_listeners(serve, [trio.SocketListener(listener)])

    nursery.start_soon(run)
    nursery.start_soon(keep_tray, folders, supervision)
    with trio.fail_after(LIMIT):
        await tried.wait()
    assert rests == [2.0, 4.0, 8.0]
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("there is no tray icon: ")
    if talk is announces_much:
        assert caplog.messages[0].endswith("a message is too long")
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("address", ["nonsense", "tcp:host=localhost,port=1", "unix:", ";;", "="])
async def test_no_address_hurts(
    address: str,
    folders: Folders,
    supervision: Supervision,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    tried = trio.Event()

    async def rest(seconds: float) -> None:
        tried.set()
        await trio.sleep_forever()

    monkeypatch.setattr(tray, "_rest", rest)
    nursery.start_soon(keep_tray, folders, supervision)
    with trio.fail_after(LIMIT):
        await tried.wait()
    nursery.cancel_scope.cancel()


async def test_what_needs_somebody_is_told_in_full(shown: Panel, bus: BusProcess, supervision):
    supervision.has("docs", phase=Phase.WAITING, why="its folder is gone; make it again")
    async with desktop(bus.address) as there:
        await shown.click("docs cannot be mounted …")
        with trio.fail_after(LIMIT):
            while not there.notices:  # noqa: ASYNC110 (a task of the desktop's)
                await trio.sleep(0.01)
    assert there.notices[0][3:5] == (
        "docs cannot be mounted",
        "its folder is gone; make it again",
    )
    assert supervision.mounted == []
