"""The local tree's nodes: their records, and the inodes by which they are found.

Owns: the tables ``nodes`` and ``inos``, and the records that are kept decoded.

Invariants:

* The records of the nodes used last are kept as they are; those changed are written to their table
  later: one operation changes its node and its folder several times. `write` does it, before a
  commit and when many are changed. Reading writes nothing: the map may be full, which only who
  changes something can mend.
* A kept record is never handed out to be changed: `node` gives a copy, and `put` keeps one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final

import msgspec

from syncin_mount.store.errors import IndexDamaged
from syncin_mount.store.index.tables.lmdb_tables import Tables
from syncin_mount.store.records import U64, Node, decode_node, encode, key

HOT: Final = 512
"""Records of nodes that are kept decoded."""

_copy: Callable[[Node], Node] = operator.methodcaller("__copy__")


def stored_node(tables: Tables, node: int) -> Node | None:
    """Return the record that the table has, None for a node that is not in the local tree. Raises
    IndexDamaged for one that cannot be read."""
    raw = tables.txn.get(key(node), db=tables.nodes)
    try:
        return None if raw is None else decode_node(raw)
    except msgspec.MsgspecError as error:
        raise IndexDamaged(f"the record of node {node}: {error}") from error


class NodeTable:
    """``before``, while an event is applied that may concern hard links, gets the former record of
    each node that changes (`hard_links.follow_event`)."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._hot: dict[int, Node] = {}
        # records of ``_hot`` that are not in the table yet, as they will be there
        self._changed: dict[int, bytes] = {}
        self.before: dict[int, Node | None] | None = None

    def node(self, node: int) -> Node | None:
        """The record, for the caller to do with as it likes."""
        record = self.peek(node)
        return None if record is None else _copy(record)

    def peek(self, node: int) -> Node | None:
        """The record, to be read at once and left as it is."""
        record = self._hot.get(node)
        if record is None:
            record = stored_node(self._tables, node)
            if record is not None:
                self._keep_read(node, record)
        return record

    def glance(self, node: int) -> Node | None:
        """As `peek`, for one of very many: those that are used often stay remembered."""
        return self._hot.get(node) or stored_node(self._tables, node)

    def remembered(self, node: int) -> Node | None:
        """The record, where it is kept decoded: the table may have an older one."""
        return self._hot.get(node)

    def put(self, node: int, record: Node) -> None:
        """Raises what the encoder raises at once: it must not become known at the commit."""
        if self.before is not None and node not in self.before:
            self.before[node] = self.peek(node)
        raw = encode(record)
        if len(self._hot) >= HOT:
            self.write()
            self._hot.clear()
        self._hot[node] = _copy(record)
        self._changed[node] = raw
        if self._tables.touched is not None:
            self._tables.touched(node)

    def _keep_read(self, node: int, record: Node) -> None:
        if len(self._hot) >= HOT:
            if len(self._changed) > HOT // 2:
                return
            self._hot = {each: self._hot[each] for each in self._changed}
        self._hot[node] = record

    def delete(self, node: int) -> None:
        if self.before is not None and node not in self.before:
            self.before[node] = self.peek(node)
        self._hot.pop(node, None)
        self._changed.pop(node, None)
        tables = self._tables
        tables.txn.delete(key(node), db=tables.nodes)
        if tables.touched is not None:
            tables.touched(node)

    def clear(self) -> None:
        """Empties the table, and forgets what is kept of it."""
        self.forget()
        tables = self._tables
        tables.txn.drop(tables.nodes, delete=False)

    def write(self) -> None:
        """Writes to the table what was changed. Raises lmdb.MapFullError."""
        tables = self._tables
        txn, table = tables.txn, tables.nodes
        for node, raw in self._changed.items():
            txn.put(key(node), raw, db=table)
        self._changed.clear()

    def unwritten(self, after: bytes = b"") -> dict[bytes, bytes]:
        """What the table lacks, by key, from ``after`` on, in the table's order."""
        places = ((key(node), raw) for node, raw in sorted(self._changed.items()))
        return {place: raw for place, raw in places if place >= after}

    def forget(self) -> None:
        """Drops what is kept, also what is not written: its transaction is gone."""
        self._hot.clear()
        self._changed.clear()
        self.before = None

    # inodes ---------------------------------------------------------------------------------------

    def by_ino(self, ino: int) -> int:
        """The node that may have this inode; its record has to agree."""
        hot = self._hot.get(ino)
        if hot is not None and hot.ino == ino:
            return ino
        tables = self._tables
        raw = tables.txn.get(key(ino), db=tables.inos)
        return ino if raw is None else int(U64.unpack(raw)[0])

    def put_ino(self, ino: int, node: int) -> None:
        if ino != node:
            tables = self._tables
            tables.txn.put(key(ino), key(node), db=tables.inos)

    def drop_ino(self, ino: int, node: int) -> None:
        if ino != node:
            self.forget_ino(ino)

    def forget_ino(self, ino: int) -> None:
        """The inode leads to the node of its own number, or to none."""
        tables = self._tables
        tables.txn.delete(key(ino), db=tables.inos)
