"""The drive in the sidebar of file managers: a line in the file of GTK's bookmarks, an element in
that of KDE's places. All else in them stays as it is, byte by byte.

File managers show a drive of the user's home by themselves while it is mounted; a bookmark is there
all the time.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.phrases import Phrase
from syncin_mount.app.settings.places import (
    Encoding,
    encoding_of,
    meant,
    xbel_added,
    xbel_has,
    xbel_removed,
)
from syncin_mount.config.files import NO_FILE, write_atomic

if TYPE_CHECKING:
    from syncin_mount.config import Folders

log = logging.getLogger(__name__)

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a file that is edited; nobody's is as long."""

_TRIES: Final = 3
"""Somebody else may write the file at the same time; its change is not undone."""


@dataclass(frozen=True, slots=True)
class Sidebar:
    """A file of bookmarks, how one is put into its text, and taken out, and whether one is there.
    ``before`` is the file that is read as long as the other is not there."""

    path: Path
    added: Callable[[str, str, str], str]
    removed: Callable[[str, str], str]
    has: Callable[[str, str], bool]
    encoding: Callable[[bytes], Encoding | None] | None = None
    before: Path | None = None

    def decoded(self, data: bytes) -> str:
        """Raises OSError for what is no such file."""
        if self.encoding is None:
            return data.decode(errors="surrogateescape")
        encoding = self.encoding(data)
        text = None if encoding is None else encoding.decoded(data)
        if text is None:
            raise _no_list(self.path)
        return text

    def encoded(self, text: str, data: bytes) -> bytes:
        """As ``data`` was."""
        encoding = None if self.encoding is None else self.encoding(data)
        return text.encode(errors="surrogateescape") if encoding is None else encoding.encoded(text)


def sidebars(folders: Folders, environment: Mapping[str, str] = os.environ) -> list[Sidebar]:
    """Those of this user's desktop; none where there is no desktop, and where all of the program is
    to stay in one folder."""
    if folders.portable:
        return []
    home = Path(environment.get("HOME") or Path.home())
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    found = []
    if (config / "gtk-3.0").is_dir() or (home / ".gtk-bookmarks").exists():
        path, legacy = config / "gtk-3.0" / "bookmarks", home / ".gtk-bookmarks"
        found.append(Sidebar(path, gtk_added, gtk_removed, gtk_has, before=legacy))
    # KDE makes this file with its usual places: one of ours alone would be without them.
    places = data / "user-places.xbel"
    if places.is_file():
        found.append(Sidebar(places, xbel_added, xbel_removed, xbel_has, encoding_of))
    return found


def add_bookmark(folders: Folders, mountpoint: Path, label: str) -> bool:
    """Puts the drive into all sidebars; whether there is any. Raises OSError where one of them
    cannot have it, when the others do."""
    found, failed = sidebars(folders), list[OSError]()
    uri = mountpoint.as_uri()

    def added(text: str, sidebar: Sidebar) -> str:
        after = sidebar.added(text, uri, label)
        if not sidebar.has(after, uri):
            raise _no_list(sidebar.path)
        return after

    for each in found:
        try:
            _edit(each, added)
        except OSError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return bool(found)


def remove_bookmark(folders: Folders, mountpoint: Path) -> None:
    """Takes the drive out of all of them, where it is. What cannot be edited is logged: nobody is
    kept from removing a drive by it."""
    for each in sidebars(folders):
        try:
            _edit(each, lambda text, sidebar: sidebar.removed(text, mountpoint.as_uri()))
        except OSError as error:
            _log(each.path, error)


def move_bookmark(folders: Folders, before: Path, after: Path, label: str) -> None:
    """The drive is elsewhere now: where it was in a sidebar, it is there again. As
    ``remove_bookmark``."""

    def moved(text: str, sidebar: Sidebar) -> str:
        without = sidebar.removed(text, before.as_uri())
        return text if without == text else sidebar.added(without, after.as_uri(), label)

    for each in sidebars(folders):
        try:
            _edit(each, moved)
        except OSError as error:
            _log(each.path, error)


def _log(path: Path, error: OSError) -> None:
    log.warning("the bookmarks in %s stay as they are: %s", path, error.strerror)


def _no_list(path: Path) -> OSError:
    return OSError(errno.EINVAL, Phrase("{path} is no list of places", path=path), os.fspath(path))


def _edit(sidebar: Sidebar, change: Callable[[str, Sidebar], str]) -> None:
    """``change`` makes another text of the file's. Raises OSError."""
    for _ in range(_TRIES):
        data = _read(sidebar.path)
        if data is None and sidebar.before is not None:
            before = _read(sidebar.before) or b""
        else:
            before = data or b""
        text = sidebar.decoded(before)
        after = change(text, sidebar)
        if after == text:
            return
        if _read(sidebar.path) == data:
            _write(sidebar.path, sidebar.encoded(after, before))
            return
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), os.fspath(sidebar.path))


def _read(path: Path) -> bytes | None:
    """None where there is no such file. A link that leads nowhere may lead to a disk that is away:
    nothing is made there. Raises OSError, also for what is no file: to read a pipe may never
    end."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        if path.is_symlink():
            raise
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EEXIST, NO_FILE, os.fspath(path))
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), os.fspath(path))
    return data


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    write_atomic(path, data, mode=mode)


# GTK's: a line each, the address and, after a space, what it is called ---------------------------
def gtk_added(text: str, uri: str, label: str) -> str:
    """The text of a file of bookmarks with this one. One that is there already is left alone."""
    if gtk_has(text, uri):
        return text
    end = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{end}{uri} {' '.join(label.split())}\n"


def gtk_removed(text: str, uri: str) -> str:
    """The text without it."""
    # Not by ``splitlines``: a label may have U+2028 and others that end a line of text, but of no
    # such file.
    *lines, last = text.split("\n")
    kept = [f"{line}\n" for line in lines if meant(_uri_of(line)) != meant(uri)]
    return "".join(kept) + ("" if last and meant(_uri_of(last)) == meant(uri) else last)


def gtk_has(text: str, uri: str) -> bool:
    """Whether there is one of this address."""
    return any(meant(_uri_of(line)) == meant(uri) for line in text.split("\n"))


def _uri_of(line: str) -> str:
    return line.strip().split(" ", maxsplit=1)[0]
