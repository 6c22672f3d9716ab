"""Names in folders, and the several names of one file.

Owns: the tables ``entries`` and ``links``.
"""

from __future__ import annotations

from collections.abc import Callable

from syncin_mount.store.index.tables.lmdb_tables import Tables
from syncin_mount.store.index.tables.name_keys import NameKeys
from syncin_mount.store.records import FOLDER, U64, U64X2, Node, key


class EntryTable:
    """Which node a folder has under a name."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.name_keys: NameKeys | None = None

    def use_keys(self, key_of: Callable[[bytes], str]) -> NameKeys:
        """From now on entries are found by a key of their names, too."""
        self.name_keys = NameKeys(self.children, key_of)
        return self.name_keys

    def entry(self, parent: int, name: bytes) -> int | None:
        tables = self._tables
        raw = tables.txn.get(key(parent) + name, db=tables.entries)
        if raw is None:
            return None
        node: int = U64.unpack(raw)[0]
        return node

    def children(
        self, parent: int, after: bytes | None = None, limit: int = -1
    ) -> list[tuple[bytes, int]]:
        """Names and nodes in a folder, by name, strictly after ``after``; all of them with a
        negative limit."""
        tables = self._tables
        found = tables.below(tables.entries, parent, after, limit)
        return [(name, U64.unpack(value)[0]) for name, value in found]

    def put(self, parent: int, name: bytes, node: int) -> None:
        tables = self._tables
        tables.txn.put(key(parent) + name, key(node), db=tables.entries)
        if self.name_keys is not None:
            self.name_keys.put(parent, name, node)

    def drop(self, parent: int, name: bytes) -> None:
        tables = self._tables
        tables.txn.delete(key(parent) + name, db=tables.entries)
        if self.name_keys is not None:
            self.name_keys.drop(parent, name)


class LinkTable:
    """Which nodes share a content object (owner and number); empty rows for none or a single
    one."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def linked(self, owner: int, number: int) -> list[int]:
        """The nodes that share a content object, when there are several."""
        prefix = U64X2.pack(owner, number)
        tables = self._tables
        found = tables.prefixed(tables.links, prefix)
        return [int(U64.unpack(each[16:])[0]) for each in found]

    def names_of(self, node: int, record: Node) -> list[int]:
        """All nodes that are the same file as this one, itself included."""
        if record.links == 1 or record.kind == FOLDER:
            return [node]
        return self.linked(record.owner, record.number)

    def put(self, owner: int, number: int, node: int) -> None:
        place = U64X2.pack(owner, number) + key(node)
        tables = self._tables
        tables.txn.put(place, b"", db=tables.links)

    def drop(self, owner: int, number: int, node: int) -> None:
        place = U64X2.pack(owner, number) + key(node)
        tables = self._tables
        tables.txn.delete(place, db=tables.links)
