"""``apply(index, sequence, event)``: the only writer of the index.

It is deterministic: the new index depends on the old one and the event alone, without clock, files
or counters of the process. So the journal replayed over any committed state gives the state that
was there. An event was checked before it was recorded; what an operation needs to hold is known
here.

Identity, the rules that programs' ways of saving files need:

* Replace by rename: a file without base renamed over a file with one *is* the document now. The
  document's node keeps id and base and takes over the content, attributes and inode of the other,
  whose node ends.
* Backup style: a document was renamed away, a new file written in its place, the old one removed.
  When the old node is removed and its base's place is held by a file without base, that file takes
  over the base.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from syncin_mount.store.index import apply_bin, apply_hold, apply_sync, hard_links
from syncin_mount.store.index.apply_common import (
    end_content,
    forget_below,
    mark_unsynced,
    note,
    refresh,
    touch,
    vanish,
)
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.tables.lmdb_tables import ROOT
from syncin_mount.store.journal import events
from syncin_mount.store.records import FILE, FOLDER, Node, Unlink, key
from syncin_mount.store.types import OpKind


def apply(index: Index, sequence: int, event: events.AnyEvent) -> None:
    """Brings the event into the index. Raises lmdb.MapFullError; then the transaction is
    unusable."""
    if index.linking or isinstance(event, events.Linked):
        _apply_linking(index, sequence, event)
    else:
        _HANDLERS[type(event)](index, sequence, event)
    index.applied = sequence


def _apply_linking(index: Index, sequence: int, event: events.AnyEvent) -> None:
    """The handlers know single nodes; afterwards those that share a file are made to fit again."""
    index.linking = True
    before: dict[int, Node | None] = {}
    index.node_table.before = before
    try:
        _HANDLERS[type(event)](index, sequence, event)
    finally:
        index.node_table.before = None
    hard_links.follow_event(index, sequence, event, before)


def _formatted(index: Index, _sequence: int, event: events.Formatted) -> None:
    now = event.now
    root = Node(
        FOLDER, ROOT, b"", event.mode, event.uid, event.gid, 0, now, now, now, now, ROOT, 0, links=2
    )
    index.put_node(ROOT, root)


def _created(index: Index, sequence: int, event: events.Created) -> None:
    now, node, kind = event.now, event.node, event.kind
    record = Node(
        kind,
        event.parent,
        event.name,
        event.mode,
        event.uid,
        event.gid,
        len(event.target),
        now,
        now,
        now,
        now,
        node,
        0,
        rdev=event.rdev,
        target=event.target,
    )
    if kind == FOLDER:
        record.links = 2
    elif kind == FILE:
        record.version = sequence
        record.owner, record.number = node, sequence
    index.used(node)
    index.put_node(node, record)
    index.entry_table.put(event.parent, event.name, node)
    touch(index, event.parent, now, kind == FOLDER)
    if kind <= FOLDER:
        index.change_table.put_dirty(node, now)
        note(index, sequence, now, OpKind.CREATE, node, index.path_in(event.parent, event.name))


def _attrs_set(index: Index, sequence: int, event: events.AttrsSet) -> None:
    record = _get(index, event.node)
    record.mode = record.mode if event.mode is None else event.mode
    record.uid = record.uid if event.uid is None else event.uid
    record.gid = record.gid if event.gid is None else event.gid
    record.atime = record.atime if event.atime is None else event.atime
    record.mtime = record.mtime if event.mtime is None else event.mtime
    record.ctime = event.ctime
    index.put_node(event.node, record)
    if (
        event.mtime is not None
        and record.kind == FILE
        and refresh(index, event.node, record, event.now, local=True)
    ):
        note(index, sequence, event.now, OpKind.TIMES, event.node, index.path(event.node))


def _write_begun(index: Index, sequence: int, event: events.WriteBegun) -> None:
    record = _get(index, event.node)
    record.version = sequence
    record.writing = True
    # the caller discards the content (``begin_write`` refuses anything else)
    if not record.present:
        record.present, record.size = True, 0
        record.owner, record.number = event.node, sequence
        index.unmark(index.absent, event.node)
    index.put_node(event.node, record)
    index.mark(index.writing, event.node)
    mark_unsynced(index, event.node, record)
    refresh(index, event.node, record, event.now, local=True)


def _written(index: Index, sequence: int, event: events.Written) -> None:
    record = _get(index, event.node)
    if record.writing:
        record.writing = False
        index.unmark(index.writing, event.node)
    else:
        record.version = sequence
    record.size, record.mtime = event.size, event.mtime
    record.ctime = event.now if event.ctime is None else event.ctime
    index.put_node(event.node, record)
    mark_unsynced(index, event.node, record)
    if refresh(index, event.node, record, event.now, local=True):
        note(index, sequence, event.now, OpKind.WRITE, event.node, index.path(event.node))


def _renamed(index: Index, sequence: int, event: events.Renamed) -> None:
    node = index.entry(event.parent, event.name)
    assert node is not None
    other = index.entry(event.new_parent, event.new_name)
    if event.exchange:
        assert other is not None
        _exchange(index, sequence, event, node, other)
    elif other is None:
        _move(index, sequence, event, node)
    elif not _takes_identity(index, node, other):
        replaced = _get(index, other)
        index.entry_table.drop(event.new_parent, event.new_name)
        if replaced.kind == FOLDER:
            touch(index, event.new_parent, event.now, -1)
        vanish(index, sequence, other, replaced, event.now, node)
        _move(index, sequence, event, node)
    else:
        _replace(index, sequence, event, node, other)


def _takes_identity(index: Index, node: int, document: int) -> bool:
    if index.base(node) is not None or index.base(document) is None:
        return False
    return _get(index, node).kind == FILE and _get(index, document).kind == FILE


def _move(index: Index, sequence: int, event: events.Renamed, node: int) -> None:
    record = _get(index, node)
    old_path = index.path_in(event.parent, event.name)
    index.entry_table.drop(event.parent, event.name)
    index.entry_table.put(event.new_parent, event.new_name, node)
    folder = record.kind == FOLDER
    moved = event.parent != event.new_parent
    touch(index, event.parent, event.now, -1 if folder and moved else 0)
    if moved:
        touch(index, event.new_parent, event.now, 1 if folder else 0)
    record.parent, record.name, record.ctime = event.new_parent, event.new_name, event.now
    index.put_node(node, record)
    if folder:
        forget_below(index, node, record, old_path)
    if refresh(index, node, record, event.now, local=True):
        note(
            index,
            sequence,
            event.now,
            OpKind.RENAME,
            node,
            old_path,
            index.path_in(record.parent, record.name),
        )


def _exchange(index: Index, sequence: int, event: events.Renamed, node: int, other: int) -> None:
    first, second = _get(index, node), _get(index, other)
    path, other_path = (
        index.path_in(event.parent, event.name),
        index.path_in(event.new_parent, event.new_name),
    )
    index.entry_table.put(event.parent, event.name, other)
    index.entry_table.put(event.new_parent, event.new_name, node)
    shift = (
        (first.kind == FOLDER) - (second.kind == FOLDER) if event.parent != event.new_parent else 0
    )
    touch(index, event.parent, event.now, -shift)
    touch(index, event.new_parent, event.now, shift)
    # Read again: one may be the other's parent's record that touch has changed.
    for one, parent, name in (
        (node, event.new_parent, event.new_name),
        (other, event.parent, event.name),
    ):
        record = _get(index, one)
        record.parent, record.name, record.ctime = parent, name, event.now
        index.put_node(one, record)
    if FOLDER in (first.kind, second.kind):
        index.paths.forget_all()
    changed = refresh(index, node, _get(index, node), event.now, local=True)
    also = refresh(index, other, _get(index, other), event.now, local=True)
    if changed or also:
        note(
            index, sequence, event.now, OpKind.RENAME, node if changed else other, path, other_path
        )


def _replace(index: Index, sequence: int, event: events.Renamed, node: int, document: int) -> None:
    """Replace by rename: the document stays itself, with the other's content, attributes and
    inode."""
    new, old = _get(index, node), _get(index, document)
    path, new_path = (
        index.path_in(event.parent, event.name),
        index.path_in(event.new_parent, event.new_name),
    )
    end_content(index, sequence, document, old, document)
    index.node_table.drop_ino(old.ino, document)
    for table in (index.writing, index.unsynced, index.absent):
        index.unmark(table, document)
    index.node_table.drop_ino(new.ino, node)
    if old.xattrs:
        index.xattr_table.drop(document)
    if new.xattrs:
        index.xattr_table.move(node, document)
    index.entry_table.drop(event.parent, event.name)
    index.node_table.delete(node)
    index.checksum_table.move(node, document, new.version)
    for table in (index.writing, index.unsynced, index.absent):
        index.unmark(table, node)
    was_held = index.is_held(node)
    index.change_table.clean(node)

    new.parent, new.name, new.ctime = old.parent, old.name, event.now
    index.put_node(document, new)
    index.node_table.put_ino(new.ino, document)
    if new.writing:
        index.mark(index.writing, document)
    if not new.present:
        index.mark(index.absent, document)
    mark_unsynced(index, document, new)
    touch(index, event.parent, event.now)
    if event.parent != event.new_parent:
        touch(index, event.new_parent, event.now)
    if refresh(index, document, new, event.now, local=True):
        note(index, sequence, event.now, OpKind.RENAME, document, path, new_path)
        if was_held:
            index.change_table.hold(document, event.now)


def _removed(index: Index, sequence: int, event: events.Removed) -> None:
    node = index.entry(event.parent, event.name)
    assert node is not None
    record = _get(index, node)
    path = index.path_in(event.parent, event.name)
    index.entry_table.drop(event.parent, event.name)
    touch(index, event.parent, event.now, -1 if record.kind == FOLDER else 0)
    if vanish(index, sequence, node, record, event.now):
        note(index, sequence, event.now, OpKind.REMOVE, node, path)


def _xattr_set(index: Index, _sequence: int, event: events.XattrSet) -> None:
    record = _get(index, event.node)
    if event.value is None:
        record.xattrs -= index.xattr_table.delete(event.node, event.name)
    else:
        record.xattrs += index.xattr_table.value(event.node, event.name) is None
        index.xattr_table.put(event.node, event.name, event.value)
    record.ctime = event.now
    index.put_node(event.node, record)


def _swept(index: Index, _sequence: int, event: events.Swept) -> None:
    index.effect_table.sweep(event.until)


def _synced(index: Index, _sequence: int, event: events.Synced) -> None:
    for node, version in event.contents:
        if index.txn.get(key(node), db=index.unsynced) == key(version):
            index.unmark(index.unsynced, node)


def _made_absent(index: Index, sequence: int, event: events.MadeAbsent) -> None:
    for node in event.nodes:
        record = _get(index, node)
        index.effect_table.add(sequence, Unlink(record.owner, record.number))
        record.present = False
        record.owner, record.number = node, sequence
        index.put_node(node, record)
        index.mark(index.absent, node)
        index.unmark(index.unsynced, node)


def _counted(index: Index, _sequence: int, event: events.Counted) -> None:
    for node, version, checksum in event.contents:
        record, base = index.peek(node), index.base(node)
        if record is not None and (
            record.version == version or (base is not None and base.version == version)
        ):
            index.checksum_table.put(node, version, checksum)


def _doubted(index: Index, _sequence: int, event: events.Doubted) -> None:
    for node in event.nodes:
        record = _get(index, node)
        # the bytes may be others than were counted
        index.unmark(index.checksums, node, key(record.version))
        record.doubtful = record.version
        index.put_node(node, record)


def _get(index: Index, node: int) -> Node:
    record = index.node(node)
    if record is None:
        raise KeyError(node)
    return record


_HANDLERS: dict[type, Callable[[Index, int, Any], None]] = {
    events.Formatted: _formatted,
    events.Created: _created,
    events.Linked: hard_links.linked,
    events.AttrsSet: _attrs_set,
    events.WriteBegun: _write_begun,
    events.Written: _written,
    events.Renamed: _renamed,
    events.Removed: _removed,
    events.XattrSet: _xattr_set,
    events.BasesSet: apply_sync.bases_set,
    events.Placed: apply_sync.placed,
    events.Moved: apply_sync.moved,
    events.Touched: apply_sync.touched,
    events.Deleted: apply_sync.deleted,
    events.TakenIn: apply_sync.taken_in,
    events.Copied: apply_bin.copied,
    events.LeftoverNoted: apply_sync.leftover_noted,
    events.BinRestored: apply_bin.bin_restored,
    events.BinDropped: apply_bin.bin_dropped,
    events.Swept: _swept,
    events.Synced: _synced,
    events.MadeAbsent: _made_absent,
    events.Reverted: apply_sync.reverted,
    events.Doubted: _doubted,
    events.FellBack: apply_sync.fell_back,
    events.Spared: apply_sync.spared,
    events.Counted: _counted,
    events.Rotted: apply_sync.rotted,
    events.Strayed: apply_bin.strayed,
    events.Held: apply_hold.held,
    events.Discarded: apply_hold.discarded,
}
