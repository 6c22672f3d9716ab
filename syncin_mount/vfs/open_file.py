"""What is known of one inode that has handles."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trio

    from reconciler.model import NodeId
    from syncin_mount.store import Attr, Content


class OpenFile:
    """One inode that has handles.

    ``counted`` is the node for which the replica counts the file's writers, None without writers.
    ``mtime_ns`` is the time that the record will carry when somebody set one after the last write,
    else None: then it is the object's own. ``ctime_ns`` is there when the caller keeps the times
    itself and tells each change (the kernel under writeback): a write that it hands over late must
    not change the times it has told. ``synced`` is the last version that was noted as being on the
    disk. ``unnamed`` says that a caller took the name from the inode: it knows, so whoever still
    comes with the inode has a handle on it. ``failed``: a write was refused, so a caller that has
    said yes to whoever wrote (the kernel under writeback) may take the file for longer than it is.
    ``far``: one was refused that lay beyond what a file can be; ``before`` is the size (bytes) that
    the content had before the last write that made it longer by whole pages. ``writes`` is held
    around each write that a thread does (``in_thread``), and by who must not see a half of it; None
    until there is one.
    """

    __slots__ = (
        "attr",
        "before",
        "content",
        "counted",
        "ctime_ns",
        "failed",
        "far",
        "handles",
        "here",
        "in_thread",
        "ino",
        "mtime_ns",
        "node",
        "retired",
        "synced",
        "told",
        "unnamed",
        "writers",
        "writes",
        "writing",
        "wrote_at",
    )

    def __init__(self, ino: int, node: NodeId, content: Content, attr: Attr) -> None:
        self.ino = ino
        self.node: NodeId | None = node
        self.counted: NodeId | None = None
        self.content = content
        self.retired: list[Content] = []
        self.attr = attr
        self.here = attr.present
        self.handles = 0
        self.writers = 0
        self.writing = False
        self.writes: trio.Lock | None = None
        self.in_thread = False
        self.wrote_at = 0.0
        self.mtime_ns: int | None = None
        self.ctime_ns: int | None = None
        self.told = False
        self.synced = 0
        self.unnamed = False
        self.failed = False
        self.far = False
        self.before: int | None = None

    def blocks(self) -> int | None:
        """The blocks of 512 bytes that the content takes on the local disk; None when it is not
        here."""
        return getattr(os.fstat(self.content.fd), "st_blocks", None) if self.here else None
