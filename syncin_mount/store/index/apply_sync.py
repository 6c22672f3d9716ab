"""What the reconciler's events do to the index."""

from __future__ import annotations

import msgspec

from syncin_mount.store.index.apply_bin import bin_one, put_bin_entry
from syncin_mount.store.index.apply_common import (
    drop_node,
    forget_below,
    mark_unsynced,
    refresh,
    touch,
)
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.tables.lmdb_tables import ROOT
from syncin_mount.store.journal import events
from syncin_mount.store.records import (
    FILE,
    FOLDER,
    BaseRecord,
    BinRecord,
    FolderToBin,
    LinkToBin,
    Node,
    ToBin,
    Unlink,
    encode,
    key,
)
from syncin_mount.store.types import NodeType

SECOND = 1_000_000_000


def renumber(index: Index, node: int, base: BaseRecord, version: int) -> None:
    """The node's content is that of its base again, under another version."""
    counted = index.checksum_table.counted(node, base.version)
    index.base_table.put(node, with_version(base, version))
    if counted is not None:
        index.checksum_table.put(node, version, counted)


def with_version(base: BaseRecord, version: int) -> BaseRecord:
    """The base, saying that this local version equals the server's content."""
    return msgspec.structs.replace(base, version=version)


def bases_set(index: Index, _sequence: int, event: events.BasesSet) -> None:
    """Both sides agree on these states."""
    for node, base in event.bases:
        index.used(node)
        index.base_table.put(node, base)
        if node != ROOT:
            refresh(index, node, index.node(node), event.now, local=False)


def placed(index: Index, sequence: int, event: events.Placed) -> None:
    """A remote file or folder appears locally."""
    node, base, now = event.node, event.base, event.now
    mtime = base.mtime * SECOND
    record = Node(
        base.kind,
        base.parent,
        base.name,
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
        record.size, record.version = base.size, sequence
        record.owner, record.number = node, sequence
        record.present = base.size == 0
        if not record.present:
            index.mark(index.absent, node)
    index.used(node)
    if event.ino:
        set_ino(index, node, record, event.ino)
    index.put_node(node, record)
    index.entry_table.put(base.parent, base.name, node)
    _touch_for_placed(index, base.parent, now, base.kind == FOLDER)
    index.base_table.put(node, with_version(base, record.version))
    index.change_table.clean(node)


def _touch_for_placed(index: Index, folder: int, now: int, links: int) -> None:
    # A folder that was itself placed keeps the server's mtime while only the server fills it.
    record, base = index.node(folder), index.base(folder)
    assert record is not None
    if base is None or record.mtime != base.mtime * SECOND:
        record.mtime = now
    record.ctime = now
    record.links += links
    index.put_node(folder, record)


def moved(index: Index, _sequence: int, event: events.Moved) -> None:
    """The server moved it, or it must give way to another."""
    node, now = event.node, event.now
    record = index.node(node)
    assert record is not None
    folder = record.kind == FOLDER
    crosses = record.parent != event.parent
    index.entry_table.drop(record.parent, record.name)
    index.entry_table.put(event.parent, event.name, node)
    touch(index, record.parent, now, -1 if folder and crosses else 0)
    if crosses:
        touch(index, event.parent, now, 1 if folder else 0)
    record.parent, record.name, record.ctime = event.parent, event.name, now
    index.put_node(node, record)
    if folder:
        forget_below(index, node, record)
    if event.base is not None:
        index.base_table.put(node, event.base)
    refresh(index, node, record, now, local=False)


def touched(index: Index, sequence: int, event: events.Touched) -> None:
    """The server's mtime is the local one now."""
    node = event.node
    record = index.node(node)
    assert record is not None
    record.mtime, record.ctime = event.mtime, event.now
    set_ino(index, node, record, event.ino)
    if event.parts:
        record.owner, record.number = node, sequence
        mark_unsynced(index, node, record)
    index.put_node(node, record)
    if event.base is not None:
        index.base_table.put(node, event.base)
    refresh(index, node, record, event.now, local=False)


def set_ino(index: Index, node: int, record: Node, ino: int) -> None:
    """The record, which the caller puts, has this inode from now on."""
    index.used(ino)
    if ino != record.ino:
        index.node_table.drop_ino(record.ino, node)
        record.ino = ino
        index.node_table.put_ino(ino, node)


def taken_in(index: Index, sequence: int, event: events.TakenIn) -> None:
    """Complete incoming content takes the place of the former one, or of none."""
    node, base = event.node, event.base
    record = index.node(node)
    assert record is not None
    if arrives(record, index.base(node), base):
        index.unmark(index.absent, node)
        # It has the size and the second that were awaited, and may have other bytes all the same:
        # its checksum is counted anew.
        index.checksum_table.drop(node)
    else:
        _let_go(index, sequence, event, record)
        record.version = sequence
        record.size, record.mtime = base.size, base.mtime * SECOND
        set_ino(index, node, record, event.ino)
    record.present = True
    record.doubtful = 0
    record.ctime = event.now
    record.owner, record.number = node, sequence
    index.put_node(node, record)
    mark_unsynced(index, node, record)
    index.base_table.put(node, with_version(base, record.version))
    refresh(index, node, record, event.now, local=False)


def arrives(record: Node, old: BaseRecord | None, new: BaseRecord) -> bool:
    """Whether ``new`` is the very content that an absent file stands for."""
    return not record.present and old is not None and (old.size, old.mtime) == (new.size, new.mtime)


def _let_go(index: Index, sequence: int, event: events.TakenIn, record: Node) -> None:
    """The former content ends, in the bin where somebody may miss it."""
    if not record.present:
        index.unmark(index.absent, event.node)
    elif event.keep or _only_here(index, event.node, record):
        bin_one(index, sequence, event.now, event.why, record, index.path(event.node))
    else:
        index.effect_table.add(sequence, Unlink(record.owner, record.number))


def _only_here(index: Index, node: int, record: Node) -> bool:
    base = index.base(node)
    return base is None or base.version != record.version


def _end_remains(
    index: Index,
    sequence: int,
    event: events.Reverted | events.FellBack | events.Rotted,
    record: Node,
) -> None:
    """What is left of a torn content goes."""
    if event.size:
        record.size = event.size
        bin_one(index, sequence, event.now, event.why, record, index.path(event.node))
    else:
        index.effect_table.add(sequence, Unlink(record.owner, record.number))
    record.doubtful = 0


def _awaited(index: Index, place: bytes) -> Unlink:
    """The effect, which is not to be done any more."""
    effect = index.effect_table.take(place)
    assert isinstance(effect, Unlink)
    return effect


def fell_back(index: Index, sequence: int, event: events.FellBack) -> None:
    """What the torn content replaced is the content again."""
    node, record = event.node, index.node(event.node)
    assert record is not None
    former = _awaited(index, event.effect)
    _end_remains(index, sequence, event, record)
    record.version, record.size, record.mtime, record.ctime = (
        sequence,
        former.size,
        former.mtime,
        event.now,
    )
    record.owner, record.number = former.owner, former.number
    if record.writing:
        record.writing = False
        index.unmark(index.writing, node)
    index.put_node(node, record)
    if former.unsynced:
        mark_unsynced(index, node, record)
    else:
        index.unmark(index.unsynced, node)
    refresh(index, node, record, event.now, local=False)


def spared(index: Index, sequence: int, event: events.Spared) -> None:
    """What a doubtful content replaced lies in the bin, under the name that the latter has."""
    record = index.node(event.node)
    assert record is not None
    former = _awaited(index, event.effect)
    record.owner, record.number, record.size, record.mtime = (
        former.owner,
        former.number,
        former.size,
        former.mtime,
    )
    bin_one(index, sequence, event.now, event.why, record, index.path(event.node))


def reverted(index: Index, sequence: int, event: events.Reverted | events.Rotted) -> None:
    """The node is as its base says, the content to be fetched; the remains go."""
    node = event.node
    record, base = index.node(node), index.base(node)
    assert record is not None
    assert base is not None
    _end_remains(index, sequence, event, record)
    record.version, record.size, record.mtime, record.ctime = (
        sequence,
        base.size,
        base.local_mtime * SECOND,
        event.now,
    )
    record.owner, record.number = node, sequence
    record.present = base.size == 0
    if not record.present:
        index.mark(index.absent, node)
    index.unmark(index.unsynced, node)
    index.put_node(node, record)
    renumber(index, node, base, record.version)
    refresh(index, node, record, event.now, local=False)


def rotted(index: Index, sequence: int, event: events.Rotted) -> None:
    """As ``reverted``, with another inode: whoever has the content open keeps what there was of
    it."""
    reverted(index, sequence, event)
    record = index.node(event.node)
    assert record is not None
    set_ino(index, event.node, record, event.ino)
    index.put_node(event.node, record)


def deleted(index: Index, sequence: int, event: events.Deleted) -> None:
    """A node and all below it goes from both trees."""
    top = index.node(event.node)
    if top is not None:
        path = index.path(event.node)
        index.entry_table.drop(top.parent, top.name)
        touch(index, top.parent, event.now, -1 if top.kind == FOLDER else 0)
        files, size = _delete_tree(index, sequence, event, top)
        if files or (event.keep and top.kind == FOLDER):
            entry = BinRecord(top.name, path, top.kind == FOLDER, files, size, event.now, event.why)
            put_bin_entry(index, sequence, entry)
    else:
        _drop_bases(index, event.node)


def _delete_tree(index: Index, sequence: int, event: events.Deleted, top: Node) -> tuple[int, int]:
    """Removes the local subtree, its top's entry being gone; how many files and links go to the
    bin, their bytes."""
    files = size = 0
    folders = []
    todo = [(event.node, top, top.name)]
    while todo:
        node, record, path = todo.pop()
        if record.kind == FOLDER:
            if event.keep:
                index.effect_table.add(sequence, FolderToBin(path))
            for name, child in index.children(node):
                child_record = index.node(child)
                assert child_record is not None
                index.entry_table.drop(node, name)
                todo.append((child, child_record, path + b"/" + name))
            folders.append(node)
        elif _end_leaf(index, sequence, node, record, path, keep=event.keep):
            files, size = files + 1, size + record.size
        drop_node(index, node, record)
        index.base_table.put(node, None)
        index.change_table.clean(node)
    for folder in folders:
        for child in index.base_table.nodes_below(folder):
            # deleted here before; the deletion needs no sending any more
            if index.node(child) is None:
                _drop_bases(index, child)
    return files, size


def _end_leaf(
    index: Index, sequence: int, node: int, record: Node, path: bytes, *, keep: bool
) -> bool:
    """What becomes of the content of a deleted node; True when it goes to the bin."""
    if record.kind == FILE and record.present:
        if keep or _only_here(index, node, record):
            index.effect_table.add(sequence, ToBin(record.owner, record.number, path, record.mtime))
            return True
        index.effect_table.add(sequence, Unlink(record.owner, record.number))
    elif record.kind == NodeType.SYMLINK:
        index.effect_table.add(sequence, LinkToBin(path, record.target))
        return True
    return False


def _drop_bases(index: Index, top: int) -> None:
    """Removes the base of a node that is not here locally, and of all such below it; what was moved
    out keeps it."""
    todo = [top]
    while todo:
        node = todo.pop()
        todo += [child for child in index.base_table.nodes_below(node) if index.node(child) is None]
        index.base_table.put(node, None)
        index.change_table.clean(node)


def leftover_noted(index: Index, _sequence: int, event: events.LeftoverNoted) -> None:
    """Something of ours may lie on the server there, or nothing does any more."""
    place = key(event.parent) + event.name
    if event.left is None:
        index.txn.delete(place, db=index.leftovers)
    else:
        index.txn.put(place, encode(event.left), db=index.leftovers)
