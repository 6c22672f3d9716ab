"""Files whose content may not be exchanged by the reconciler while somebody has them open.

On Linux a file that is open keeps the content that it had: what comes from the server has an inode
of its own. A system that knows files by their names alone would show whoever has the file open a
mixture of both. Its frontend pins a file as long as it is open; what comes for the file waits.

Unlike a handle a pin waits for nothing and opens nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model import NodeId
    from syncin_mount.store import Replica


class Pins:
    """Of one `FileSystem`, by inode. Each ``add`` needs a ``drop``."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._counts: dict[int, int] = {}
        self._nodes: dict[int, NodeId | None] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, ino: int) -> None:
        """One more has the file open."""
        self._counts[ino] = self._counts.get(ino, 0) + 1
        self.follow(ino)

    def drop(self, ino: int) -> None:
        """One less."""
        left = self._counts.pop(ino) - 1
        if left:
            self._counts[ino] = left
        self.follow(ino)

    def follow(self, ino: int) -> None:
        """The inode may belong to another node now, or to none."""
        node = self._replica.by_ino(ino) if ino in self._counts else None
        before = self._nodes.get(ino)
        if node != before:
            if before is not None:
                self._replica.unpinned(before)
            if node is not None:
                self._replica.pinned(node)
        if ino in self._counts:
            self._nodes[ino] = node
        else:
            self._nodes.pop(ino, None)
