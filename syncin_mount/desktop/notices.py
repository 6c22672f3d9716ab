"""Notices on the desktop: org.freedesktop.Notifications
(https://specifications.freedesktop.org/notification-spec/latest/)."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import trio

from syncin_mount.desktop.session_bus import open_session_bus
from syncin_mount.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jeepney import Message

    from syncin_mount.desktop.session_bus import SessionBus

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"

PROGRAM, ICON = "syncin-mount", "folder-remote"

LONGEST_LIFE = 24 * 3600.0
"""Seconds after which a notice that nobody closed is not listened to any more."""


async def show_notice(
    bus: SessionBus, title: str, text: str, actions: Mapping[str, str] | None = None
) -> int:
    """Shows it; its number. ``text`` has no markup, whatever is in it. ``actions`` are buttons:
    what a click on each is told as, and its label; ``default`` is a click on the notice itself.
    Raises BusError."""
    buttons = [each for pair in (actions or {}).items() for each in pair]
    # The texts may hold names from others, and desktops read the second as markup.
    shown = html.escape(printable(text), quote=False)
    body: tuple[object, ...] = (PROGRAM, 0, ICON, printable(title), shown, buttons, {}, -1)
    (number,) = await bus.ask(_call("Notify", "susssasa{sv}i", body))
    return int(number)


async def show_with_actions(
    title: str, text: str, actions: Mapping[str, str], shown: Callable[[], None]
) -> str | None:
    """Shows it with these buttons where the desktop has any, calls ``shown``, and waits: which was
    clicked, or None where the notice was closed, has no buttons or is too old. Raises whatever ails
    the bus. Cancelled, the notice stays, and its buttons do nothing."""
    # Only what its sender owns the name for counts; until the answer to `Notify` is read, nothing
    # is known of either.
    send, receive = trio.open_memory_channel[tuple[str, str, int, str]](100)

    async def note(message: Message) -> None:
        found = _told(message)
        if found is not None:
            try:
                send.send_nowait(found)
            except trio.WouldBlock:
                pass  # others' notices, and more of them than anybody clicks

    async with send, receive, open_session_bus(note) as bus:
        (capabilities,) = await bus.ask(_call("GetCapabilities"))
        if not actions or "actions" not in capabilities:
            await show_notice(bus, title, text)
            shown()
            return None
        await _listen(bus)
        number = await show_notice(bus, title, text, actions)
        shown()
        owner = await _owner(bus)
        with trio.move_on_after(LONGEST_LIFE):
            async for sender, member, which, key in receive:
                if (sender, which) != (owner, number):
                    continue
                if member == "NotificationClosed":
                    return None
                if key in actions:
                    return key
    return None


def _call(method: str, signature: str = "", body: tuple[Any, ...] = ()) -> Message:
    from jeepney import DBusAddress, new_method_call  # noqa: PLC0415 (only where there is a bus)

    return new_method_call(DBusAddress(PATH, NAME, NAME), method, signature, body)


async def _listen(bus: SessionBus) -> None:
    from jeepney import MatchRule, message_bus  # noqa: PLC0415 (as above)

    rule = MatchRule(type="signal", sender=NAME, interface=NAME, path=PATH)
    await bus.ask(message_bus.AddMatch(rule))


async def _owner(bus: SessionBus) -> str:
    from jeepney import message_bus  # noqa: PLC0415 (as above)

    (owner,) = await bus.ask(message_bus.GetNameOwner(NAME))
    return str(owner)


def _told(message: Message) -> tuple[str, str, int, str] | None:
    """Who told which signal of which notice, with an action's key; None for anything else."""
    from jeepney import HeaderFields, MessageType  # noqa: PLC0415 (as above)

    fields = message.header.fields
    if message.header.message_type is not MessageType.signal:
        return None
    sender, member = str(fields.get(HeaderFields.sender)), str(fields.get(HeaderFields.member))
    match member, tuple(message.body):
        case "ActionInvoked", (int(number), str(key)):
            return sender, member, number, key
        case "NotificationClosed", (int(number), int(_)):
            return sender, member, number, ""
    return None
