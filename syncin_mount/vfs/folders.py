"""Reading a folder that may change meanwhile.

A handle hands out positions: 0 and 1 are ``.`` and ``..``, position ``i + 2`` is the i-th name that
the handle ever gave. A name keeps its position for as long as the handle does not rewind, so going
on from any position repeats nothing and leaves nothing out, whatever was created, removed or
renamed. After a rewind the names get the same positions once more if the folder is the same; so
going back to the beginning and then to a former position leads where it did, though POSIX does not
ask for it (seekdir(3p)). The names come from the replica in pieces, in the order of their bytes; a
folder is never read as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from reconciler.model import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.model import NodeId
    from syncin_mount.store import Attr, Replica
    from syncin_mount.vfs.files import OpenFiles
    from syncin_mount.vfs.orphans import Orphans

PIECE = 200
"""Names asked of the replica at a time."""


def parent_of(replica: Replica, node: NodeId) -> NodeId:
    """The folder that a node is in; the root is in itself."""
    local = None if node == ROOT else replica.local(node)
    return ROOT if local is None else local.parent


class OpenFolder:
    """One handle on a folder."""

    __slots__ = ("_fresh", "_names", "_replica", "_seen", "node")

    def __init__(self, replica: Replica, node: NodeId) -> None:
        self._replica = replica
        self.node = node
        self._names: list[bytes] = []
        self._fresh: list[tuple[bytes, NodeId]] = []
        self._seen = -1

    def read(self, position: int) -> Iterator[tuple[bytes, Attr, int]]:
        """Entries from ``position`` on: name, attributes, the position after it. The replica must
        not be changed while the iterator is in use. Position 0 starts anew (rewinddir)."""
        if position == 0:
            self._names.clear()
            self._fresh.clear()
        if position < 2:
            yield from self._dots(position)
        index = max(position - 2, 0)
        # a position from before a rewind
        while len(self._names) < index and (piece := self._piece()):
            self._names.append(piece.pop()[0])
        while index < len(self._names):
            name = self._names[index]
            index += 1
            child = self._replica.lookup(self.node, name)
            if child is not None:
                yield name, self._attr(child), index + 2
        while piece := self._piece():
            name, child = piece.pop()
            self._names.append(name)
            yield name, self._attr(child), len(self._names) + 2

    def _dots(self, position: int) -> Iterator[tuple[bytes, Attr, int]]:
        own = self._replica.attr(self.node)
        if own is None:  # removed while it is open
            return
        if position == 0:
            yield b".", own, 1
        yield b"..", self._attr(parent_of(self._replica, self.node)), 2

    def _piece(self) -> list[tuple[bytes, NodeId]]:
        """Names after the last one that was given, in reverse; as the replica has them at this
        moment."""
        now = self._replica.sequence()
        if not self._fresh or now != self._seen:
            last = self._names[-1] if self._names else None
            self._fresh = self._replica.children(self.node, last, PIECE)[::-1]
            self._seen = now
        return self._fresh

    def _attr(self, node: NodeId) -> Attr:
        attr = self._replica.attr(node)
        if attr is None:
            raise LookupError(f"node {node} is in a folder and has no attributes")
        return attr


class OpenFolders:
    """The handles on folders of one `FileSystem`. ``new_handle`` gives a number that no other
    handle has. ``on_open`` is told of each folder that is opened."""

    def __init__(
        self,
        replica: Replica,
        files: OpenFiles,
        orphans: Orphans,
        new_handle: Callable[[], int],
    ) -> None:
        self._replica = replica
        self._files = files
        self._orphans = orphans
        self._new_handle = new_handle
        self._folders: dict[int, OpenFolder] = {}
        self.on_open: Callable[[NodeId], None] = lambda _folder: None

    def open(self, ino: int) -> int:
        """A handle. Raises OSError (ESTALE)."""
        node = self._replica.by_ino(ino)
        handle = self._new_handle()
        folder = self._orphans.attr(ino).node if node is None else node
        self._folders[handle] = OpenFolder(self._replica, folder)
        if node is not None:
            self.on_open(folder)
        return handle

    def open_now(self) -> Iterator[NodeId]:
        """The folders of all handles."""
        return (each.node for each in self._folders.values())

    def read(self, handle: int, position: int) -> Iterator[tuple[bytes, Attr, int]]:
        """Entries from ``position`` (0 at first): name, attributes, the position that follows. Take
        as many as needed, before anything else is done."""
        for name, found, after in self._folders[handle].read(position):
            file = self._files.get(found.ino)
            yield name, found if file is None else self._files.attr(file), after

    def close(self, handle: int) -> None:
        """The handle is not used any more."""
        del self._folders[handle]

    def close_all(self) -> None:
        """None is."""
        self._folders.clear()

    async def sync(self) -> None:
        """Every operation so far survives a power cut."""
        await trio.to_thread.run_sync(self._replica.sync_journal)
