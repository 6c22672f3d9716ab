"""What the server has now, as differences from the base.

``ListingScan`` reads a listing once, in its order. An entry that is where its base says costs one
look-up and leaves one bit; only what differs is kept, so memory grows with the differences, not
with the tree. Which node an entry is gets decided in this order:

1. while streaming: the base at the same path, when kind and server inode agree (or the inode was
  never told);
2. at the end, for all that is left: the base node with that inode that was seen nowhere, when the
   rest agrees too. The server reuses inodes at once, so an inode alone proves nothing;
3. the base at the same path, not seen elsewhere: new content there (an upload makes a new inode);
4. a missing base node of the same name, size and mtime whose inode was never told;
5. the local node at that path, made on both sides; else a node nobody knew.
"""

from __future__ import annotations

from collections.abc import Container

from reconciler.filters import DEFAULT, PASSING_FIRST, Filter, is_passing
from reconciler.model import ROOT, Entry, Kind, NodeId
from reconciler.phrases import Phrase
from reconciler.trees.node_matching import DEFERRED, SKIPPED, NodeMatcher
from reconciler.trees.remote_tree import FILTERED, Known, RemoteTree

__all__ = ["Known", "ListingScan", "RemoteTree"]


class ListingScan:
    """Turns one complete listing into a ``RemoteTree``.

    ``add`` takes the batches as they come; ``finish`` must only be called when the listing ended
    properly, because it reads absences out of what was not listed.
    """

    def __init__(
        self,
        known: Known,
        filters: Filter = DEFAULT,
        tag: str = "",
        since: Container[NodeId] = frozenset(),
    ) -> None:
        """``since``: what was made or sent after the last listing."""
        self._known = known
        self._since = since
        self._tag = tag
        self._filters = filters
        self._seen = bytearray(1024)  # one bit a node
        self._folders: dict[str, NodeId] = {"": ROOT}
        self._deferred: list[Entry] = []
        self._problems: dict[str, str] = {}
        self._hiding: set[str] = set()  # folders with something in them that a rule leaves out
        self._matched = 0
        self._tree = RemoteTree(known)

    # while streaming ------------------------------------------------------------------------------

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
                self._unplaced_entry(entry, head, parent)
                continue
            passing = name[0] in PASSING_FIRST and is_passing(name)
            if passing or name in names or (rule is not None and rule(path)):
                self._hide(entry.path)
                self._leave_out(entry, parent, name)
                continue
            base = base_entry(parent, name)
            if (
                base is None
                or (base.kind is Kind.FOLDER) is not entry.is_folder
                or (base.inode and base.inode != entry.inode)
            ):
                self._defer(entry)
                continue
            node = base.node
            byte, bit = node >> 3, 1 << (node & 7)
            if byte >= len(seen):
                seen.extend(bytes(byte + 1))
            if seen[byte] & bit:
                self._problems[path] = Phrase("the server listed it twice")
                continue
            seen[byte] |= bit
            if entry.is_folder:
                folders[path] = node
            if (
                base.inode != entry.inode
                or entry.checksum is not None
                or (not entry.is_folder and (base.size != entry.size or base.mtime != entry.mtime))
            ):
                self._tree.note_seen(node, entry.as_remote(parent, name))
        self._matched += len(entries)

    def _defer(self, entry: Entry) -> None:
        self._matched -= 1
        if entry.is_folder:
            if entry.path in self._folders:
                self._problems[entry.path] = Phrase("the server listed it twice")
                return
            self._folders[entry.path] = DEFERRED
        self._deferred.append(entry)

    def _unplaced_entry(self, entry: Entry, head: str, parent: NodeId) -> None:
        """An entry that cannot be looked up: unreadable, or below something that is itself not
        settled."""
        self._matched -= 1
        name = entry.path[entry.path.rfind("/") + 1 :]
        if parent == SKIPPED:
            if entry.is_folder:
                self._folders[entry.path] = SKIPPED
        elif entry.problem is not None or entry.filtered:
            why = entry.problem or Phrase("a filter on the server leaves it out")
            self._problems[entry.path] = why
            self._folders[entry.path] = SKIPPED
        elif parent == DEFERRED and name:
            if self._filters.ignored(entry.path):
                self._hide(entry.path)
                self._folders[entry.path] = SKIPPED
            else:
                self._matched += 1
                self._defer(entry)
        elif entry.path:
            self._problems[head or entry.path] = Phrase(
                "the server listed {path} without its folder", path=repr(entry.path)
            )
            self._folders[entry.path] = SKIPPED

    def _hide(self, path: str) -> None:
        if not self._filters.named(path):
            self._hiding.add(path.rpartition("/")[0])

    def _leave_out(self, entry: Entry, parent: NodeId, name: str) -> None:
        """What is filtered is not looked at; a base that is there from before is not read as
        deleted."""
        self._matched -= 1
        if entry.is_folder:
            self._folders[entry.path] = SKIPPED
        base = self._known.base_entry(parent, name)
        if base is not None:
            self._tree.note_unknown(base.node, FILTERED)

    # at the end -----------------------------------------------------------------------------------

    def unresolved_count(self) -> int:
        """How many entries ``finish`` has to settle."""
        return len(self._deferred) + len(self._problems)

    def finish(self, known: Known | None = None) -> RemoteTree:
        """The server's tree. The listing must have come to its proper end. ``known`` is a snapshot
        of what this was made with; it may be asked for two new ids for each entry that is
        ``unresolved_count``."""
        known = known or self._known
        with self._tree.beside(known):
            matching = NodeMatcher(
                known,
                self._tree,
                self._deferred,
                self._folders,
                self._seen,
                self._problems,
                self._tag,
                self._since,
            )
            matching.run(self._matched)
            for path in self._hiding:
                folder = self._folders.get(path, SKIPPED)
                if folder > 0:
                    self._tree.note_hiding(folder)
        return self._tree
