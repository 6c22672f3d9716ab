"""The lock that delays the computer's end, over a real message bus; logind is a small service that
speaks its words."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trio
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

from syncin_mount.supervisor import logind
from tests.daemon.buses import private_bus

NAME, PATH, MANAGER = (
    "org.freedesktop.login1",
    "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager",
)
DELAY = 2.0


class Logind:
    """Answers as logind does. ``locks`` are the pipes' ends whose other end an inhibitor holds."""

    def __init__(self, connection: DBusConnection) -> None:
        self.connection = connection
        self.delay = DELAY
        self.holder = ""
        self.asked: list[tuple[str, ...]] = []
        self.locks: list[int] = []
        self._take, self.taken = trio.open_memory_channel[None](10)

    async def own(self) -> None:
        await self.connection.send(message_bus.RequestName(NAME))

    async def serve(self) -> None:
        while True:
            message = await self.connection.receive()
            if message.header.message_type is MessageType.method_call:
                await self._answer(message, message.header.fields[HeaderFields.member])

    async def _answer(self, message: Message, member: str) -> None:
        if member == "Get":
            assert message.body == (MANAGER, "InhibitDelayMaxUSec")
            await self.connection.send(
                new_method_return(message, "v", (("t", int(self.delay * 1e6)),))
            )
            return
        assert member == "Inhibit"
        self.asked.append(message.body)
        self.holder = message.header.fields[HeaderFields.sender]
        ours, theirs = os.pipe()
        self.locks.append(ours)
        await self.connection.send(new_method_return(message, "h", (theirs,)))
        os.close(theirs)
        await self._take.send(None)

    async def say(self, member: str, value: bool) -> None:
        await self.connection.send(
            new_signal(DBusAddress(PATH, interface=MANAGER), member, "b", (value,))
        )

    async def released(self, number: int) -> None:
        """Returns when nobody holds that lock any more."""
        await trio.lowlevel.wait_readable(self.locks[number])
        assert os.read(self.locks[number], 1) == b""


class Drives:
    """What the drives are asked for; ``settled`` is when they have sent everything."""

    def __init__(self) -> None:
        self.asked, self.settled, self.given_up, self.awake = (trio.Event() for _ in range(4))

    async def settle(self) -> None:
        self.asked.set()
        try:
            await self.settled.wait()
        except trio.Cancelled:
            self.given_up.set()
            raise

    async def woke(self) -> None:
        self.awake.set()


async def reply_of(connection: DBusConnection) -> Message:
    while True:
        message = await connection.receive()
        if message.header.message_type is MessageType.method_return:
            return message


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with private_bus() as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        yield address


@pytest.fixture
async def manager(bus: str, nursery: trio.Nursery) -> AsyncIterator[Logind]:
    async with await open_dbus_connection(bus, enable_fds=True) as connection:
        found = Logind(connection)
        await found.own()
        nursery.start_soon(found.serve)
        yield found
        for each in found.locks:
            os.close(each)
        nursery.cancel_scope.cancel()


@pytest.fixture
async def drives(manager: Logind, nursery: trio.Nursery) -> Drives:
    """The lock is held for them."""
    found = Drives()
    nursery.start_soon(logind.keep_delaying, found.settle, found.woke)
    with trio.fail_after(30):
        await manager.taken.receive()
    return found


@pytest.mark.parametrize("member", ["PrepareForShutdown", "PrepareForSleep"])
async def test_the_end_waits_until_everything_is_sent(manager: Logind, drives: Drives, member: str):
    assert manager.asked == [
        ("shutdown:sleep", "syncin-mount", "Changes are sent to the server", "delay")
    ]
    with trio.fail_after(30):
        await manager.say(member, True)
        await drives.asked.wait()
        with trio.move_on_after(DELAY / 4) as still:
            await manager.released(0)
        assert still.cancelled_caught, "the lock is held while something waits"
        drives.settled.set()
        await manager.released(0)
    assert not drives.given_up.is_set()


@pytest.mark.slow
async def test_it_waits_no_longer_than_logind_does(manager: Logind, drives: Drives):
    with trio.fail_after(30):
        began = trio.current_time()
        await manager.say("PrepareForShutdown", True)
        await manager.released(0)
    assert drives.given_up.is_set()
    assert trio.current_time() - began < DELAY


async def test_after_waking_the_drives_are_told_and_the_lock_is_taken_anew(
    manager: Logind, drives: Drives
):
    drives.settled.set()
    with trio.fail_after(30):
        await manager.say("PrepareForSleep", True)
        await manager.released(0)
        assert not drives.awake.is_set()
        await manager.say("PrepareForSleep", False)
        await drives.awake.wait()
        await manager.taken.receive()
    assert len(manager.asked) == 2


async def test_a_stranger_on_the_bus_is_not_believed(bus: str, manager: Logind, drives: Drives):
    async with await open_dbus_connection(bus) as stranger:
        forged = new_signal(
            DBusAddress(PATH, interface=MANAGER), "PrepareForShutdown", "b", (True,)
        )
        # to it alone: the bus asks for no match
        forged.header.fields[HeaderFields.destination] = manager.holder
        await stranger.send(forged)
        await stranger.send(message_bus.GetId())
        await reply_of(stranger)  # so the bus has passed it on
        await manager.say("PrepareForSleep", False)  # what comes behind it is heard
        with trio.fail_after(30):
            await drives.awake.wait()
    assert not drives.asked.is_set()


@pytest.mark.parametrize("there", ["no bus", "no logind"])
async def test_without_logind_nothing_happens(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: str
):
    if there == "no logind":
        request.getfixturevalue("bus")
    else:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/nothing")
    drives = Drives()
    looked = trio.Event()

    async def look_again(_seconds: float) -> None:
        looked.set()
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        with monkeypatch.context() as patched, trio.fail_after(30):
            patched.setattr(logind, "_rest", look_again)
            nursery.start_soon(logind.keep_delaying, drives.settle, drives.woke)
            await looked.wait()
        nursery.cancel_scope.cancel()
    assert not drives.asked.is_set()
