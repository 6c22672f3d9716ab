"""What several events do to the index."""

from __future__ import annotations

from syncin_mount.store.index import Index, differs
from syncin_mount.store.records import FILE, Node, PendingRecord, Unlink, key
from syncin_mount.store.types import OpKind


def touch(index: Index, folder: int, now: int, links: int = 0) -> None:
    """A folder's entries changed: its times, and its links when a subfolder came (+1) or went (-1)."""
    record = index.node(folder)
    if record is None:
        raise KeyError(folder)
    record.mtime = record.ctime = now
    record.links += links
    index.put_node(folder, record)


def refresh(index: Index, node: int, record: Node | None, now: int, *, local: bool) -> bool:
    """Sets or clears the node's mark as dirty; True when it is. Only local operations make it wait to settle anew."""
    if differs(record, index.base(node)):
        if local or not index.is_dirty(node):
            index.put_dirty(node, now)
        return True
    index.clean(node)
    return False


def note(
    index: Index, sequence: int, now: int, kind: OpKind, node: int, path: bytes, new_path: bytes | None = None
) -> None:
    """Keeps what the user did; only for dirty nodes: it goes when its node is clean."""
    index.note(sequence, PendingRecord(kind.value, node, path, new_path, now))


def mark_unsynced(index: Index, node: int, record: Node) -> None:
    """The content is not known to be on the disk."""
    index.mark(index.unsynced, node, key(record.version))


def drop_node(index: Index, node: int, record: Node) -> None:
    """Removes the node's local record and all that hangs on it but its entry, its base and its object."""
    index.txn.delete(key(node), db=index.nodes)
    index.drop_ino(record.ino, node)
    if record.xattrs:
        index.drop_xattrs(node)
    if record.kind == FILE:
        index.unmark(index.unsynced, node)
        if not record.present:
            index.unmark(index.absent, node)
        if record.writing:
            index.unmark(index.writing, node)
    else:
        index.forget_paths()


def vanish(index: Index, sequence: int, node: int, record: Node, now: int) -> bool:
    """The local part of a node goes, its entry being gone; True when its base stays behind to be deleted remotely."""
    drop_node(index, node, record)
    if record.kind == FILE and record.present:
        index.effect(sequence, Unlink(record.owner, record.number))
    base = index.base(node)
    if base is None:
        index.clean(node)
        return False
    heir = index.entry(base.parent, base.name) if base.kind == FILE else None
    if heir is not None and index.base(heir) is None:
        heir_record = index.node(heir)
        if heir_record is not None and heir_record.kind == FILE:
            index.put_base(node, None)
            index.clean(node)
            index.put_base(heir, base)
            index.identity_moves += 1
            refresh(index, heir, heir_record, now, local=True)
            return False
    index.put_dirty(node, now)
    return True
