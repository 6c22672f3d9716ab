"""The index compared with itself, and with the files beside it. Nothing is changed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator

import msgspec

from reconciler.phrases import Phrase
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.index.hard_links import SHARED
from syncin_mount.store.index.index import Index, differs
from syncin_mount.store.index.tables.lmdb_tables import ROOT
from syncin_mount.store.records import (
    BASE_ENTRY,
    FILE,
    FOLDER,
    U64,
    U64X2,
    DropBin,
    FromBin,
    Node,
    ToBin,
    Unlink,
    decode_base,
    decode_effect,
    decode_node,
    decode_pending,
    key,
)


class Problem(msgspec.Struct, frozen=True):
    """Something that must not be. ``node`` is 0 when it is about no node; ``what`` is one clause
    for people. ``path`` is where the node is or was, empty where that is not known."""

    node: int
    what: str
    path: str = ""

    def __str__(self) -> str:
        """What people are told: names, and numbers only where there is no name."""
        if self.path:
            return Phrase("'{path}': {what}", path=self.path, what=self.what)
        return (
            Phrase(
                "something without a name (number {number}): {what}",
                number=self.node,
                what=self.what,
            )
            if self.node
            else self.what
        )


def compare(index: Index, objects: Objects, *, next_number: int = 0) -> Iterator[Problem]:
    """The index with itself, and with the files. Those of event ``next_number`` are not missed by
    anybody: a kill may leave them before the event."""
    yield from compare_index(index)
    yield from _objects(index, objects, next_number)


def compare_index(index: Index) -> Iterator[Problem]:
    """The index with itself."""
    for part in (_nodes, _entries, _marks, _bases, _dirty, _pending):
        yield from part(index)


def _number(raw: bytes) -> int:
    return int(U64.unpack(raw)[0])


def _nodes(index: Index) -> Iterator[Problem]:
    subfolders: Counter[int] = Counter()
    folders = {}
    for place, raw in index.items("nodes"):
        node, record = _number(place), decode_node(raw)
        if node >= index.next_id or record.ino >= index.next_id:
            yield Problem(node, Phrase("its id or inode could be given out again"))
        yield from _names(index, node, record)
        if record.kind == FOLDER:
            folders[node] = record.links
        if record.xattrs != len(index.xattr_table.names(node)):
            yield Problem(node, Phrase("its extended attributes are miscounted"))
        if node == ROOT:
            continue
        if record.kind == FOLDER:
            subfolders[record.parent] += 1
        if index.entry(record.parent, record.name) != node:
            yield Problem(node, Phrase("its folder has no entry for it"))
        yield from _parent(index, node, record)
    if ROOT not in folders:
        yield Problem(ROOT, Phrase("there is no root folder"))
    for node, links in folders.items():
        if links != 2 + subfolders[node]:
            yield Problem(
                node,
                Phrase(
                    "it has {subfolders} subfolders and {links} links",
                    subfolders=subfolders[node],
                    links=links,
                ),
            )


def _names(index: Index, node: int, record: Node) -> Iterator[Problem]:
    """All names of one file are alike, and its inode leads to one of them."""
    names = index.names_of(node, record)
    if index.by_ino(record.ino) not in names:
        yield Problem(
            node,
            Phrase(
                "its inode {inode} leads to node {other}",
                inode=record.ino,
                other=index.by_ino(record.ino),
            ),
        )
    if record.kind != FOLDER and record.links != len(names):
        yield Problem(
            node,
            Phrase("it has {links} links and {names} names", links=record.links, names=len(names)),
        )
    for each in names if len(names) > 1 else ():
        other = index.node(each)
        if other is None or any(
            getattr(record, field) != getattr(other, field) for field in (*SHARED, "ino", "links")
        ):
            yield Problem(
                node,
                Phrase("it is the same file as {other}, and that one is not like it", other=each),
            )


def _parent(index: Index, node: int, record: Node) -> Iterator[Problem]:
    seen = {node}
    at = record.parent
    while at != ROOT:
        above = index.node(at)
        if above is None or above.kind != FOLDER:
            yield Problem(node, Phrase("above it, {above} is no folder", above=at))
            return
        if at in seen:
            yield Problem(node, Phrase("it is below itself"))
            return
        seen.add(at)
        at = above.parent


def _entries(index: Index) -> Iterator[Problem]:
    for place, raw in index.items("entries"):
        node = _number(raw)
        record = index.node(node)
        if record is None or key(record.parent) + record.name != place:
            yield Problem(
                node,
                Phrase("an entry {entry} leads to it and it is not there", entry=repr(place[8:])),
            )


def _marks(index: Index) -> Iterator[Problem]:
    must: dict[str, Callable[[Node], bool]] = {
        "absent": lambda record: record.kind == FILE and not record.present,
        "writing": lambda record: record.writing,
    }
    for table, holds in must.items():
        marked = {_number(place) for place, _ in index.items(table)}
        real = {_number(place) for place, raw in index.items("nodes") if holds(decode_node(raw))}
        for node in marked ^ real:
            yield Problem(node, Phrase("the table '{table}' is wrong about it", table=table))
    for table in ("unsynced", "xattrs", "checksums"):
        for place, _ in index.items(table):
            if index.node(_number(place[:8])) is None:
                yield Problem(
                    _number(place[:8]),
                    Phrase("the table '{table}' has it, and it is gone", table=table),
                )
    for place, _ in index.items("links"):
        record = index.node(_number(place[16:]))
        if (
            record is None
            or record.kind == FOLDER
            or U64X2.pack(record.owner, record.number) != place[:16]
        ):
            yield Problem(
                _number(place[16:]), Phrase("it is said to share a content, and has another one")
            )
    for place, raw in index.items("inos"):
        record = index.node(_number(raw))
        if record is None or record.ino != _number(place):
            yield Problem(
                _number(raw),
                Phrase("the inode {number} leads to it and is not its own", number=_number(place)),
            )


def _bases(index: Index) -> Iterator[Problem]:
    for place, raw in index.items("bases"):
        node, base = _number(place), decode_base(raw)
        if node == ROOT:
            continue
        found = index.txn.get(key(base.parent) + base.name, db=index.base_entries)
        claim = key(base.parent) + base.name + place
        shadowed = index.txn.get(claim, db=index.outdone) is not None
        if shadowed == (
            found == BASE_ENTRY.pack(node, base.kind, base.size, base.mtime, base.inode)
        ):
            yield Problem(node, Phrase("its base is not found by its place"))
    for place, raw in index.items("base_entries"):
        node = BASE_ENTRY.unpack(raw)[0]
        found_base = index.base(node)
        if found_base is None or key(found_base.parent) + found_base.name != place:
            yield Problem(
                node,
                Phrase(
                    "the base entry {entry} leads to it and its base is elsewhere",
                    entry=repr(place[8:]),
                ),
            )
    for place, _ in index.items("outdone"):
        found_base = index.base(_number(place[-8:]))
        if found_base is None or key(found_base.parent) + found_base.name != place[:-8]:
            yield Problem(
                _number(place[-8:]),
                Phrase(
                    "it is said to claim {entry} and its base is elsewhere", entry=repr(place[8:-8])
                ),
            )
    for place, raw in index.items("inodes"):
        claimed = index.base(_number(raw))
        if claimed is None or claimed.inode != _number(place):
            yield Problem(
                _number(raw),
                Phrase(
                    "the server inode {number} leads to it and is not its base's",
                    number=_number(place),
                ),
            )


def _dirty(index: Index) -> Iterator[Problem]:
    marked = {_number(place) for place, _ in index.items("dirty")}
    everything = {
        _number(place) for table in ("nodes", "bases") for place, _ in index.items(table)
    } - {ROOT}
    real = {node for node in everything if differs(index.node(node), index.base(node))}
    for node in marked ^ real:
        yield Problem(
            node,
            Phrase("it differs from its base and is not marked")
            if node in real
            else Phrase("it is marked in vain"),
        )
    for node in {_number(place) for place, _ in index.items("held")} - marked:
        yield Problem(node, Phrase("it is held and does not differ"))


def _pending(index: Index) -> Iterator[Problem]:
    waiting = {}
    for place, raw in index.items("pending"):
        record = decode_pending(raw)
        waiting[U64X2.pack(record.node, _number(place))] = record.kind.encode()
        if not index.is_dirty(record.node):
            yield Problem(
                record.node,
                Phrase(
                    "operation {number} waits for it and it does not differ", number=_number(place)
                ),
            )
    if waiting != dict(index.items("pending_by_node")):
        yield Problem(0, Phrase("the operations by node are not the operations by number"))


def _objects(index: Index, objects: Objects, next_number: int) -> Iterator[Problem]:
    there = {
        (owner, number): entry.stat().st_size
        for owner, number, entry in objects.every()
        if number != next_number
    }
    effects = [(_number(place[:8]), decode_effect(raw)) for place, raw in index.items("effects")]
    awaited = {(one.owner, one.number) for _, one in effects if isinstance(one, FromBin)}
    going = {(one.owner, one.number) for _, one in effects if isinstance(one, Unlink | ToBin)}
    needed = set(going)
    for place, raw in index.items("nodes"):
        node, record = _number(place), decode_node(raw)
        if record.kind != FILE or not record.present:
            continue
        name = (record.owner, record.number)
        if name in needed and (name in going or record.links == 1):
            yield Problem(
                node, Phrase("its content object is somebody else's too, or about to be removed")
            )
        needed.add(name)
        size = there.get(name, 0)
        if size != record.size and not record.writing and name not in awaited:
            yield Problem(
                node,
                Phrase(
                    "it has {size} bytes and its content object {stored}",
                    size=record.size,
                    stored=size,
                ),
            )
    for owner, number in there.keys() - needed:
        yield Problem(
            0,
            Phrase(
                "nothing refers to the content object {path}",
                path=os.fspath(objects.path(owner, number)),
            ),
        )
    named = {_number(place) for place, _ in index.items("bin")}
    leaving = {one.bin for _, one in effects if isinstance(one, DropBin)}
    for number in objects.stray_bins(
        named | leaving | {next_number} | {sequence for sequence, _ in effects}
    ):
        yield Problem(0, Phrase("nothing refers to {number} in the bin", number=number))
    for place, _ in index.items("bin"):
        arriving = any(sequence == _number(place) for sequence, _ in effects)
        if not arriving and not os.path.isdir(objects.bin_place(_number(place))):
            yield Problem(0, Phrase("the bin entry {number} has no folder", number=_number(place)))
