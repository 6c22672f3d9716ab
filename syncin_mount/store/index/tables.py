"""Look-ups in the index's tables, through one transaction.

`Index` reads through its open write transaction. A `IndexSnapshot` reads the last commit through a
transaction of its own, also in another thread, while the index goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, Self, TypeAlias

import lmdb
import msgspec

from reconciler.errors import SnapshotEnded
from syncin_mount.store.errors import IndexDamaged
from syncin_mount.store.records import (
    BASE_ENTRY,
    FOLDER,
    U64,
    U64X2,
    BaseRecord,
    Node,
    decode_base,
    decode_node,
    key,
)

ROOT: Final = 1
TABLES: Final = (
    "nodes",
    "bases",
    "entries",
    "base_entries",
    "outdone",
    "inos",
    "inodes",
    "dirty",
    "pending",
    "pending_by_node",
    "absent",
    "writing",
    "unsynced",
    "xattrs",
    "bin",
    "effects",
    "meta",
    "leftovers",
    "held",
    "checksums",
    "links",
)

PATHS: Final = 10_000
PATH_BYTES: Final = 4 << 20
"""How many folders' paths are remembered, and the bytes that they may take."""

Table: TypeAlias = Any  # lmdb's own type of a table is private


class Tables:
    """Typed look-ups."""

    txn: Any  # an lmdb.Transaction, or what answers like one

    def __init__(self, tables: dict[str, Table]) -> None:
        self._tables = tables
        (
            self.nodes,
            self.bases,
            self.entries,
            self.base_entries,
            self.outdone,
            self.inos,
            self.inodes,
            self.dirty,
            self.pending,
            self.pending_by_node,
            self.absent,
            self.writing,
            self.unsynced,
            self.xattrs,
            self.bin,
            self.effects,
            self.meta,
            self.leftovers,
            self.held,
            self.checksums,
            self.links,
        ) = (tables[name] for name in TABLES)
        self._paths: dict[
            int, tuple[bytes, int]
        ] = {}  # folder -> a path that begins with its own, and the latter's length
        self._path_bytes = 0

    def node(self, node: int) -> Node | None:
        raw = self.txn.get(key(node), db=self.nodes)
        try:
            return None if raw is None else decode_node(raw)
        except msgspec.MsgspecError as error:
            raise IndexDamaged(f"the record of node {node}: {error}") from error

    def entry(self, parent: int, name: bytes) -> int | None:
        raw = self.txn.get(key(parent) + name, db=self.entries)
        return None if raw is None else int(U64.unpack(raw)[0])

    def by_ino(self, ino: int) -> int:
        """The node that may have this inode; its record has to agree."""
        raw = self.txn.get(key(ino), db=self.inos)
        return ino if raw is None else int(U64.unpack(raw)[0])

    def linked(self, owner: int, number: int) -> list[int]:
        """The nodes that share a content object, when there are several."""
        prefix = U64X2.pack(owner, number)
        return [int(U64.unpack(found[16:])[0]) for found in self.prefixed(self.links, prefix)]

    def names_of(self, node: int, record: Node) -> list[int]:
        """All nodes that are the same file as this one, itself included."""
        if record.links == 1 or record.kind == FOLDER:
            return [node]
        return self.linked(record.owner, record.number)

    def children(
        self, parent: int, after: bytes | None = None, limit: int = -1
    ) -> list[tuple[bytes, int]]:
        """Names and nodes below a folder, by name, strictly after ``after``; all of them with a
        negative limit."""
        found = self._below(self.entries, parent, after, limit)
        return [(name, U64.unpack(value)[0]) for name, value in found]

    def base_children(
        self, parent: int, after: bytes | None = None, limit: int = -1
    ) -> list[tuple[bytes, int]]:
        found = self._below(self.base_entries, parent, after, limit)
        return [(name, BASE_ENTRY.unpack(value)[0]) for name, value in found]

    def base_nodes_below(self, parent: int) -> list[int]:
        """Every node whose base is directly below, also where a later one claims its place."""
        found = [node for _, node in self.base_children(parent)]
        if self.count(self.outdone):
            found += [
                U64.unpack(claim[-8:])[0] for claim in self.prefixed(self.outdone, key(parent))
            ]
        return found

    def _below(
        self, table: Table, parent: int, after: bytes | None, limit: int
    ) -> list[tuple[bytes, bytes]]:
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
        """Local path, names joined by ``/``; ``b""`` for the root. KeyError when the node is not
        here."""
        # from here upwards, to the first folder whose path is known
        unknown: list[tuple[int, bytes]] = []
        at, known = node, b""
        while at != ROOT:
            found = self._paths.get(at)
            if found is not None:
                known = found[0][: found[1]]
                break
            record = self.node(at)
            if record is None:
                raise KeyError(node)
            if at == node and record.kind != FOLDER:
                return self.path_in(record.parent, record.name)
            unknown.append((at, record.name))
            at = record.parent
        if unknown:
            names = [name for _, name in reversed(unknown)]
            known = b"/".join([known, *names] if known else names)
            self._remember(known, unknown)
        return known

    def _remember(self, path: bytes, folders: list[tuple[int, bytes]]) -> None:
        """The path is that of the first folder; each of the others holds the one before it. They
        share the bytes: else a deep chain would take the square of its depth."""
        self._path_bytes += len(path)
        if len(self._paths) > PATHS or self._path_bytes > PATH_BYTES:
            self.forget_paths()
        length = len(path)
        for folder, name in folders:
            self._paths[folder] = path, length
            length -= len(name) + 1

    def forget_paths(self) -> None:
        """Folders have other places."""
        self._paths.clear()
        self._path_bytes = 0

    def forget_paths_below(self, path: bytes) -> None:
        """The folder of this path has another place."""
        length, within = len(path), path + b"/"
        self._paths = {
            folder: (known, end)
            for folder, (known, end) in self._paths.items()
            if not (known.startswith(within, 0, end) or (end == length and known.startswith(path)))
        }

    def forget_path(self, folder: int) -> None:
        """This folder has another place, or none, and there is no folder in it."""
        self._paths.pop(folder, None)

    def path_in(self, parent: int, name: bytes) -> bytes:
        above = self.path(parent)
        return above + b"/" + name if above else name

    def base(self, node: int) -> BaseRecord | None:
        raw = self.txn.get(key(node), db=self.bases)
        try:
            return None if raw is None else decode_base(raw)
        except msgspec.MsgspecError as error:
            raise IndexDamaged(f"the base of node {node}: {error}") from error

    def checksum(self, node: int, version: int) -> bytes | None:
        """SHA-512/256 of the node's content in this version, if it was counted."""
        raw: bytes | None = self.txn.get(U64X2.pack(node, version), db=self.checksums)
        if raw is not None:
            return raw
        base = self.base(node)
        if base is None or base.version != version or base.checksum is None:
            return None
        return bytes.fromhex(base.checksum)

    def is_dirty(self, node: int) -> bool:
        return self.txn.get(key(node), db=self.dirty) is not None

    def changed(self, node: int) -> int:
        """When the dirty node changed; 0 when it is not dirty."""
        raw = self.txn.get(key(node), db=self.dirty)
        return 0 if raw is None else int(U64.unpack(raw)[0])

    def is_held(self, node: int) -> bool:
        """Whether the node itself is held."""
        return self.txn.get(key(node), db=self.held) is not None

    def prefixed(self, table: Table, prefix: bytes) -> list[bytes]:
        cursor = self.txn.cursor(db=table)
        if not cursor.set_range(prefix):
            return []
        found = []
        for one in cursor.iternext(keys=True, values=False):
            if not one.startswith(prefix):
                break
            found.append(one)
        return found

    def marked(self, table: Table) -> list[int]:
        """A snapshot of a table's nodes."""
        cursor = self.txn.cursor(db=table)
        return [U64.unpack(found)[0] for found in cursor.iternext(keys=True, values=False)]

    def xattr_names(self, node: int) -> list[bytes]:
        return [found[8:] for found in self.prefixed(self.xattrs, key(node))]

    def xattr(self, node: int, name: bytes) -> bytes | None:
        """None where there is none of this name."""
        value: bytes | None = self.txn.get(key(node) + name, db=self.xattrs)
        return value

    def items(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Everything in a table, for check and tests. Must not be held across a change."""
        yield from self.txn.cursor(db=self._tables[table])

    def page(self, table: str, after: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """At most so many items of a table, by key, from ``after`` on."""
        cursor = self.txn.cursor(db=self._tables[table])
        return list(islice(cursor, limit)) if cursor.set_range(after) else []

    def count(self, table: Table) -> int:
        return int(self.txn.stat(table)["entries"])


class IndexSnapshot(Tables):
    """The tables as of one commit. A context manager around all reading, which may happen in
    another thread.

    ``end``, which the index calls before it commits, grows or closes, lets every further look-up
    raise SnapshotEnded and returns when nobody reads any more.
    """

    def __init__(self, tables: dict[str, Table], txn: lmdb.Transaction[bytes]) -> None:
        super().__init__(tables)
        self.txn = _Guarded(txn)
        self._lock = threading.Lock()
        self._reader: int | None = None
        self._over = threading.Event()

    def __enter__(self) -> Self:
        with self._lock:
            if self.txn.barred:
                raise SnapshotEnded
            self._reader = threading.get_ident()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._let_go()

    def is_over(self) -> bool:
        return self._over.is_set()

    def bar(self) -> None:
        """Lets every further look-up raise Over."""
        self.txn.barred = True

    def end(self) -> None:
        with self._lock:
            self.bar()
            waits = self._reader not in {None, threading.get_ident()}
        if waits:
            self._over.wait()
        else:
            self._let_go()

    def _let_go(self) -> None:
        self.txn.barred = True
        if not self._over.is_set():
            self.txn.real.abort()
            self._over.set()


class _Guarded:
    """A transaction that can be barred. Cursors are for short walks: nothing bars them."""

    __slots__ = ("barred", "real")

    def __init__(self, real: lmdb.Transaction[bytes]) -> None:
        self.real = real
        self.barred = False

    def get(self, place: bytes, *, db: Table) -> bytes | None:
        if self.barred:
            raise SnapshotEnded
        return self.real.get(place, db=db)

    def cursor(self, *, db: Table) -> lmdb.Cursor[bytes]:
        if self.barred:
            raise SnapshotEnded
        return self.real.cursor(db=db)

    def stat(self, db: Table) -> Any:
        if self.barred:
            raise SnapshotEnded
        return self.real.stat(db)
