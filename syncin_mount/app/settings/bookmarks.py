"""The drive in the sidebar of file managers: a line in the file of GTK's bookmarks, an element in
that of KDE's places. All else in them stays as it is, byte by byte.

File managers show a drive of the user's home by themselves while it is mounted; a bookmark is there
all the time.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr, unescape

from syncin_mount.config.files import write_atomic

if TYPE_CHECKING:
    from syncin_mount.config import Folders

log = logging.getLogger(__name__)

OWNER: Final = "https://github.com/Sync-in"
"""Marks an element of KDE's places as one that this program made."""

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a file that is edited; nobody's is as long."""


@dataclass(frozen=True, slots=True)
class Sidebar:
    """A file of bookmarks, and how one is put into its text, and taken out."""

    path: Path
    added: Callable[[str, str, str], str]
    removed: Callable[[str, str], str]


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
        found.append(Sidebar(config / "gtk-3.0" / "bookmarks", gtk_added, gtk_removed))
    # KDE makes this file with its usual places: one of ours alone would be without them.
    places = data / "user-places.xbel"
    if places.is_file():
        found.append(Sidebar(places, xbel_added, xbel_removed))
    return found


def add_bookmark(folders: Folders, mountpoint: Path, label: str) -> bool:
    """Puts the drive into all sidebars; whether there is any. Raises OSError."""
    found = sidebars(folders)
    for each in found:
        _edit(each.path, each.added, mountpoint.as_uri(), label)
    return bool(found)


def remove_bookmark(folders: Folders, mountpoint: Path) -> None:
    """Takes the drive out of all of them, where it is. What cannot be edited is logged: nobody is
    kept from removing a drive by it."""
    for each in sidebars(folders):
        try:
            _edit(each.path, each.removed, mountpoint.as_uri())
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
            _edit(each.path, moved, each)
        except OSError as error:
            _log(each.path, error)


def _log(path: Path, error: OSError) -> None:
    log.warning("the bookmarks in %s stay as they are: %s", path, error.strerror)


def _edit(path: Path, change: Callable[..., str], *more: object) -> None:
    """``change`` makes another text of the file's, and of ``more``."""
    before = _read(path)
    after = change(before, *more)
    if after != before:
        _write(path, after)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise OSError(27, "the file is too long", os.fspath(path))
        return path.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return ""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    write_atomic(path, text.encode(errors="surrogateescape"), mode=mode)


# GTK's: a line each, the address and, after a space, what it is called ---------------------------
def gtk_added(text: str, uri: str, label: str) -> str:
    """The text of a file of bookmarks with this one. One that is there already is left alone."""
    wanted = _meant(uri)
    if any(_meant(_uri_of(line)) == wanted for line in text.splitlines()):
        return text
    end = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{end}{uri} {' '.join(label.split())}\n"


def gtk_removed(text: str, uri: str) -> str:
    """The text without it."""
    wanted = _meant(uri)
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if _meant(_uri_of(line)) != wanted)


def _uri_of(line: str) -> str:
    return line.strip().split(" ", maxsplit=1)[0]


def _meant(uri: str) -> bytes:
    """The same for all ways to write an address: file managers escape fewer characters."""
    return unquote_to_bytes(uri.encode(errors="surrogateescape")).rstrip(b"/")


# KDE's: XBEL ------------------------------------------------------------------------------------
def xbel_added(text: str, uri: str, label: str) -> str:
    """The text of a file of places with this one; unchanged where it is there already, or where the
    text is no such file."""
    end = text.rfind("</xbel>")
    if end < 0 or not _is_xml(text) or any(True for _ in _elements(text, uri)):
        return text
    element = (
        f" <bookmark href={quoteattr(uri)}>\n"
        f"  <title>{escape(label)}</title>\n"
        "  <info>\n"
        '   <metadata owner="http://freedesktop.org">\n'
        '    <bookmark:icon name="folder-remote"/>\n'
        "   </metadata>\n"
        f'   <metadata owner="{OWNER}"/>\n'
        "  </info>\n"
        " </bookmark>\n"
    )
    after = text[:end] + element + text[end:]
    # The name space of the icon is declared by KDE; a file without it would be no XML any more.
    return after if _is_xml(after) else text


def xbel_removed(text: str, uri: str) -> str:
    """The text without the element that this program made of it."""
    for start, stop in _elements(text, uri):
        if OWNER in text[start:stop]:
            after = text[:start].rstrip(" ") + text[stop:].removeprefix("\n")
            return after if _is_xml(after) else text
    return text


_ELEMENT = re.compile(
    r"<bookmark\b[^>]*?\bhref=(\"[^\"]*\"|'[^']*')[^>]*>.*?</bookmark>", re.DOTALL
)


def _elements(text: str, uri: str) -> Iterator[tuple[int, int]]:
    wanted = _meant(uri)
    for found in _ELEMENT.finditer(text):
        if _meant(unescape(found[1][1:-1], {"&quot;": '"', "&apos;": "'"})) == wanted:
            yield found.span()


def _is_xml(text: str) -> bool:
    try:
        ET.fromstring(text.encode(errors="surrogateescape"))  # noqa: S314 (the user's own file)
    except (ET.ParseError, ValueError):
        return False
    return True
