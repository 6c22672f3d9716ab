"""Nodes whose local state differs from their base, and what the user did to them.

Owns: the tables ``dirty``, ``held``, ``pending`` and ``pending_by_node``. A node that is not dirty
has no rows in the others.
"""

from __future__ import annotations

from syncin_mount.store.index.tables.lmdb_tables import Tables
from syncin_mount.store.records import U64, U64X2, PendingRecord, encode, key


class ChangeTable:
    """Pending changes, by node."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def is_dirty(self, node: int) -> bool:
        tables = self._tables
        return tables.txn.get(key(node), db=tables.dirty) is not None

    def changed(self, node: int) -> int:
        """When the dirty node changed, in ns since the epoch; 0 when it is not dirty."""
        tables = self._tables
        raw = tables.txn.get(key(node), db=tables.dirty)
        return 0 if raw is None else int(U64.unpack(raw)[0])

    def is_held(self, node: int) -> bool:
        """Whether the node itself is held."""
        tables = self._tables
        return tables.txn.get(key(node), db=tables.held) is not None

    def put_dirty(self, node: int, now: int) -> None:
        tables = self._tables
        tables.txn.put(key(node), key(max(now, 0)), db=tables.dirty)
        if tables.touched is not None:
            tables.touched(node)

    def hold(self, node: int, now: int) -> None:
        tables = self._tables
        tables.txn.put(key(node), key(max(now, 0)), db=tables.held)
        if tables.touched is not None:
            tables.touched(node)

    def release(self, node: int) -> None:
        """Nobody holds it any more."""
        tables = self._tables
        tables.txn.delete(key(node), db=tables.held)
        if tables.touched is not None:
            tables.touched(node)

    def clean(self, node: int) -> None:
        """The node does not differ any more, or is gone: nothing of it waits to be uploaded."""
        tables = self._tables
        if tables.txn.delete(key(node), db=tables.dirty):
            tables.txn.delete(key(node), db=tables.held)
            if tables.touched is not None:
                tables.touched(node)
            for found in tables.prefixed(tables.pending_by_node, key(node)):
                tables.txn.delete(found, db=tables.pending_by_node)
                tables.txn.delete(found[8:], db=tables.pending)

    def note(self, sequence: int, record: PendingRecord) -> None:
        """Keeps a local operation. Of several writes in a row only the last is kept: they add up to
        it."""
        tables, node = self._tables, record.node
        txn = tables.txn
        if record.kind in {"write", "times"}:
            cursor = txn.cursor(db=tables.pending_by_node)
            there = cursor.set_range(key(node + 1))
            if (cursor.prev() if there else cursor.last()) and cursor.key()[:8] == key(node):
                last = cursor.key()
                if cursor.value() == record.kind.encode():
                    txn.delete(last, db=tables.pending_by_node)
                    txn.delete(last[8:], db=tables.pending)
        txn.put(key(sequence), encode(record), db=tables.pending)
        txn.put(U64X2.pack(node, sequence), record.kind.encode(), db=tables.pending_by_node)
