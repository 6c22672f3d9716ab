"""Notices over a real message bus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from jeepney import MessageType, message_bus, new_method_return
from jeepney.io.trio import DBusConnection, open_dbus_connection

from syncin_mount.config import ConfigurationFile, Folders, Scheduling
from syncin_mount.daemon.desktop import has_desktop, tell
from syncin_mount.daemon.notifications import Notice
from tests.daemon.buses import private_bus

NOTICE = Notice("docs: 1 conflict", "a <b> & c")


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with private_bus() as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address


async def take_one(desktop: DBusConnection) -> tuple[object, ...]:
    """The next notice, answered as a desktop does."""
    while True:
        message = await desktop.receive()
        if message.header.message_type is MessageType.method_call:
            await desktop.send(new_method_return(message, "u", (1,)))
            return tuple(message.body)


async def test_the_desktop_gets_title_and_text_without_markup(bus: str):
    with trio.fail_after(30):
        async with await open_dbus_connection(bus) as desktop:
            await desktop.send(message_bus.RequestName("org.freedesktop.Notifications"))
            taken: list[object] = []

            async def take() -> None:
                taken.extend(await take_one(desktop))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(take)
                assert await tell(NOTICE)
            assert taken[0] == "syncin-mount"
            assert taken[3:5] == ["docs: 1 conflict", "a &lt;b&gt; &amp; c"]


async def test_a_bus_without_a_desktop_takes_nothing_and_harms_nobody(bus: str):
    with trio.fail_after(30):
        assert not await tell(NOTICE)


async def test_a_bus_that_is_gone_harms_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nothing")
    assert has_desktop()
    assert not await tell(NOTICE)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    assert not has_desktop()


@pytest.mark.parametrize(
    ("text", "wanted"), [("", True), ("[program]\nnotifications = false\n", False)]
)
def test_people_switch_them_off_and_the_program_keeps_that(tmp_path: Path, text: str, wanted: bool):
    file = ConfigurationFile(Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True))
    file.path.write_text(text)
    assert file.read().notifications is wanted
    file.update(lambda now: replace(now, scheduling=Scheduling.OFF))
    assert file.read().notifications is wanted
