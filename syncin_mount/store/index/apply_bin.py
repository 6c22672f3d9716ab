"""What the events of the bin do to the index."""

from __future__ import annotations

from syncin_mount.store.index.apply_common import (
    mark_unsynced,
    note,
    touch,
)
from syncin_mount.store.index.index import Index
from syncin_mount.store.journal import events
from syncin_mount.store.records import (
    FILE,
    FOLDER,
    BinRecord,
    DropBin,
    FromBin,
    Node,
    NoteToBin,
    ToBin,
    encode,
    key,
)
from syncin_mount.store.types import OpKind

STRAYS = b"found without a name"
"""The entry of the bin for contents that nothing names."""


def bin_one(index: Index, sequence: int, now: int, why: str, record: Node, path: bytes) -> None:
    """The record's content goes to the bin, as an entry of its own."""
    index.effect_table.add(sequence, ToBin(record.owner, record.number, record.name, record.mtime))
    put_bin_entry(
        index,
        sequence,
        BinRecord(record.name, path, folder=False, files=1, size=record.size, time=now, why=why),
    )


def put_bin_entry(index: Index, sequence: int, entry: BinRecord) -> None:
    """The event's entry of the bin, described beside its folder, too."""
    index.txn.put(key(sequence), encode(entry), db=index.bin)
    index.effect_table.add(sequence, NoteToBin(entry))


def strayed(index: Index, sequence: int, event: events.Strayed) -> None:
    """Contents without a name are an entry of the bin."""
    for position, (owner, number, _, mtime, name) in enumerate(event.objects, 1):
        path = b"%s/%d/%s" % (STRAYS, position, name)
        index.effect_table.add(sequence, ToBin(owner, number, path, mtime))
    size = sum(each[2] for each in event.objects)
    entry = BinRecord(STRAYS, STRAYS, True, len(event.objects), size, event.now, event.why)
    put_bin_entry(index, sequence, entry)


def copied(index: Index, sequence: int, event: events.Copied) -> None:
    """A copy lies in the bin."""
    record = index.node(event.node)
    assert record is not None
    path = index.path(event.node)
    entry = BinRecord(
        record.name, path, folder=False, files=1, size=record.size, time=event.now, why=event.why
    )
    put_bin_entry(index, sequence, entry)


def bin_restored(index: Index, sequence: int, event: events.BinRestored) -> None:
    """New nodes with the contents of a bin entry."""
    now = event.now
    for one in event.nodes:
        record = Node(
            one.kind,
            one.parent,
            one.name,
            one.mode,
            event.uid,
            event.gid,
            one.size,
            now,
            one.mtime,
            now,
            now,
            one.node,
            0,
            target=one.target,
        )
        if one.kind == FOLDER:
            record.links = 2
        elif one.kind == FILE:
            record.version, record.owner, record.number = sequence, one.node, sequence
            index.effect_table.add(sequence, FromBin(event.bin, one.path, one.node, sequence))
            mark_unsynced(index, one.node, record)
        index.used(one.node)
        index.put_node(one.node, record)
        index.entry_table.put(one.parent, one.name, one.node)
        if one.kind <= FOLDER:
            index.change_table.put_dirty(one.node, now)
    top = event.nodes[0]
    touch(index, top.parent, now)
    if top.kind <= FOLDER:
        note(index, sequence, now, OpKind.CREATE, top.node, index.path_in(top.parent, top.name))
    for one in event.nodes:
        if one.kind == FOLDER:
            _add_link(index, one.parent)
    index.txn.delete(key(event.bin), db=index.bin)
    index.effect_table.add(sequence, DropBin(event.bin))


def _add_link(index: Index, folder: int) -> None:
    record = index.node(folder)
    assert record is not None
    record.links += 1
    index.put_node(folder, record)


def bin_dropped(index: Index, sequence: int, event: events.BinDropped) -> None:
    """Bin entries end."""
    for one in event.bins:
        index.txn.delete(key(one), db=index.bin)
        index.effect_table.add(sequence, DropBin(one))
