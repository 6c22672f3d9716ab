"""Folders that came back on the server because something was sent into them in the very moment in
which somebody else renamed them. What was sent is brought to where its folder is by now, and what
is empty then goes.

That a folder is such a one is known for sure: it was seen in its place just before (``presence``),
the listing after has it elsewhere, and in its place is another one, which holds nothing but what
was sent there since. Nobody else's folder is touched.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from reconciler.errors import Exists, RemoteError, Unauthorized
from reconciler.executor.folder_presence import Meant
from reconciler.model import ROOT, Kind, NodeId, Remote
from reconciler.ports import RemoteFolder, Replica
from reconciler.trees.remote_tree import RemoteTree

log = logging.getLogger(__name__)


class Recreated:
    """What a listing (``tree``) shows of it. ``meant`` is what was sent since the listing
    before."""

    def __init__(self, replica: Replica, tree: RemoteTree, meant: Mapping[NodeId, Meant]) -> None:
        self._replica = replica
        self._tree = tree
        self._meant = meant
        self._ours: dict[NodeId, bool] = {}

    async def mend(self, remote: RemoteFolder) -> bool:
        """Whether anything was done, so that the listing is not true any more. Raises
        Unauthorized."""
        done = False
        for folder in list(self._tops()):
            try:
                await self._empty(remote, folder)
                done = True
            except Unauthorized:
                raise
            except RemoteError as error:
                log.info("a folder that came back could not be removed: %s", error)
        return done

    def _tops(self) -> Iterator[NodeId]:
        """The folders that came back, without those in them."""
        for meant in self._meant.values():
            parent = meant.path.rpartition("/")[0]
            if not parent or self._path(meant.folder) in (None, parent):
                continue
            folder = ROOT
            for name in parent.split("/"):
                child = self._tree.child(folder, name)
                if child is None:
                    break
                folder = child
                if (
                    folder not in self._ours
                    and self._came_back(folder)
                    and self._is_of_ours(folder)
                ):
                    yield folder
                    break

    def _path(self, node: NodeId) -> str | None:
        try:
            return None if self._tree.unknown(node) is not None else self._tree.path(node)
        except KeyError:
            return None

    def _came_back(self, folder: NodeId) -> bool:
        """Nobody knew it, it is where another one was, and all in it was sent there."""
        if folder not in self._ours:
            self._ours[folder] = self._is_another(folder) and all(
                self._came_back(child) if self._is_another(child) else self._was_sent(child)
                for _, child in self._tree.children(folder)
            )
        return self._ours[folder]

    def _is_another(self, folder: NodeId) -> bool:
        state, path = self._tree.get(folder), self._path(folder)
        if (
            state is None
            or path is None
            or state.kind is not Kind.FOLDER
            or self._tree.hides(folder)
        ):
            return False
        if self._replica.base(folder) is not None or self._replica.local(folder) is not None:
            return False
        return any(f"{meant.path}/".startswith(f"{path}/") for meant in self._meant.values())

    def _is_of_ours(self, folder: NodeId) -> bool:
        """Something is in it that was sent, or was sent and refused: somebody else's empty folder
        holds neither."""
        path = self._path(folder)
        below = [node for node, meant in self._meant.items() if meant.path.startswith(f"{path}/")]
        return any(not self._meant[node].done or self._was_sent(node) for node in below)

    def _was_sent(self, node: NodeId) -> bool:
        meant, state, base = self._meant.get(node), self._tree.get(node), self._replica.base(node)
        if meant is None or state is None or base is None or self._path(node) != meant.path:
            return False
        return self._path(meant.folder) is not None and base.inode in (0, state.inode)

    async def _empty(self, remote: RemoteFolder, folder: NodeId) -> None:
        path = self._tree.path(folder)
        for _, child in list(self._tree.children(folder)):
            if self._ours.get(child):
                await self._empty(remote, child)
                continue
            meant = self._meant[child]
            target = f"{self._tree.path(meant.folder)}/{meant.name}".removeprefix("/")
            try:
                await remote.move(meant.path, target, overwrite=self._is_replaced(meant))
                log.info("%s was sent while its folder was renamed, and is in it now", meant.path)
            except Exists:
                await self._take_back(remote, child, meant)
        if await remote.inodes(path) == {}:
            await remote.delete(path)

    async def _take_back(self, remote: RemoteFolder, node: NodeId, meant: Meant) -> None:
        """Somebody else made something of that name in the folder meanwhile: what was sent goes to
        the server's trash, and is new here again, so that the two are settled as what was made on
        both sides."""
        base = self._replica.base(node)
        if base is None or base.kind is not Kind.FILE:
            return
        await remote.delete(meant.path)
        self._replica.set_base(node, None)

    def _is_replaced(self, meant: Meant) -> bool:
        """Whether what has the place is the version that was to be replaced."""
        node = self._tree.child(meant.folder, meant.name)
        there: Remote | None = self._tree.get(node) if node is not None else None
        if there is None or meant.over is None:
            return False
        over = meant.over
        return (there.size, there.mtime) == (over.size, over.mtime) and over.inode in (
            0,
            there.inode,
        )
