"""Extended attributes.

Owns: the table ``xattrs`` (by node and name). How many a node has stands in its record as well, by
which most nodes need no look into the table; who adds or removes one keeps it right.
"""

from __future__ import annotations

from syncin_mount.store.index.tables.lmdb_tables import Tables
from syncin_mount.store.records import key


class XattrTable:
    """Names and values are bytes, as programs gave them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def names(self, node: int) -> list[bytes]:
        return [found[8:] for found in self._tables.prefixed(self._tables.xattrs, key(node))]

    def value(self, node: int, name: bytes) -> bytes | None:
        """None where there is none of this name."""
        tables = self._tables
        found: bytes | None = tables.txn.get(key(node) + name, db=tables.xattrs)
        return found

    def put(self, node: int, name: bytes, value: bytes) -> None:
        tables = self._tables
        tables.txn.put(key(node) + name, value, db=tables.xattrs)

    def delete(self, node: int, name: bytes) -> bool:
        """True when there was one of this name."""
        return bool(self._tables.txn.delete(key(node) + name, db=self._tables.xattrs))

    def drop(self, node: int) -> None:
        """The node is gone, or takes those of another one."""
        for found in self._tables.prefixed(self._tables.xattrs, key(node)):
            tables = self._tables
            tables.txn.delete(found, db=tables.xattrs)

    def move(self, node: int, target: int) -> None:
        """The node's extended attributes become the target's, which has none."""
        tables = self._tables
        for found in tables.prefixed(tables.xattrs, key(node)):
            value = tables.txn.pop(found, db=tables.xattrs)
            assert value is not None
            tables.txn.put(key(target) + found[8:], value, db=tables.xattrs)
