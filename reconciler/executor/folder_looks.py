"""Looks into folders on the server: who has which name there just now. One look serves all that
asks within a moment.

HEAD tells a file's size and time, and no inode; a listing tells all, but of the whole tree.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from itertools import islice

import trio

from reconciler.errors import RemoteError, Unauthorized, Unreachable
from reconciler.model import NodeId
from reconciler.ports import RemoteFolder, Replica
from reconciler.trees.remote_tree import RemoteTree

FRESH = 1.0
"""Seconds for which something counts as being where it was seen."""

MANY = 1000
"""A folder that has more in it is not looked through."""


def is_big(replica: Replica, folder: NodeId) -> bool:
    """Whether more is in it than is looked through."""
    return sum(1 for _ in islice(replica.base_children(folder), MANY)) == MANY


class Looks:
    """For one plan."""

    def __init__(self, replica: Replica, remote: RemoteFolder, tree: RemoteTree) -> None:
        self._replica = replica
        self._remote = remote
        self._tree = tree
        self._told: dict[NodeId, tuple[float, Mapping[str, int]]] = {}
        self._told_after: dict[NodeId, tuple[float, Mapping[str, int]]] = {}
        self._looking: defaultdict[NodeId, trio.Lock] = defaultdict(trio.Lock)

    async def look(self, folder: NodeId) -> Mapping[str, int] | None:
        """The inodes by name, 0 where none is told; None when that cannot be told. Raises
        Unreachable, Unauthorized."""
        return None if is_big(self._replica, folder) else await self._look(folder)

    async def _look(self, folder: NodeId) -> Mapping[str, int] | None:
        try:
            return await self._remote.inodes(self._tree.path(folder)) or {}
        except (Unreachable, Unauthorized):
            raise
        except (KeyError, RemoteError):
            return None

    async def inode(self, folder: NodeId, name: str) -> int | None:
        """That of what has this name now, or had it up to ``FRESH`` ago; 0 when it is not told, or
        nothing has it, or too much is in the folder; None when the server fails. Raises
        Unreachable, Unauthorized."""
        async with self._looking[folder]:
            began, told = self._told.get(folder, (-FRESH, {}))
            now = trio.current_time()
            if now - began >= FRESH:
                looked = {} if is_big(self._replica, folder) else await self.look(folder)
                if looked is None:
                    return None
                # Plans go folder by folder: no more is kept than the last one.
                self._told, told = {folder: (now, looked)}, looked
        return told.get(name, 0)

    async def inode_since(
        self, moment: float, folder: NodeId, name: str, *, even_big: bool
    ) -> int | None:
        """As ``inode``, but nothing counts that was seen before ``moment`` (s of trio's clock).
        With ``even_big`` a folder is looked through however much is in it."""
        async with self._looking[folder]:
            began, told = self._told_after.get(folder, (-math.inf, {}))
            if began < moment:
                began = trio.current_time()
                looked = await (self._look(folder) if even_big else self.look(folder))
                if looked is None:
                    return None
                self._told_after, told = {folder: (began, looked)}, looked
        return told.get(name, 0)
