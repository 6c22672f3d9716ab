"""Inodes that lost their name in the mount and are still in use.

A working directory that was removed, a fifo that is open, a file of which somebody has an O_PATH
descriptor: none of them has a handle here, yet programs go on asking. What is kept is what a local
file system would answer, until the operating system forgets the inode, the content of a file
included: as long as it has handles it is theirs, see `syncin_mount.vfs.files`.

When the reconciler took the name, ESTALE leads whoever means the name to the file that has it now,
until the operating system was told: then whoever comes has the inode itself, and reads what it was.
What would change it is refused to the end, as its words might be meant for the name all the same.
(Whoever means the inode by a descriptor is refused, too: nobody can tell them apart.)
"""

from __future__ import annotations

import errno
import logging
import os
from typing import TYPE_CHECKING, NoReturn

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from syncin_mount.store import Attr, Content, Kept, Replica

log = logging.getLogger(__name__)


def _stale() -> NoReturn:
    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))


class _Orphan:
    __slots__ = ("attr", "kept", "taken", "told", "xattrs")

    def __init__(
        self, attr: Attr, xattrs: dict[bytes, bytes], kept: Kept | None, *, taken: bool
    ) -> None:
        self.attr = attr
        self.xattrs = xattrs
        self.kept = kept
        self.taken = taken
        self.told = not taken


class Orphans:
    """Attributes, extended attributes and contents, by inode. Nothing of it is recorded. ``now_ns``
    gives the time."""

    def __init__(self, replica: Replica, now_ns: Callable[[], int]) -> None:
        self._replica = replica
        self._now_ns = now_ns
        self._orphans: dict[int, _Orphan] = {}

    def __len__(self) -> int:
        return len(self._orphans)

    def keep(
        self, attr: Attr, xattrs: dict[bytes, bytes], kept: Kept | None, *, taken: bool = False
    ) -> None:
        """From here on the inode belongs to no name, if that is so; else the content is let go.
        ``taken``: it was the reconciler."""
        if self._replica.by_ino(attr.ino) is None:
            attr = msgspec.structs.replace(attr, nlink=0, ctime_ns=self._now_ns())
            self._orphans[attr.ino] = _Orphan(attr, xattrs, kept, taken=taken)
        elif kept is not None:
            kept.let_go()

    def told(self, ino: int) -> None:
        """The operating system is told that its name leads elsewhere. From any thread."""
        orphan = self._orphans.get(ino)
        if orphan is not None:
            orphan.told = True

    def forget(self, inodes: Iterable[int]) -> None:
        for ino in inodes if self._orphans else ():
            orphan = self._orphans.pop(ino, None)
            if orphan is not None and orphan.kept is not None:
                try:
                    orphan.kept.let_go()
                except OSError as error:  # the next start does it
                    log.warning("What nobody can open any more could not be removed: %s", error)

    def forget_all(self) -> None:
        self.forget(list(self._orphans))

    def _get(self, ino: int, *, to_change: bool = False) -> _Orphan:
        orphan = self._orphans.get(ino)
        if orphan is None or not orphan.told or (to_change and orphan.taken):
            _stale()
        return orphan

    def attr(self, ino: int) -> Attr:
        """Raises ESTALE for an inode that is not kept, like every method below."""
        return self._get(ino).attr

    def is_taken(self, ino: int) -> bool:
        """Whether the reconciler took its name."""
        return self._get(ino).taken

    def open(self, ino: int) -> Content:
        """The content; ESTALE for what is no file, or was not here when it lost its name."""
        kept = self._get(ino).kept
        if kept is None:
            _stale()
        return kept.open()

    def closed(self, ino: int, attr: Attr) -> None:
        """Its handles are gone and left it like this."""
        orphan = self._orphans.get(ino)
        if orphan is not None:
            orphan.attr = attr

    def change(self, ino: int, **changes: int | None) -> Attr:
        """Sets the fields of Attr that are not None; ctime is now unless given."""
        orphan = self._get(ino, to_change=True)
        given = {"ctime_ns": self._now_ns()} | {
            name: value for name, value in changes.items() if value is not None
        }
        orphan.attr = msgspec.structs.replace(orphan.attr, **given)
        return orphan.attr

    def xattrs(self, ino: int) -> dict[bytes, bytes]:
        return self._get(ino).xattrs

    def get_xattr(self, ino: int, name: bytes) -> bytes:
        """Raises ENODATA."""
        value = self.xattrs(ino).get(name)
        if value is None:
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
        return value

    def set_xattr(self, ino: int, name: bytes, value: bytes | None) -> None:
        """None removes it. Raises ENODATA for one that is to be removed and is not there."""
        xattrs = self._get(ino, to_change=True).xattrs
        if value is not None:
            xattrs[name] = value
        elif xattrs.pop(name, None) is None:
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
