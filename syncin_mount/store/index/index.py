"""The index: what the events add up to, in LMDB tables under one open write transaction.

Only ``apply`` changes it. Everything is read through the same transaction, so it is always up to
date. ``commit`` makes it durable together with the number of the last event in it; what is lost of
it otherwise, the journal gives back.

Tables (keys are big-endian u64 unless said otherwise):

- nodes: node -> Node; the local tree
- bases: node -> BaseRecord; the base tree
- entries: parent + name bytes -> node; look-up and listing of the local tree
- base_entries: parent + name bytes -> BASE_ENTRY; all that a listing's comparison needs, in one
  get
- outdone: parent + name bytes + node -> empty; bases whose place a later base claims too
- inos: inode -> node, where they differ; by_ino; the node's own record must agree
- inodes: server inode -> node; the base that was told it latest
- dirty: node -> changed_ns; local differs from base; never for links, devices ...
- pending: sequence -> PendingRecord; local operations of dirty nodes
- pending_by_node: node + sequence -> kind
- absent: node -> empty; files whose content is not here
- writing: node -> empty; files between the first write and its record
- unsynced: node -> version; contents that may not be on the disk yet
- xattrs: node + name bytes -> value
- bin: sequence -> BinRecord
- leftovers: parent + name bytes -> LeftoverRecord; what uploads may have left on the server
- held: node -> ns since when; changed nodes that are not to be uploaded for now
- links: owner + number + node -> empty; nodes that share a content object
- checksums: node + version -> 32 bytes; SHA-512/256 of contents: the present one, the base's
- effects: sequence + u32 -> Effect; what is still to be done to files
- meta: ``applied``, ``next``, ``format`` -> u64; last event in here; next free node id and inode;
  FORMAT
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import lmdb

from syncin_mount.store.index.environment import Environment
from syncin_mount.store.index.tables.effect_table import EffectTable
from syncin_mount.store.index.tables.lmdb_tables import ROOT
from syncin_mount.store.index.tables.lookups import Lookups
from syncin_mount.store.index.tables.node_table import NodeTable
from syncin_mount.store.records import FILE, FOLDER, FORMAT, U64, BaseRecord, Node, key


class Index(Lookups):
    """The open write transaction, with the numbers that are not in it yet: ``applied`` is the last
    event's, ``committed`` that of the last commit, ``next_id`` the next free node id and inode.

    Look-ups are found here, bound to the parts that do them; what changes a table goes through its
    part: ``index.entry_table.put``.
    """

    def __init__(self, folder: Path, map_size: int) -> None:
        self.environment = Environment(folder, map_size)
        self.node_table = NodeTable(self)
        self.effect_table = EffectTable(self)
        super().__init__(self.environment.tables, self.node_table.node)
        self.peek = self.node_table.peek
        self.put_node = self.node_table.put
        self.by_ino = self.node_table.by_ino
        self.identity_moves = 0  # since the process began; a replay may count some twice
        self.begin()

    # the transaction ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Opens the transaction; the state is that of the last commit. Raises lmdb.Error."""
        self._open_transaction()
        self.paths.forget_all()
        self.node_table.forget()
        self.effect_table.forget()
        self.base_table.sums.forget()
        if self.entry_table.name_keys is not None:
            self.entry_table.name_keys.forget_all()

    def _open_transaction(self) -> None:
        self.txn: lmdb.Transaction[bytes] = self.environment.begin()
        if self.by_name is not self.environment.tables:
            self.use(self.environment.tables)
        self.take_numbers()
        self.committed = self.applied
        self.linking = self.count(self.links) > 0  # whether any nodes share a file

    def take_numbers(self) -> None:
        """The numbers as the tables have them."""
        self.applied = self._number(b"applied", 0)
        self.next_id = self._number(b"next", ROOT + 1)

    def _number(self, name: bytes, default: int) -> int:
        raw = self.txn.get(name, db=self.meta)
        return default if raw is None else int(U64.unpack(raw)[0])

    def commit(self) -> None:
        """Makes the state durable, and begins anew. Raises lmdb.Error; then the transaction is
        gone: ``begin``."""
        try:
            self.node_table.write()
            self.txn.put(b"applied", key(self.applied), db=self.meta)
            self.txn.put(b"next", key(self.next_id), db=self.meta)
            self.txn.put(b"format", key(FORMAT), db=self.meta)
        except lmdb.Error:
            self.txn.abort()
            raise
        self.environment.end_snapshots()
        self.txn.commit()
        self.environment.grow_early()
        # what is remembered of the tables is as true as before
        self._open_transaction()

    def abort(self) -> None:
        """Drops all since the last commit. ``begin`` must follow."""
        self.txn.abort()

    def close(self) -> None:
        self.environment.end_snapshots()
        self.txn.abort()
        self.environment.close()

    def used(self, number: int) -> None:
        """The number was given to a node or an inode."""
        if number >= self.next_id:
            self.next_id = number + 1

    # whole tables ---------------------------------------------------------------------------------

    def items(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        found = super().items(table)
        if table == "nodes":
            found = _merged(found, self.node_table.unwritten())
        yield from found

    def page(self, table: str, after: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        found = super().page(table, after, limit)
        if table == "nodes":
            found = list(islice(_merged(iter(found), self.node_table.unwritten(after)), limit))
        return found


def _merged(
    table: Iterator[tuple[bytes, bytes]], instead: dict[bytes, bytes]
) -> Iterator[tuple[bytes, bytes]]:
    """The items by key, those of ``instead`` in place of the table's."""
    kept = (item for item in table if item[0] not in instead)
    return heapq.merge(kept, instead.items())


def differs(node: Node | None, base: BaseRecord | None) -> bool:
    """Whether local and base differ in what the server can hold: existence, place, content, a
    file's mtime.

    To the server second 0 means "now", so nothing is older than second 1."""
    if node is None:
        return base is not None
    if base is None:
        return node.kind <= FOLDER
    if node.parent != base.parent or node.name != base.name:
        return True
    if node.kind != FILE:
        return False
    return node.version != base.version or max(node.mtime // 1_000_000_000, 1) != max(
        base.local_mtime, 1
    )
