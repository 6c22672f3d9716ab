"""Inodes that lost their name in the mount and are still in use.

A working directory that was removed, a fifo that is open, a file of which somebody has an O_PATH descriptor: none of
them has a handle here, yet programs go on asking. What is kept is what a local file system would answer, until the
operating system forgets the inode. (The content of a file belongs to its handles, see `syncin_mount.vfs.files`.)

An inode whose name the reconciler took is never kept: ESTALE leads whoever means the name to the file that has it now.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from syncin_mount.store import Attr, Replica


class Orphans:
    """Attributes, and extended attributes, by inode. Nothing of it is recorded. ``now_ns`` gives the time."""

    def __init__(self, replica: Replica, now_ns: Callable[[], int]) -> None:
        self._replica = replica
        self._now_ns = now_ns
        self._attrs: dict[int, Attr] = {}
        self._xattrs: dict[int, dict[bytes, bytes]] = {}

    def __len__(self) -> int:
        return len(self._attrs)

    def keep(self, attr: Attr, xattrs: dict[bytes, bytes]) -> None:
        """From here on the inode belongs to no name, if that is so."""
        if self._replica.by_ino(attr.ino) is None:
            self._attrs[attr.ino] = msgspec.structs.replace(attr, nlink=0, ctime_ns=self._now_ns())
            if xattrs:
                self._xattrs[attr.ino] = xattrs

    def forget(self, inodes: Iterable[int]) -> None:
        for ino in inodes if self._attrs else ():
            self._attrs.pop(ino, None)
            self._xattrs.pop(ino, None)

    def attr(self, ino: int) -> Attr:
        """Raises ESTALE for an inode that is not kept, like every method below."""
        attr = self._attrs.get(ino)
        if attr is None:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return attr

    def change(self, ino: int, **changes: int | None) -> Attr:
        """Sets the fields of Attr that are not None; ctime is now unless given."""
        given = {"ctime_ns": self._now_ns()} | {name: value for name, value in changes.items() if value is not None}
        attr = self._attrs[ino] = msgspec.structs.replace(self.attr(ino), **given)
        return attr

    def xattrs(self, ino: int) -> dict[bytes, bytes]:
        self.attr(ino)
        return self._xattrs.setdefault(ino, {})

    def get_xattr(self, ino: int, name: bytes) -> bytes:
        """Raises ENODATA."""
        value = self.xattrs(ino).get(name)
        if value is None:
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
        return value

    def set_xattr(self, ino: int, name: bytes, value: bytes | None) -> None:
        """None removes it. Raises ENODATA for one that is to be removed and is not there."""
        if value is None:
            self.get_xattr(ino, name)
            del self.xattrs(ino)[name]
        else:
            self.xattrs(ino)[name] = value
