"""What a node has in tables of their own: checksums and extended attributes."""

from __future__ import annotations

from syncin_mount.store.index.index import Index
from syncin_mount.store.records import U64X2, key


def put_checksum(index: Index, node: int, version: int, checksum: bytes) -> None:
    """Of a node's versions only this one and the one that its base names are kept."""
    base = index.base(node)
    for found in index.prefixed(index.checksums, key(node)):
        if base is None or found[8:] != key(base.version):
            index.txn.delete(found, db=index.checksums)
    index.txn.put(U64X2.pack(node, version), checksum, db=index.checksums)


def drop_checksums(index: Index, node: int) -> None:
    """The node has no content any more, or another one in every version."""
    for found in index.prefixed(index.checksums, key(node)):
        index.txn.delete(found, db=index.checksums)


def move_checksum(index: Index, node: int, target: int, version: int) -> None:
    """The node's content becomes the target's, which keeps its own checksums of other
    versions."""
    checksum = index.txn.get(U64X2.pack(node, version), db=index.checksums)
    drop_checksums(index, node)
    if checksum is not None:
        put_checksum(index, target, version, checksum)


def drop_xattrs(index: Index, node: int) -> None:
    """The node is gone, or takes those of another one."""
    for found in index.prefixed(index.xattrs, key(node)):
        index.txn.delete(found, db=index.xattrs)


def move_xattrs(index: Index, node: int, target: int) -> None:
    """The node's extended attributes become the target's, which has none."""
    for found in index.prefixed(index.xattrs, key(node)):
        value = index.txn.pop(found, db=index.xattrs)
        assert value is not None
        index.txn.put(key(target) + found[8:], value, db=index.xattrs)
