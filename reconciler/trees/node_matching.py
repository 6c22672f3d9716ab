"""Which node a listed entry is that was not where the base has it. ``observe`` states the rules.

This file is long because the rules of one listing share their state: which entries and nodes are
matched yet, which places are free. Apart they would hand it to each other.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from reconciler.model import ROOT, Base, Entry, Kind, NodeId, Place, Remote
from reconciler.names import node_of_swap_name, swap_name
from reconciler.phrases import Phrase
from reconciler.trees.likeness import Known as Likeness
from reconciler.trees.likeness import kin
from reconciler.trees.remote_tree import Known, RemoteTree, stays_here

DEFERRED = NodeId(-1)
SKIPPED = NodeId(-2)
"""Instead of a node: a folder not settled yet; a folder that is not looked into."""
_RENUMBERED = 16
"""More unchanged files than this with another inode, and than those with the same, and the disk was
replaced."""


class NodeMatcher:
    """Finds out which node each entry is that was not where its base says."""

    def __init__(
        self,
        known: Known,
        tree: RemoteTree,
        entries: list[Entry],
        folders: dict[str, NodeId],
        seen: bytearray,
        problems: dict[str, str],
        tag: str,
        since: Container[NodeId],
    ) -> None:
        """``since``: what was sent after the last listing began, whose inode proves nothing of what
        was there then."""
        self._known = known
        self._since = since
        self._tree = tree
        self._entries = entries
        self._folders = folders
        self._seen = seen
        self._problems = problems
        self._tag = tag
        # path of a folder -> its entries among those to match
        self._below: dict[str, list[Entry]] = {}
        for entry in entries:
            self._below.setdefault(_split(entry.path)[0], []).append(entry)
        self._claims: dict[str, NodeId] = {}  # path -> node, by inode
        self._new_folders: set[int] = set()  # the inodes of those that nobody knew
        self._missing: dict[int, list[NodeId]] | None = None
        self._moving: set[NodeId] = set()  # claimed, not yet placed: where their bases are is free
        self._new: list[Likeness] = []  # what nobody knew, folders before what is in them
        self._trust_inodes = True
        self._by_stamp: list[NodeId] = []  # files claimed by inode, size and second alone
        # most files that look as they did are others: the disk was replaced
        self._mostly_others = False
        self._another_folder = False  # a folder is where one was, and is another one
        # paths of files with their old size and time and another inode
        self._as_they_were: set[str] = set()
        # one of these is not where a move of a file that looks the same can have brought it
        self._unexplained = False

    def run(self, matched: int) -> None:
        same, other = self._renumbered()
        self._mostly_others = other > same + matched
        self._trust_inodes = not self._mostly_others or other <= _RENUMBERED
        if self._trust_inodes:
            self._claim_by_inode()
            self._claim_emptied()
        self._tree.restored = self._is_restored()
        self._claim_by_swap_name()
        rest = [entry for entry in self._entries if not self._by_path(entry)]
        if rest:
            missing = self._missing_untold()
            for entry in rest:
                self._match_entry(entry, missing)
            self._note_kin()
        for path, why in self._problems.items():
            self._note_problem(path, why)
        self._tree.unreadable = frozenset(self._problems)
        for node in self._unseen():
            if self._tree.unknown(node) is None:
                self._tree.note_absent(node)
        self._doubt_moves()
        self._doubt_learned()

    def _is_restored(self) -> bool:
        """Whether a backup may have been put back, whose trash does not have what came after it.
        One file that looks as it did and is another one, or one folder, is reason enough: what goes
        to the bin too much costs little. So is that nothing is left of what was there, as after a
        backup from before all of it."""
        if self._mostly_others or self._as_they_were or self._another_folder:
            return True
        return any(node != ROOT for node in self._known.base_nodes()) and not any(
            map(self._stayed, self._all_seen())
        )

    def _all_seen(self) -> Iterator[NodeId]:
        for byte, bits in enumerate(self._seen):
            yield from (NodeId((byte << 3) + bit) for bit in range(8) if bits & (1 << bit))

    def _stayed(self, node: NodeId) -> bool:
        """Whether it was there before the last listing, as its inode tells, which it has still."""
        base = self._known.base(node) if node not in self._since else None
        return node != ROOT and base is not None and base.inode != 0

    def _unseen(self) -> list[NodeId]:
        """Base nodes that the listing did not show. Part of every run without changes, so without a
        call for each."""
        seen, end = self._seen, len(self._seen) << 3
        return [
            node
            for node in self._known.base_nodes()
            if node >= end or not seen[node >> 3] & (1 << (node & 7))
        ]

    # seen nodes -----------------------------------------------------------------------------------

    def _is_seen(self, node: NodeId) -> bool:
        byte = node >> 3
        return byte < len(self._seen) and bool(self._seen[byte] & (1 << (node & 7)))

    def _see(self, node: NodeId) -> None:
        byte = node >> 3
        if byte >= len(self._seen):
            self._seen.extend(bytes(byte + 1))
        self._seen[byte] |= 1 << (node & 7)

    # matching -------------------------------------------------------------------------------------

    def _renumbered(self) -> tuple[int, int]:
        """How many unchanged files have the inode that they had, and how many another one. When
        those are more, the server's files lie on another disk now, where inodes agree by chance
        only."""
        by_path: dict[str, NodeId] = {}
        same = 0
        for entry in self._entries:
            head, name = _split(entry.path)
            parent = by_path.get(head) or self._folders.get(head, NodeId(0))
            base = self._known.base_entry(parent, name) if parent > 0 else None
            if base is None:
                continue
            if entry.is_folder:
                by_path[entry.path] = base.node
                is_folder = base.kind is Kind.FOLDER and base.inode not in (0, entry.inode)
                self._another_folder = self._another_folder or is_folder
            elif base.size == entry.size and base.mtime == entry.mtime and base.inode:
                if base.inode == entry.inode:
                    same += 1
                else:
                    self._as_they_were.add(entry.path)
                    self._unexplained = self._unexplained or not self._may_have_come(entry)
        return same, len(self._as_they_were)

    def _may_have_come(self, entry: Entry) -> bool:
        """Whether the entry is by its inode another file that looks the same."""
        node = self._known.base_by_inode(entry.inode)
        base = self._known.base(node) if node is not None else None
        return base is not None and (base.kind, base.size, base.mtime) == (
            Kind.FILE,
            entry.size,
            entry.mtime,
        )

    def _claim_by_inode(self) -> None:
        """Moves. They come before any match by path, as another file may lie where the moved one
        was."""
        for entry in self._entries:
            if self._mostly_others and self._unexplained and entry.path in self._as_they_were:
                continue  # an inode that another file of that size and time had is a chance
            for node, base in self._with_inode(entry):
                on_its_way = _split(entry.path)[1].startswith(swap_name(node, self._tag))
                if on_its_way or self._agrees(entry, node, base):
                    self._claim(entry, node)
                    if not (
                        entry.is_folder
                        or on_its_way
                        or (entry.checksum and entry.checksum == base.checksum)
                    ):
                        self._by_stamp.append(node)
                    break

    def _doubt_moves(self) -> None:
        """Files that have moved by inode, size and second, where this may be chance: an inode that
        was given out again, and a time that was copied, as archives and package managers give it to
        all files. It is no chance where the folder moved, or where no other file looks so and
        nothing has its former place."""
        moved: list[tuple[NodeId, Remote, tuple[int, int]]] = []
        for node in self._by_stamp:
            base, remote = self._known.base(node), self._tree.get(node)
            if base is None or remote is None or not remote.size or base.place == remote.place:
                continue
            former = self._known.base_entry(remote.parent, remote.name)
            after = self._tree.child(base.parent, base.name)
            if former is not None or after is not None:
                self._tree.doubt_move(node, remote)
            else:
                moved.append((node, remote, (base.size, base.mtime)))
        if moved:
            alike = self._alike({stamp for _, _, stamp in moved})
            for node, remote, stamp in moved:
                if stamp in alike:
                    self._tree.doubt_move(node, remote)

    def _doubt_learned(self) -> None:
        """Files whose inode nobody had told yet, at their places with their sizes and seconds,
        where a file that nobody knew looks the same: that may be the one that was agreed on."""
        looks = {
            (remote.size, remote.mtime)
            for new in self._new
            if not new.is_folder and new.size and (remote := self._tree.get(new.node))
        }
        if looks:
            self._tree.doubt_learned(
                {
                    node
                    for node, learned in self._tree.learned
                    if learned.kind is Kind.FILE
                    and (learned.size, learned.mtime) in looks
                    and (base := self._known.base(node)) is not None
                    and base.inode == 0
                }
            )

    def _alike(self, stamps: set[tuple[int, int]]) -> set[tuple[int, int]]:
        """Those of these sizes and seconds that several files have."""
        found: set[tuple[int, int]] = set()
        several: set[tuple[int, int]] = set()
        for node in self._known.base_nodes():
            base = self._known.base(node)
            if base is None or base.kind is not Kind.FILE or (base.size, base.mtime) not in stamps:
                continue
            stamp = base.size, base.mtime
            (several if stamp in found else found).add(stamp)
        return several

    def _claim_emptied(self) -> None:
        """Folders in which nothing is that was in them, by their inode, where something of it went
        elsewhere; and where the folder stays here in any case, so that it would be there twice. (An
        inode that was given out again is little harm there: what is new in the one folder comes
        into the other.)"""
        for entry in self._entries:
            if not entry.is_folder or entry.path in self._claims:
                continue
            for node, _ in self._with_inode(entry):
                left = any(self._is_seen(child) for _, child in self._known.base_children(node))
                if left or stays_here(self._known, node):
                    self._claim(entry, node)
                    break

    def _claim_by_swap_name(self) -> None:
        """What lies under a name that only we give is the node it was given to, whatever its inode:
        somebody may have put another content at its place between our look and our move."""
        for entry in self._entries:
            given = node_of_swap_name(_split(entry.path)[1], self._tag)
            node = None if given is None else NodeId(given)
            if node is None or self._is_seen(node) or entry.path in self._claims:
                continue
            # A base may have ended meanwhile, at a filter's border.
            known = self._known.base(node) or self._known.local(node)
            if known is not None and (known.kind is Kind.FOLDER) is entry.is_folder:
                self._claim(entry, node)

    def _is_ours(self, node: NodeId) -> bool:
        """Whether anybody here knows it."""
        return self._known.base(node) is not None or self._known.local(node) is not None

    def _claim(self, entry: Entry, node: NodeId) -> None:
        self._claims[entry.path] = node
        self._moving.add(node)
        self._see(node)

    def _with_inode(self, entry: Entry) -> Iterator[tuple[NodeId, Base]]:
        """The nodes of the entry's kind that had its inode and were not seen yet. There may be
        several: the server gives inodes out again, and a listing may be older than what our own
        requests were told meanwhile. The replica finds the one that was told last."""
        if not entry.inode:
            return
        found = self._known.base_by_inode(entry.inode)
        if self._missing is None:
            self._missing = self._missing_by_inode()
        for node in [*([] if found is None else [found]), *self._missing.get(entry.inode, ())]:
            base = self._known.base(node) if not self._is_seen(node) else None
            if base is None or base.inode != entry.inode:
                continue
            if (base.kind is Kind.FOLDER) is entry.is_folder:
                yield node, base

    def _missing_by_inode(self) -> dict[int, list[NodeId]]:
        missing: dict[int, list[NodeId]] = {}
        for node in self._unseen():
            base = self._known.base(node)
            if base is not None and base.inode:
                missing.setdefault(base.inode, []).append(node)
        return missing

    def _agrees(self, entry: Entry, node: NodeId, base: Base) -> bool:
        if (base.kind is Kind.FOLDER) is not entry.is_folder:
            return False
        if not entry.is_folder:
            if entry.checksum is not None and entry.checksum == base.checksum:
                return True  # whatever its time
            return base.size == entry.size and base.mtime == entry.mtime
        if next(iter(self._known.base_children(node)), None) is None:
            return True
        return any(self._was_in(child, node) for child in self._below.get(entry.path, ()))

    def _was_in(self, child: Entry, folder: NodeId) -> bool:
        found = self._known.base_entry(folder, _split(child.path)[1])
        if found is not None and (found.kind is Kind.FOLDER) is child.is_folder:
            return True
        node = (
            self._known.base_by_inode(child.inode) if child.inode and self._trust_inodes else None
        )
        base = self._known.base(node) if node is not None else None
        if (
            base is None
            or base.parent != folder
            or (base.kind is Kind.FOLDER) is not child.is_folder
        ):
            return False
        return child.is_folder or (base.size == child.size and base.mtime == child.mtime)

    def _by_path(self, entry: Entry) -> bool:
        """Settles an entry whose folder is settled, and that is claimed or where a base node not
        seen elsewhere is."""
        head, name = _split(entry.path)
        parent = self._folders.get(head, NodeId(0))
        node = self._claims.get(entry.path)
        if parent == SKIPPED:
            self._folders[entry.path] = SKIPPED
            if node is not None:
                self._tree.note_unknown(node, Phrase("its folder could not be read"))
            return True
        if parent <= 0:
            return False
        if node is None:
            base = self._known.base_entry(parent, name)
            if (
                base is None
                or (base.kind is Kind.FOLDER) is not entry.is_folder
                or self._is_seen(base.node)
            ):
                return False
            node = base.node
        self._place(entry, node, parent, name)
        return True

    def _match_entry(self, entry: Entry, missing: dict[tuple[object, ...], list[NodeId]]) -> None:
        if self._by_path(entry):
            return
        head, name = _split(entry.path)
        parent = self._folders.get(head, NodeId(0))
        if parent <= 0:  # its folder was a duplicate, or no folder
            self._problems.setdefault(
                head, Phrase("the server listed {path} without its folder", path=repr(entry.path))
            )
            return
        node = self._untold_move(entry, missing) or self._local_twin(entry, parent, name)
        if node is None:
            node = self._tree.new_node()
            self._new.append(Likeness(node, parent, name, entry.is_folder, entry.size))
            self._note_twice(entry, node)
        self._place(entry, node, parent, name)

    def _note_twice(self, entry: Entry, node: NodeId) -> None:
        if not entry.is_folder or not entry.inode:
            return
        other = self._known.base_by_inode(entry.inode)
        base = self._known.base(other) if other is not None and self._is_seen(other) else None
        is_known = base is not None and (base.kind, base.inode) == (Kind.FOLDER, entry.inode)
        if is_known or entry.inode in self._new_folders:
            self._tree.twice[node] = entry.inode
        self._new_folders.add(entry.inode)

    def _note_kin(self) -> None:
        """What is new may be something that was renamed and edited: by who had its place, and moved
        on, or is gone."""
        for new in self._new:
            before = self._known.base_entry(new.parent, new.name)
            if before is not None and (before.kind is Kind.FOLDER) is new.is_folder:
                self._tree.kin[new.node] = before.node
        rest = [each for each in self._new if each.node not in self._tree.kin]
        if rest:
            self._tree.kin |= kin(self._gone(), rest)

    def _gone(self) -> Iterator[Likeness]:
        for node in self._unseen():
            base = self._known.base(node)
            if (
                base is not None
                and self._known.local(node) is not None
                and self._tree.unknown(node) is None
            ):
                yield Likeness(node, base.parent, base.name, base.kind is Kind.FOLDER, base.size)

    def _untold_move(
        self, entry: Entry, missing: dict[tuple[object, ...], list[NodeId]]
    ) -> NodeId | None:
        found = [
            node
            for node in missing.get(_likeness(entry), ())
            if not self._is_seen(node) and (not entry.inode or self._is_untold(node))
        ]
        base = self._known.base(found[0]) if len(found) == 1 else None
        if base is not None and self._agrees(entry, found[0], base):
            return found[0]
        return None

    def _missing_untold(self) -> dict[tuple[object, ...], list[NodeId]]:
        """What the listing did not show and whose inode is not known, by what it looks like; with
        those whose inode is known, where an entry tells none. What lies where it could not read is
        not missing."""
        missing: dict[tuple[object, ...], list[NodeId]] = {}
        unread = self._unread()
        all_of_them = any(not entry.inode for entry in self._entries)
        for node in [each for each in self._known.base_nodes() if not self._is_seen(each)]:
            base = self._known.base(node)
            if base is not None and (all_of_them or self._is_untold(node)):
                if unread and self._lies_in(node, unread):
                    continue
                folder = base.kind is Kind.FOLDER
                key = (True, base.name) if folder else (False, base.name, base.size, base.mtime)
                missing.setdefault(key, []).append(node)
        return missing

    def _is_untold(self, node: NodeId) -> bool:
        base = self._known.base(node)
        return base is not None and (base.inode == 0 or not self._trust_inodes)

    def _unread(self) -> set[NodeId]:
        """The nodes that were where the listing had a problem."""
        found: set[NodeId] = set()
        for path in self._problems:
            head, name = _split(path)
            parent = self._folders.get(head, NodeId(0))
            base = self._known.base_entry(parent, name) if parent > 0 else None
            if path and base is not None:
                found.add(base.node)
        return found | ({ROOT} if "" in self._problems else set())

    def _lies_in(self, node: NodeId, folders: set[NodeId]) -> bool:
        """Whether the node is one of them, or was below one."""
        while node not in folders:
            base = self._known.base(node)
            if base is None or node == ROOT:
                return False
            node = base.parent
        return True

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
        self._moving.discard(node)
        if (
            holder is not None
            and holder != node
            and self._is_seen(holder)
            and holder not in self._moving
        ):
            self._problems[entry.path] = Phrase("the server listed it twice")
            self._see(node)
            self._folders[entry.path] = SKIPPED
            if self._known.base(node) is not None:
                self._tree.note_unknown(node, Phrase("the server listed it twice"))
            return
        self._see(node)
        if entry.is_folder:
            self._folders[entry.path] = node
        self._tree.note_seen(node, entry.as_remote(parent, name))

    # problems -------------------------------------------------------------------------------------

    def _note_problem(self, path: str, why: str) -> None:
        """Makes the node at that path unknown: the listed one, else the base's, else the one that
        has this name for a moment, else a local one, else a new one."""
        parent, name = ROOT, ""
        node: NodeId | None = ROOT
        for name in path.split("/") if path else ():
            if node is None:  # below a folder that nobody knows
                return
            parent, node = node, self._tree.child(node, name)
        if node is not None:
            self._tree.note_unknown(node, why)
            return
        given = node_of_swap_name(name, self._tag)
        if given is not None and not self._is_seen(NodeId(given)) and self._is_ours(NodeId(given)):
            self._tree.note_unknown(NodeId(given), why)
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
