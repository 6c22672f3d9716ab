"""What holding and discarding local changes does to the index."""

from __future__ import annotations

from syncin_mount.store.index.apply_bin import bin_one
from syncin_mount.store.index.apply_common import forget_below, note, refresh, touch
from syncin_mount.store.index.apply_sync import SECOND, renumber, set_ino
from syncin_mount.store.index.index import Index
from syncin_mount.store.journal import events
from syncin_mount.store.records import FILE, FOLDER, BaseRecord, Node, Unlink
from syncin_mount.store.types import OpKind


def held(index: Index, _sequence: int, event: events.Held) -> None:
    """Only of nodes that differ: what is clean, or gone, is held no more (`ChangeTable.clean`)."""
    for node in event.nodes:
        if not event.held:
            index.change_table.release(node)
        elif index.is_dirty(node):
            index.change_table.hold(node, event.now)


def discarded(index: Index, sequence: int, event: events.Discarded) -> None:
    """The node is as its base says, at the place of the event."""
    node, base = event.node, index.base(event.node)
    assert base is not None
    record = index.node(node)
    if record is None:
        record = _back(index, sequence, event, base)
    else:
        if record.kind == FILE:
            _undo_content(index, sequence, event, record, base)
        _move(index, event, record)
    index.put_node(node, record)
    index.change_table.clean(node)  # what was done to it is no more, and nobody holds it
    now = index.base(node)
    assert now is not None
    if refresh(index, node, record, event.now, local=True) and (record.parent, record.name) != (
        now.parent,
        now.name,
    ):
        was = (
            index.path_in(now.parent, now.name) if index.node(now.parent) is not None else now.name
        )
        note(
            index,
            sequence,
            event.now,
            OpKind.RENAME,
            node,
            was,
            index.path_in(record.parent, record.name),
        )


def _back(index: Index, sequence: int, event: events.Discarded, base: BaseRecord) -> Node:
    """A deleted node is here again, a file without its content."""
    node, now, mtime = event.node, event.now, base.local_mtime * SECOND
    record = Node(
        base.kind,
        event.parent,
        event.name,
        event.mode,
        event.uid,
        event.gid,
        0,
        mtime,
        mtime,
        now,
        now,
        node,
        0,
    )
    if base.kind == FOLDER:
        record.links = 2
    else:
        _as_base(index, sequence, node, record, base)
    set_ino(index, node, record, event.ino)
    index.entry_table.put(event.parent, event.name, node)
    touch(index, event.parent, now, base.kind == FOLDER)
    return record


def _as_base(index: Index, sequence: int, node: int, record: Node, base: BaseRecord) -> None:
    """The file stands for the server's version; its content is not here."""
    record.version, record.size, record.mtime = sequence, base.size, base.local_mtime * SECOND
    record.owner, record.number = node, sequence
    record.present, record.doubtful = base.size == 0, 0
    if not record.present:
        index.mark(index.absent, node)
    index.unmark(index.unsynced, node)
    renumber(index, node, base, sequence)


def _undo_content(
    index: Index, sequence: int, event: events.Discarded, record: Node, base: BaseRecord
) -> None:
    if not event.content:
        return  # neither content nor time is another
    differs = record.version != base.version
    # other names of the file keep what they share
    if record.present and (differs or record.links > 1):
        if record.size and differs:
            bin_one(index, sequence, event.now, event.why, record, index.path(event.node))
        else:
            index.effect_table.add(sequence, Unlink(record.owner, record.number))
        _as_base(index, sequence, event.node, record, base)
    record.mtime, record.ctime = base.local_mtime * SECOND, event.now
    set_ino(index, event.node, record, event.ino)


def _move(index: Index, event: events.Discarded, record: Node) -> None:
    if (record.parent, record.name) == (event.parent, event.name):
        return
    folder, crosses = record.kind == FOLDER, record.parent != event.parent
    index.entry_table.drop(record.parent, record.name)
    index.entry_table.put(event.parent, event.name, event.node)
    touch(index, record.parent, event.now, -1 if folder and crosses else 0)
    if crosses:
        touch(index, event.parent, event.now, 1 if folder else 0)
    record.parent, record.name, record.ctime = event.parent, event.name, event.now
    if folder:
        forget_below(index, event.node, record)
