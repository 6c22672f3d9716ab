"""What a look into one folder of the server tells: a partial observation.

It is believed about less than a listing is, as it shows one folder alone:

- a file at its place with another size or second has that content now, unless the same look shows
  its inode somewhere else;
- a file at a name that neither side knew, with an inode that nobody knew, is new.

All else asks for a listing: what is missing may be elsewhere, what came may have moved here,
folders have contents that were not seen, and equal sizes and seconds with another inode need a
proof.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.filters import Filter
from reconciler.model import Base, Entry, Kind, NodeId, Remote
from reconciler.trees.remote_tree import Known, RemoteTree


@dataclass(frozen=True, slots=True)
class FolderLook:
    """``changed`` are nodes whose state in ``tree`` is to be planned for; ``unexplained`` are the
    names that only a listing can explain, each with what was seen of it (None: it was missing)."""

    tree: RemoteTree
    changed: tuple[NodeId, ...]
    unexplained: frozenset[tuple[str, Remote | None]]


class FolderJudge:
    """Takes all that the server has in the folder, whose node is ``folder`` and which lies at
    ``path`` there ("" for the root), and finds what it tells. ``found`` takes a new id for each new
    file. Pure otherwise."""

    def __init__(self, known: Known, folder: NodeId, path: str, filters: Filter) -> None:
        self._known = known
        self._folder = folder
        self._prefix = f"{path}/" if path else ""
        self._filters = filters
        self._listed: set[str] = set()
        self._twice: set[str] = set()
        """Names that the answer has more than once: nobody knows which of them is there."""
        self._elsewhere: set[NodeId] = set()
        """Nodes whose inode was seen at another name than theirs."""
        self._changed: dict[NodeId, Remote] = {}
        self._new: list[Remote] = []
        self._unexplained: set[tuple[str, Remote | None]] = set()

    def add(self, entry: Entry) -> None:
        """One entry of the folder."""
        name = entry.path.removeprefix(self._prefix)
        if name in self._listed:
            self._twice.add(name)
        self._listed.add(name)
        if entry.problem is not None or self._filters.ignored(entry.path):
            return
        remote = entry.as_remote(self._folder, name)
        agreed = self._known.base_entry(self._folder, name)
        base = None if agreed is None else self._known.base(agreed.node)
        if agreed is None or base is None:
            self._add_unknown(remote)
        elif base.kind is not remote.kind:
            self._unexplained.add((name, remote))
        elif base.inode and remote.inode and base.inode != remote.inode:
            self._add_other_inode(agreed.node, base, remote)
        elif base.kind is Kind.FILE and not _looks_the_same(base, remote):
            self._changed[agreed.node] = remote

    def _add_unknown(self, remote: Remote) -> None:
        mover = self._mover(remote)
        taken = self._known.local_child(self._folder, remote.name) is not None
        if remote.kind is not Kind.FILE or not remote.inode or mover is not None or taken:
            self._unexplained.add((remote.name, remote))
        else:
            self._new.append(remote)

    def _add_other_inode(self, node: NodeId, base: Base, remote: Remote) -> None:
        """Another file or folder is where the node was: an upload makes a new inode, too."""
        mover = self._mover(remote)
        if remote.kind is not Kind.FILE or mover is not None or _looks_the_same(base, remote):
            self._unexplained.add((remote.name, remote))
        else:
            self._changed[node] = remote

    def _mover(self, remote: Remote) -> NodeId | None:
        """The file that has moved here, by its inode, size and second. (An inode alone says little:
        the server gives inodes out again at once.)"""
        node = self._known.base_by_inode(remote.inode) if remote.inode else None
        base = None if node is None else self._known.base(node)
        if node is None or base is None or base.kind is not remote.kind:
            return None
        if base.kind is Kind.FILE and not _looks_the_same(base, remote):
            return None
        self._elsewhere.add(node)
        return node

    def found(self) -> FolderLook:
        """What all of them tell."""
        for name, node in self._known.base_children(self._folder):
            if name not in self._listed and not self._filters.ignored(self._prefix + name):
                self._unexplained.add((name, None))
                self._changed.pop(node, None)
        tree = RemoteTree.assumed(self._known)
        changed = []
        for node, remote in self._changed.items():
            base = self._known.base(node)
            # Who restored a backup has older files; what of them counts takes the whole to tell.
            is_older = base is not None and remote.mtime < base.mtime
            if node in self._elsewhere or is_older or remote.name in self._twice:
                self._unexplained.add((remote.name, remote))
                continue
            tree.note_seen(node, remote)
            changed.append(node)
        for remote in self._new:
            if remote.name in self._twice:
                self._unexplained.add((remote.name, remote))
                continue
            node = tree.new_node()
            tree.note_seen(node, remote)
            changed.append(node)
        return FolderLook(tree, tuple(changed), frozenset(self._unexplained))


def _looks_the_same(base: Base, remote: Remote) -> bool:
    return (base.size, base.mtime) == (remote.size, remote.mtime)
