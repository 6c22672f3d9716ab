"""Which nodes somebody has open for writing, or has pinned."""

from __future__ import annotations

from reconciler.model import NodeId


class OpenWriters(dict[int, int]):
    """The number of handles open for writing (or of pins), by node; a node without one is missing.

    In memory alone: no handle outlives the process. When a rename gives the inode to another node,
    the caller moves its count there.
    """

    def opened(self, node: NodeId) -> None:
        self[node] = self.get(node, 0) + 1

    def closed(self, node: NodeId) -> None:
        count = self.get(node, 0) - 1
        if count > 0:
            self[node] = count
        else:
            self.forget(node)

    def forget(self, node: int) -> None:
        """Whoever still writes has an inode that is not the node's any more."""
        self.pop(node, None)
