"""Checksums of contents.

Owns: the table ``checksums`` (by node and version). Of a node's versions it has two at the most:
the present one, and the one that the base names.
"""

from __future__ import annotations

from syncin_mount.store.index.tables.base_table import BaseTable
from syncin_mount.store.index.tables.lmdb_tables import Tables
from syncin_mount.store.records import U64X2, key


class ChecksumTable:
    """SHA-512/256, 32 bytes each."""

    def __init__(self, tables: Tables, bases: BaseTable) -> None:
        self._tables = tables
        self._bases = bases

    def checksum(self, node: int, version: int) -> bytes | None:
        """The checksum of the node's content in this version, if it was computed here or is that of
        the base."""
        found = self.counted(node, version)
        if found is not None:
            return found
        base = self._bases.base(node)
        if base is None or base.version != version or base.checksum is None:
            return None
        return bytes.fromhex(base.checksum)

    def counted(self, node: int, version: int) -> bytes | None:
        """As `checksum`, of what was computed here alone."""
        found: bytes | None = self._tables.txn.get(
            U64X2.pack(node, version), db=self._tables.checksums
        )
        return found

    def put(self, node: int, version: int, checksum: bytes) -> None:
        """Of a node's versions only this one and the one that its base names are kept."""
        tables, base = self._tables, self._bases.base(node)
        for found in tables.prefixed(tables.checksums, key(node)):
            if base is None or found[8:] != key(base.version):
                tables.txn.delete(found, db=tables.checksums)
        tables.txn.put(U64X2.pack(node, version), checksum, db=tables.checksums)

    def drop(self, node: int) -> None:
        """The node has no content any more, or another one in every version."""
        tables = self._tables
        for found in tables.prefixed(tables.checksums, key(node)):
            tables.txn.delete(found, db=tables.checksums)

    def move(self, node: int, target: int, version: int) -> None:
        """The node's content becomes the target's, which keeps its own checksums of other
        versions."""
        checksum = self.counted(node, version)
        self.drop(node)
        if checksum is not None:
            self.put(target, version, checksum)
