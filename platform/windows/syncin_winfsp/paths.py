"""Where a path of Windows leads in the drive, and what its folders show.

Of names that differ by case alone the first has its own name, and others have an alias
(`syncin_winfsp.values.names`): for the driver, all who open a name in whatever case have one file
open.
Links, pipes and devices are not shown; their names are taken all the same.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from syncin_mount.store.types import NodeType
from syncin_winfsp.values.attributes import is_shown
from syncin_winfsp.values.folding import fold
from syncin_winfsp.values.names import NoName, alias, from_windows, number_in_alias, to_windows
from syncin_winfsp.values.statuses import Refused, Status

if TYPE_CHECKING:
    from reconciler.model import NodeId
    from syncin_mount.store import Attr
    from syncin_mount.vfs import FileSystem

ROOT: Final = 1
"""The inode of the top."""

_OF_WINDOWS: Final = frozenset(fold(each) for each in ("$RECYCLE.BIN", "System Volume Information"))
"""What Windows makes at the top of each drive. It would be sent to the server, and come to every
computer; without it Explorer deletes for good, and says so before."""


@dataclass(frozen=True, slots=True)
class Found:
    """What has a path. ``parent`` and ``name`` are its place in the drive, ``path`` is the path as
    Windows is to show it."""

    attr: Attr
    parent: int
    name: bytes
    path: str


@dataclass(frozen=True, slots=True)
class Free:
    """A name that nothing has."""

    parent: int
    name: bytes
    path: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One name in a folder, as Windows is shown it, and as the drive has it."""

    shown: str
    name: bytes


class Listing:
    """What a folder showed when its listing began."""

    def __init__(self, entries: list[Listed]) -> None:
        self.entries = entries
        self._places = {each.shown: at for at, each in enumerate(entries)}

    def behind(self, marker: str) -> int:
        """Where it goes on after this name. One that is not in it stands where it would."""
        at = self._places.get(marker)
        if at is not None:
            return at + 1
        key, dots = fold(marker), {b".", b".."}
        later = (
            at
            for at, each in enumerate(self.entries)
            if each.name not in dots and fold(each.shown) > key
        )
        return next(later, len(self.entries))


def key_of(name: bytes) -> str:
    """What all names have in common that Windows takes for the same."""
    return fold(to_windows(name))


def _not_found() -> NoReturn:
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


class Paths:
    """Of one drive."""

    def __init__(self, fs: FileSystem) -> None:
        self._fs = fs
        self._find = fs.names.use_keys(key_of)

    def find(self, path: str) -> Found:
        """Raises OSError (ENOENT), and Refused (OBJECT_PATH_NOT_FOUND) when a folder is missing
        above it."""
        found = Found(self._fs.getattr(ROOT), ROOT, b"", "\\")
        parts = [part for part in path.split("\\") if part]
        for index, part in enumerate(parts):
            try:
                found = self.child(found, part)
            except OSError as error:
                if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}:
                    raise
                if index + 1 < len(parts) or error.errno == errno.ENOTDIR:
                    raise Refused(Status.OBJECT_PATH_NOT_FOUND) from None
                raise
        return found

    def child(self, folder: Found, name: str) -> Found:
        """Raises OSError (ENOENT, ENOTDIR)."""
        if not _is_folder(folder.attr):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        raw, attr, shown = self.named(folder.attr.ino, name)
        return Found(attr, folder.attr.ino, raw, f"{folder.path.rstrip(chr(92))}\\{shown}")

    def named(self, parent: int, name: str) -> tuple[bytes, Attr, str]:
        """What has the name, in whatever case: its name in the drive, what it is, and its name on
        Windows. Raises OSError (ENOENT)."""
        number = number_in_alias(name)
        if number is not None:
            return self._by_alias(parent, name, number)
        raw, attr = self._first(parent, fold(name))
        return raw, attr, to_windows(raw)

    def _first(self, parent: int, key: str) -> tuple[bytes, Attr]:
        for raw, _ in self._find(parent, key):
            attr = self._fs.lookup(parent, raw)
            if is_shown(attr):
                return raw, attr
        _not_found()

    def _by_alias(self, parent: int, name: str, number: int) -> tuple[bytes, Attr, str]:
        place = self._fs.names.place_of_node(number)
        if place is None or place[0] != parent:
            _not_found()
        raw = place[1]
        attr = self._fs.lookup(parent, raw)
        shown = self.shown(parent, raw, attr)
        if fold(shown) != fold(name) or not is_shown(attr):
            _not_found()
        return raw, attr, shown

    def shown(self, parent: int, name: bytes, attr: Attr) -> str:
        """The name on Windows of what has this name in the drive."""
        shown = to_windows(name)
        same = self._find(parent, fold(shown))
        if len(same) > 1 and self._first_name(parent, same) != name:
            return alias(name, attr.node)
        return shown

    def _first_name(self, parent: int, same: list[tuple[bytes, NodeId]]) -> bytes:
        """Of names with one key, that which is shown as it is."""
        for raw, _ in same:
            if is_shown(self._fs.lookup(parent, raw)):
                return raw
        return same[0][0]

    def shown_path(self, above: bytes, parent: int, name: bytes) -> str:
        """The path of a name in the folder ``parent``, which is at ``above`` in the drive."""
        shown, folder = "", ROOT
        for part in [part for part in above.split(b"/") if part]:
            attr = self._fs.names.named(folder, part)
            shown += "\\" + (to_windows(part) if attr is None else self.shown(folder, part, attr))
            folder = parent if attr is None else attr.ino
        if not name:
            return shown or "\\"
        attr = self._fs.names.named(parent, name)
        last = to_windows(name) if attr is None else self.shown(parent, name, attr)
        return f"{shown}\\{last}"

    def free(self, path: str) -> Free:
        """The place of a new name. Raises Refused (OBJECT_NAME_COLLISION, OBJECT_NAME_INVALID,
        OBJECT_PATH_NOT_FOUND, ACCESS_DENIED)."""
        free = self.new_name(path)
        if self._find(free.parent, key_of(free.name)):
            raise Refused(Status.OBJECT_NAME_COLLISION)
        return free

    def new_name(self, path: str) -> Free:
        """As ``free``, whether something has the name or not."""
        above, _, name = path.rstrip("\\").rpartition("\\")
        if not name:
            raise Refused(Status.ACCESS_DENIED)  # the top itself
        try:
            folder = self.find(above)
        except FileNotFoundError:
            raise Refused(Status.OBJECT_PATH_NOT_FOUND) from None
        if not _is_folder(folder.attr):
            raise Refused(Status.OBJECT_PATH_NOT_FOUND)
        try:
            raw = from_windows(name)
        except NoName:
            raise Refused(Status.OBJECT_NAME_INVALID) from None
        if folder.attr.ino == ROOT and fold(name) in _OF_WINDOWS:
            raise Refused(Status.ACCESS_DENIED)
        return Free(folder.attr.ino, raw, f"{folder.path.rstrip(chr(92))}\\{name}")

    def listing(self, ino: int) -> list[Listed]:
        """The names in a folder in the order in which NTFS has them: by their capitals."""
        by_key: dict[str, list[tuple[bytes, Attr]]] = {}
        handle = self._fs.folders.open(ino)
        try:
            for name, attr, _ in self._fs.folders.read(handle, 2):
                if is_shown(attr):
                    by_key.setdefault(key_of(name), []).append((name, attr))
        finally:
            self._fs.folders.close(handle)
        listed = []
        for key, same in sorted(by_key.items()):
            names = [Listed(to_windows(name), name) for name, _ in same]
            if len(same) > 1:
                names = [Listed(self.shown(ino, name, attr), name) for name, attr in same]
                names.sort(key=lambda each: (fold(each.shown) != key, each.shown))
            listed += names
        return listed

    def is_empty(self, ino: int) -> bool:
        """Whether nothing at all is in a folder, shown or not."""
        handle = self._fs.folders.open(ino)
        try:
            return next(iter(self._fs.folders.read(handle, 2)), None) is None
        finally:
            self._fs.folders.close(handle)


def _is_folder(attr: Attr) -> bool:
    return attr.kind is NodeType.FOLDER
