"""How nodes stand towards the server, for who shows many of them: few look-ups a node, and nobody
has to ask again whether anything changed.

Owns nothing; the index tells the watcher of each node that an event changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from reconciler.model import NodeId
from syncin_mount.store.conversions import is_utf8
from syncin_mount.store.index.index import Index
from syncin_mount.store.records import FILE, FOLDER, U64, Node, decode_node, key
from syncin_mount.store.replica.tree_reader import TreeReader


class Standing(NamedTuple):
    """What the replica knows of a node's state. ``parent`` and ``name`` are its place here, or in
    the base where it was deleted here (not ``here``). ``syncable``: a file or folder, whose own
    name a server can hold. ``changed``: it differs from what both sides agreed on. ``held``: the
    user holds it, or a folder above it."""

    parent: NodeId
    name: bytes
    here: bool
    folder: bool
    syncable: bool
    changed: bool
    held: bool
    present: bool


class StateReader:
    """Of one replica."""

    def __init__(self, index: Index, reader: TreeReader) -> None:
        self._ix = index
        self._reader = reader

    def watch(self, touched: Callable[[int], None] | None) -> None:
        """From now on this one, and no other, is told of each node whose state may have changed, in
        the middle of the change: it may only note the number. None: nobody."""
        self._ix.touched = touched

    def standing(self, node: int) -> Standing | None:
        """None for a node that nobody knows any more, and for the synchronized folder itself."""
        record = self._ix.node_table.glance(node)
        if record is None:
            return self._deleted(node)
        if record.parent == node:
            return None
        return self._of(node, record)

    def named(self, folder: int, name: bytes) -> tuple[NodeId, Standing] | None:
        """What has this name in the folder."""
        node = self._ix.entry(folder, name)
        record = None if node is None else self._ix.node_table.glance(node)
        if node is None or record is None:
            return None
        return NodeId(node), self._of(node, record)

    def synced_files(self, folder: int, names: Iterable[bytes]) -> list[NodeId | None]:
        """For each name in the folder the node, where that is a file with one name whose content is
        here and does not differ: most are. None for all others."""
        get, entries, nodes, dirty = (
            self._ix.txn.get,
            self._ix.entries,
            self._ix.nodes,
            self._ix.dirty,
        )
        hot, above = self._ix.node_table.remembered, key(folder)
        found: list[NodeId | None] = []
        for name in names:
            place = get(above + name, db=entries)
            if place is None or get(place, db=dirty) is not None:
                found.append(None)
                continue
            node: int = U64.unpack(place)[0]
            record = hot(node)
            if record is None:
                raw = get(place, db=nodes)
                record = None if raw is None else decode_node(raw)
            plain = record is not None and not record.kind and record.present and record.links == 1
            found.append(NodeId(node) if plain else None)
        return found

    def folder_at(self, path: bytes) -> NodeId | None:
        """The folder with this path, names joined by ``/``; None where there is none."""
        at = 1
        for name in filter(None, path.split(b"/")):
            found = self._ix.entry(at, name)
            record = None if found is None else self._ix.peek(found)
            if found is None or record is None or record.kind != FOLDER:
                return None
            at = found
        return NodeId(at)

    def path(self, node: int) -> bytes | None:
        """None where it is not here."""
        try:
            return self._ix.path(node)
        except KeyError:
            return None

    def unsettled(self) -> Iterator[NodeId]:
        """The nodes that differ, and those whose content is not here: as they are now."""
        for table in (self._ix.dirty, self._ix.absent):
            for node in self._ix.marked(table):
                yield NodeId(node)

    def unsettled_count(self) -> int:
        """About how many those are."""
        return self._ix.count(self._ix.dirty) + self._ix.count(self._ix.absent)

    def _of(self, node: int, record: Node) -> Standing:
        if record.kind == FILE and record.links > 1:
            names = self._ix.names_of(node, record)
            changed = any(self._ix.is_dirty(each) for each in names)
        else:
            changed = self._ix.is_dirty(node)
        return Standing(
            NodeId(record.parent),
            record.name,
            True,
            record.kind == FOLDER,
            record.kind <= FOLDER and is_utf8(record.name),
            changed,
            changed and self._reader.is_held(NodeId(node)),
            record.present,
        )

    def _deleted(self, node: int) -> Standing | None:
        """Here no more, while the server does not know that yet."""
        base = self._ix.base(node) if self._ix.is_dirty(node) else None
        if base is None:
            return None
        held = self._reader.is_held(NodeId(node))
        folder = base.kind == FOLDER
        return Standing(NodeId(base.parent), base.name, False, folder, True, True, held, True)
