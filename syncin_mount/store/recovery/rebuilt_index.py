"""What a repair found out, written to an index: the tables that follow from nodes and bases are
made anew."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import Final

from reconciler.phrases import Phrase
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.index.index import Index, differs
from syncin_mount.store.index.tables.lmdb_tables import ROOT
from syncin_mount.store.records import (
    BASE_ENTRY,
    FILE,
    FOLDER,
    U64,
    AnyEffect,
    BaseRecord,
    BinRecord,
    DropBin,
    FolderToBin,
    Node,
    NoteToBin,
    decode_bin,
    decode_pending,
    encode,
    key,
)

TOP: Final = b"found by check --repair"
WHY: Final = Phrase("a repair found it without a place in the drive")


@dataclass(frozen=True, slots=True)
class RebuiltIndex:
    """Nodes and bases by number; effects with their keys (empty: a new one); by path in the bin,
    the bytes of what goes there and how it gets there; the repair's number and time."""

    nodes: dict[int, Node]
    bases: dict[int, BaseRecord]
    effects: list[tuple[bytes, AnyEffect]]
    binned: dict[bytes, tuple[int, AnyEffect]]
    number: int
    now: int

    def write(self, index: Index, files: Objects, *, next_id: int) -> list[str]:
        """Fills the index, in which what cannot be computed (extended attributes, operations,
        holds, the bin) is still as it was read. ``next_id`` is the next free node and inode.
        Returns what people should know."""
        index.node_table.clear()
        for name in (
            "bases",
            "entries",
            "inos",
            "inodes",
            "absent",
            "writing",
            "effects",
            "outdone",
            "links",
        ):
            index.txn.drop(getattr(index, name), delete=False)
        holders = {place: BASE_ENTRY.unpack(raw)[0] for place, raw in index.items("base_entries")}
        index.txn.drop(index.base_entries, delete=False)
        self._write_nodes(index)
        self._write_bases(index, holders)
        self._write_differences(index)
        said = self._write_bins(index, files)
        for place, effect in self.effects:
            if place:
                index.txn.put(place, encode(effect), db=index.effects)
            else:
                index.effect_table.add(self.number, effect)
        index.applied = self.number
        index.next_id = next_id
        return said

    def _write_nodes(self, index: Index) -> None:
        for place in [
            place for place, _ in index.items("xattrs") if u64(place[:8]) not in self.nodes
        ]:
            index.txn.delete(place, db=index.xattrs)
        xattrs = Counter(u64(place[:8]) for place, _ in index.items("xattrs"))
        subfolders = Counter(
            record.parent
            for node, record in self.nodes.items()
            if record.kind == FOLDER and node != ROOT
        )
        for node, record in self.nodes.items():
            record.xattrs = xattrs[node]
            if record.kind == FOLDER:
                record.links = 2 + subfolders[node]
            elif record.links > 1:
                index.link_table.put(record.owner, record.number, node)
            if record.kind != FILE:
                record.present, record.writing = True, False
            elif not record.present:
                index.mark(index.absent, node)
                record.writing = False
            if record.writing:
                index.mark(index.writing, node)
            lead = self.nodes.get(record.ino)
            if lead is None or lead.ino != record.ino:
                index.node_table.put_ino(record.ino, node)
            index.put_node(node, record)
            if node != ROOT:
                index.entry_table.put(record.parent, record.name, node)
        for place in [
            place for place, _ in index.items("checksums") if u64(place[:8]) not in self.nodes
        ]:
            index.txn.delete(place, db=index.checksums)
        for place in [
            place for place, _ in index.items("unsynced") if u64(place) not in self.nodes
        ]:
            index.txn.delete(place, db=index.unsynced)

    def _write_bases(self, index: Index, holders: dict[bytes, int]) -> None:
        """Of several at one place the one that had it has it again: the last to claim it."""

        def comes_last(item: tuple[int, BaseRecord]) -> tuple[bool, int]:
            node, base = item
            return holders.get(key(base.parent) + base.name) == node, base.version

        for node, base in sorted(self.bases.items(), key=comes_last):
            index.base_table.put(node, base)

    def _write_differences(self, index: Index) -> None:
        dirty = {u64(place): raw for place, raw in index.items("dirty")}
        index.txn.drop(index.dirty, delete=False)
        differing = {
            node
            for node in self.nodes.keys() | self.bases.keys()
            if node != ROOT and differs(self.nodes.get(node), self.bases.get(node))
        }
        for node in differing:
            index.txn.put(key(node), dirty.get(node, key(self.now)), db=index.dirty)
        waiting = {
            place: raw
            for place, raw in index.items("pending")
            if decode_pending(raw).node in differing
        }
        for table in (index.pending, index.pending_by_node):
            index.txn.drop(table, delete=False)
        for place, raw in waiting.items():
            operation = decode_pending(raw)
            index.txn.put(place, raw, db=index.pending)
            index.txn.put(
                key(operation.node) + place, operation.kind.encode(), db=index.pending_by_node
            )
        for place in [place for place, _ in index.items("held") if u64(place) not in differing]:
            index.txn.delete(place, db=index.held)

    def _write_bins(self, index: Index, files: Objects) -> list[str]:
        """Entries have folders, and folders entries; what this repair found has one of its own."""
        said: list[str] = []
        arriving = {u64(place[:8]) for place, _ in self.effects if place}
        going = {each.bin for _, each in self.effects if isinstance(each, DropBin)}
        entries = {u64(place): decode_bin(raw) for place, raw in index.items("bin")}
        for number in entries:
            if number not in arriving and not os.path.isdir(files.bin_place(number)):
                index.txn.delete(key(number), db=index.bin)
        for number in sorted(files.stray_bins(entries.keys() | going | arriving)):
            if not os.path.isdir(files.bin_place(number)):
                self.effects.append((b"", DropBin(number)))
                continue
            entry = files.described(number, self.now)
            said.append(
                Phrase(
                    "nothing referred to {number} in the bin: it is an entry again", number=number
                )
            )
            index.txn.put(key(number), encode(entry), db=index.bin)
        if self.binned:
            for _, effect in self.binned.values():
                self.effects.append((b"", effect))
            sizes = [size for size, _ in self.binned.values()]
            entry = BinRecord(
                TOP, TOP, folder=True, files=len(sizes), size=sum(sizes), time=self.now, why=WHY
            )
            index.txn.put(key(self.number), encode(entry), db=index.bin)
            self.effects.append((b"", FolderToBin(TOP)))
            self.effects.append((b"", NoteToBin(entry)))
        return said


def u64(raw: bytes) -> int:
    """The number that the eight bytes stand for."""
    return int(U64.unpack(raw)[0])
