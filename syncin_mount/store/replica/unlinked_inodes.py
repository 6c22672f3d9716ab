"""Inodes that a change by the reconciler takes the name from: the file system keeps them for
whoever still has them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

from reconciler.model import NodeId
from syncin_mount.store.content.unlinked_contents import Kept
from syncin_mount.store.records import FOLDER, Node
from syncin_mount.store.replica.changes import Change, InodeUnnamed
from syncin_mount.store.replica.lookups import Lookups, to_attr
from syncin_mount.store.types import Attr

Keeper = Callable[[Attr, dict[bytes, bytes], Kept | None], None]
"""Gets what an inode was: attributes, extended attributes, and (files whose content is here) the
content, which it lets go when nobody knows the inode any more."""


class Unnaming(Lookups):
    """Listeners, and the one keeper of inodes."""

    _listeners: list[Callable[[Change], None]] = []  # noqa: RUF012 - replaced, never changed
    _keeper: Keeper | None = None

    def listen(self, callback: Callable[[Change], None]) -> None:
        """Has the callback told of every change by the reconciler, right after it, on this
        thread."""
        self._listeners = [*self._listeners, callback]

    def keep_unnamed(self, keeper: Keeper | None) -> None:
        """From now on this one is given each inode that loses its name by the reconciler; None:
        nobody. Listeners are told of the inode after it."""
        self._keeper = keeper

    def _tell(self, *changes: Change) -> None:
        for callback in self._listeners:
            for change in changes:
                callback(change)

    def _below(self, node: int, record: Node) -> Iterator[int]:
        """The node and all that is in it, parents first."""
        todo = [(node, record)]
        for at, found in todo:
            yield at
            if found.kind == FOLDER:
                todo += [(child, self._node(child)) for _, child in self._ix.children(at)]

    @contextlib.contextmanager
    def _unnaming(self, nodes: Iterable[int]) -> Iterator[None]:
        """Around an event by which these nodes may lose their inodes, or their names."""
        keeper = self._keeper
        if keeper is None:
            yield
            return
        before = [
            (to_attr(node, record), self._xattrs_of(node), self.keep_content(NodeId(node)))
            for node in nodes
            if (record := self._ix.peek(node)) is not None
        ]
        done, given = False, set[int]()  # several nodes may be one file
        try:
            yield
            done = True
        finally:
            for attr, xattrs, kept in before:
                if done and attr.ino not in given and self.by_ino(attr.ino) is None:
                    given.add(attr.ino)
                    keeper(attr, xattrs, kept)
                    self._tell(InodeUnnamed(attr.ino))
                elif kept is not None:
                    kept.let_go()
