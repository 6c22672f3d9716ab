"""Typed look-ups in both trees, through one transaction.

Owns nothing of its own: it makes the parts that read, and binds their calls. `Index` reads through
its open write transaction, an `IndexSnapshot` the last commit through a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from syncin_mount.store.index.tables.base_table import BaseTable
from syncin_mount.store.index.tables.change_table import ChangeTable
from syncin_mount.store.index.tables.checksum_table import ChecksumTable
from syncin_mount.store.index.tables.entry_table import EntryTable, LinkTable
from syncin_mount.store.index.tables.folder_paths import FolderPaths
from syncin_mount.store.index.tables.lmdb_tables import Table, Tables
from syncin_mount.store.index.tables.xattr_table import XattrTable
from syncin_mount.store.records import Node


class Lookups(Tables):
    """``node`` looks a node's record up; what it returns is the caller's own."""

    def __init__(self, tables: dict[str, Table], node: Callable[[int], Node | None]) -> None:
        super().__init__(tables)
        self.entry_table = EntryTable(self)
        self.link_table = LinkTable(self)
        self.base_table = BaseTable(self)
        self.change_table = ChangeTable(self)
        self.checksum_table = ChecksumTable(self, self.base_table)
        self.xattr_table = XattrTable(self)
        self.paths = FolderPaths(node)

        self.node = node
        self.entry = self.entry_table.entry
        self.children = self.entry_table.children
        self.names_of = self.link_table.names_of
        self.base = self.base_table.base
        self.base_children = self.base_table.children
        self.is_dirty = self.change_table.is_dirty
        self.is_held = self.change_table.is_held
        self.changed = self.change_table.changed
        self.path = self.paths.path
        self.path_in = self.paths.path_in
