"""Notices over a real message bus, to a desktop that speaks a notification server's words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing
from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    message_bus,
    new_method_return,
    new_signal,
)
from jeepney.io.trio import DBusConnection, open_dbus_connection

from reconciler.phrases import Phrase
from syncin_mount.config import ConfigurationFile, Folders, Scheduling
from syncin_mount.daemon import desktop as desktop_module
from syncin_mount.daemon.desktop import MOST_OPEN, Teller, keep_told
from syncin_mount.daemon.notifications import Action, Notice
from syncin_mount.desktop.notices import NAME, PATH
from syncin_mount.desktop.opening import NotOpened, open_address, open_folder
from syncin_mount.desktop.page import Place
from syncin_mount.desktop.session_bus import has_session_bus, open_session_bus
from tests.daemon.buses import private_bus

NOTICE = Notice("docs: 1 conflict", "a <b> & c", (Action.CONFLICTS, Action.OPEN))
LIMIT = 30.0


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with private_bus() as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address


@dataclass
class Desktop:
    """Takes notices, and opens folders: ``notices`` are Notify's arguments, ``opened`` addresses
    of folders."""

    connection: DBusConnection
    capabilities: list[str] = field(default_factory=lambda: ["body", "actions"])
    notices: list[tuple[Any, ...]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    asker: str = ""
    _heard: trio.Event = field(default_factory=trio.Event)

    async def serve(self) -> None:
        while True:
            call = await self.connection.receive()
            if call.header.message_type is MessageType.method_call:
                await self.connection.send(self._answer(call))
            self._heard.set()
            self._heard = trio.Event()

    def _answer(self, call: Message) -> Message:
        match call.header.fields[HeaderFields.member]:
            case "GetCapabilities":
                return new_method_return(call, "as", (self.capabilities,))
            case "Notify":
                self.asker = call.header.fields[HeaderFields.sender]
                self.notices.append(tuple(call.body))
                return new_method_return(call, "u", (len(self.notices),))
            case "ShowFolders":
                self.opened += call.body[0]
                return new_method_return(call)
            case "OpenURI":
                self.opened.append(call.body[1])
                return new_method_return(call, "o", ("/a/request",))
            case "Get":
                return new_method_return(call, "v", (("as", self.environment),))
        raise AssertionError(call)

    async def until_opened(self, number: int) -> None:
        with trio.fail_after(LIMIT):
            while len(self.opened) < number:
                await self._heard.wait()


async def tell_of(
    connection: DBusConnection, member: str, number: int, more: str | int, to: str | None = None
) -> None:
    """A signal of a notification server's; ``to`` one connection alone: the bus asks for no match
    then."""
    kind = "us" if isinstance(more, str) else "uu"
    signal = new_signal(DBusAddress(PATH, interface=NAME), member, kind, (number, more))
    if to is not None:
        signal.header.fields[HeaderFields.destination] = to
    await connection.send(signal)


@asynccontextmanager
async def desktop(bus: str, *names: str) -> AsyncIterator[Desktop]:
    async with await open_dbus_connection(bus) as connection:
        found = Desktop(connection)
        for name in names or (NAME, "org.freedesktop.FileManager1"):
            await connection.send(message_bus.RequestName(name))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(found.serve)
            yield found
            nursery.cancel_scope.cancel()


class Page:
    """A page whose address tells the place."""

    async def address(self, place: Place, drive: str) -> str:
        return f"http://127.0.0.1:1/#{place.value}/{drive}"


@pytest.fixture
def teller(nursery: trio.Nursery) -> Teller:
    return Teller(nursery, "docs", Path("/mnt/my docs"), None)


async def test_the_desktop_gets_title_and_text_without_markup(bus: str, teller: Teller):
    async with desktop(bus) as there:
        with trio.fail_after(LIMIT):
            assert await teller.tell(NOTICE)
    (taken,) = there.notices
    assert taken[0] == "syncin-mount"
    assert taken[3:5] == ("docs: 1 conflict", "a &lt;b&gt; &amp; c")


async def test_notices_follow_the_language_that_is_set_and_tell_nothing_twice(
    bus: str, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The daemon began in English; what its engine tells is all that keeps it from a real drive."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setattr(desktop_module, "LOOK_EVERY", 0.01)
    (tmp_path / "config.toml").write_text("")
    status = SimpleNamespace(
        conflicts=0, halted=Phrase("the folder is gone"), refused=None, online=True
    )
    looks = 0

    def look() -> object:
        nonlocal looks
        looks += 1
        return status

    drive: Any = SimpleNamespace(
        synchronization=SimpleNamespace(name="docs", mountpoint=Path("/mnt/docs")),
        engine=SimpleNamespace(status=look),
        hydrator=SimpleNamespace(offline_reads=0),
    )
    file = ConfigurationFile(Folders(tmp_path, tmp_path / "s", tmp_path / "r", portable=True))

    async def until(condition: Callable[[], bool]) -> None:
        with trio.fail_after(LIMIT):
            while not condition():  # noqa: ASYNC110 (what the other side does tells nobody)
                await trio.sleep(0.01)

    async with desktop(bus) as there:
        nursery.start_soon(keep_told, drive, file)
        await until(lambda: len(there.notices) == 1)
        file.path.write_text('[program]\nlanguage = "de"\n')
        seen = looks
        await until(lambda: looks > seen + 3)
        assert len(there.notices) == 1, "another language is not another event"
        status.conflicts = 1
        await until(lambda: len(there.notices) == 2)
        nursery.cancel_scope.cancel()
    titles = [each[3] for each in there.notices]
    assert titles == ["docs: stopped", "docs: 1 Konflikt"]
    assert "Papierkorb" in there.notices[1][4]
    assert there.notices[1][5] == ["open", "Ordner öffnen", "default", "Ordner öffnen"]


@pytest.mark.parametrize("key", ["open", "default"])
async def test_a_click_opens_the_folder(bus: str, teller: Teller, key: str):
    async with desktop(bus) as there:
        with trio.fail_after(LIMIT):
            assert await teller.tell(NOTICE)
            assert there.notices[0][5] == ["open", "Open the folder", "default", "Open the folder"]
            await tell_of(there.connection, "ActionInvoked", 1, key)
            await there.until_opened(1)
    assert there.opened == ["file:///mnt/my%20docs"]


@pytest.mark.parametrize(
    ("action", "label", "place"),
    [
        (Action.HALT, "Look at the deletions", Place.HALT),
        (Action.LOG_IN, "Log in again", Place.LOG_IN),
        (Action.CONFLICTS, "Look at the conflicts", Place.CONFLICTS),
    ],
)
async def test_where_there_is_a_page_a_click_leads_to_its_place(
    bus: str, nursery: trio.Nursery, action: Action, label: str, place: Place
):
    teller = Teller(nursery, "docs", Path("/mnt/docs"), Page())
    async with desktop(bus, NAME, "org.freedesktop.portal.Desktop") as there:
        with trio.fail_after(LIMIT):
            assert await teller.tell(replace(NOTICE, actions=(action,)))
            assert there.notices[0][5] == [action.value, label, "default", label]
            await tell_of(there.connection, "ActionInvoked", 1, action.value)
            await there.until_opened(1)
    assert there.opened == [f"http://127.0.0.1:1/#{place.value}/docs"]


@pytest.mark.parametrize("status", [0, 1])
async def test_without_a_file_manager_the_desktop_s_command_gets_the_desktop_s_environment(
    bus: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: int
):
    """As of a supervisor that began before the desktop."""
    command = tmp_path / "xdg-open"
    says = f'echo "$DISPLAY $SECRET $1" > {tmp_path}/called'
    command.write_text(f"#!/bin/sh\n{says}\nexit {status}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SECRET"):
        monkeypatch.delenv(name, raising=False)
    async with desktop(bus, "org.freedesktop.systemd1") as there, open_session_bus() as ours:
        with trio.fail_after(LIMIT):
            for target, opens in (("/mnt/a b", open_folder), ("http://127.0.0.1/#x", open_address)):
                there.environment = []
                with pytest.raises(NotOpened):  # no desktop at all
                    await opens(ours, target)
                there.environment = ["DISPLAY=:7", "SECRET=x"]
                if status:
                    with pytest.raises(NotOpened) as told:
                        await opens(ours, target)
                    assert "127.0.0.1" not in str(told.value)
                else:
                    await opens(ours, target)
                assert (tmp_path / "called").read_text() == f":7  {target}\n"


async def test_where_nothing_would_be_opened_nothing_is_offered(bus: str, teller: Teller):
    async with desktop(bus) as there:
        with trio.fail_after(LIMIT):
            assert await teller.tell(replace(NOTICE, actions=(Action.LOG_IN,)))
            there.capabilities.remove("actions")
            assert await teller.tell(NOTICE)
    assert [taken[5] for taken in there.notices] == [[], []]


async def test_only_the_desktop_s_word_on_this_notice_counts(bus: str, teller: Teller):
    async with desktop(bus) as there, await open_dbus_connection(bus) as stranger:
        with trio.fail_after(LIMIT):
            assert await teller.tell(NOTICE)
            await tell_of(stranger, "ActionInvoked", 1, "open", to=there.asker)
            await stranger.send(message_bus.GetId())
            while (await stranger.receive()).header.message_type is not MessageType.method_return:
                pass  # so the bus has passed it on
            await trio.testing.wait_all_tasks_blocked(0.2)
            assert there.opened == []
            for number, key in ((2, "open"), (1, "nonsense"), (1, "open")):
                await tell_of(there.connection, "ActionInvoked", number, key)
            await there.until_opened(1)
    assert len(there.opened) == 1


async def test_a_closed_notice_is_forgotten_and_of_many_the_last_are_listened_to(
    bus: str, teller: Teller
):
    async with desktop(bus) as there:
        with trio.fail_after(LIMIT):
            for _ in range(MOST_OPEN + 1):
                assert await teller.tell(NOTICE)
            await tell_of(there.connection, "ActionInvoked", 1, "open")  # too old
            await tell_of(there.connection, "NotificationClosed", 2, 2)
            await tell_of(there.connection, "ActionInvoked", 2, "open")  # closed
            await tell_of(there.connection, "ActionInvoked", 3, "open")
            await there.until_opened(1)
            await tell_of(there.connection, "ActionInvoked", MOST_OPEN + 1, "open")
            await there.until_opened(2)
            await trio.testing.wait_all_tasks_blocked(0.2)
    assert len(there.opened) == 2


async def test_a_bus_without_a_desktop_takes_nothing_and_harms_nobody(bus: str, teller: Teller):
    with trio.fail_after(LIMIT):
        assert not await teller.tell(NOTICE)


async def test_a_desktop_that_ends_harms_nobody(bus: str, teller: Teller):
    with trio.fail_after(LIMIT):
        async with desktop(bus):
            assert await teller.tell(NOTICE)
        assert not await teller.tell(NOTICE)


async def test_a_bus_that_is_gone_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, teller: Teller
):
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nothing")
    assert has_session_bus()
    assert not await teller.tell(NOTICE)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    assert not has_session_bus()


@pytest.mark.parametrize(
    ("text", "wanted"), [("", True), ("[program]\nnotifications = false\n", False)]
)
def test_people_switch_them_off_and_the_program_keeps_that(tmp_path: Path, text: str, wanted: bool):
    file = ConfigurationFile(Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True))
    file.path.write_text(text)
    assert file.read().notifications is wanted
    file.update(lambda now: replace(now, scheduling=Scheduling.OFF))
    assert file.read().notifications is wanted
