"""Which bin is the user's: the desktop's, or the synchronization's own. Pure but for
``chosen_bin``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.phrases import Phrase
from syncin_mount.config import Folders, Synchronization, Trash


@dataclass(frozen=True, slots=True)
class Choice:
    """``desktop`` says whether what loses here goes to the desktop's trash; ``why`` is one clause
    for people."""

    desktop: bool
    why: str


def chosen_bin(folders: Folders, synchronization: Synchronization) -> Choice:
    """``choose`` for this process."""
    root = sys.platform != "win32" and os.geteuid() == 0
    return choose(synchronization.trash, os.environ, root=root, portable=folders.portable)


def choose(setting: Trash, environ: Mapping[str, str], *, root: bool, portable: bool) -> Choice:
    """What the setting means for a process with this environment. ``root``: it is the
    administrator's; ``portable``: all of the program's files lie in a folder that somebody
    chose."""
    if setting is Trash.DESKTOP:
        return Choice(True, Phrase("as it is set"))
    if setting is Trash.OWN:
        return Choice(False, Phrase("as it is set"))
    if portable:
        return Choice(False, Phrase("as everything of this profile lies in one folder"))
    if root:
        return Choice(False, Phrase("as the administrator has no desktop"))
    if not _in_session(environ):
        return Choice(False, Phrase("as there is no graphical session here"))
    return Choice(True, Phrase("as there is a graphical session"))


def _in_session(environ: Mapping[str, str]) -> bool:
    """Whether the process belongs to a graphical session. A display that ssh forwards is on another
    computer."""
    if environ.get("WAYLAND_DISPLAY") or environ.get("XDG_CURRENT_DESKTOP"):
        return True
    if environ.get("XDG_SESSION_TYPE") in {"x11", "wayland"}:
        return True
    return bool(environ.get("DISPLAY")) and not environ.get("SSH_CONNECTION")


def home_trash(environ: Mapping[str, str]) -> Path | None:
    """The home trash of the freedesktop.org specification: ``$XDG_DATA_HOME/Trash``; None without a
    home."""
    data, home = environ.get("XDG_DATA_HOME", ""), environ.get("HOME", "")
    # a relative one is to be ignored, as the base directory specification says
    if data.startswith("/"):
        return Path(data) / "Trash"
    return Path(home) / ".local/share/Trash" if home.startswith("/") else None
