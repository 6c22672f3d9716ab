"""The tray icon's life: it is there as long as the session has a bus and a tray, and the
configuration wants it.

Nothing runs while nothing changes. What ails the bus or the tray ends the icon, and it is tried
again after a growing delay; the drives never notice.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import trio

from syncin_mount.desktop.session_bus import (
    BUS,
    BusError,
    has_session_bus,
    open_session_bus,
    why,
)
from syncin_mount.language import speak
from syncin_mount.language.choice import of_environment

if TYPE_CHECKING:
    from jeepney import Message

    from syncin_mount.config import Folders
    from syncin_mount.desktop.page import Page
    from syncin_mount.desktop.session_bus import SessionBus
    from syncin_mount.tray.icon import Panel
    from syncin_mount.tray.item import Shown
    from syncin_mount.tray.menu import Item
    from syncin_mount.tray.supervision import Supervision

log = logging.getLogger(__name__)

WATCHER, WATCHER_PATH = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"
PORTAL, PORTAL_PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
SETTINGS = "org.freedesktop.portal.Settings"
APPEARANCE, SCHEME, PREFERS_DARK = "org.freedesktop.appearance", "color-scheme", 1

UPDATE_EVERY = 1.0
"""Seconds between two updates of the icon, at the least. One is five signals at most."""

FIRST_DELAY, LONGEST_DELAY = 2.0, 60.0
"""Seconds before a bus that failed, or a tray that did not take the icon, is tried again: doubled
from the first to the longest."""

_rest = trio.sleep


async def keep_tray(folders: Folders, supervision: Supervision, page: Page | None = None) -> None:
    """Has the icon there for ever, or returns at once where the session has no bus. No trouble of
    the bus's, the tray's or anybody's on the bus comes out."""
    if not has_session_bus():
        return
    _speak(supervision)
    told, delay = "", FIRST_DELAY
    async with trio.open_nursery() as clicks:
        while True:
            while not supervision.configuration.tray:
                await supervision.wait_changed()
            began = trio.current_time()
            try:
                await _while_wanted(_Tray(folders, supervision, clicks, page), supervision)
            except Exception as error:  # noqa: BLE001 (whatever ails the bus: the drives do without)
                if why(error) != told:
                    log.info("there is no tray icon: %s", why(error))
                told = why(error)
                if trio.current_time() - began > LONGEST_DELAY:
                    delay = FIRST_DELAY
                await _rest(delay)
                delay = min(2 * delay, LONGEST_DELAY)


def _speak(supervision: Supervision) -> None:
    """As it is set now, whatever was set when the supervisor started."""
    speak(supervision.configuration.language or of_environment())


async def _while_wanted(tray: _Tray, supervision: Supervision) -> None:
    """Raises whatever ails the bus."""
    async with trio.open_nursery() as nursery:

        async def watch() -> None:
            while supervision.configuration.tray:
                await supervision.wait_changed()
            nursery.cancel_scope.cancel()

        nursery.start_soon(watch)
        await tray.run()
        nursery.cancel_scope.cancel()


class _Tray:
    """One connection's."""

    def __init__(
        self,
        folders: Folders,
        supervision: Supervision,
        clicks: trio.Nursery,
        page: Page | None,
    ) -> None:
        from syncin_mount.tray.actions import Actions  # noqa: PLC0415 (only where there is a bus)
        from syncin_mount.tray.following import Following  # noqa: PLC0415
        from syncin_mount.tray.icon import Panel  # noqa: PLC0415
        from syncin_mount.tray.item import Shown, TrayItem  # noqa: PLC0415
        from syncin_mount.tray.view import Kind, tooltip  # noqa: PLC0415

        self._supervision = supervision
        self._changed, self._watcher_changed = trio.Event(), trio.Event()
        self._watcher = ""
        self._panel: Panel = Panel.ANY
        self._following = Following(folders, supervision, self._ring)
        self._actions = Actions(folders, supervision, clicks, self._following.drives, page)
        self._item = TrayItem(Shown(Kind.STOPPED, tooltip([])), self._actions.start)

    def _ring(self) -> None:
        self._changed.set()

    async def run(self) -> None:
        """Until the connection ends, which raises whatever ails it."""
        async with open_session_bus(self._take) as bus:
            self._bus = self._actions.bus = bus
            try:
                await self._listen(bus)
                name = await self._own_name(bus)
                while True:
                    changed = self._watcher_changed
                    if self._watcher:
                        await self._show(bus, name, changed)
                    else:
                        await changed.wait()
            finally:
                self._actions.bus = None

    # what is heard --------------------------------------------------------------------------------
    async def _listen(self, bus: SessionBus) -> None:
        from jeepney import MatchRule, message_bus  # noqa: PLC0415 (as above)

        owner = MatchRule(type="signal", sender=BUS, interface=BUS, member="NameOwnerChanged")
        owner.add_arg_condition(0, WATCHER)
        await bus.ask(message_bus.AddMatch(owner))
        setting = MatchRule(
            type="signal", interface=SETTINGS, member="SettingChanged", path=PORTAL_PATH
        )
        setting.add_arg_condition(0, APPEARANCE)
        await bus.ask(message_bus.AddMatch(setting))
        try:
            (watcher,) = await bus.ask(message_bus.GetNameOwner(WATCHER))
        except BusError:
            log.debug("there is no tray here; the icon comes when there is one")
        else:
            self._watched(str(watcher))

    def _watched(self, owner: str) -> None:
        """Who the tray is now, nobody perhaps."""
        if owner != self._watcher:
            self._watcher = owner
            self._watcher_changed.set()
            self._watcher_changed = trio.Event()

    async def _take(self, message: Message) -> None:
        from jeepney import HeaderFields, MessageFlag, MessageType  # noqa: PLC0415 (as above)

        fields = message.header.fields
        if message.header.message_type is MessageType.method_call:
            _speak(self._supervision)  # what is clicked may say something
            reply = self._item.answer(message)
            if not message.header.flags & MessageFlag.no_reply_expected:
                await self._bus.tell(reply)
            return
        match fields.get(HeaderFields.member), tuple(message.body):
            case "NameOwnerChanged", (str(name), str(_), str(owner)) if (
                name == WATCHER and fields.get(HeaderFields.sender) == BUS
            ):
                self._watched(owner)
            case "SettingChanged", (str(space), str(key), (_, value)) if (space, key) == (
                APPEARANCE,
                SCHEME,
            ):
                self._prefers(value)

    def _prefers(self, scheme: object) -> None:
        from syncin_mount.tray.icon import Panel  # noqa: PLC0415 (as above)

        self._panel = Panel.DARK if scheme == PREFERS_DARK else Panel.ANY
        self._ring()

    # what is shown --------------------------------------------------------------------------------
    async def _own_name(self, bus: SessionBus) -> str:
        """The name under which the panel knows the icon."""
        from jeepney import message_bus  # noqa: PLC0415 (as above)

        name = f"org.kde.StatusNotifierItem-{os.getpid()}-1"
        await bus.ask(message_bus.RequestName(name, 4))
        return name

    async def _show(self, bus: SessionBus, name: str, gone: trio.Event) -> None:
        """As long as the tray is this one."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._following.run)
            nursery.start_soon(self._ask_scheme, bus)
            self._item.update(*self._now())
            nursery.start_soon(self._register, bus, name)
            nursery.start_soon(self._keep_updated, bus)
            await gone.wait()
            nursery.cancel_scope.cancel()

    async def _register(self, bus: SessionBus, name: str) -> None:
        """Returns when the tray has taken it."""
        from jeepney import DBusAddress, new_method_call  # noqa: PLC0415 (as above)

        watcher = DBusAddress(WATCHER_PATH, WATCHER, WATCHER)
        call = new_method_call(watcher, "RegisterStatusNotifierItem", "s", (name,))
        delay = FIRST_DELAY
        while True:
            try:
                await bus.ask(call)
            except BusError as error:
                log.debug("the tray does not take the icon: %s", error)
            else:
                return
            await _rest(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _ask_scheme(self, bus: SessionBus) -> None:
        """Whether dark windows are preferred, where the desktop tells. Nothing is started for
        that."""
        from jeepney import DBusAddress, MessageFlag, new_method_call  # noqa: PLC0415 (as above)

        portal = DBusAddress(PORTAL_PATH, PORTAL, SETTINGS)
        call = new_method_call(portal, "Read", "ss", (APPEARANCE, SCHEME))
        call.header.flags |= MessageFlag.no_auto_start
        try:
            ((_, value),) = await bus.ask(call)
        except (BusError, TypeError, ValueError):
            return  # it does not
        while isinstance(value, tuple) and len(value) == 2:
            value = value[1]  # a variant in a variant
        self._prefers(value)

    async def _keep_updated(self, bus: SessionBus) -> None:
        while True:
            self._changed = trio.Event()
            signals = self._item.update(*self._now())
            for each in signals:
                await bus.tell(each)
            if signals:
                await trio.sleep(UPDATE_EVERY)
            await self._changed.wait()

    def _now(self) -> tuple[Shown, tuple[Item, ...]]:
        from syncin_mount.tray.item import Shown  # noqa: PLC0415 (as above)
        from syncin_mount.tray.menu import menu  # noqa: PLC0415
        from syncin_mount.tray.view import overall, tooltip  # noqa: PLC0415

        _speak(self._supervision)
        drives = self._following.drives()
        shown = Shown(overall(drives), tooltip(drives), self._panel)
        return shown, menu(drives, has_page=self._actions.page is not None)
