"""Proves, before anything new goes into a folder on the server, that the folder is still there.

POST, PUT and MAKE create missing parents (server-protocol.md, Files). So what is sent into a folder
that somebody renamed a moment ago would make the former folder again, and there would be two. One
look into the folder above tells who is in its place; a listing or our own MAKE tells it, too, and
each holds for ``FRESH``. What is left of the race, mostly the milliseconds between look and answer,
is mended after the next listing (``recreated``), for which ``meant`` is kept. A second look
afterwards tells whether that listing is due at once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace

import trio

from reconciler.errors import Exists, Stale
from reconciler.executor.folder_looks import FRESH, Looks
from reconciler.model import ROOT, Kind, NodeId, Place, Remote
from reconciler.phrases import Phrase
from reconciler.ports import RemoteFolder
from reconciler.trees.remote_tree import RemoteTree

LOOKS = 10
"""Second looks after one plan at most: what else may have come back, the next listing tells."""


Way = tuple[tuple[NodeId, str], ...]
"""The folders that a path led through, from the top down, each with the name that it had."""


@dataclass(frozen=True, slots=True)
class Meant:
    """Something that was brought to the server, to be called ``name`` in ``folder``, which was seen
    in its place just before. ``ways`` led to the folder then, and later, where this device has
    moved one of them since. ``over`` is the version that it was to replace; ``done`` says that the
    server has said that it is there; ``missed``, that a listing since did not show it. ``emptied``
    is the inode of a folder that came back, which it has left again: that folder is still to go, 0
    where there is none."""

    folder: NodeId
    name: str
    ways: tuple[Way, ...]
    over: Remote | None
    done: bool = False
    missed: bool = False
    emptied: int = 0


@dataclass(slots=True)
class Brought:
    """What outlives an executor. ``meant``: what was brought to the server for each node since the
    last listing. ``others``: folders in whose place a look has found another inode than a listing
    just before it."""

    meant: dict[NodeId, Meant] = field(default_factory=dict)
    others: set[NodeId] = field(default_factory=set)


class Presence:
    """For one executor."""

    def __init__(
        self,
        looks: Looks,
        remote: RemoteFolder,
        tree: RemoteTree,
        brought: Brought,
        *,
        listed: bool,
    ) -> None:
        self._looks = looks
        self._remote = remote
        self._tree = tree
        self._meant = brought.meant
        self._others = brought.others
        self._met: set[NodeId] = set()
        """Of these, those that were found since this listing."""
        self._listed = listed
        self._listed_at = trio.current_time() if listed else -math.inf
        self._seen: dict[NodeId, float] = {}
        self._into: dict[NodeId, None] = {}
        """Folders that something was sent into."""
        self._unknown: set[NodeId] = set()
        """Folders of which only that something is in their place could be seen."""
        self._looking: defaultdict[NodeId, trio.Lock] = defaultdict(trio.Lock)

    def made(self, folder: NodeId) -> None:
        """The server has just said that the folder is there."""
        self._seen[folder] = trio.current_time()

    def sends(self, node: NodeId, place: Place, over: Remote | None = None) -> None:
        """From now on something may be at a place on the server for the node. To be called when
        ``prove`` has returned, or when the version that is to be replaced was seen."""
        if place.parent != ROOT:
            self._into[place.parent] = None
        self._note(node, place, over)

    def moves(self, node: NodeId, place: Place) -> None:
        """The node was moved to a place on the server. A move makes no folder, but what it leads
        into may be one that something else has made."""
        for other, meant in list(self._meant.items()):
            if any(each == node for way in meant.ways for each, _ in way):
                way = self._way(meant.folder)
                if way is not None and way not in meant.ways:
                    self._meant[other] = replace(meant, ways=(*meant.ways, way))
        self._note(node, place, None)
        self.arrived(node)

    def _note(self, node: NodeId, place: Place, over: Remote | None) -> None:
        way = None if place.parent in self._unknown else self._way(place.parent)
        if way is None:
            self._meant.pop(node, None)
        else:
            self._meant[node] = Meant(place.parent, place.name, (way,), over)

    def _way(self, folder: NodeId) -> Way | None:
        """What leads to the folder on the server, as far as is known here."""
        way: list[tuple[NodeId, str]] = []
        while folder != ROOT:
            state = self._tree.get(folder)
            if state is None:
                return None
            way.append((folder, state.name))
            folder = state.parent
        return tuple(reversed(way))

    def arrived(self, node: NodeId) -> None:
        """The server has said that what was sent for the node is there."""
        if node in self._meant:
            self._meant[node] = replace(self._meant[node], done=True)

    async def still(self) -> bool:
        """Whether the folders that something was sent into still are where they were, as far as
        ``LOOKS`` tell. Raises Unreachable, Unauthorized."""
        stayed, looked = True, set[NodeId]()
        self._seen.clear()
        for folder in self._into:
            state = self._tree.get(folder)
            if state is None or not state.inode or state.parent in looked or len(looked) == LOOKS:
                continue
            looked.add(state.parent)
            stayed = await self._look(state.parent, state.name) in (None, state.inode) and stayed
        for node in [node for node, meant in self._meant.items() if meant.folder in self._seen]:
            del self._meant[node]
        return stayed

    async def prove(self, folder: NodeId) -> None:
        """Returns when the folder is where the tree has it on the server. Raises Stale when it may
        be elsewhere, and Unreachable, Unauthorized."""
        if self._is_fresh(folder):
            return
        state = self._tree.get(folder)
        if state is None:
            raise Stale(Phrase("its folder is not on the server any more"))
        async with self._looking[state.parent]:
            if self._is_fresh(folder):  # somebody else has looked meanwhile
                return
            began = trio.current_time()
            found = await self._look(state.parent, state.name)
            if found is not None and (found == state.inode or not state.inode):
                self._unknown.discard(folder)
                self._others.discard(folder)
            elif (found is not None and self._is_news(folder)) or not await self._is_there(folder):
                raise Stale(Phrase("its folder is not in its place on the server any more"))
            else:
                self._unknown.add(folder)
            if not state.inode:
                self._unknown.add(folder)
            self._seen[folder] = began

    def _is_news(self, folder: NodeId) -> bool:
        """Whether another inode in its place tells that another folder is there. Where one was
        found after two listings, inodes say nothing on this server."""
        if not self._listed or folder in self._met:
            return True
        if folder in self._others:
            return False
        self._others.add(folder)
        self._met.add(folder)
        return True

    def _is_fresh(self, folder: NodeId) -> bool:
        return (
            folder == ROOT or trio.current_time() - self._seen.get(folder, self._listed_at) < FRESH
        )

    async def _look(self, parent: NodeId, name: str) -> int | None:
        """The inode of what has the name; None when it is not told. All else that is where it was
        is noted, too."""
        began = trio.current_time()
        inodes = await self._looks.look(parent) or {}
        for each, inode in inodes.items():
            node = self._tree.child(parent, each)
            state = self._tree.get(node) if node is not None else None
            if (
                node is not None
                and state is not None
                and state.kind is Kind.FOLDER
                and 0 != state.inode == inode
            ):
                self._seen[node] = began
                self._unknown.discard(node)
        return inodes.get(name) or None

    async def _is_there(self, folder: NodeId) -> bool:
        """Whether any folder is in its place."""
        try:
            await self._remote.find(self._tree.path(folder))
        except Exists:
            return True
        except KeyError:
            return False
        return False
