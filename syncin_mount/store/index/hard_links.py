"""Names that share one file: hard links, which exist on this computer alone.

Each name is a node of its own, with its own base, place and fate on the server, where it is an
ordinary file. What its nodes have in common is the *content object* (``owner``, ``number``), the
inode and all attributes. The table ``links`` has a row for each node of such a group (object +
node), and ``Node.links`` its size, which is the link count.

The events and their handlers know one node and nothing of this. ``follow_event`` follows each event
that touched a node of a group, and makes the group fit again:

* what changed of one node is changed of all: attributes, size, version, being written; they are
  dirty then as well;
* a node that has another content now (the server's version, or none) has left the group, with an
  inode of its own; so has one that is gone. The link count falls, and with one node left there is
  no group;
* the shared content does not go while a node has it: no ``Unlink``, and what was to go to the bin
  is copied there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from syncin_mount.store.index.apply_common import note, refresh, touch
from syncin_mount.store.index.index import Index
from syncin_mount.store.journal import events
from syncin_mount.store.records import (
    FILE,
    FOLDER,
    CopyToBin,
    Node,
    ToBin,
    Unlink,
    key,
)
from syncin_mount.store.types import OpKind

Object: TypeAlias = tuple[int, int]
"""Owner and number of a content object. Of what has no content, the numbers alone."""

SHARED: Final = (
    "mode",
    "uid",
    "gid",
    "size",
    "atime",
    "mtime",
    "ctime",
    "birth",
    "version",
    "present",
    "writing",
    "xattrs",
    "rdev",
    "target",
)


def linked(index: Index, sequence: int, event: events.Linked) -> None:
    """A node gets another name: a new node with the same content, inode and attributes.
    ``follow_event`` counts them."""
    node, source, now = event.node, event.source, event.now
    record = index.node(source)
    assert record is not None
    if record.kind != FILE and record.links == 1:
        record.owner, record.number = source, sequence
    record.links, record.ctime = max(record.links, 2), now
    index.used(node)
    index.put_node(source, record)
    record.parent, record.name = event.parent, event.name
    index.put_node(node, record)
    index.entry_table.put(event.parent, event.name, node)
    for name in index.xattr_table.names(source) if record.xattrs else ():
        value = index.xattr_table.value(source, name)
        assert value is not None
        index.xattr_table.put(node, name, value)
    if record.kind == FILE:
        counted = index.checksum_table.checksum(source, record.version)
        if counted is not None:
            index.checksum_table.put(node, record.version, counted)
        _share_marks(index, source, node, record)
        index.change_table.put_dirty(node, now)
        path = index.path_in(event.parent, event.name)
        note(index, sequence, now, OpKind.CREATE, node, path)  # for the server it is a new file
    touch(index, event.parent, now)


def follow_event(
    index: Index, sequence: int, event: events.AnyEvent, before: dict[int, Node | None]
) -> None:
    """Makes the groups fit that the event touched. ``before`` has the records of the nodes that it
    changed, as they were."""
    groups: dict[Object, None] = {}
    for node, old in before.items():
        for record in (old, index.peek(node)):
            if record is not None and record.kind != FOLDER and record.links > 1:
                groups[record.owner, record.number] = None
    found = [_leave_group(index, group, before) for group in groups]
    # Only now: a node may have left one group for another one (a rename over a document).
    for group in found:
        _follow_group(index, event, group, before)
    if found:
        _keep_contents(index, sequence, {group.content: len(group.members) for group in found})


@dataclass(frozen=True, slots=True)
class _Group:
    """``known`` had the content before the event, ``members`` have it now."""

    content: Object
    known: list[int]
    members: list[int]
    ino: int


def _leave_group(index: Index, content: Object, before: dict[int, Node | None]) -> _Group:
    """Parts those that have left."""
    known = list(index.link_table.linked(*content))
    candidates = sorted({*known, *before})
    members = [node for node in candidates if _has(index.peek(node), content)]
    ino = _ino(index, known, members, before)
    _part(index, [node for node in known if node not in members], ino, keep=not members)
    return _Group(content, known, members, ino)


def _follow_group(
    index: Index, event: events.AnyEvent, group: _Group, before: dict[int, Node | None]
) -> None:
    """Makes the members alike, and counts them."""
    known, members, ino = group.known, group.members, group.ino
    source = next((node for node in members if node in before), 0)
    fewer = len(members) < len(known)
    for node in members:
        record = index.node(node)
        assert record is not None
        assert record.ino == ino, "a content is shared, and its inode is not"
        record.links = len(members)
        if fewer:
            record.ctime = event.now
        if source and node != source:
            _follow(index, event, source, node, record)
        else:
            index.put_node(node, record)
    for node in known:
        index.link_table.drop(*group.content, node)
    for node in members if len(members) > 1 else ():
        index.link_table.put(*group.content, node)
    if members:
        _lead(index, ino, members)


def _has(record: Node | None, group: Object) -> bool:
    return record is not None and record.kind != FOLDER and (record.owner, record.number) == group


def _ino(
    index: Index, known: Iterable[int], members: list[int], before: dict[int, Node | None]
) -> int:
    """The group's inode: that of a node of it before the event, or, of a new group, of its
    nodes."""
    for node in known:
        record = before[node] if node in before else index.peek(node)
        if record is not None:
            return record.ino
    first = index.peek(members[0])
    assert first is not None
    return first.ino


def _part(index: Index, parted: list[int], ino: int, *, keep: bool) -> None:
    """These have left; one of them may keep the inode if nobody else has it. (Another number than
    the event's is needed for what a power cut leaves only: then nobody has been given one that is
    not recorded.)"""
    for node in parted:
        record = index.node(node)
        if record is None:
            continue
        record.links = 1
        if record.ino == ino and not keep:
            record.ino = index.next_id
            index.used(record.ino)
            index.node_table.put_ino(record.ino, node)
        elif record.ino == ino:
            keep = False
            _lead(index, ino, [node])
        index.put_node(node, record)


def _follow(index: Index, event: events.AnyEvent, source: int, node: int, record: Node) -> None:
    """The node becomes as its group's node ``source`` is."""
    lead = index.peek(source)
    assert lead is not None
    differs = any(
        getattr(record, field) != getattr(lead, field) for field in ("version", "mtime", "writing")
    )
    for field in SHARED:
        setattr(record, field, getattr(lead, field))
    if lead.doubtful > record.doubtful and lead.doubtful == lead.version:
        record.doubtful = lead.doubtful
    index.put_node(node, record)
    if isinstance(event, events.XattrSet):
        if event.value is None:
            index.xattr_table.delete(node, event.name)
        else:
            index.xattr_table.put(node, event.name, event.value)
    if record.kind == FILE and differs:
        _share_marks(index, source, node, record)
        refresh(index, node, record, event.now, local=True)


def _share_marks(index: Index, source: int, node: int, record: Node) -> None:
    if record.writing:
        index.mark(index.writing, node)
    else:
        index.unmark(index.writing, node)
    unsynced = index.txn.get(key(source), db=index.unsynced)
    if unsynced is not None:
        index.mark(index.unsynced, node, unsynced)
    else:
        index.unmark(index.unsynced, node)


def _lead(index: Index, ino: int, members: list[int]) -> None:
    """The inode leads to one of its nodes."""
    if ino in members:
        index.node_table.forget_ino(ino)
    else:
        known = index.by_ino(ino)
        index.node_table.put_ino(ino, known if known in members else members[0])


def _keep_contents(index: Index, sequence: int, remaining: dict[Object, int]) -> None:
    """The event's effects on contents that nodes still have, or that several had until now."""
    found: dict[Object, list[tuple[bytes, Unlink | ToBin]]] = {}
    for place, effect in index.effect_table.of_event(sequence):
        if isinstance(effect, Unlink | ToBin) and (effect.owner, effect.number) in remaining:
            found.setdefault((effect.owner, effect.number), []).append((place, effect))
    for group, effects in found.items():
        _keep_content(index, effects, shared=remaining[group] > 0)


def _keep_content(
    index: Index, effects: list[tuple[bytes, Unlink | ToBin]], *, shared: bool
) -> None:
    kept = [(place, effect) for place, effect in effects if isinstance(effect, ToBin)]
    last = None if shared else (kept or effects)[-1][0]
    for place, effect in effects:
        if place == last:
            continue
        if isinstance(effect, ToBin):
            copy = CopyToBin(effect.owner, effect.number, effect.path, effect.mtime)
            index.effect_table.replace(place, copy)
        else:
            index.effect_table.drop(place)
