"""A damaged index put in order: ``IndexRebuilder`` looks at what could be read and at the files
there are, and makes the index fit both. It changes the index alone, which nobody uses yet; what is
to happen to files becomes effects.

* What follows from something else is computed anew: entries, inodes, marks, counts, the tables by
  place.
* Each content stays with its node. One without a node, or whose node has no place any more, goes to
  the bin.
* A node without its content is fetched again where the server has it, else it is gone.
* Where something may be ``lost``, no base is trusted and all end: the next run is a first one,
  which unites and deletes nothing. Nothing is removed then that an event wanted to be removed,
  either: it goes to the bin.
"""

from __future__ import annotations

import os
from typing import Final

import msgspec

from reconciler.names import MAX_NAME_BYTES, is_name
from reconciler.phrases import Phrase
from syncin_mount.store.content.objects import Object, Objects
from syncin_mount.store.index.hard_links import SHARED
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.tables.lmdb_tables import ROOT
from syncin_mount.store.name_texts import to_bytes, to_text
from syncin_mount.store.records import (
    BASE_ENTRY,
    FILE,
    FOLDER,
    AnyEffect,
    BaseRecord,
    DropBin,
    FromBin,
    LinkToBin,
    Node,
    ToBin,
    Unlink,
    decode_base,
    decode_effect,
    decode_node,
    key,
)
from syncin_mount.store.recovery.rebuilt_index import TOP, RebuiltIndex, u64

LINK: Final = 2
LAST_KIND: Final = 6
SECOND: Final = 1_000_000_000


class IndexRebuilder:
    """For one index. ``said`` grows by what people should know. ``number`` is that of the repair,
    greater than any event's before."""

    def __init__(
        self, index: Index, objects: Objects, *, now: int, number: int, lost: bool
    ) -> None:
        self._index = index
        self._files = objects
        self._now = now
        self._lost = lost
        self.said: list[str] = []
        self._nodes: dict[int, Node] = {
            u64(place): decode_node(raw) for place, raw in index.items("nodes")
        }
        self._bases: dict[int, BaseRecord] = {
            u64(place): decode_base(raw) for place, raw in index.items("bases")
        }
        self.number = max([number, *(1 + node.version for node in self._nodes.values())])
        effects = [(place, decode_effect(raw)) for place, raw in index.items("effects")]
        self._effects: list[tuple[bytes, AnyEffect]] = effects
        self._there: dict[Object, os.stat_result] = {
            (owner, number): entry.stat() for owner, number, entry in objects.every()
        }
        self._claimed: set[Object] = set()
        # by path in the bin: bytes, and how it gets there
        self._binned: dict[bytes, tuple[int, AnyEffect]] = {}

    def mend(self, *, owner: tuple[int, int]) -> bool:
        """Returns whether bases were kept. ``owner`` is who a new root folder belongs to."""
        if not self._lost and not self._agrees():
            self._lost = True
        self._root(owner)
        self._inodes()
        placed = self._placed()
        if self._lost:
            self._end_bases()
        self._contents()
        self._displaced(set(self._nodes) - placed)
        self._other_effects()
        self._nameless()
        self._own_inodes()
        rebuilt = RebuiltIndex(
            self._nodes, self._bases, self._effects, self._binned, self.number, self._now
        )
        self.said += rebuilt.write(self._index, self._files, next_id=self._next)
        return not self._lost

    # what is believed -----------------------------------------------------------------------------

    def _agrees(self) -> bool:
        """Whether nodes and entries, which are kept apart, tell of the same tree."""
        entries = {place: u64(raw) for place, raw in self._index.items("entries")}
        nodes = {
            key(record.parent) + record.name: node
            for node, record in self._nodes.items()
            if node != ROOT
        }
        if ROOT not in self._nodes or entries != nodes or len(nodes) != len(self._nodes) - 1:
            return False
        return self._bases_agree()

    def _bases_agree(self) -> bool:
        """Whether bases are found by their places, and those without a node are known to be so:
        they are what would be deleted on the server."""
        index = self._index
        by_place = {place: BASE_ENTRY.unpack(raw)[0] for place, raw in index.items("base_entries")}
        claims = {place for place, _ in index.items("outdone")}
        for node, base in self._bases.items():
            place = key(base.parent) + base.name
            if node == ROOT:
                continue
            if by_place.get(place) != node and place + key(node) not in claims:
                return False
            if node not in self._nodes and not index.is_dirty(node):
                return False
        return all(node in self._bases for node in by_place.values())

    def _root(self, owner: tuple[int, int]) -> None:
        root = self._nodes.get(ROOT)
        if root is None or root.kind != FOLDER:
            uid, gid = owner
            now = self._now
            self._nodes[ROOT] = Node(
                FOLDER, ROOT, b"", 0o755, uid, gid, 0, now, now, now, now, ROOT, self.number
            )

    def _inodes(self) -> None:
        """The next free number, and which nodes are one file."""
        self._next = 1 + max(
            self._index.next_id - 1,
            *self._nodes,
            *self._bases,
            *(record.ino for record in self._nodes.values()),
            *(owner for owner, _ in self._there),
        )
        if self._next >= 1 << 62:
            self._next = 1 + max(*self._nodes, *self._bases, *(owner for owner, _ in self._there))
        self._names = {
            node: nodes for nodes in self._files_of_several_names().values() for node in nodes
        }

    def _own_inodes(self) -> None:
        """Each file its own; what shares one and not the content gets one of its own."""
        shared: dict[int, int] = {}
        taken: set[int] = set()
        for (_, ino, _, _), nodes in self._files_of_several_names().items():
            if ino not in taken and ino < self._next:
                shared.update(dict.fromkeys(nodes, len(nodes)))
                taken.add(ino)
                self._make_alike(nodes)
        for node, record in self._nodes.items():
            record.links = shared.get(node, 1)
            if node not in shared and (record.ino in taken or record.ino >= self._next):
                record.ino, self._next = self._next, self._next + 1
            taken.add(record.ino)

    def _make_alike(self, nodes: list[int]) -> None:
        """The names of one file have what the first has."""
        index, (first, *others) = self._index, nodes
        for node in others:
            for field in SHARED:
                setattr(self._nodes[node], field, getattr(self._nodes[first], field))
            index.xattr_table.drop(node)
            for name in index.xattr_table.names(first):
                value = index.txn.get(key(first) + name, db=index.xattrs)
                assert value is not None
                index.txn.put(key(node) + name, value, db=index.xattrs)

    def _files_of_several_names(self) -> dict[tuple[int, int, int, int], list[int]]:
        """Nodes that share a content and an inode, and say so."""
        names: dict[tuple[int, int, int, int], list[int]] = {}
        for node, record in self._nodes.items():
            if record.links > 1 and record.kind != FOLDER:
                names.setdefault((record.kind, record.ino, record.owner, record.number), []).append(
                    node
                )
        return {which: nodes for which, nodes in names.items() if len(nodes) > 1}

    def _placed(self) -> set[int]:
        """The nodes that are reached from the root; of two at one place the one that the entries
        name."""
        by_place: dict[tuple[int, bytes], int] = {}
        for node, record in self._nodes.items():
            place = (record.parent, record.name)
            if node == ROOT or not is_name(record.name) or not 0 <= record.kind <= LAST_KIND:
                continue
            if place not in by_place or self._index.entry(*place) == node:
                by_place[place] = node
        below: dict[int, list[int]] = {}
        for (parent, _), node in by_place.items():
            below.setdefault(parent, []).append(node)
        found, todo = {ROOT}, [ROOT]
        while todo:
            for node in below.get(todo.pop(), ()):
                if node not in found:
                    found.add(node)
                    if self._nodes[node].kind == FOLDER:
                        todo.append(node)
        return found

    def _end_bases(self) -> None:
        """What is here counts as never sent; what only the server has will come as new."""
        self._bases.clear()
        for node in [
            node
            for node, record in self._nodes.items()
            if record.kind == FILE and not record.present
        ]:
            del self._nodes[node]

    # contents -------------------------------------------------------------------------------------

    def _contents(self) -> None:
        known_until = max(record.ctime for record in self._nodes.values())
        coming = {
            (each.owner, each.number) for _, each in self._effects if isinstance(each, FromBin)
        }
        for node, record in list(self._nodes.items()):
            if record.kind != FILE:
                continue
            if not record.present:
                if not self._is_on_server(node):
                    self._without_content(node, record)
                continue
            which = (record.owner, record.number)
            found = self._there.get(which)
            first = self._nodes.get(self._names.get(node, [node])[0])
            if (
                which in self._claimed
                and first is not None
                and (first.owner, first.number) == which
            ):
                record.size, record.mtime, record.version = first.size, first.mtime, first.version
                record.doubtful = max(record.doubtful, first.doubtful)
                continue
            if which in self._claimed or (found is None and record.size and which not in coming):
                self._without_content(node, record)
                continue
            self._claimed.add(which)
            if found is not None and not record.writing and which not in coming:
                self._as_it_is(node, record, found, known_until)

    def _without_content(self, node: int, record: Node) -> None:
        path = self._path(node)
        base = self._bases.get(node)
        if base is None or not self._is_on_server(node):
            self.said.append(
                Phrase(
                    "the content of {path} is missing, and the server is not known to have it",
                    path=path,
                )
            )
            del self._nodes[node]
            return
        self.said.append(
            Phrase("the content of {path} is missing: the server's version comes back", path=path)
        )
        self._back_to_base(node, record, base)

    def _is_on_server(self, node: int) -> bool:
        base = self._bases.get(node)
        return base is not None and base.kind == FILE

    def _back_to_base(self, node: int, record: Node, base: BaseRecord) -> None:
        record.version, record.size, record.mtime = (
            self.number,
            base.size,
            max(base.local_mtime, 0) * SECOND,
        )
        record.owner, record.number, record.writing, record.doubtful = node, self.number, False, 0
        record.present = base.size == 0
        counted = self._index.checksum_table.checksum(node, base.version)
        checksum = None if counted is None else counted.hex()
        self._bases[node] = msgspec.structs.replace(base, version=self.number, checksum=checksum)

    def _as_it_is(self, node: int, record: Node, found: os.stat_result, known_until: int) -> None:
        """A content of another size than recorded, or that was changed by what was lost, counts as
        written. Where the server has what it should be, that comes back, and what is here goes to
        the bin."""
        changed = self._lost and found.st_ctime_ns > known_until
        if found.st_size == record.size and not changed:
            return
        base = self._bases.get(node)
        if base is not None and all(self._was_sent(each) for each in self._names.get(node, [node])):
            path = self._path(node)
            self.said.append(
                Phrase(
                    "{path} has {found} bytes instead of {size}: the server's version comes back",
                    path=path,
                    found=found.st_size,
                    size=record.size,
                )
            )
            self._to_bin(record, to_bytes(path))
            self._back_to_base(node, record, base)
            return
        record.size, record.mtime = found.st_size, found.st_mtime_ns
        record.version = record.doubtful = self.number

    def _was_sent(self, node: int) -> bool:
        base, record = self._bases.get(node), self._nodes.get(node)
        return (base is None and record is None) or (
            base is not None and record is not None and base.version == record.version
        )

    def _displaced(self, nodes: set[int]) -> None:
        """Nodes that no path leads to any more: what they hold goes to the bin."""
        placed = [record for node, record in self._nodes.items() if node not in nodes]
        safe = {(record.owner, record.number) for record in placed if record.kind == FILE}
        for node in nodes & set(self._nodes):
            record = self._nodes[node]
            if record.kind == FILE and record.present and (record.owner, record.number) not in safe:
                safe.add((record.owner, record.number))
                self._to_bin(record, to_bytes(self._path(node)))
            elif record.kind == LINK:
                path = self._bin_path(to_bytes(self._path(node)))
                self._binned[path] = (0, LinkToBin(path, record.target))
            self.said.append(
                Phrase("nothing leads to {path} any more: it is in the bin", path=self._path(node))
            )
        for node in nodes & set(self._nodes):
            del self._nodes[node]

    def _other_effects(self) -> None:
        """What still waited to be done is done where it does no harm."""
        kept: list[tuple[bytes, AnyEffect]] = []
        for place, effect in self._effects:
            if isinstance(effect, Unlink | ToBin):
                which = (effect.owner, effect.number)
                if which in self._claimed or (self._lost and isinstance(effect, Unlink)):
                    continue
                self._claimed.add(which)
            elif isinstance(effect, DropBin) and self._lost:
                continue
            kept.append((place, effect))
        self._effects = kept

    def _nameless(self) -> None:
        """Contents that nothing refers to; empty ones go."""
        named = {node: record.name for node, record in self._nodes.items()}
        for (owner, number), found in sorted(self._there.items()):
            if (owner, number) in self._claimed or number >= self.number:
                continue
            if found.st_size == 0:
                self._effects.append((b"", Unlink(owner, number)))
                continue
            name = b"%d-%d" % (owner, number)
            if owner in named and owner != ROOT:
                name += b" " + named[owner][: MAX_NAME_BYTES - len(name) - 1]
            path = self._bin_path(name)
            self._binned[path] = (found.st_size, ToBin(owner, number, path, found.st_mtime_ns))
            self.said.append(
                Phrase(
                    "nothing refers to the content {owner}-{number}: it is in the bin",
                    owner=owner,
                    number=number,
                )
            )

    def _to_bin(self, record: Node, path: bytes) -> None:
        which = (record.owner, record.number)
        place = self._bin_path(path)
        found = self._there.get(which)
        if found is not None:
            self._claimed.add(which)
            self._binned[place] = (
                found.st_size,
                ToBin(record.owner, record.number, place, record.mtime),
            )

    def _bin_path(self, path: bytes) -> bytes:
        """A free one in the repair's entry. Nothing is both a file and a folder there: each file
        has a folder above it that is named for nothing else."""
        place = b"%s/%d/%s" % (TOP, len(self._binned) + 1, path)
        assert place not in self._binned
        return place

    def _path(self, node: int) -> str:
        """Where a node is, or as much as is known of it."""
        names: list[bytes] = []
        seen: set[int] = set()
        while node != ROOT and node not in seen:
            seen.add(node)
            record = self._nodes.get(node)
            if record is None or not is_name(record.name):
                names.append(b"(%d)" % node)
                break
            names.append(record.name)
            node = record.parent
        return to_text(b"/".join(reversed(names)))
