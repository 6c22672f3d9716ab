"""The index: what the events add up to, in LMDB tables under one open write transaction.

Only ``apply`` changes it. Everything is read through the same transaction, so it is always up to date. ``commit`` makes
it durable together with the number of the last event in it; what is lost of it otherwise, the journal gives back.

Tables (keys are big-endian u64 unless said otherwise):

nodes           node -> Node                                    the local tree
bases           node -> BaseRecord                              the base tree
entries         parent + name bytes -> node                     look-up and listing of the local tree
base_entries    parent + name bytes -> BASE_ENTRY               all that a listing's comparison needs, in one get
outdone         parent + name bytes + node -> empty             bases whose place a later base claims too
inos            inode -> node, where they differ                by_ino; the node's own record must agree
inodes          server inode -> node                            the latest base to claim it
dirty           node -> changed_ns                              local differs from base; never for links, devices ...
pending         sequence -> PendingRecord                       local operations of dirty nodes
pending_by_node node + sequence -> kind
absent          node -> empty                                   files whose content is not here
writing         node -> empty                                   files between the first write and its record
unsynced        node -> version                                 contents that may not be on the disk yet
xattrs          node + name bytes -> value
bin             sequence -> BinRecord
leftovers       parent + name bytes -> LeftoverRecord           what uploads may have left on the server
effects         sequence + u32 -> Effect                        what is still to be done to files
meta            ``applied``, ``next`` -> u64                    last event in here; the next free node id and inode
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import lmdb

from syncin_mount.store.records import (
    BASE_ENTRY,
    FILE,
    FOLDER,
    U64,
    U64X2,
    AnyEffect,
    BaseRecord,
    Node,
    PendingRecord,
    decode_base,
    decode_node,
    encode,
    key,
)

ROOT: Final = 1
TABLES: Final = (
    "nodes", "bases", "entries", "base_entries", "outdone", "inos", "inodes", "dirty", "pending", "pending_by_node",
    "absent", "writing", "unsynced", "xattrs", "bin", "effects", "meta", "leftovers",
)  # fmt: skip

_Table: TypeAlias = Any  # lmdb's own type of a table is private


class Index:
    """Typed access to the tables. ``applied`` is the last event's number, ``next_id`` the next free id."""

    def __init__(self, folder: Path, map_size: int) -> None:
        self._env = lmdb.open(
            os.fspath(folder), map_size=map_size, max_dbs=len(TABLES), lock=False, meminit=False, mode=0o600
        )
        self._tables = {name: self._env.open_db(name.encode()) for name in TABLES}
        (
            self.nodes, self.bases, self.entries, self.base_entries, self.outdone, self.inos, self.inodes, self.dirty,
            self.pending, self.pending_by_node, self.absent, self.writing, self.unsynced, self.xattrs, self.bin,
            self.effects, self.meta, self.leftovers,
        ) = (self._tables[name] for name in TABLES)  # fmt: skip
        self._paths: dict[int, bytes] = {}
        self.identity_moves = 0  # since the process began; a replay may count some twice
        self.begin()

    # the transaction ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Opens the transaction; the state is that of the last commit."""
        self.txn: lmdb.Transaction[bytes] = self._env.begin(write=True, buffers=False)
        self.applied = self._number(b"applied", 0)
        self.committed = self.applied
        self.next_id = self._number(b"next", ROOT + 1)
        self.effect_count = 0
        self._paths.clear()

    def _number(self, name: bytes, default: int) -> int:
        raw = self.txn.get(name, db=self.meta)
        return default if raw is None else int(U64.unpack(raw)[0])

    def commit(self) -> None:
        """Makes the state durable, and begins anew. Raises lmdb.Error; then the transaction is gone: ``begin``."""
        try:
            self.txn.put(b"applied", key(self.applied), db=self.meta)
            self.txn.put(b"next", key(self.next_id), db=self.meta)
        except lmdb.Error:
            self.txn.abort()
            raise
        self.txn.commit()
        self._grow_early()
        paths = self._paths.copy()
        self.begin()
        self._paths = paths

    def abort(self) -> None:
        """Drops all since the last commit. ``begin`` must follow."""
        self.txn.abort()

    def close(self) -> None:
        self.txn.abort()
        self._env.close()

    def grow(self) -> None:
        """Doubles the map. No transaction may be open. The file stays sparse: it takes the space of what is in it."""
        self._env.set_mapsize(self._env.info()["map_size"] * 2)

    def _grow_early(self) -> None:
        # An overfull map costs a replay of everything since the last commit, so it is rather grown at half.
        info = self._env.info()
        if info["last_pgno"] * 4096 * 2 > info["map_size"]:
            self._env.set_mapsize(info["map_size"] * 2)

    # nodes --------------------------------------------------------------------------------------------------------

    def node(self, node: int) -> Node | None:
        raw = self.txn.get(key(node), db=self.nodes)
        return None if raw is None else decode_node(raw)

    def put_node(self, node: int, record: Node) -> None:
        self.txn.put(key(node), encode(record), db=self.nodes)

    def used(self, number: int) -> None:
        """The number was given to a node or an inode."""
        if number >= self.next_id:
            self.next_id = number + 1

    def entry(self, parent: int, name: bytes) -> int | None:
        raw = self.txn.get(key(parent) + name, db=self.entries)
        return None if raw is None else int(U64.unpack(raw)[0])

    def put_entry(self, parent: int, name: bytes, node: int) -> None:
        self.txn.put(key(parent) + name, key(node), db=self.entries)

    def drop_entry(self, parent: int, name: bytes) -> None:
        self.txn.delete(key(parent) + name, db=self.entries)

    def by_ino(self, ino: int) -> int:
        """The node that may have this inode; its record has to agree."""
        raw = self.txn.get(key(ino), db=self.inos)
        return ino if raw is None else int(U64.unpack(raw)[0])

    def put_ino(self, ino: int, node: int) -> None:
        if ino != node:
            self.txn.put(key(ino), key(node), db=self.inos)

    def drop_ino(self, ino: int, node: int) -> None:
        if ino != node:
            self.txn.delete(key(ino), db=self.inos)

    def children(self, parent: int, after: bytes | None = None, limit: int = -1) -> list[tuple[bytes, int]]:
        """Names and nodes below a folder, by name, strictly after ``after``; all of them with a negative limit."""
        found = self._below(self.entries, parent, after, limit)
        return [(name, U64.unpack(value)[0]) for name, value in found]

    def base_children(self, parent: int, after: bytes | None = None, limit: int = -1) -> list[tuple[bytes, int]]:
        found = self._below(self.base_entries, parent, after, limit)
        return [(name, BASE_ENTRY.unpack(value)[0]) for name, value in found]

    def base_nodes_below(self, parent: int) -> list[int]:
        """Every node whose base is directly below, also where a later one claims its place."""
        found = [node for _, node in self.base_children(parent)]
        if self.count(self.outdone):
            found += [U64.unpack(claim[-8:])[0] for claim in self._prefixed(self.outdone, key(parent))]
        return found

    def _below(self, table: _Table, parent: int, after: bytes | None, limit: int) -> list[tuple[bytes, bytes]]:
        prefix = key(parent)
        cursor = self.txn.cursor(db=table)
        result: list[tuple[bytes, bytes]] = []
        if not cursor.set_range(prefix if after is None else prefix + after + b"\0"):
            return result
        for found, value in cursor:
            if len(result) == limit or not found.startswith(prefix):
                break
            result.append((found[8:], value))
        return result

    def path(self, node: int) -> bytes:
        """Local path, names joined by ``/``; ``b""`` for the root. KeyError when the node is not here."""
        names: list[bytes] = []  # from here upwards, to the first folder whose path is known
        at, known = node, b""
        while at != ROOT:
            found = self._paths.get(at)
            if found is not None:
                known = found
                break
            record = self.node(at)
            if record is None:
                raise KeyError(node)
            names.append(record.name)
            if at == node and record.kind != FOLDER:
                return self.path_in(record.parent, record.name)
            at = record.parent
        if not names:
            return known
        names.append(known)
        path = b"/".join(reversed(names)) if known else b"/".join(reversed(names[:-1]))
        if len(self._paths) > 10_000:
            self._paths.clear()
        self._paths[node] = path
        return path

    def path_in(self, parent: int, name: bytes) -> bytes:
        above = self.path(parent)
        return above + b"/" + name if above else name

    def forget_paths(self) -> None:
        """A folder has another place."""
        self._paths.clear()

    # bases --------------------------------------------------------------------------------------------------------

    def base(self, node: int) -> BaseRecord | None:
        raw = self.txn.get(key(node), db=self.bases)
        return None if raw is None else decode_base(raw)

    def put_base(self, node: int, new: BaseRecord | None) -> None:
        """Sets or removes a base, with its entries in the tables by place and by server inode."""
        old = self.base(node)
        txn = self.txn
        if old is not None and node != ROOT:
            place = key(old.parent) + old.name
            if new is None or place != key(new.parent) + new.name:
                self._leave(place, node)
            if old.inode and (new is None or new.inode != old.inode):
                found = txn.get(key(old.inode), db=self.inodes)
                if found is not None and U64.unpack(found)[0] == node:
                    txn.delete(key(old.inode), db=self.inodes)
        if new is None:
            txn.delete(key(node), db=self.bases)
            return
        txn.put(key(node), encode(new), db=self.bases)
        if node != ROOT:
            self._claim(key(new.parent) + new.name, node, new)
            if new.inode:
                txn.put(key(new.inode), key(node), db=self.inodes)

    def _claim(self, place: bytes, node: int, base: BaseRecord) -> None:
        """The base is found by its place. While the reconciler moves several, two may claim one: the latest has it."""
        found = self.txn.get(place, db=self.base_entries)
        if found is not None:
            before = BASE_ENTRY.unpack(found)[0]
            if before != node:
                self.txn.put(place + key(before), b"", db=self.outdone)
                self.txn.delete(place + key(node), db=self.outdone)
        packed = BASE_ENTRY.pack(node, base.kind, base.size, base.mtime, base.inode)
        self.txn.put(place, packed, db=self.base_entries)

    def _leave(self, place: bytes, node: int) -> None:
        """The base is elsewhere, or gone; another one that claimed the place before has it again."""
        found = self.txn.get(place, db=self.base_entries)
        if found is None or BASE_ENTRY.unpack(found)[0] != node:
            self.txn.delete(place + key(node), db=self.outdone)
            return
        self.txn.delete(place, db=self.base_entries)
        if not self.count(self.outdone):
            return
        for claim in self._prefixed(self.outdone, place):
            if len(claim) == len(place) + 8:
                heir = int(U64.unpack(claim[-8:])[0])
                base = self.base(heir)
                assert base is not None
                self.txn.delete(claim, db=self.outdone)
                self._claim(place, heir, base)
                return

    # what differs -------------------------------------------------------------------------------------------------

    def is_dirty(self, node: int) -> bool:
        return self.txn.get(key(node), db=self.dirty) is not None

    def changed(self, node: int) -> int:
        """When the dirty node changed; 0 when it is not dirty."""
        raw = self.txn.get(key(node), db=self.dirty)
        return 0 if raw is None else int(U64.unpack(raw)[0])

    def put_dirty(self, node: int, now: int) -> None:
        self.txn.put(key(node), key(max(now, 0)), db=self.dirty)

    def clean(self, node: int) -> None:
        """The node does not differ any more, or is gone: nothing of it waits to be sent."""
        if self.txn.delete(key(node), db=self.dirty):
            for found in self._prefixed(self.pending_by_node, key(node)):
                self.txn.delete(found, db=self.pending_by_node)
                self.txn.delete(found[8:], db=self.pending)

    def _prefixed(self, table: _Table, prefix: bytes) -> list[bytes]:
        cursor = self.txn.cursor(db=table)
        if not cursor.set_range(prefix):
            return []
        found = []
        for one in cursor.iternext(keys=True, values=False):
            if not one.startswith(prefix):
                break
            found.append(one)
        return found

    def note(self, sequence: int, record: PendingRecord) -> None:
        """Keeps a local operation. Of several writes in a row only the last is kept: they add up to it."""
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

    # marks and the rest -------------------------------------------------------------------------------------------

    def mark(self, table: _Table, node: int, value: bytes = b"") -> None:
        self.txn.put(key(node), value, db=table)

    def unmark(self, table: _Table, node: int) -> None:
        self.txn.delete(key(node), db=table)

    def marked(self, table: _Table) -> list[int]:
        """A snapshot of a table's nodes."""
        cursor = self.txn.cursor(db=table)
        return [U64.unpack(found)[0] for found in cursor.iternext(keys=True, values=False)]

    def effect(self, sequence: int, effect: AnyEffect) -> None:
        """Has something done to files once this event is durable."""
        self.effect_count += 1
        self.txn.put(key(sequence) + self.effect_count.to_bytes(4, "big"), encode(effect), db=self.effects)

    def drop_xattrs(self, node: int) -> None:
        for found in self._prefixed(self.xattrs, key(node)):
            self.txn.delete(found, db=self.xattrs)

    def move_xattrs(self, node: int, target: int) -> None:
        for found in self._prefixed(self.xattrs, key(node)):
            value = self.txn.pop(found, db=self.xattrs)
            assert value is not None
            self.txn.put(key(target) + found[8:], value, db=self.xattrs)

    def xattr_names(self, node: int) -> list[bytes]:
        return [found[8:] for found in self._prefixed(self.xattrs, key(node))]

    def items(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Everything in a table, for check and tests. Must not be held across a change."""
        yield from self.txn.cursor(db=self._tables[table])

    def count(self, table: _Table) -> int:
        return int(self.txn.stat(table)["entries"])


def differs(node: Node | None, base: BaseRecord | None) -> bool:
    """Whether local and base differ in what the server can hold: existence, place, content, a file's mtime.

    To the server second 0 means "now", so nothing is older than second 1."""
    if node is None:
        return base is not None
    if base is None:
        return node.kind <= FOLDER
    if node.parent != base.parent or node.name != base.name:
        return True
    if node.kind != FILE:
        return False
    return node.version != base.version or max(node.mtime // 1_000_000_000, 1) != max(base.mtime, 1)
