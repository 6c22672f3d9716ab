"""Checksums of local contents, for the mode `secure`: counted when a comparison needs them, and
once a version.

What both sides agreed on keeps its checksum in the base. Here are only those of contents that are
not agreed on yet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import trio

from reconciler.checksum import Told, checksum, untold
from reconciler.model import ROOT, Base, Entry, Kind, Local, NodeId, Remote
from reconciler.ports import Replica
from reconciler.trees.remote_tree import RemoteTree

log = logging.getLogger(__name__)

NODES_PER_CHECKPOINT = 500
"""Nodes between two looks at the event loop."""


def _untold(done: int, of: int) -> None:
    """Nobody wants to know."""


class Sums:
    """The checksums that are known of local contents."""

    def __init__(
        self,
        replica: Replica,
        tell: Callable[[int, int], None] = _untold,
        reading: Told = untold,
    ) -> None:
        """``tell`` hears how many contents are compared, and of how many; ``reading`` how many
        bytes more of a large one were read."""
        self._replica = replica
        self._reading = reading
        self._tell = tell
        self._known: dict[NodeId, tuple[int, str]] = {}

    def get(self, node: NodeId, version: int) -> str | None:
        """The checksum of that version, if it was counted."""
        known = self._known.get(node)
        return known[1] if known is not None and known[0] == version else None

    def forget_agreed(self) -> None:
        """Forgets those of contents that do not differ any more."""
        self._known = {
            node: known for node, known in self._known.items() if self._replica.changed_ns(node)
        }

    async def of(self, node: NodeId) -> str | None:
        """The checksum of the node's content; None when it is no file, not here, being written, or
        cannot be read: then size and time have to do, and who sends it meets the disk's error."""
        local = self._still(node)
        if local is None:
            return None
        found = self.get(node, local.version)
        if found is None:
            try:
                found = await self._count(node, local.size)
            except OSError as error:
                log.warning("a content cannot be read to be compared: %s", error)
                return None
            after = self._still(node)
            if found is None or after is None or after.version != local.version:
                return None
            self._known[node] = (local.version, found)
        return found

    async def _count(self, node: NodeId, size: int) -> str | None:
        content = self._replica.open_content(node)
        try:
            return await checksum(content.fd, size, self._reading)
        finally:
            content.close()

    def _still(self, node: NodeId) -> Local | None:
        local = self._replica.local(node)
        if local is None or local.kind is not Kind.FILE or not local.present or local.busy:
            return None
        return local

    async def compare(self, tree: RemoteTree, nodes: Iterable[NodeId]) -> None:
        """Counts what a plan for ``nodes`` compares by checksum: contents that differ from their
        base while the server has a file, or the base a checksum, to compare with."""
        found = list(nodes)
        for number, node in enumerate(found):
            if number % NODES_PER_CHECKPOINT == NODES_PER_CHECKPOINT - 1:
                await trio.lowlevel.checkpoint()
            local, base, remote = (
                self._replica.local(node),
                self._replica.base(node),
                tree.get(node),
            )
            if local is None or (base is not None and base.version == local.version):
                continue
            if (base is not None and base.checksum is not None) or (
                remote is not None and remote.checksum is not None
            ):
                self._tell(number, len(found))
                await self.of(node)

    async def complete_bases(self, tree: RemoteTree) -> None:
        """After the mode was `fast`: bases without a checksum get the one of the content that is
        here, not the one that the server tells now, which may be of another content with the same
        size and time."""
        told = {node: learned for node, learned in tree.learned if learned.checksum is not None}
        found = [*told, *tree.changed()]
        for number, node in enumerate(found):
            if number % NODES_PER_CHECKPOINT == NODES_PER_CHECKPOINT - 1:
                await trio.lowlevel.checkpoint()
            base, local = self._replica.base(node), self._replica.local(node)
            remote = tree.get(node)
            if base is None or base.kind is not Kind.FILE or base.checksum is not None:
                continue
            if (
                local is None
                or local.version != base.version
                or (node not in told and _checksum(remote) is None)
            ):
                continue
            self._tell(number, len(found))
            ours = await self.of(node)
            if ours is None or self._replica.base(node) != base:
                continue
            if node not in told:
                self._replica.set_base(node, replace(base, checksum=ours))
            elif told[node].checksum != ours:
                self._replica.set_base(node, replace(base, checksum=ours))
                tree.set(node, told[node].on_server())
        tree.learned = [each for each in tree.learned if not self._contradicts(*each)]

    def _contradicts(self, node: NodeId, learned: Base) -> bool:
        base = self._replica.base(node)
        return base is not None and base.checksum is not None and learned.checksum != base.checksum


def _checksum(remote: Remote | None) -> str | None:
    return None if remote is None else remote.checksum


def snapshot(replica: Replica) -> Iterator[Entry]:
    """What an earlier listing told, for the server to save counting: it believes a checksum while
    size, mtime and inode still hold. The replica may change meanwhile: an entry that is no longer
    true is not believed."""
    folders = [("", ROOT)]
    for path, folder in folders:
        for name, node in replica.base_children(folder):
            base = replica.base(node)
            here = f"{path}/{name}" if path else name
            if base is None:
                continue
            if base.kind is Kind.FOLDER:
                folders.append((here, node))
            elif base.checksum is not None and base.inode:
                yield Entry(here, False, base.size, base.mtime, base.inode, base.checksum)


class Copies:
    """Where on the server a content is already, by its checksum."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._nodes: dict[str, NodeId] | None = None

    def forget(self) -> None:
        """A listing is about to tell more."""
        self._nodes = None

    def add(self, checksum: str, node: NodeId) -> None:
        if self._nodes is not None:
            self._nodes[checksum] = node

    async def find(self, checksum: str) -> NodeId | None:
        """A node whose base had this content when it was looked through; it is to be proved. Goes
        through all bases the first time."""
        if self._nodes is None:
            found: dict[str, NodeId] = {}
            for number, node in enumerate(list(self._replica.base_nodes())):
                base = self._replica.base(node)
                if base is not None and base.checksum is not None:
                    found[base.checksum] = node
                if number % NODES_PER_CHECKPOINT == 0:
                    await trio.lowlevel.checkpoint()
            self._nodes = found
        return self._nodes.get(checksum)
