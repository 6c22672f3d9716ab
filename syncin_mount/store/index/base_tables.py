"""A base is in three tables: by node, by place, by server inode. It is set in all of them here."""

from __future__ import annotations

from syncin_mount.store.index.index import Index
from syncin_mount.store.index.tables import ROOT
from syncin_mount.store.records import BASE_ENTRY, U64, BaseRecord, encode, key


def put_base(index: Index, node: int, new: BaseRecord | None) -> None:
    """Sets or removes a base, with its entries in the tables by place and by server inode."""
    old = index.base(node)
    txn = index.txn
    if old is not None and node != ROOT:
        place = key(old.parent) + old.name
        if new is None or place != key(new.parent) + new.name:
            _leave(index, place, node)
        if old.inode and (new is None or new.inode != old.inode):
            found = txn.get(key(old.inode), db=index.inodes)
            if found is not None and U64.unpack(found)[0] == node:
                txn.delete(key(old.inode), db=index.inodes)
    if new is None:
        txn.delete(key(node), db=index.bases)
        return
    txn.put(key(node), encode(new), db=index.bases)
    if node != ROOT:
        _claim(index, key(new.parent) + new.name, node, new)
        # An inode that it had before is no news: the server may have given it to another one
        # since, which was told later.
        is_news = old is None or old.inode != new.inode
        if new.inode and (is_news or txn.get(key(new.inode), db=index.inodes) is None):
            txn.put(key(new.inode), key(node), db=index.inodes)


def _claim(index: Index, place: bytes, node: int, base: BaseRecord) -> None:
    """The base is found by its place. While the reconciler moves several, two may claim one:
    the latest has it."""
    found = index.txn.get(place, db=index.base_entries)
    if found is not None:
        before = BASE_ENTRY.unpack(found)[0]
        if before != node:
            index.txn.put(place + key(before), b"", db=index.outdone)
            index.txn.delete(place + key(node), db=index.outdone)
    packed = BASE_ENTRY.pack(node, base.kind, base.size, base.mtime, base.inode)
    index.txn.put(place, packed, db=index.base_entries)


def _leave(index: Index, place: bytes, node: int) -> None:
    """The base is elsewhere, or gone; another one that claimed the place before has it
    again."""
    found = index.txn.get(place, db=index.base_entries)
    if found is None or BASE_ENTRY.unpack(found)[0] != node:
        index.txn.delete(place + key(node), db=index.outdone)
        return
    index.txn.delete(place, db=index.base_entries)
    if not index.count(index.outdone):
        return
    for claim in index.prefixed(index.outdone, place):
        if len(claim) == len(place) + 8:
            heir = int(U64.unpack(claim[-8:])[0])
            base = index.base(heir)
            assert base is not None
            index.txn.delete(claim, db=index.outdone)
            _claim(index, place, heir, base)
            return
