"""A desktop's panel on a test's bus: the watcher that icons register with, and the host that shows
one, as panels do it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio
from jeepney import (
    DBusAddress,
    HeaderFields,
    MatchRule,
    Message,
    MessageType,
    Properties,
    message_bus,
    new_error,
    new_method_call,
    new_method_return,
)
from jeepney.io.trio import DBusConnection, open_dbus_connection

from syncin_mount.desktop.session_bus import BUS
from syncin_mount.tray.item import ITEM, ITEM_INTERFACE, MENU, MENU_INTERFACE
from syncin_mount.tray.tray import WATCHER

LIMIT = 30.0
"""Seconds that anything gets."""


class Panel:
    """``registered`` are the names of icons, ``signals`` what they told: (path, member, body)."""

    def __init__(self, connection: DBusConnection) -> None:
        self._connection = connection
        self._replies: dict[int, Message] = {}
        self._heard = trio.Event()
        self.registered: list[str] = []
        self.signals: list[tuple[str, str, tuple[Any, ...]]] = []
        self.refuses = 0
        self.keeps_silent = 0
        """So many registrations are answered with an error first, or not at all."""

    async def serve(self) -> None:
        while True:
            message = await self._connection.receive()
            fields = message.header.fields
            match message.header.message_type:
                case MessageType.method_call:
                    await self._answer(message)
                case MessageType.signal:
                    path, member = fields[HeaderFields.path], fields[HeaderFields.member]
                    if path in {ITEM, MENU}:
                        self.signals.append((path, member, tuple(message.body)))
                case _:
                    self._replies[fields[HeaderFields.reply_serial]] = message
            self._heard.set()
            self._heard = trio.Event()

    async def _answer(self, call: Message) -> None:
        if call.header.fields[HeaderFields.member] != "RegisterStatusNotifierItem":
            return
        if self.keeps_silent:
            self.keeps_silent -= 1
            return
        if self.refuses:
            self.refuses -= 1
            await self._connection.send(new_error(call, "org.example.Busy"))
            return
        self.registered.append(call.body[0])
        await self._connection.send(new_method_return(call))

    # as a host ------------------------------------------------------------------------------------
    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits for it, looking again at each message."""
        with trio.fail_after(LIMIT):
            while not holds():
                await self._heard.wait()

    async def ask(self, message: Message) -> tuple[Any, ...]:
        reply = await self.reply(message)
        assert reply.header.message_type is MessageType.method_return, reply.body
        return tuple(reply.body)

    async def reply(self, message: Message) -> Message:
        serial = next(self._connection.outgoing_serial)
        await self._connection.send(message, serial=serial)
        await self.until(lambda: serial in self._replies)
        return self._replies.pop(serial)

    async def icon(self) -> str:
        """The name of the icon that registered last, once one has."""
        await self.until(lambda: bool(self.registered))
        return self.registered[-1]

    async def is_there(self) -> bool:
        """Whether the icon that registered last is on the bus."""
        bus = DBusAddress("/org/freedesktop/DBus", BUS, BUS)
        call = new_method_call(bus, "NameHasOwner", "s", (self.registered[-1],))
        return bool((await self.ask(call))[0])

    async def properties(self) -> dict[str, Any]:
        """The icon's, as a host reads them at once."""
        item = Properties(DBusAddress(ITEM, await self.icon(), ITEM_INTERFACE))
        (found,) = await self.ask(item.get_all())
        return {name: value for name, (_, value) in found.items()}

    def call(self, member: str, signature: str, *body: Any) -> Message:
        """Of the menu of the icon that registered last."""
        menu = DBusAddress(MENU, self.registered[-1], MENU_INTERFACE)
        return new_method_call(menu, member, signature, body)

    async def layout(self) -> tuple[int, Any]:
        await self.icon()
        revision, root = await self.ask(self.call("GetLayout", "iias", 0, -1, []))
        return revision, root

    async def labels(self) -> dict[str, int]:
        """Every item's label, with those above it, and its number."""
        found: dict[str, int] = {}

        def walk(node: Any, above: str) -> None:
            number, properties, below = node
            text = f"{above}{properties['label'][1]}" if "label" in properties else above
            if "label" in properties:
                found[text] = number
            for _, each in below:
                walk(each, f"{text}/" if "label" in properties else "")

        walk((await self.layout())[1], "")
        return found

    async def click(self, label: str) -> None:
        """As a host does: the item with this label, once there is one."""
        number = await self.item(label)
        await self.ask(self.call("Event", "isvu", number, "clicked", ("i", 0), 0))

    async def item(self, label: str) -> int:
        return (await self.shown(lambda labels: label in labels))[label]

    async def shown(self, holds: Callable[[dict[str, int]], bool]) -> dict[str, int]:
        """The labels, once this holds of them; looks again at each signal of the icon."""
        with trio.fail_after(LIMIT):
            while True:
                told = len(self.signals)
                labels = await self.labels()
                if holds(labels):
                    return labels
                while len(self.signals) == told:
                    await self._heard.wait()


@asynccontextmanager
async def panel(address: str) -> AsyncIterator[Panel]:
    """One that is there as long as this is open."""
    async with await open_dbus_connection(address) as connection:
        found = Panel(connection)
        for interface in (ITEM_INTERFACE, MENU_INTERFACE):
            await connection.send(
                message_bus.AddMatch(MatchRule(type="signal", interface=interface))
            )
        await connection.send(message_bus.RequestName(WATCHER))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(found.serve)
            yield found
            nursery.cancel_scope.cancel()
