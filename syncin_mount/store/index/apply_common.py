"""What several events do to the index."""

from __future__ import annotations

import msgspec

from syncin_mount.store.index.index import Index, differs
from syncin_mount.store.records import FILE, BaseRecord, Node, PendingRecord, Unlink, key
from syncin_mount.store.types import OpKind


def touch(index: Index, folder: int, now: int, links: int = 0) -> None:
    """A folder's entries changed: its times, and its links when a subfolder came (+1) or went
    (-1)."""
    record = index.node(folder)
    if record is None:
        raise KeyError(folder)
    record.mtime = record.ctime = now
    record.links += links
    index.put_node(folder, record)


def refresh(index: Index, node: int, record: Node | None, now: int, *, local: bool) -> bool:
    """Sets or clears the node's mark as dirty; True when it is. Only local operations make it wait
    to settle anew."""
    base = index.base(node)
    if (
        record is not None
        and record.doubtful
        and base is not None
        and base.version == record.version
    ):
        record.doubtful = 0  # whatever it is, both sides have it
        index.put_node(node, record)
    if differs(record, base):
        if local or not index.is_dirty(node):
            index.change_table.put_dirty(node, now)
        return True
    index.change_table.clean(node)
    return False


def note(
    index: Index,
    sequence: int,
    now: int,
    kind: OpKind,
    node: int,
    path: bytes,
    new_path: bytes | None = None,
) -> None:
    """Keeps what the user did; only for dirty nodes: it goes when its node is clean."""
    index.change_table.note(sequence, PendingRecord(kind.value, node, path, new_path, now))


def mark_unsynced(index: Index, node: int, record: Node) -> None:
    """The content is not known to be on the disk."""
    index.mark(index.unsynced, node, key(record.version))


def drop_node(index: Index, node: int, record: Node) -> None:
    """Removes the node's local record and all that hangs on it but its entry, its base and its
    object."""
    index.node_table.delete(node)
    index.node_table.drop_ino(record.ino, node)
    if record.xattrs:
        index.xattr_table.drop(node)
    if record.kind == FILE:
        index.unmark(index.unsynced, node)
        index.checksum_table.drop(node)
        if not record.present:
            index.unmark(index.absent, node)
        if record.writing:
            index.unmark(index.writing, node)
    else:
        index.paths.forget(node)


def forget_below(index: Index, folder: int, record: Node, path: bytes | None = None) -> None:
    """The folder has another place, and so has what is in it. ``path``: what it had, if that is
    known."""
    if record.links == 2:  # no folder is in it
        index.paths.forget(folder)
    elif path is None:
        index.paths.forget_all()
    else:
        index.paths.forget_below(path)


def end_content(index: Index, sequence: int, node: int, record: Node, successor: int) -> None:
    """The content of the node goes once that of ``successor``, which replaces it (0: none), is on
    the disk."""
    if not record.present:
        return
    if not successor:
        index.effect_table.add(sequence, Unlink(record.owner, record.number))
        return
    base = index.base(node)
    is_sole_copy = base is None or base.version != record.version
    unsynced = index.txn.get(key(node), db=index.unsynced) is not None
    effect = Unlink(
        record.owner, record.number, successor, record.size, record.mtime, is_sole_copy, unsynced
    )
    index.effect_table.add(sequence, effect)


def vanish(
    index: Index, sequence: int, node: int, record: Node, now: int, successor: int = 0
) -> bool:
    """The local part of a node goes, its entry being gone; True when its base stays behind to be
    deleted remotely. ``successor`` is the file that takes its name."""
    base = index.base(node)
    heir = _successor(index, base) or _twin(index, node, record, base)
    known = base is not None and base.kind == FILE
    counted = (
        index.checksum_table.counted(node, base.version) if base is not None and known else None
    )
    if record.kind == FILE:
        end_content(index, sequence, node, record, successor or heir)
    drop_node(index, node, record)
    if base is None:
        index.change_table.clean(node)
        return False
    if heir:
        held = index.is_held(node)
        index.base_table.put(node, None)
        index.change_table.clean(node)
        index.base_table.put(heir, base)
        if counted is not None:
            index.checksum_table.put(heir, base.version, counted)
        index.identity_moves += 1
        if refresh(index, heir, index.node(heir), now, local=True) and held:
            index.change_table.hold(heir, now)
        return False
    if counted is not None and base.checksum is None:
        # What the server has is compared with it before it is deleted there.
        index.base_table.put(node, msgspec.structs.replace(base, checksum=counted.hex()))
    index.change_table.put_dirty(node, now)
    return True


def _twin(index: Index, node: int, record: Node, base: BaseRecord | None) -> int:
    """Another name of the same file that the server does not have yet: with it the document goes
    on, as after a rename. 0 for none."""
    if base is None or record.kind != FILE or record.links == 1:
        return 0
    return next(
        (
            each
            for each in index.names_of(node, record)
            if each != node and index.base(each) is None
        ),
        0,
    )


def _successor(index: Index, base: BaseRecord | None) -> int:
    """The new file that has the place of a document's base, and is the document once that is gone;
    0 for none."""
    heir = index.entry(base.parent, base.name) if base is not None and base.kind == FILE else None
    if heir is None or index.base(heir) is not None:
        return 0
    record = index.node(heir)
    return heir if record is not None and record.kind == FILE else 0
