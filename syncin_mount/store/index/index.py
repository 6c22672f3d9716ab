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
- held: node -> ns since when; changed nodes that are not to be sent for now
- links: owner + number + node -> empty; nodes that share a content object
- checksums: node + version -> 32 bytes; SHA-512/256 of contents: the present one, the base's
- effects: sequence + u32 -> Effect; what is still to be done to files
- meta: ``applied``, ``next``, ``format`` -> u64; last event in here; next free node id and inode;
  FORMAT
"""

from __future__ import annotations

import logging
import operator
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import lmdb

from syncin_mount.store.index.tables import ROOT, TABLES, IndexSnapshot, Table, Tables
from syncin_mount.store.records import (
    FILE,
    FOLDER,
    FORMAT,
    U64,
    U64X2,
    AnyEffect,
    BaseRecord,
    Node,
    PendingRecord,
    decode_effect,
    encode,
    key,
)
from syncin_mount.store.system import keep_from_children

log = logging.getLogger(__name__)

_copy: Callable[[Node], Node] = operator.methodcaller("__copy__")

MAP_SIZE: Final = 1 << 30
"""Bytes that the index may have at first; it grows when they are half used."""
HOT = 512
"""Records of nodes that are kept decoded."""


class Index(Tables):
    """Typed access to the tables. ``applied`` is the last event's number, ``next_id`` the next free
    id.

    The records of the nodes used last are kept as they are, those changed are written to their
    table later: one operation changes its node and its folder several times. Whoever reads the
    table ``nodes`` itself does so by ``items``, which writes them first, as ``commit`` does.
    """

    def __init__(self, folder: Path, map_size: int) -> None:
        self._folder = os.fspath(folder)
        self._open_env(map_size)
        self._snapshots: list[IndexSnapshot] = []
        self._hot: dict[int, Node] = {}
        # records of ``_hot`` that are not in the table yet, as they will be there
        self._changed: dict[int, bytes] = {}
        # what an event changed, see ``links.settle``
        self.before: dict[int, Node | None] | None = None
        self.identity_moves = 0  # since the process began; a replay may count some twice
        self.begin()

    def _open_env(self, map_size: int) -> None:
        # meminit: else the unused part of a page is whatever the process had in memory there,
        # tokens among it.
        self._env = lmdb.open(
            self._folder,
            map_size=map_size,
            max_dbs=len(TABLES),
            lock=False,
            meminit=True,
            mode=0o600,
        )
        keep_from_children(os.path.join(self._folder, "data.mdb"))
        self._map_size = map_size
        super().__init__({name: self._env.open_db(name.encode()) for name in TABLES})

    # the transaction ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Opens the transaction; the state is that of the last commit. Raises lmdb.Error."""
        try:
            self.txn: lmdb.Transaction[bytes] = self._env.begin(write=True, buffers=False)
        # LMDB will have no more of an environment whose meta page could not be written
        except lmdb.PanicError:
            self._open_anew()
            self.txn = self._env.begin(write=True, buffers=False)
        self.take_numbers()
        self.committed = self.applied
        self.effect_count = 0
        self.linking = self.count(self.links) > 0  # whether any nodes share a file
        self.before = None
        self.forget_paths()
        self._hot.clear()
        self._changed.clear()

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
            self._write_nodes()
            self.txn.put(b"applied", key(self.applied), db=self.meta)
            self.txn.put(b"next", key(self.next_id), db=self.meta)
            self.txn.put(b"format", key(FORMAT), db=self.meta)
        except lmdb.Error:
            self.txn.abort()
            raise
        self._end_snapshots()
        self.txn.commit()
        self._grow_early()
        paths, path_bytes, hot = self._paths.copy(), self._path_bytes, self._hot.copy()
        self.begin()
        self._paths, self._path_bytes, self._hot = paths, path_bytes, hot

    def abort(self) -> None:
        """Drops all since the last commit. ``begin`` must follow."""
        self.txn.abort()

    def close(self) -> None:
        self._end_snapshots()
        self.txn.abort()
        self._env.close()

    def still(self) -> IndexSnapshot:
        """The state of the last commit, to be read while this goes on; until the next commit, which
        ends it.

        LMDB keeps no track of readers here (``lock=False``). None is needed: until a commit is
        durable, the write transaction changes no page of the one before, as that is what a power
        cut would come back to.
        """
        self._snapshots = [each for each in self._snapshots if not each.is_over()]
        self._snapshots.append(IndexSnapshot(self._tables, self._env.begin(buffers=False)))
        return self._snapshots[-1]

    def has_open_snapshot(self) -> bool:
        """Whether a ``still`` is being read, that a commit would end."""
        return any(not each.is_over() for each in self._snapshots)

    def _end_snapshots(self) -> None:
        for each in self._snapshots:
            each.end()
        self._snapshots.clear()

    def grow(self) -> None:
        """Doubles the map. No transaction may be open. The file stays sparse: it takes the space of
        what is in it.

        Raises lmdb.Error when the process gets no more address space; the map is as it was then."""
        self._end_snapshots()
        try:
            self._env.set_mapsize(self._map_size * 2)
        except lmdb.Error:
            self._open_anew()  # LMDB gave up the old map first, and would read what is not mapped
            raise
        self._map_size *= 2

    def _grow_early(self) -> None:
        # An overfull map costs a replay of everything since the last commit, so it is rather grown
        # at half.
        if self._env.info()["last_pgno"] * 4096 * 2 > self._map_size:
            try:
                self.grow()
            except lmdb.Error as error:
                log.debug("the index's map cannot grow yet: %s", error)

    def _open_anew(self) -> None:
        """Closes the environment, which is not usable any more, and opens it again. No transaction
        may be open."""
        self._end_snapshots()
        self._env.close()
        self._open_env(self._map_size)

    # nodes ----------------------------------------------------------------------------------------

    def node(self, node: int) -> Node | None:
        """The record, for the caller to do with as it likes."""
        record = self.peek(node)
        return None if record is None else _copy(record)

    def peek(self, node: int) -> Node | None:
        """The record, to be read at once and left as it is."""
        record = self._hot.get(node)
        if record is None:
            record = super().node(node)
            if record is not None:
                self._keep(node, record)
        return record

    def _keep(self, node: int, record: Node) -> None:
        if len(self._hot) >= HOT:
            self._write_nodes()
            self._hot.clear()
        self._hot[node] = record

    def put_node(self, node: int, record: Node) -> None:
        if self.before is not None and node not in self.before:
            self.before[node] = self.peek(node)
        raw = encode(record)  # at once: what cannot be encoded must not become known at the commit
        self._keep(node, _copy(record))
        self._changed[node] = raw

    def drop_nodes(self) -> None:
        """Empties the table, and forgets what is kept of it."""
        self._hot.clear()
        self._changed.clear()
        self.txn.drop(self.nodes, delete=False)

    def delete_node(self, node: int) -> None:
        if self.before is not None and node not in self.before:
            self.before[node] = self.peek(node)
        self._hot.pop(node, None)
        self._changed.pop(node, None)
        self.txn.delete(key(node), db=self.nodes)

    def _write_nodes(self) -> None:
        """Raises lmdb.MapFullError."""
        for node, raw in self._changed.items():
            self.txn.put(key(node), raw, db=self.nodes)
        self._changed.clear()

    def items(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        if table == "nodes":
            self._write_nodes()
        yield from super().items(table)

    def page(self, table: str, after: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        if table == "nodes":
            self._write_nodes()
        return super().page(table, after, limit)

    def by_ino(self, ino: int) -> int:
        hot = self._hot.get(ino)
        return ino if hot is not None and hot.ino == ino else super().by_ino(ino)

    def used(self, number: int) -> None:
        """The number was given to a node or an inode."""
        if number >= self.next_id:
            self.next_id = number + 1

    def put_entry(self, parent: int, name: bytes, node: int) -> None:
        self.txn.put(key(parent) + name, key(node), db=self.entries)

    def drop_entry(self, parent: int, name: bytes) -> None:
        self.txn.delete(key(parent) + name, db=self.entries)

    def put_ino(self, ino: int, node: int) -> None:
        if ino != node:
            self.txn.put(key(ino), key(node), db=self.inos)

    def drop_ino(self, ino: int, node: int) -> None:
        if ino != node:
            self.txn.delete(key(ino), db=self.inos)

    def put_link(self, owner: int, number: int, node: int) -> None:
        self.txn.put(U64X2.pack(owner, number) + key(node), b"", db=self.links)

    def drop_link(self, owner: int, number: int, node: int) -> None:
        self.txn.delete(U64X2.pack(owner, number) + key(node), db=self.links)

    # bases ----------------------------------------------------------------------------------------

    # what differs ---------------------------------------------------------------------------------

    def put_dirty(self, node: int, now: int) -> None:
        self.txn.put(key(node), key(max(now, 0)), db=self.dirty)

    def clean(self, node: int) -> None:
        """The node does not differ any more, or is gone: nothing of it waits to be sent."""
        if self.txn.delete(key(node), db=self.dirty):
            self.txn.delete(key(node), db=self.held)
            for found in self.prefixed(self.pending_by_node, key(node)):
                self.txn.delete(found, db=self.pending_by_node)
                self.txn.delete(found[8:], db=self.pending)

    def note(self, sequence: int, record: PendingRecord) -> None:
        """Keeps a local operation. Of several writes in a row only the last is kept: they add up to
        it."""
        txn, node = self.txn, record.node
        if record.kind in {"write", "times"}:
            cursor = txn.cursor(db=self.pending_by_node)
            there = cursor.set_range(key(node + 1))
            if (cursor.prev() if there else cursor.last()) and cursor.key()[:8] == key(node):
                last = cursor.key()
                if cursor.value() == record.kind.encode():
                    txn.delete(last, db=self.pending_by_node)
                    txn.delete(last[8:], db=self.pending)
        txn.put(key(sequence), encode(record), db=self.pending)
        txn.put(U64X2.pack(node, sequence), record.kind.encode(), db=self.pending_by_node)

    # marks and the rest ---------------------------------------------------------------------------

    def mark(self, table: Table, node: int, value: bytes = b"") -> None:
        self.txn.put(key(node), value, db=table)

    def unmark(self, table: Table, node: int, more: bytes = b"") -> None:
        self.txn.delete(key(node) + more, db=table)

    def effect(self, sequence: int, effect: AnyEffect) -> None:
        """Has something done to files once this event is durable."""
        self.effect_count += 1
        self.txn.put(
            key(sequence) + self.effect_count.to_bytes(4, "big"), encode(effect), db=self.effects
        )

    def effects_of(self, sequence: int) -> list[tuple[bytes, AnyEffect]]:
        """What this event left to be done, with its keys."""
        cursor = self.txn.cursor(db=self.effects)
        found = cursor.iternext() if cursor.set_range(key(sequence)) else iter(())
        return [
            (place, decode_effect(raw)) for place, raw in found if place.startswith(key(sequence))
        ]


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
