"""Which drives there are, for programs of the same session that are not ours to start: file
managers. Each daemon writes a file as long as it serves its drive.

The folder is private (0700): what a file names is connected to, and started.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from typing import TYPE_CHECKING

import msgspec

from syncin_mount.config import private_folder
from syncin_mount.config.files import write_atomic
from syncin_mount.language import catalogues

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncin_mount.config import Folders

FOLDER = "drives"
"""In the runtime folder."""


class Announcement(msgspec.Struct, frozen=True):
    """A drive that is served. ``socket`` is that of its control API, ``command`` starts the program
    that serves it, in whose environment ``home`` is `HOME_VARIABLE` (None: it is not set).
    ``catalogues`` is the folder with the program's translations."""

    name: str
    mountpoint: str
    socket: str
    command: tuple[str, ...]
    home: str | None = None
    catalogues: str = ""


def announced_at(folders: Folders, name: str) -> Path:
    """The file that announces this drive."""
    socket = os.fsencode(folders.socket(name))
    return folders.runtime / FOLDER / f"{hashlib.sha256(socket).hexdigest()[:20]}.json"


@contextlib.contextmanager
def announced(folders: Folders, name: str, mountpoint: Path) -> Iterator[None]:
    """Announces the drive until the end. A killed daemon leaves its file; nobody listens at the
    socket that it names. Raises FolderError, OSError."""
    announcement = Announcement(
        name,
        _text(mountpoint),
        _text(folders.socket(name)),
        (sys.executable, "-m", "syncin_mount"),
        _text(folders.config) if folders.portable else None,
        catalogues.folder(),
    )
    path = announced_at(folders, name)
    private_folder(path.parent)
    write_atomic(path, msgspec.json.encode(announcement), mode=0o600)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _text(path: Path) -> str:
    """Bytes that are no UTF-8 cannot be announced: they are shown as escapes, and lead nowhere."""
    return str(path).encode(errors="backslashreplace").decode()
