"""The base tree.

Owns: the tables ``bases`` (by node), ``base_entries`` and ``outdone`` (by place) and ``inodes`` (by
server inode), and the sums over them. A base is set in all of them at once, by `put`.
"""

from __future__ import annotations

import msgspec

from syncin_mount.store.errors import IndexDamaged
from syncin_mount.store.index.tables.base_sums import BaseSums
from syncin_mount.store.index.tables.lmdb_tables import ROOT, Tables
from syncin_mount.store.records import BASE_ENTRY, U64, BaseRecord, decode_base, encode, key


class BaseTable:
    """What both sides had when they last agreed on a node."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.sums = BaseSums()

    def base(self, node: int) -> BaseRecord | None:
        """Return the node's base, None for a node without. Raises IndexDamaged for one that cannot
        be read."""
        tables = self._tables
        raw = tables.txn.get(key(node), db=tables.bases)
        try:
            return None if raw is None else decode_base(raw)
        except msgspec.MsgspecError as error:
            raise IndexDamaged(f"the base of node {node}: {error}") from error

    def children(
        self, parent: int, after: bytes | None = None, limit: int = -1
    ) -> list[tuple[bytes, int]]:
        """Names and nodes whose base is in a folder, as `EntryTable.children`."""
        tables = self._tables
        found = tables.below(tables.base_entries, parent, after, limit)
        return [(name, BASE_ENTRY.unpack(value)[0]) for name, value in found]

    def nodes_below(self, parent: int) -> list[int]:
        """Every node whose base is directly below, also where a later one claims its place."""
        tables = self._tables
        found = [node for _, node in self.children(parent)]
        if tables.count(tables.outdone):
            found += [
                U64.unpack(claim[-8:])[0] for claim in tables.prefixed(tables.outdone, key(parent))
            ]
        return found

    def put(self, node: int, new: BaseRecord | None) -> None:
        """Sets or removes a base, with its entries in the tables by place and by server inode."""
        old = self.base(node)
        self.sums.changed(node, old, new)
        tables = self._tables
        txn = tables.txn
        if old is not None and node != ROOT:
            place = key(old.parent) + old.name
            if new is None or place != key(new.parent) + new.name:
                self._leave(place, node)
            if old.inode and (new is None or new.inode != old.inode):
                found = txn.get(key(old.inode), db=tables.inodes)
                if found is not None and U64.unpack(found)[0] == node:
                    txn.delete(key(old.inode), db=tables.inodes)
        if new is None:
            txn.delete(key(node), db=tables.bases)
            return
        txn.put(key(node), encode(new), db=tables.bases)
        if node != ROOT:
            comes = old is None or (old.parent, old.name) != (new.parent, new.name)
            self._claim(key(new.parent) + new.name, node, new, comes=comes)
            # An inode that it had before is no news: the server may have given it to another one
            # since, which was told later.
            is_news = old is None or old.inode != new.inode
            if new.inode and (is_news or txn.get(key(new.inode), db=tables.inodes) is None):
                txn.put(key(new.inode), key(node), db=tables.inodes)

    def _claim(self, place: bytes, node: int, base: BaseRecord, *, comes: bool) -> None:
        """The base is found by its place. While the reconciler moves several, two may claim one:
        the one that came there last has it, whatever changes of the other meanwhile."""
        tables = self._tables
        found = tables.txn.get(place, db=tables.base_entries)
        if found is not None:
            before = BASE_ENTRY.unpack(found)[0]
            if before != node:
                if not comes:
                    return
                tables.txn.put(place + key(before), b"", db=tables.outdone)
                tables.txn.delete(place + key(node), db=tables.outdone)
        packed = BASE_ENTRY.pack(node, base.kind, base.size, base.mtime, base.inode)
        tables.txn.put(place, packed, db=tables.base_entries)

    def _leave(self, place: bytes, node: int) -> None:
        """The base is elsewhere, or gone; another one that claimed the place before has it
        again."""
        tables = self._tables
        found = tables.txn.get(place, db=tables.base_entries)
        if found is None or BASE_ENTRY.unpack(found)[0] != node:
            tables.txn.delete(place + key(node), db=tables.outdone)
            return
        tables.txn.delete(place, db=tables.base_entries)
        if not tables.count(tables.outdone):
            return
        for claim in tables.prefixed(tables.outdone, place):
            if len(claim) == len(place) + 8:
                heir = int(U64.unpack(claim[-8:])[0])
                base = self.base(heir)
                assert base is not None
                tables.txn.delete(claim, db=tables.outdone)
                self._claim(place, heir, base, comes=True)
                return
