"""Folders that came back on the server because something was sent into them in the very moment in
which somebody else renamed them. What was sent is brought to where its folder is by now, and what
is empty then goes.

That a folder is such a one is known for sure: it was seen in its place just before (``presence``),
the listing after has it elsewhere, and in its place is another one, which holds nothing but what
was sent there since. Nobody else's folder is touched.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.errors import Exists, Missing, RemoteError, Unauthorized
from reconciler.executor.folder_presence import Meant, Way
from reconciler.model import ROOT, Kind, NodeId, Remote
from reconciler.names import PARTIAL_PREFIX
from reconciler.phrases import Phrase
from reconciler.ports import RemoteFolder, Replica
from reconciler.trees.remote_tree import RemoteTree

log = logging.getLogger(__name__)

WAITS = Phrase("It came back on the server when something was sent, and could not be removed yet.")
"""Why a folder is left alone."""


class Recreated:
    """What a listing (``tree``) shows of it. ``meant`` is what was brought there since the listing
    before."""

    def __init__(self, replica: Replica, tree: RemoteTree, meant: Mapping[NodeId, Meant]) -> None:
        self._replica = replica
        self._tree = tree
        self._meant = meant
        self._tops: dict[NodeId, None] = {}
        """Folders that may have come back, without those in them."""
        self._stands: dict[NodeId, NodeId] = {}
        """A folder that may have come back → the one in whose place it is."""
        self._through: defaultdict[NodeId, list[NodeId]] = defaultdict(list)
        """Such a folder → what was to come into it, or below it."""
        self._came_to: dict[tuple[NodeId, str], NodeId] = {}
        """Such a folder and a name in it → what was brought there."""
        for node, each in meant.items():
            if self._path(each.folder) is not None:
                for way in each.ways:
                    self._follow(node, way)

    async def mend(self, remote: RemoteFolder) -> tuple[bool, dict[NodeId, Meant]]:
        """Whether anything was done, so that the listing is not true any more; and what could not
        be done, for the next listing. Raises Unauthorized."""
        left = {
            node: replace(each, missed=True)
            for node, each in self._meant.items()
            if self._is_unseen(node)
        }
        done = bool(left)
        for folder in self._tops:
            through = {node: self._meant[node] for node in self._through[folder]}
            if not self._is_of_ours(folder):
                if left.keys() & through.keys():
                    self._tree.withhold(folder, WAITS)
                continue
            try:
                gone = await self._empty(remote, folder)
            except Unauthorized:
                raise
            except RemoteError as error:
                log.info("a folder that came back could not be removed: %s", error)
                changed = isinstance(error, Missing)  # somebody else is at it
                done = done or changed
                if changed or error.temporary:
                    left |= self._emptied(folder, through)
                    self._tree.withhold(folder, WAITS)
            else:
                done = True
                if not gone:
                    left |= self._once_more(folder, through)
        return done, left

    def _emptied(self, folder: NodeId, through: Mapping[NodeId, Meant]) -> dict[NodeId, Meant]:
        """With what the next listing knows the folder by, when nothing of ours is in it any more:
        its inode."""
        state = self._tree.get(folder)
        inode = state.inode if state is not None else 0
        return {node: replace(each, emptied=inode) for node, each in through.items()}

    def _once_more(self, folder: NodeId, through: Mapping[NodeId, Meant]) -> dict[NodeId, Meant]:
        """The same, for a folder that could not be looked into. Where that is so again, the server
        tells nothing of it, and it stays."""
        emptied = self._emptied(folder, through)
        return {node: each for node, each in emptied.items() if each != through[node]}

    def _is_unseen(self, node: NodeId) -> bool:
        """Whether the listing is the first that does not tell where something is that is there: it
        was moved meanwhile, or could not be read."""
        meant = self._meant[node]
        if self._replica.base(node) is None or not meant.done or meant.missed:
            return False
        path = self._path(meant.folder)
        if path is None or path in ["/".join(name for _, name in way) for way in meant.ways]:
            return False  # its folder has stayed: it is gone
        return self._tree.get(node) is None or self._tree.unknown(node) is not None

    def _follow(self, node: NodeId, way: Way) -> None:
        """Notes what is now where the folders were, each in the folder above, wherever that is: a
        folder that nobody knows, and those in it along the rest of the way."""
        parent = ROOT
        for depth, (folder, name) in enumerate(way):
            found = self._tree.child(parent, name)
            if found is not None and found != folder and self._is_strange(found):
                self._tops.setdefault(found)
                self._descend(node, found, way[depth:])
            parent = folder

    def _descend(self, node: NodeId, found: NodeId, way: Way) -> None:
        below: NodeId | None = found
        for number, (folder, name) in enumerate(way):
            below = self._tree.child(found, name) if number else found
            if below is None or not self._is_strange(below):
                return
            found = below
            self._stands[found] = folder
            self._through[found].append(node)
        self._came_to[found, self._meant[node].name] = node

    def _path(self, node: NodeId) -> str | None:
        try:
            return None if self._tree.unknown(node) is not None else self._tree.path(node)
        except KeyError:
            return None

    def _is_strange(self, folder: NodeId) -> bool:
        """Whether it is a folder that nobody knew."""
        state = self._tree.get(folder)
        if state is None or state.kind is not Kind.FOLDER or self._tree.hides(folder):
            return False
        return (
            self._path(folder) is not None
            and self._replica.base(folder) is None
            and self._replica.local(folder) is None
        )

    def _is_of_ours(self, folder: NodeId) -> bool:
        """Something is in it that was brought there, or was sent and not answered, or was in it
        and has left it: nothing of that is true of somebody else's empty folder."""
        state = self._tree.get(folder)
        inode = state.inode if state is not None else 0
        return any(
            not self._meant[node].done
            or self._arrived(node)
            or 0 != self._meant[node].emptied == inode
            for node in self._through[folder]
        )

    def _arrived(self, node: NodeId) -> bool:
        """Whether what was brought to a folder is in one that may have come back."""
        state, base = self._tree.get(node), self._replica.base(node)
        if state is None or base is None or self._tree.unknown(node) is not None:
            return False
        is_there = self._came_to.get((state.parent, state.name)) == node
        return is_there and base.inode in (0, state.inode)

    async def _empty(self, remote: RemoteFolder, folder: NodeId) -> bool:
        """Brings what is ours to where it belongs. What is empty then goes. False where nobody
        could tell whether it is empty: it, or a folder above it, was moved in that moment."""
        path, told = self._tree.path(folder), True
        for _, child in list(self._tree.children(folder)):
            if child in self._stands:
                told = await self._empty(remote, child) and told
            elif child in self._meant and self._arrived(child):
                await self._bring_home(remote, child, self._meant[child])
        left = await remote.inodes(path)
        for name in self._staged(folder, left or ()):
            home = self._tree.path(self._stands[folder])
            await remote.move(f"{path}/{name}", f"{home}/{name}")
            left = await remote.inodes(path)
        if left == {}:
            await remote.delete(path)
        return told and left is not None

    def _staged(self, folder: NodeId, names: Iterable[str]) -> list[str]:
        """Those of these names under which an upload that broke off left something."""
        ours = {
            name
            for each in self._replica.uploads.leftovers()
            if each.parent == self._stands[folder]
            for name in (each.name, PARTIAL_PREFIX + each.name)
        }
        return sorted(ours.intersection(names))

    async def _bring_home(self, remote: RemoteFolder, node: NodeId, meant: Meant) -> None:
        source = self._tree.path(node)
        target = f"{self._tree.path(meant.folder)}/{meant.name}".removeprefix("/")
        try:
            await remote.move(source, target, overwrite=self._is_replaced(meant))
            log.info("%s was sent while its folder was renamed, and is in it now", source)
        except Exists:
            await self._take_back(remote, node, source)

    async def _take_back(self, remote: RemoteFolder, node: NodeId, path: str) -> None:
        """Somebody else made something of that name in the folder meanwhile: what was sent goes to
        the server's trash, and is new here again, so that the two are settled as what was made on
        both sides."""
        base = self._replica.base(node)
        if base is None or base.kind is not Kind.FILE:
            return
        await remote.delete(path)
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
