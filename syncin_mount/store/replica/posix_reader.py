"""What the file system looks up. Names are bytes, as the kernel gives them.

Owns nothing: it reads the index and asks the content objects for their size on the disk.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from reconciler.model import NodeId
from syncin_mount import system
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.content.unlinked_contents import Kept
from syncin_mount.store.conversions import is_utf8, to_attr
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.tree_walk import require_node
from syncin_mount.store.records import FILE, FOLDER, key
from syncin_mount.store.types import Attr, Status


class PosixReader:
    """``folder`` is the replica's."""

    def __init__(self, folder: Path, index: Index, objects: Objects) -> None:
        self._folder = folder
        self._ix = index
        self._objects = objects
        # for the calls that the kernel makes most
        self._peek, self._entry, self._by_ino = index.peek, index.entry, index.by_ino

    def attr(self, node: NodeId) -> Attr | None:
        record = self._peek(node)
        return None if record is None else to_attr(node, record)

    def blocks(self, node: NodeId) -> int | None:
        """The blocks of 512 bytes that a file's content takes on the local disk; None where there
        is no object of its own (content that is not here, or has never been opened)."""
        record = self._ix.peek(node)
        if record is None or record.kind != FILE or not record.present:
            return None
        found = self._objects.stat(record.owner, record.number)
        return None if found is None else getattr(found, "st_blocks", None)

    def by_ino(self, ino: int) -> NodeId | None:
        """The node that has this inode *now*; None for one whose content was replaced or
        removed."""
        node = self._by_ino(ino)
        record = self._peek(node)
        return NodeId(node) if record is not None and record.ino == ino else None

    def lookup(self, parent: NodeId, name: bytes) -> NodeId | None:
        node = self._entry(parent, name)
        return None if node is None else NodeId(node)

    def use_name_keys(
        self, key_of: Callable[[bytes], str]
    ) -> Callable[[NodeId, str], list[tuple[bytes, NodeId]]]:
        """From now on names are found by a key that several may have. Returns what finds a
        folder's names (and nodes) with a key: the one that had it first comes first."""
        keys = self._ix.entry_table.use_keys(key_of)
        return lambda parent, key: [
            (name, NodeId(node)) for name, node in keys.find(int(parent), key)
        ]

    def look(self, parent: NodeId, name: bytes) -> tuple[Attr, dict[bytes, bytes]] | None:
        """What has this name, with its extended attributes."""
        node = self._ix.entry(parent, name)
        if node is None:
            return None
        return to_attr(node, require_node(self._ix, node)), self.xattrs_of(node)

    def children(
        self, parent: NodeId, after: bytes | None, limit: int
    ) -> list[tuple[bytes, NodeId]]:
        return [(name, NodeId(node)) for name, node in self._ix.children(parent, after, limit)]

    def keep_content(self, node: NodeId) -> Kept | None:
        """Before the node's inode may lose its name: its content stays openable until the result is
        let go. None for what is no file, or not here."""
        record = self._ix.peek(node)
        if record is None or record.kind != FILE or not record.present:
            return None
        return self._objects.kept.keep(record.owner, record.number, record.size)

    def get_xattr(self, node: NodeId, name: bytes) -> bytes:
        """Raises OSError: ENODATA, ENOENT."""
        value = self._ix.txn.get(key(node) + name, db=self._ix.xattrs)
        if value is None:
            require_node(self._ix, node)
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
        return value

    def list_xattrs(self, node: NodeId) -> list[bytes]:
        return self._ix.xattr_table.names(node) if require_node(self._ix, node).xattrs else []

    def xattrs_of(self, node: int) -> dict[bytes, bytes]:
        return {name: self.get_xattr(NodeId(node), name) for name in self.list_xattrs(NodeId(node))}

    def statfs(self) -> os.statvfs_result:
        return system.file_system(self._folder)

    def status(self, node: NodeId) -> Status:
        """That of the file, whichever of its names this is. Raises FileNotFoundError."""
        record = require_node(self._ix, node)
        if record.kind > FOLDER or not is_utf8(self._ix.path(node)):
            return Status.LOCAL_ONLY
        if any(self._ix.is_dirty(each) for each in self._ix.names_of(node, record)):
            return Status.CHANGED
        return Status.SYNCED if record.present else Status.ABSENT
