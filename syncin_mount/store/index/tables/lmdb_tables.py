"""All tables of the index through one transaction, and what is the same for each of them.

Owns: the handles of the tables, and the transaction through which everybody reads (and, in the
index, writes). What a table's rows mean is the business of its part (`NodeTable`, `EntryTable`, …).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, TypeAlias

from syncin_mount.store.records import U64, key

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

Table: TypeAlias = Any  # lmdb's own type of a table is private


class Tables:
    """The tables by their names, and reading that knows keys alone."""

    txn: Any  # an lmdb.Transaction, or what answers like one

    touched: Callable[[int], None] | None = None
    """Is told of each node whose record, or whose marks of what waits, an event changes: in the
    middle of the event, so it may only note the number."""

    def __init__(self, tables: dict[str, Table]) -> None:
        self.use(tables)

    def use(self, tables: dict[str, Table]) -> None:
        """Takes these handles, by name: an environment that was opened anew has others."""
        self.by_name = tables
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

    def mark(self, table: Table, node: int, value: bytes = b"") -> None:
        self.txn.put(key(node), value, db=table)

    def unmark(self, table: Table, node: int, more: bytes = b"") -> None:
        self.txn.delete(key(node) + more, db=table)

    def marked(self, table: Table) -> list[int]:
        """The nodes that the table has at this moment."""
        cursor = self.txn.cursor(db=table)
        return [U64.unpack(found)[0] for found in cursor.iternext(keys=True, values=False)]

    def prefixed(self, table: Table, prefix: bytes) -> list[bytes]:
        """The keys that begin so."""
        cursor = self.txn.cursor(db=table)
        if not cursor.set_range(prefix):
            return []
        found = []
        for one in cursor.iternext(keys=True, values=False):
            if not one.startswith(prefix):
                break
            found.append(one)
        return found

    def below(
        self, table: Table, parent: int, after: bytes | None, limit: int
    ) -> list[tuple[bytes, bytes]]:
        """Names and values of a table by place: those in a folder, by name, strictly after
        ``after``; all of them with a negative limit."""
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

    def items(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Everything in a table, for check and tests. Must not be held across a change."""
        yield from self.txn.cursor(db=self.by_name[table])

    def page(self, table: str, after: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """At most so many items of a table, by key, from ``after`` on."""
        cursor = self.txn.cursor(db=self.by_name[table])
        return list(islice(cursor, limit)) if cursor.set_range(after) else []

    def count(self, table: Table) -> int:
        return int(self.txn.stat(table)["entries"])
