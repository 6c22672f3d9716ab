"""What the server has now, as differences from the base.

``Observer`` reads a listing once, in its order. An entry that is where its base says costs one look-up and leaves one
bit; only what differs is kept, so memory grows with the differences, not with the tree. Which node an entry is gets
decided in this order:

1. while streaming: the base at the same path, when kind and server inode agree (or the inode was never told and size
   and mtime agree);
2. at the end, for all that is left: the base node with that inode that was seen nowhere, when the rest agrees too. The
   server reuses inodes at once, so an inode alone proves nothing;
3. the base at the same path, not seen elsewhere: new content there (an upload makes a new inode);
4. a missing base node of the same name, size and mtime whose inode was never told;
5. the local node at that path, made on both sides; else a node nobody knew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from reconciler.filters import DEFAULT, PARTIAL_PREFIX, Filter
from reconciler.model import ROOT, Base, Entry, Kind, Local, NodeId, Place, Remote
from reconciler.ports import BaseEntry

_DEFERRED = NodeId(-1)
_SKIPPED = NodeId(-2)
_RENUMBERED = 16
"""More unchanged files than this with another inode, and than those with the same, and the disk was replaced."""


class Known(Protocol):
    """The part of ``ports.Replica`` that an observation needs. All look-ups, but for ``new_id``."""

    def base(self, node: NodeId) -> Base | None: ...
    def base_entry(self, parent: NodeId, name: str) -> BaseEntry | None: ...
    def base_by_inode(self, inode: int) -> NodeId | None: ...
    def base_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]: ...
    def base_nodes(self) -> Iterator[NodeId]: ...
    def local(self, node: NodeId) -> Local | None: ...
    def local_child(self, parent: NodeId, name: str) -> NodeId | None: ...
    def new_id(self) -> NodeId: ...


class RemoteTree:
    """The server's tree by node: the base, corrected by what is known to differ.

    The executor notes with ``set`` what each action left on the server, before or after it advances the base.
    """

    __slots__ = ("_differs", "_known", "_nameless", "_placed", "_unknown", "learned")

    def __init__(self, known: Known) -> None:
        self._known = known
        self._differs: dict[NodeId, Remote | None] = {}
        self._placed: dict[NodeId, dict[str, NodeId]] = {}  # parent -> children among _differs
        self._unknown: dict[NodeId, str] = {}
        self._nameless: dict[NodeId, Place] = {}  # unreadable entries that no other node stands for
        self.learned: list[tuple[NodeId, Base]] = []
        """Bases that only gain what the server had not told before (inode, checksum)."""

    @classmethod
    def assumed(cls, known: Known) -> RemoteTree:
        """The server is taken to be as the base says; nothing was listed."""
        return cls(known)

    def get(self, node: NodeId) -> Remote | None:
        """The node's state on the server; None when it is not there. Says nothing for an ``unknown`` node."""
        if node in self._differs:
            return self._differs[node]
        base = self._known.base(node)
        if base is None:
            return None
        return Remote(base.kind, base.parent, base.name, base.size, base.mtime, base.inode, base.checksum)

    def set(self, node: NodeId, remote: Remote | None) -> None:
        """From now on the node is so on the server. With None, all below it is gone too."""
        if remote is None:
            gone = [node]
            for each in gone:
                gone.extend(child for _, child in self.children(each))
            for each in gone:
                self._put(each, None)
        else:
            self._put(node, remote)

    def _put(self, node: NodeId, remote: Remote | None) -> None:
        before = self._differs.get(node) or self._nameless.pop(node, None)
        if before is not None:
            names = self._placed[before.parent]
            if names.get(before.name) == node:
                del names[before.name]
        self._unknown.pop(node, None)
        self._differs[node] = remote
        if remote is not None:
            self._placed.setdefault(remote.parent, {})[remote.name] = node

    def changed(self) -> Iterator[NodeId]:
        """Every node whose server state differs from its base now, or is not known; each once."""
        for node, remote in list(self._differs.items()):
            base = self._known.base(node)
            if not (base is None and remote is None) and not (base and remote and _same(base, remote)):
                yield node
        yield from list(self._unknown)

    def unknown(self, node: NodeId) -> str | None:
        """Why the server's state of the node is not known; None when it is. Below an unknown folder all is unknown
        that was not seen elsewhere."""
        if not self._unknown:
            return None
        while node != ROOT:
            why = self._unknown.get(node)
            if why is not None:
                return why
            base = self._known.base(node) if node not in self._differs else None
            if base is None:
                return None
            node = base.parent
        return self._unknown.get(ROOT)

    def child(self, parent: NodeId, name: str) -> NodeId | None:
        node = self._placed.get(parent, {}).get(name)
        if node is None:
            entry = self._known.base_entry(parent, name)
            if entry is not None and entry.node not in self._differs:
                node = entry.node
        return node

    def children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]:
        """A snapshot of names and nodes, unreadable ones among them."""
        placed = self._placed.get(node, {})
        names = [(name, child) for name, child in self._known.base_children(node) if child not in self._differs]
        return iter([*(each for each in names if each[0] not in placed), *placed.items()])

    def path(self, node: NodeId) -> str:
        """Names from the root, joined by ``/``, where the node is on the server now. KeyError when it is not there."""
        names: list[str] = []
        while node != ROOT:
            place = self._nameless.get(node) or self.get(node)
            if place is None:
                raise KeyError(node)
            names.append(place.name)
            node = place.parent
        return "/".join(reversed(names))

    # what an observation fills in ----------------------------------------------------------------------------------

    def note_absent(self, node: NodeId) -> None:
        self._differs[node] = None

    def note_unknown(self, node: NodeId, why: str) -> None:
        self._unknown[node] = why

    def note_unreadable(self, node: NodeId, place: Place, why: str) -> None:
        self._unknown[node] = why
        self._nameless[node] = place
        self._placed.setdefault(place.parent, {})[place.name] = node

    def note_seen(self, node: NodeId, remote: Remote) -> None:
        """Keeps what was listed, if it differs from the base; what only adds to the base is ``learned``."""
        base = self._known.base(node)
        if base is None or not _same(base, remote):
            self._put(node, remote)
        elif base.inode != remote.inode or (remote.checksum is not None and base.checksum is None):
            self.learned.append((node, replace(base, inode=remote.inode, checksum=remote.checksum or base.checksum)))


def _same(base: Base, remote: Remote) -> bool:
    if base.name != remote.name or base.parent != remote.parent or base.kind is not remote.kind:
        return False
    if base.kind is Kind.FOLDER:
        return True
    if base.size != remote.size or base.mtime != remote.mtime:
        return False
    return base.checksum is None or remote.checksum is None or base.checksum == remote.checksum


class Observer:
    """Turns one complete listing into a ``RemoteTree``.

    ``add`` takes the batches as they come; ``finish`` must only be called when the listing ended properly, because it
    reads absences out of what was not listed.
    """

    def __init__(self, known: Known, filters: Filter = DEFAULT) -> None:
        self._known = known
        self._filters = filters
        self._seen = bytearray(1024)  # one bit a node
        self._folders: dict[str, NodeId] = {"": ROOT}
        self._deferred: list[Entry] = []
        self._problems: dict[str, str] = {}
        self._matched = 0
        self._tree = RemoteTree(known)

    # while streaming -----------------------------------------------------------------------------------------------

    def add(self, entries: list[Entry]) -> None:
        """The hot loop of a run without changes: one ``base_entry`` an entry."""
        folders, seen, base_entry = self._folders, self._seen, self._known.base_entry
        names, rule = self._filters.names, self._filters.rule
        head, parent = "", ROOT
        for entry in entries:
            path = entry.path
            cut = path.rfind("/")
            name = path[cut + 1 :]
            here = path[:cut] if cut > 0 else ""
            if here != head:
                head, parent = here, folders.get(here, NodeId(0))
            if entry.problem is not None or entry.filtered or parent <= 0 or not name or cut == 0:
                self._odd(entry, head, parent)
                continue
            if name in names or name.startswith(PARTIAL_PREFIX) or (rule is not None and rule(path)):
                self._leave_out(entry, parent, name)
                continue
            base = base_entry(parent, name)
            if (
                base is None
                or (base.kind is Kind.FOLDER) is not entry.is_folder
                or (base.inode != entry.inode and not self._untold(base, entry))
            ):
                self._defer(entry)
                continue
            node = base.node
            byte, bit = node >> 3, 1 << (node & 7)
            if byte >= len(seen):
                seen.extend(bytes(byte + 1))
            if seen[byte] & bit:
                self._problems[path] = "the server listed it twice"
                continue
            seen[byte] |= bit
            if entry.is_folder:
                folders[path] = node
            if base.inode != entry.inode or entry.checksum is not None or (
                not entry.is_folder and (base.size != entry.size or base.mtime != entry.mtime)
            ):
                self._tree.note_seen(node, _remote(entry, parent, name))
        self._matched += len(entries)

    @staticmethod
    def _untold(base: BaseEntry, entry: Entry) -> bool:
        return base.inode == 0 and (entry.is_folder or (base.size == entry.size and base.mtime == entry.mtime))

    def _defer(self, entry: Entry) -> None:
        self._matched -= 1
        if entry.is_folder:
            if entry.path in self._folders:
                self._problems[entry.path] = "the server listed it twice"
                return
            self._folders[entry.path] = _DEFERRED
        self._deferred.append(entry)

    def _odd(self, entry: Entry, head: str, parent: NodeId) -> None:
        """An entry that cannot be looked up: unreadable, or below something that is itself not settled."""
        self._matched -= 1
        name = entry.path[entry.path.rfind("/") + 1 :]
        if parent == _SKIPPED:
            if entry.is_folder:
                self._folders[entry.path] = _SKIPPED
        elif entry.problem is not None or entry.filtered:
            why = entry.problem or "a filter on the server leaves it out"
            self._problems[entry.path] = why
            self._folders[entry.path] = _SKIPPED
        elif parent == _DEFERRED and name:
            if self._filters.ignored(entry.path):
                self._folders[entry.path] = _SKIPPED
            else:
                self._matched += 1
                self._defer(entry)
        else:
            self._problems[head or entry.path] = f"the server listed {entry.path!r} without its folder"
            self._folders[entry.path] = _SKIPPED

    def _leave_out(self, entry: Entry, parent: NodeId, name: str) -> None:
        """What is filtered is not looked at; a base that is there from before is not read as deleted."""
        self._matched -= 1
        if entry.is_folder:
            self._folders[entry.path] = _SKIPPED
        base = self._known.base_entry(parent, name)
        if base is not None:
            self._tree.note_unknown(base.node, "it is left out by a filter")

    # at the end ----------------------------------------------------------------------------------------------------

    def finish(self) -> RemoteTree:
        """The server's tree. The listing must have come to its proper end."""
        _Matching(self._known, self._tree, self._deferred, self._folders, self._seen, self._problems).run(self._matched)
        return self._tree


def _remote(entry: Entry, parent: NodeId, name: str) -> Remote:
    kind = Kind.FOLDER if entry.is_folder else Kind.FILE
    return Remote(kind, parent, name, entry.size, entry.mtime, entry.inode, entry.checksum)


class _Matching:
    """Finds out which node each entry is that was not where its base says."""

    def __init__(
        self,
        known: Known,
        tree: RemoteTree,
        entries: list[Entry],
        folders: dict[str, NodeId],
        seen: bytearray,
        problems: dict[str, str],
    ) -> None:
        self._known = known
        self._tree = tree
        self._entries = entries
        self._folders = folders
        self._seen = seen
        self._problems = problems
        self._below: dict[str, list[Entry]] = {}  # path of a folder -> its entries among those to match
        for entry in entries:
            self._below.setdefault(_split(entry.path)[0], []).append(entry)
        self._claims: dict[str, NodeId] = {}  # path -> node, by inode
        self._trust_inodes = True

    def run(self, matched: int) -> None:
        self._trust_inodes = not self._renumbered(matched)
        if self._trust_inodes:
            self._claim_by_inode()
        rest = [entry for entry in self._entries if not self._by_path(entry)]
        if rest:
            missing = self._missing_untold()
            for entry in rest:
                self._settle(entry, missing)
        for path, why in self._problems.items():
            self._note_problem(path, why)
        for node in [each for each in self._known.base_nodes() if not self._is_seen(each)]:
            if self._tree.unknown(node) is None:
                self._tree.note_absent(node)

    # seen nodes ----------------------------------------------------------------------------------------------------

    def _is_seen(self, node: NodeId) -> bool:
        byte = node >> 3
        return byte < len(self._seen) and bool(self._seen[byte] & (1 << (node & 7)))

    def _see(self, node: NodeId) -> None:
        byte = node >> 3
        if byte >= len(self._seen):
            self._seen.extend(bytes(byte + 1))
        self._seen[byte] |= 1 << (node & 7)

    # matching ------------------------------------------------------------------------------------------------------

    def _renumbered(self, matched: int) -> bool:
        """Whether the server's files lie on another disk now: then inodes agree by chance only."""
        by_path: dict[str, NodeId] = {}
        same = other = 0
        for entry in self._entries:
            head, name = _split(entry.path)
            parent = by_path.get(head) or self._folders.get(head, NodeId(0))
            base = self._known.base_entry(parent, name) if parent > 0 else None
            if base is None:
                continue
            if entry.is_folder:
                by_path[entry.path] = base.node
            elif base.size == entry.size and base.mtime == entry.mtime and base.inode:
                same += base.inode == entry.inode
                other += base.inode != entry.inode
        return other > max(_RENUMBERED, same + matched)

    def _claim_by_inode(self) -> None:
        """Moves. They come before any match by path, as another file may lie where the moved one was."""
        for entry in self._entries:
            node = self._known.base_by_inode(entry.inode) if entry.inode else None
            base = self._known.base(node) if node is not None and not self._is_seen(node) else None
            if node is None or base is None or base.inode != entry.inode:
                continue
            if self._agrees(entry, node, base):
                self._claims[entry.path] = node
                self._see(node)

    def _agrees(self, entry: Entry, node: NodeId, base: Base) -> bool:
        if (base.kind is Kind.FOLDER) is not entry.is_folder:
            return False
        if not entry.is_folder:
            return base.size == entry.size and base.mtime == entry.mtime
        if next(iter(self._known.base_children(node)), None) is None:
            return True
        return any(self._was_in(child, node) for child in self._below.get(entry.path, ()))

    def _was_in(self, child: Entry, folder: NodeId) -> bool:
        found = self._known.base_entry(folder, _split(child.path)[1])
        if found is not None and (found.kind is Kind.FOLDER) is child.is_folder:
            return True
        node = self._known.base_by_inode(child.inode) if child.inode and self._trust_inodes else None
        base = self._known.base(node) if node is not None else None
        return base is not None and base.parent == folder

    def _by_path(self, entry: Entry) -> bool:
        """Settles an entry whose folder is settled, and that is claimed or where a base node not seen elsewhere is."""
        head, name = _split(entry.path)
        parent = self._folders.get(head, NodeId(0))
        if parent == _SKIPPED:
            self._folders[entry.path] = _SKIPPED
            return True
        if parent <= 0:
            return False
        node = self._claims.get(entry.path)
        if node is None:
            base = self._known.base_entry(parent, name)
            if base is None or (base.kind is Kind.FOLDER) is not entry.is_folder or self._is_seen(base.node):
                return False
            node = base.node
        self._place(entry, node, parent, name)
        return True

    def _settle(self, entry: Entry, missing: dict[tuple[object, ...], list[NodeId]]) -> None:
        if self._by_path(entry):
            return
        head, name = _split(entry.path)
        parent = self._folders.get(head, NodeId(0))
        if parent <= 0:  # its folder was a duplicate, or no folder
            self._problems.setdefault(head, f"the server listed {entry.path!r} without its folder")
            return
        node = self._untold_move(entry, missing) or self._local_twin(entry, parent, name)
        self._place(entry, node if node is not None else self._known.new_id(), parent, name)

    def _untold_move(self, entry: Entry, missing: dict[tuple[object, ...], list[NodeId]]) -> NodeId | None:
        found = [node for node in missing.get(_likeness(entry), ()) if not self._is_seen(node)]
        base = self._known.base(found[0]) if len(found) == 1 else None
        if base is not None and self._agrees(entry, found[0], base):
            return found[0]
        return None

    def _missing_untold(self) -> dict[tuple[object, ...], list[NodeId]]:
        missing: dict[tuple[object, ...], list[NodeId]] = {}
        for node in [each for each in self._known.base_nodes() if not self._is_seen(each)]:
            base = self._known.base(node)
            if base is not None and (base.inode == 0 or not self._trust_inodes):
                folder = base.kind is Kind.FOLDER
                key = (True, base.name) if folder else (False, base.name, base.size, base.mtime)
                missing.setdefault(key, []).append(node)
        return missing

    def _local_twin(self, entry: Entry, parent: NodeId, name: str) -> NodeId | None:
        """The local node at the same path, if it was made on both sides, or moved there on both."""
        node = self._known.local_child(parent, name)
        if node is None or self._is_seen(node):
            return None
        base = self._known.base(node)
        if base is not None:
            return node if self._agrees(entry, node, base) else None
        local = self._known.local(node)
        kind = Kind.FOLDER if entry.is_folder else Kind.FILE
        return node if local is not None and local.kind is kind else None

    def _place(self, entry: Entry, node: NodeId, parent: NodeId, name: str) -> None:
        holder = self._tree.child(parent, name)
        if holder is not None and holder != node and self._is_seen(holder):
            self._problems[entry.path] = "the server listed it twice"
            self._see(node)
            self._folders[entry.path] = _SKIPPED
            if self._known.base(node) is not None:
                self._tree.note_unknown(node, "the server listed it twice")
            return
        self._see(node)
        if entry.is_folder:
            self._folders[entry.path] = node
        self._tree.note_seen(node, _remote(entry, parent, name))

    # problems ------------------------------------------------------------------------------------------------------

    def _note_problem(self, path: str, why: str) -> None:
        """Makes the node at that path unknown: the listed one, else the base's, else a local one, else a new one."""
        parent, name = ROOT, ""
        node: NodeId | None = ROOT
        for name in path.split("/") if path else ():
            if node is None:  # below a folder that nobody knows
                return
            parent, node = node, self._tree.child(node, name)
        if node is not None:
            self._tree.note_unknown(node, why)
            return
        local = self._known.local_child(parent, name)
        if local is not None and self._known.base(local) is None and not self._is_seen(local):
            self._tree.note_unknown(local, why)
        else:
            self._tree.note_unreadable(self._known.new_id(), Place(parent, name), why)


def _split(path: str) -> tuple[str, str]:
    head, _, name = path.rpartition("/")
    return head, name


def _likeness(entry: Entry) -> tuple[object, ...]:
    name = _split(entry.path)[1]
    return (True, name) if entry.is_folder else (False, name, entry.size, entry.mtime)
