"""What a frontend needs to keep the operating system's picture of names true."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

import trio

from reconciler.model import ROOT, Kind, NodeId
from syncin_mount.store.name_texts import to_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from syncin_mount.store import Attr, Change, Replica
    from syncin_mount.vfs.files import OpenFiles
    from syncin_mount.vfs.orphans import Orphans


_TRASH = re.compile(rb"\.Trash(-\d+)?")
"""Where the freedesktop.org Trash specification has programs put what they delete, at the top of a
file system. Here it would be sent to the server and come to every computer."""


def refuse_own_trash(replica: Replica, folder: NodeId, name: bytes) -> None:
    """EPERM for a trash of the drive's own: file managers then offer their other ways of deleting.
    One that is there, made by others, is a folder like any other."""
    if folder == ROOT and _TRASH.fullmatch(name) and replica.lookup(folder, name) is None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))


class KnownNames:
    """Of one `FileSystem`: its changes that others made, and where things are now."""

    def __init__(self, replica: Replica, files: OpenFiles, orphans: Orphans) -> None:
        self._replica = replica
        self._files = files
        self._orphans = orphans
        self._passed_on: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint

    def listen(
        self,
        callback: Callable[[Change], None],
        passed_on: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """``callback`` hears at once of every entry and attribute that changes by other means than
        these methods. ``passed_on`` returns when the operating system was told of all of them."""
        self._replica.listen(callback)
        self._passed_on = passed_on or self._passed_on

    async def passed_on(self) -> None:
        """Returns when the operating system knows of every change so far: a program that looks now
        sees it."""
        await self._passed_on()

    def told(self, ino: int) -> None:
        """The operating system is told now that the name leads elsewhere (InodeUnnamed): whoever
        comes with the inode has it otherwise. From any thread."""
        self._orphans.told(ino)

    def entry_of_file(self, ino: int) -> tuple[int, bytes] | None:
        """The parent's inode and the name of a file; None when it has none (any more), and for all
        but files."""
        node = self._replica.by_ino(ino)
        local = None if node is None else self._replica.local(node)
        if local is None or local.kind is not Kind.FILE:
            return None
        above = self._replica.attr(local.parent)
        return None if above is None else (above.ino, to_bytes(local.name))

    def place_of(self, ino: int) -> tuple[int, bytes] | None:
        """The parent's inode and the name of whatever it is; None when it has none (any more). The
        top is in itself."""
        node = self._replica.by_ino(ino)
        if node == ROOT:
            return ino, b""
        return None if node is None else self.place_of_node(node)

    def place_of_node(self, node: int) -> tuple[int, bytes] | None:
        """The parent's inode and the name of a node; None when it is nowhere (any more)."""
        local = self._replica.local(NodeId(node))
        above = None if local is None else self._replica.attr(local.parent)
        return None if local is None or above is None else (above.ino, to_bytes(local.name))

    def use_keys(
        self, key_of: Callable[[bytes], str]
    ) -> Callable[[int, str], list[tuple[bytes, NodeId]]]:
        """From now on names are found by a key that several may have. Returns what finds the names
        (and nodes) with a key in the folder of an inode; the one that had the key first comes
        first. Raises OSError (ESTALE)."""
        find = self._replica.use_name_keys(key_of)

        def find_in(parent: int, key: str) -> list[tuple[bytes, NodeId]]:
            folder = self._replica.by_ino(parent)
            if folder is None:
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            return find(folder, key)

        return find_in

    def path_of_folder(self, ino: int) -> bytes | None:
        """Where a folder is below the top (``b""``: the top itself); None when it is nowhere any
        more."""
        node = self._replica.by_ino(ino)
        return None if node is None else to_bytes(self._replica.local_path(node))

    def named(self, parent: int, name: bytes) -> Attr | None:
        """What has the name in this folder now."""
        folder = self._replica.by_ino(parent)
        node = None if folder is None else self._replica.lookup(folder, name)
        attr = None if node is None else self._replica.attr(node)
        file = None if attr is None else self._files.get(attr.ino)
        return attr if file is None else self._files.attr(file)
