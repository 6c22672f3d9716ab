"""What the reconciler looks up: in the replica as it is, or in one that stands still.

Owns nothing: `TreeReader` reads the index through its open transaction, a `ReplicaSnapshot` the
last commit through a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Self

from reconciler.lookups import BaseEntry, Dirty
from reconciler.model import Base, Local, NodeId
from syncin_mount.store.conversions import to_base
from syncin_mount.store.index.tables.lmdb_tables import ROOT
from syncin_mount.store.index.tables.lookups import Lookups
from syncin_mount.store.index.tables.snapshot import IndexSnapshot
from syncin_mount.store.name_texts import to_bytes, to_text
from syncin_mount.store.records import BASE_ENTRY, U64, Node, key
from syncin_mount.store.types import KINDS

PAGE = 1000
_DEEPEST = 100_000
_LONGEST = 503
"""Bytes of a name in a key of LMDB, whose keys have at most 511."""

Children = Callable[[int, bytes | None, int], list[tuple[bytes, int]]]


class TreeReader:
    """Names are ``str`` with surrogateescape."""

    def __init__(
        self, tables: Lookups, writers: Collection[int], pins: Collection[int] = ()
    ) -> None:
        self._ix = tables
        self._writers = writers  # nodes that somebody has open for writing
        self._pins = pins  # nodes whose content may not be exchanged now

    def base(self, node: NodeId) -> Base | None:
        record = self._ix.base(node)
        return None if record is None else to_base(record)

    def local(self, node: NodeId) -> Local | None:
        record = self._ix.node(node)
        if record is None:
            return None
        return Local(
            KINDS[record.kind],
            NodeId(record.parent),
            to_text(record.name),
            record.size,
            record.mtime,
            record.version,
            record.present,
            record.writing,
            self.is_written_to(node, record),
            doubtful=record.doubtful != 0 and self._is_doubtful(node, record),
            pinned=self._is_in(self._pins, node, record),
        )

    def is_written_to(self, node: int, record: Node) -> bool:
        """Whether somebody has the file open for writing, under any of its names."""
        return self._is_in(self._writers, node, record)

    def _is_in(self, nodes: Collection[int], node: int, record: Node) -> bool:
        if not nodes:
            return False
        return node in nodes or any(each in nodes for each in self._ix.names_of(node, record))

    def _is_doubtful(self, node: int, record: Node) -> bool:
        """Until it is agreed on: what was written since may have left some of it."""
        base = self._ix.base(node)
        return base is None or base.version != record.version

    def base_entry(self, parent: NodeId, name: str) -> BaseEntry | None:
        index, place = self._ix, _place(parent, name)
        raw = None if place is None else index.txn.get(place, db=index.base_entries)
        if raw is None:
            return None
        node, kind, size, mtime, inode = BASE_ENTRY.unpack(raw)
        return BaseEntry(node, KINDS[kind], size, mtime, inode)

    def base_by_inode(self, inode: int) -> NodeId | None:
        raw = self._ix.txn.get(key(inode), db=self._ix.inodes) if 0 < inode < 1 << 64 else None
        return None if raw is None else NodeId(U64.unpack(raw)[0])

    def base_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]:
        yield from self._pages(self._ix.base_children, node)

    def local_child(self, parent: NodeId, name: str) -> NodeId | None:
        place = _place(parent, name)
        node = None if place is None else self._ix.entry(parent, place[8:])
        return None if node is None else NodeId(node)

    def local_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]:
        yield from self._pages(self._ix.children, node)

    @staticmethod
    def _pages(read: Children, node: int) -> Iterator[tuple[str, NodeId]]:
        """By pages, so that changes meanwhile neither repeat nor skip what is not itself
        changed."""
        after = None
        while True:
            page = read(node, after, PAGE)
            for name, child in page:
                yield to_text(name), NodeId(child)
            if len(page) < PAGE:
                return
            after = page[-1][0]

    def base_path(self, node: NodeId) -> str:
        names: list[bytes] = []
        at: int = node
        while at != ROOT:
            record = self._ix.base(at)
            if record is None or len(names) > 100_000:  # half-set bases may lead in a circle
                raise KeyError(node)
            names.append(record.name)
            at = record.parent
        return to_text(b"/".join(reversed(names)))

    def local_path(self, node: NodeId) -> str:
        return to_text(self._ix.path(node))

    def dirty(self) -> Iterator[Dirty]:
        after = b""
        while True:
            page = self._ix.page("dirty", after, PAGE)
            for place, changed in page:
                yield Dirty(NodeId(U64.unpack(place)[0]), U64.unpack(changed)[0])
            if len(page) < PAGE:
                return
            after = page[-1][0] + b"\0"

    def is_held(self, node: NodeId) -> bool:
        index = self._ix
        if not index.count(index.held):
            return False
        at: int = node
        for _ in range(_DEEPEST):  # half-set bases may lead in a circle
            if at == ROOT:
                return False
            if index.is_held(at):
                return True
            record = index.node(at) or index.base(at)
            if record is None:
                return False
            at = record.parent
        return False

    def being_written(self) -> list[NodeId]:
        found = {*self._writers, *self._pins, *self._ix.marked(self._ix.writing)}
        for node in (*self._writers, *self._pins):
            record = self._ix.node(node)
            found.update(() if record is None else self._ix.names_of(node, record))
        return [NodeId(node) for node in found]

    def changed_ns(self, node: NodeId) -> int:
        return self._ix.changed(node)

    def dirty_count(self) -> int:
        return self._ix.count(self._ix.dirty)

    def base_nodes(self) -> Iterator[NodeId]:
        cursor = self._ix.txn.cursor(db=self._ix.bases)
        for place in cursor.iternext(keys=True, values=False):
            node = U64.unpack(place)[0]
            if node != ROOT:
                yield NodeId(node)

    def base_count(self) -> int:
        return self._ix.count(self._ix.bases) - (self._ix.base(ROOT) is not None)

    def base_sums(self) -> tuple[int, int] | None:
        """How many files both sides have, and their bytes; None while that is not counted."""
        return self._ix.base_table.sums.whole

    def count_bases(self, limit: int) -> bool:
        """Counts at most so many more for `base_sums`; whether that was all."""
        return self._ix.base_table.sums.count(self._ix, limit)


class ReplicaSnapshot(TreeReader):
    """``reconciler.ports.Snapshot``: the replica as it was at one moment. Use as a context manager,
    in any one thread.

    ``ids`` are for new nodes.
    """

    def __init__(
        self, still: IndexSnapshot, writers: Collection[int], pins: Collection[int], ids: range
    ) -> None:
        super().__init__(still, frozenset(writers), frozenset(pins))
        self._still = still
        self._ids = iter(ids)

    def __enter__(self) -> Self:
        self._still.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._still.__exit__(*exc)

    def end(self) -> None:
        self._still.bar()

    def new_id(self) -> NodeId:
        return NodeId(next(self._ids))


def _place(parent: int, name: str) -> bytes | None:
    """The key of an entry; None for a name that no entry can have, as it is no bytes or too
    many."""
    try:
        raw = to_bytes(name)
    except UnicodeEncodeError:
        return None
    return key(parent) + raw if 0 < len(raw) <= _LONGEST else None
