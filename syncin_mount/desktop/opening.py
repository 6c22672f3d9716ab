"""Opens a folder in the desktop's file manager.

The file manager is asked over the session's bus, which starts it with the desktop's environment: a
supervisor that began before the desktop does not have that (DISPLAY and the like). Where no file
manager answers there, the desktop's own command is tried.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from syncin_mount.desktop.session_bus import BusError

if TYPE_CHECKING:
    from syncin_mount.desktop.session_bus import SessionBus

log = logging.getLogger(__name__)

START_PATIENCE = 25.0
"""Seconds that a file manager gets to start and answer: the bus itself gives it as many."""

_OPENERS = (("xdg-open",), ("gio", "open"))


class NotOpened(Exception):
    """Nothing here opens the folder. ``str()`` is one sentence."""


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
    command = _opener()
    if command is None:
        raise NotOpened(f"no program here opens folders; the folder is {folder}")
    with trio.move_on_after(START_PATIENCE):
        done = await trio.run_process(
            [*command, folder],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if done.returncode == 0:
            return
    raise NotOpened(f"{command[0]} could not open {folder}")


def _opener() -> list[str] | None:
    """The desktop's command that opens things; None without a desktop."""
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return None
    return next(([path, *words] for name, *words in _OPENERS if (path := shutil.which(name))), None)
