"""Tells the file system what the kernel may remember wrongly after the reconciler's changes.

Owns: the listeners, and the one keeper of inodes that lose their name. Local operations notify
nobody: the kernel did them.

Order: a part records its event, then notifies; an inode that loses its name is given to the keeper
before the listeners are told of it, so that whoever still has it open never meets a gap.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

from reconciler.model import NodeId
from syncin_mount.store.changes import (
    AttrChanged,
    Change,
    EntryChanged,
    InodeUnnamed,
    NameChanged,
)
from syncin_mount.store.content.unlinked_contents import Kept
from syncin_mount.store.conversions import to_attr
from syncin_mount.store.index.index import Index
from syncin_mount.store.records import FOLDER, Node
from syncin_mount.store.replica.posix_reader import PosixReader
from syncin_mount.store.types import Attr

Keeper = Callable[[Attr, dict[bytes, bytes], Kept | None], None]
"""Gets what an inode was: attributes, extended attributes, and (files whose content is here) the
content, which it lets go when nobody knows the inode any more."""


class ChangeNotifier:
    """Listeners are called at once, on the replica's thread."""

    def __init__(self, index: Index, reader: PosixReader) -> None:
        self._ix = index
        self._reader = reader
        self._listeners: tuple[Callable[[Change], None], ...] = ()
        self._keeper: Keeper | None = None

    def listen(self, callback: Callable[[Change], None]) -> None:
        """Has the callback told of every change by the reconciler, right after it, on this
        thread."""
        self._listeners = (*self._listeners, callback)

    def keep_unnamed(self, keeper: Keeper | None) -> None:
        """From now on this one is given each inode that loses its name by the reconciler; None:
        nobody. Listeners are told of the inode after it."""
        self._keeper = keeper

    def notify(self, *changes: Change) -> None:
        for callback in self._listeners:
            for change in changes:
                callback(change)

    def notify_attr_changed(self, ino: int) -> None:
        """Has listeners told that the inode's attributes may be remembered wrongly, though nothing
        changed."""
        self.notify(AttrChanged(ino))

    def notify_new_name(self, parent: NodeId, name: bytes) -> None:
        """Has listeners told that the name came: the kernel did not do it."""
        self.notify_entry(parent, name)
        self.notify_name(parent, name, None)

    def notify_entry(self, parent: int, name: bytes) -> None:
        """The name leads elsewhere now, and its folder has other times."""
        if self._listeners:
            folder = self._ix.node(parent)
            if folder is not None:
                self.notify(EntryChanged(folder.ino, name), AttrChanged(folder.ino))

    def notify_name(self, parent: int, name: bytes, was: tuple[int, Node] | None) -> None:
        """What became of the name, which ``was`` (node and record) had."""
        folder = self._ix.peek(parent) if self._listeners else None
        if folder is not None:
            self.notify(NameChanged(folder.ino, name, None if was is None else to_attr(*was)))

    def notify_moved(self, was: Node, parent: int, name: bytes) -> None:
        """What was at the place of ``was`` has this name now."""
        above, new_above = self._ix.peek(was.parent), self._ix.peek(parent)
        if self._listeners and above is not None and new_above is not None:
            self.notify(NameChanged(above.ino, was.name, None, (new_above.ino, name)))

    def notify_links(self, record: Node) -> None:
        """The file of a node that left has fewer names now."""
        if record.links > 1 and record.kind != FOLDER:
            self.notify(AttrChanged(record.ino))

    @contextlib.contextmanager
    def unnaming(self, nodes: Iterable[int]) -> Iterator[None]:
        """Around an event by which these nodes may lose their inodes, or their names."""
        keeper, reader = self._keeper, self._reader
        if keeper is None:
            yield
            return
        before = [
            (to_attr(node, record), reader.xattrs_of(node), reader.keep_content(NodeId(node)))
            for node in nodes
            if (record := self._ix.peek(node)) is not None
        ]
        done, given = False, set[int]()  # several nodes may be one file
        try:
            yield
            done = True
        finally:
            for attr, xattrs, kept in before:
                if done and attr.ino not in given and reader.by_ino(attr.ino) is None:
                    given.add(attr.ino)
                    keeper(attr, xattrs, kept)
                    self.notify(InodeUnnamed(attr.ino))
                elif kept is not None:
                    kept.let_go()
