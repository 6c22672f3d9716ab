"""Where a drive's folders are shown: in the file manager, and in the server's web interface."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.phrases import Phrase
from syncin_mount.app.errors import NotPossible

if TYPE_CHECKING:
    from syncin_mount.config import Server

_OPENERS = (("xdg-open",), ("gio", "open"))

OPENS_S = 5.0
"""Seconds in which a program says that it cannot."""


class NotOpened(NotPossible):
    """The desktop's program could not open it."""


def address_on_server(server: Server, remote: str) -> str:
    """Where the server's web interface shows a folder: ``/#/spaces/files/…``, and
    ``/#/spaces/shares/…`` for what others share (spaces.routes.ts and HashLocationStrategy of the
    Sync-in server's frontend)."""
    kind, _, rest = remote.partition("/")
    where = {
        "personal": f"files/personal/{rest}",
        "spaces": f"files/{rest}",
        "shares": f"shares/{rest}",
    }[kind]
    return f"{server.url}/#/spaces/{quote(where.rstrip('/'))}"


def opener() -> list[str] | None:
    """The desktop's program that opens things, or None without a desktop."""
    if sys.platform == "win32":
        return ["explorer"]
    if sys.platform == "darwin":
        return ["open"]
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return None
    return next(([path, *words] for name, *words in _OPENERS if (path := shutil.which(name))), None)


def open_with(command: list[str], target: str) -> None:
    """Has the desktop's program open a path or address. Blocks until it returns, but for some
    seconds at most: one that stays (a browser, say) goes on by itself. Raises NotOpened."""
    process = subprocess.Popen(
        [*command, target],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # the terminal's end, or Ctrl-C, is not its own
    )
    try:
        status = process.wait(OPENS_S)
    except subprocess.TimeoutExpired:
        process.returncode = 0  # not ours to collect
        return
    if status != 0:
        raise NotOpened(
            Phrase(
                "{command} could not open {target} (status {status}); open it by hand",
                command=command[0],
                target=target,
                status=status,
            )
        )
