"""What the user does, with the semantics and errnos of POSIX; permissions are the caller's
business.

Owns: the user's changes of the local tree, of attributes and of extended attributes, and the marks
of files that are being written.

Invariant: each change is one event, in the journal when its method returns; OSError says that
nothing happened.
"""

from __future__ import annotations

import errno
import os

from reconciler.model import NodeId
from reconciler.names import MAX_NAME_BYTES, is_entry_name
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.conversions import to_attr
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.tree_walk import is_within, require_node
from syncin_mount.store.journal import events
from syncin_mount.store.records import FILE, FOLDER, Node
from syncin_mount.store.replica.posix_reader import PosixReader
from syncin_mount.store.types import Attr, NodeType

LINKS_MAX = 1000
"""Names of one file: each change of it is one of every name, and each name is sent by itself."""
XATTR_MAX = 65_536
XATTR_NAME_MAX = 255
XATTR_NAMES_MAX = 65_536
"""Of all names of a node, each with a zero byte: the most that Linux can list (XATTR_LIST_MAX,
listxattr(2))."""


def _fail(code: int) -> OSError:
    return OSError(code, os.strerror(code))


def check_name(name: bytes) -> None:
    """Raises OSError: ENAMETOOLONG, EINVAL."""
    if len(name) > MAX_NAME_BYTES:
        raise _fail(errno.ENAMETOOLONG)
    if not is_entry_name(name):
        raise _fail(errno.EINVAL)


class PosixOperations:
    """Each change wakes whoever waits for local changes."""

    def __init__(
        self, index: Index, objects: Objects, writer: EventWriter, reader: PosixReader
    ) -> None:
        self._ix = index
        self._objects = objects
        self._writer = writer
        self._now = writer.now_ns
        self._reader = reader

    def _folder(self, node: int) -> Node:
        record = require_node(self._ix, node)
        if record.kind != FOLDER:
            raise _fail(errno.ENOTDIR)
        return record

    def _child(self, parent: int, name: bytes) -> tuple[int, Node]:
        node = self._ix.entry(parent, name)
        if node is None:
            self._folder(parent)
            raise _fail(errno.ENAMETOOLONG if len(name) > MAX_NAME_BYTES else errno.ENOENT)
        return node, require_node(self._ix, node)

    def create(
        self,
        parent: NodeId,
        name: bytes,
        kind: NodeType,
        *,
        mode: int,
        uid: int,
        gid: int,
        rdev: int = 0,
        target: bytes = b"",
    ) -> Attr:
        """A new, empty node. Raises OSError: EEXIST, ENOENT, ENOTDIR, ENAMETOOLONG, EINVAL,
        ENOSPC."""
        check_name(name)
        self._folder(parent)
        if self._ix.entry(parent, name) is not None:
            raise _fail(errno.EEXIST)
        node = self._writer.new_id()
        now = self._now()
        event = events.Created(
            now, node, parent, name, int(kind), mode & 0o7777, uid, gid, rdev, target
        )
        self._writer.record_local(event, grows=True)
        return to_attr(node, require_node(self._ix, node))

    def link(self, node: NodeId, parent: NodeId, name: bytes) -> Attr:
        """link(2): the file gets another name. Its content must be here. Raises OSError: EEXIST,
        ENOENT, ENOTDIR, ENAMETOOLONG, EINVAL, EPERM (a folder), EIO (the content is not here),
        EMLINK, ENOSPC."""
        check_name(name)
        record = require_node(self._ix, node)
        self._folder(parent)
        if record.kind == FOLDER:
            raise _fail(errno.EPERM)
        if self._ix.entry(parent, name) is not None:
            raise _fail(errno.EEXIST)
        if record.kind == FILE and not record.present:
            raise _fail(errno.EIO)
        if record.links >= LINKS_MAX:
            raise _fail(errno.EMLINK)
        made = self._writer.new_id()
        self._writer.record_local(events.Linked(self._now(), made, node, parent, name), grows=True)
        return to_attr(made, require_node(self._ix, made))

    def set_attr(
        self,
        node: NodeId,
        *,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
        atime_ns: int | None = None,
        mtime_ns: int | None = None,
        ctime_ns: int | None = None,
    ) -> Attr:
        """Sets what is not None; ctime is now unless given. Raises FileNotFoundError."""
        require_node(self._ix, node)
        now = self._now()
        ctime = now if ctime_ns is None else ctime_ns
        self._writer.record_local(
            events.AttrsSet(now, node, mode, uid, gid, atime_ns, mtime_ns, ctime)
        )
        return to_attr(node, require_node(self._ix, node))

    def begin_write(self, node: NodeId, *, discard: bool = False, shrinks: bool = False) -> None:
        """The content is about to change in place: before the first write since ``written``. Again
        is a no-op.

        ``discard``: the caller needs nothing of the present content. Only then may it be absent:
        the file gets an empty object of its own, and what was arriving, complete or not, is
        dropped. ``shrinks``: it takes no more disk space afterwards, so that a full disk is no
        hindrance. Raises OSError: ENOENT, EINVAL (no file), EIO (absent, and not to be discarded),
        ENOSPC.
        """
        record = require_node(self._ix, node)
        if record.kind != FILE:
            raise _fail(errno.EINVAL)
        if not record.present and not discard:
            raise _fail(errno.EIO)
        if not record.writing:
            self._writer.record_local(events.WriteBegun(self._now(), node), grows=not shrinks)
            if not record.present:
                self._objects.drop_incoming(node)

    def written(
        self, node: NodeId, *, size: int, mtime_ns: int, ctime_ns: int | None = None
    ) -> Attr:
        """Records what was written since ``begin_write``; ctime is now unless given. Raises
        FileNotFoundError."""
        if require_node(self._ix, node).kind != FILE:
            raise _fail(errno.EINVAL)
        self._writer.record_local(events.Written(self._now(), node, size, mtime_ns, ctime_ns))
        return to_attr(node, require_node(self._ix, node))

    def doubt(self, node: NodeId) -> None:
        """A part of what was to be written is missing in the content: what it replaces on the
        server must be kept."""
        if not require_node(self._ix, node).doubtful:
            self._writer.record(events.Doubted(self._now(), [int(node)]))

    def rename(
        self,
        parent: NodeId,
        name: bytes,
        new_parent: NodeId,
        new_name: bytes,
        *,
        exchange: bool = False,
        no_replace: bool = False,
    ) -> None:
        """rename(2), renameat2(2). Raises OSError: ENOENT, ENOTDIR, EISDIR, ENOTEMPTY, EEXIST,
        EINVAL, ENAMETOOLONG."""
        if exchange and no_replace:
            raise _fail(errno.EINVAL)
        check_name(new_name)
        node, record = self._child(parent, name)
        self._folder(new_parent)
        other = self._ix.entry(new_parent, new_name)
        if record.kind == FOLDER and new_parent != parent and is_within(self._ix, new_parent, node):
            raise _fail(errno.EINVAL)
        if other is not None:
            self._check_target(
                parent, node, record, other, exchange=exchange, no_replace=no_replace
            )
        elif exchange:
            raise _fail(errno.ENOENT)
        if other is not None and self._is_same_file(node, other):
            return
        self._writer.record_local(
            events.Renamed(self._now(), parent, name, new_parent, new_name, exchange)
        )
        if other is not None and not exchange:
            self._objects.drop_incoming(other)

    def _is_same_file(self, node: int, other: int) -> bool:
        """Whether both are one node, or names of one file: rename(2) does nothing then."""
        return node == other or other in self._ix.names_of(node, require_node(self._ix, node))

    def _check_target(
        self, parent: int, node: int, record: Node, other: int, *, exchange: bool, no_replace: bool
    ) -> None:
        if no_replace:
            raise _fail(errno.EEXIST)
        target = require_node(self._ix, other)
        if exchange:
            if target.kind == FOLDER and is_within(self._ix, parent, other):
                raise _fail(errno.EINVAL)
        elif node != other:
            if target.kind == FOLDER and record.kind != FOLDER:
                raise _fail(errno.EISDIR)
            if target.kind != FOLDER and record.kind == FOLDER:
                raise _fail(errno.ENOTDIR)
            if target.kind == FOLDER and self._ix.children(other, None, 1):
                raise _fail(errno.ENOTEMPTY)

    def unlink(self, parent: NodeId, name: bytes) -> None:
        """Raises OSError: ENOENT, ENOTDIR, EISDIR."""
        node, record = self._child(parent, name)
        if record.kind == FOLDER:
            raise _fail(errno.EISDIR)
        self._writer.record_local(events.Removed(self._now(), parent, name))
        self._objects.drop_incoming(node)

    def rmdir(self, parent: NodeId, name: bytes) -> None:
        """Raises OSError: ENOENT, ENOTDIR, ENOTEMPTY."""
        node, record = self._child(parent, name)
        if record.kind != FOLDER:
            raise _fail(errno.ENOTDIR)
        if self._ix.children(node, None, 1):
            raise _fail(errno.ENOTEMPTY)
        self._writer.record_local(events.Removed(self._now(), parent, name))

    def set_xattr(
        self,
        node: NodeId,
        name: bytes,
        value: bytes,
        *,
        create: bool = False,
        replace: bool = False,
    ) -> None:
        """Raises OSError: ENOENT, EEXIST, ENODATA, ERANGE (name), E2BIG (value), ENOSPC (also when
        the names would be more than can be listed)."""
        if not 0 < len(name) <= XATTR_NAME_MAX:
            raise _fail(errno.ERANGE)
        if len(value) > XATTR_MAX:
            raise _fail(errno.E2BIG)
        count = require_node(self._ix, node).xattrs
        if create or replace or count >= XATTR_NAMES_MAX // (XATTR_NAME_MAX + 1):
            names = self._reader.list_xattrs(node)
            there = name in names
            if create and there:
                raise _fail(errno.EEXIST)
            if replace and not there:
                raise _fail(errno.ENODATA)
            if not there and sum(map(len, names)) + len(names) + len(name) + 1 > XATTR_NAMES_MAX:
                raise _fail(errno.ENOSPC)
        self._writer.record_local(events.XattrSet(self._now(), node, name, value), grows=True)

    def remove_xattr(self, node: NodeId, name: bytes) -> None:
        """Raises OSError: ENOENT, ENODATA."""
        self._reader.get_xattr(node, name)
        self._writer.record_local(events.XattrSet(self._now(), node, name, None))
