"""Opens a folder in the desktop's file manager, and an address in its browser.

Both are asked for over the session's bus, which starts programs with the desktop's environment: a
supervisor that began at the log-in, before the desktop, has none (DISPLAY and the like). Where
nobody answers there, the desktop's own command is tried, with the environment that the desktop gave
to systemd.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from reconciler.phrases import Phrase
from syncin_mount.desktop.session_bus import BusError

if TYPE_CHECKING:
    from syncin_mount.desktop.session_bus import SessionBus

log = logging.getLogger(__name__)

START_PATIENCE = 25.0
"""Seconds that a file manager gets to start and answer: the bus itself gives it as many."""

_OPENERS = (("xdg-open",), ("gio", "open"))


_DISPLAY = ("DISPLAY", "WAYLAND_DISPLAY")
_OF_THE_DESKTOP = (*_DISPLAY, "XAUTHORITY", "XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE")


class NotOpened(Exception):
    """Nothing here opens it. ``str()`` is one sentence."""


async def open_folder(bus: SessionBus, folder: str) -> None:
    """Returns when a program has taken it. Raises NotOpened."""
    from jeepney import DBusAddress, new_method_call  # noqa: PLC0415 (only where there is a bus)

    # https://www.freedesktop.org/wiki/Specifications/file-manager-interface/
    manager = DBusAddress(
        "/org/freedesktop/FileManager1",
        "org.freedesktop.FileManager1",
        "org.freedesktop.FileManager1",
    )
    body = ([Path(folder).as_uri()], "")
    try:
        await bus.ask(new_method_call(manager, "ShowFolders", "ass", body), patience=START_PATIENCE)
    except BusError as error:
        log.debug("no file manager answers on the bus: %s", error)
    else:
        return
    await _open_by_command(bus, folder, Phrase("the folder {folder}", folder=folder))


async def open_address(bus: SessionBus, address: str) -> None:
    """Returns when a program has taken the address, of http or https. Raises NotOpened, whose text
    does not have the address: it may let people in."""
    from jeepney import DBusAddress, new_method_call  # noqa: PLC0415 (as above)

    # https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.OpenURI.html
    portal = DBusAddress(
        "/org/freedesktop/portal/desktop",
        "org.freedesktop.portal.Desktop",
        "org.freedesktop.portal.OpenURI",
    )
    body: tuple[object, ...] = ("", address, {})
    try:
        await bus.ask(new_method_call(portal, "OpenURI", "ssa{sv}", body), patience=START_PATIENCE)
    except BusError as error:
        log.debug("no portal answers on the bus: %s", error)
    else:
        return
    await _open_by_command(bus, address, Phrase("the page"))


async def _open_by_command(bus: SessionBus, target: str, what: str) -> None:
    """Returns when the command has ended, or goes on for long: then it is the program itself."""
    environment = await _environment(bus)
    command = _opener() if any(environment.get(name) for name in _DISPLAY) else None
    if command is None:
        raise NotOpened(Phrase("no program here opens {what}", what=what))
    process = await trio.lowlevel.open_process(
        [*command, target],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    with trio.move_on_after(START_PATIENCE):
        if await process.wait() != 0:
            raise NotOpened(
                Phrase("{command} could not open {what}", command=command[0], what=what)
            )


async def _environment(bus: SessionBus) -> dict[str, str]:
    """Ours, with what of the desktop's is missing in it: the desktop tells systemd."""
    from jeepney import DBusAddress, MessageFlag, Properties  # noqa: PLC0415 (as above)

    found = dict(os.environ)
    if any(found.get(name) for name in _DISPLAY):
        return found
    manager = Properties(
        DBusAddress(
            "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1",
            "org.freedesktop.systemd1.Manager",
        )
    )
    call = manager.get("Environment")
    call.header.flags |= MessageFlag.no_auto_start
    try:
        ((kind, texts),) = await bus.ask(call)
    except (BusError, ValueError, TypeError):
        return found
    told = dict(each.split("=", 1) for each in texts if "=" in each) if kind == "as" else {}
    return found | {name: told[name] for name in _OF_THE_DESKTOP if name in told}


def _opener() -> list[str] | None:
    """The desktop's command that opens things."""
    return next(([path, *words] for name, *words in _OPENERS if (path := shutil.which(name))), None)
