"""The server's tree by node: the base, corrected by what an observation and the actions since have
shown to differ."""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Protocol

from reconciler.lookups import BaseEntry
from reconciler.model import ROOT, Base, Kind, Local, NodeId, Place, Remote
from reconciler.phrases import Phrase

FILTERED = Phrase("it is left out by a filter")
"""Why the state of something on the server is not known, though it could be."""


class Known(Protocol):
    """The part of ``ports.Replica`` that an observation needs. All look-ups, but for ``new_id``."""

    def base(self, node: NodeId) -> Base | None: ...
    def base_entry(self, parent: NodeId, name: str) -> BaseEntry | None: ...
    def base_by_inode(self, inode: int) -> NodeId | None: ...
    def base_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]: ...
    def base_nodes(self) -> Iterator[NodeId]: ...
    def local(self, node: NodeId) -> Local | None: ...
    def local_child(self, parent: NodeId, name: str) -> NodeId | None: ...
    def local_children(self, node: NodeId) -> Iterator[tuple[str, NodeId]]: ...
    def new_id(self) -> NodeId: ...


class _Ranges:
    """Numbers that are added in rising order, most of them in a row."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def add(self, number: int) -> None:
        if self._stops and self._stops[-1] == number:
            self._stops[-1] += 1
        else:
            self._starts.append(number)
            self._stops.append(number + 1)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._starts, number) - 1
        return at >= 0 and number < self._stops[at]


class RemoteTree:
    """The server's tree by node: the base, corrected by what is known to differ.

    The executor notes with ``set`` what each action left on the server, before or after it advances
    the base.
    """

    __slots__ = (
        "_differs",
        "_hiding",
        "_known",
        "_nameless",
        "_new",
        "_placed",
        "_unknown",
        "doubts",
        "kin",
        "learned",
        "moves",
        "restored",
        "twice",
        "unproved",
        "unreadable",
    )

    def __init__(self, known: Known) -> None:
        self._known = known
        self._differs: dict[NodeId, Remote | None] = {}
        self._placed: dict[NodeId, dict[str, NodeId]] = {}  # parent -> children among _differs
        self._unknown: dict[NodeId, str] = {}
        self._nameless: dict[NodeId, Place] = {}  # unreadable entries that no other node stands for
        self._hiding: set[NodeId] = set()
        self.learned: list[tuple[NodeId, Base]] = []
        """Bases that only gain what the server had not told before (inode, checksum)."""
        self.kin: dict[NodeId, NodeId] = {}
        """What is new there → what it is most like of what had its place or is gone (see
        ``kinship``)."""
        self._new = _Ranges()
        self.doubts: dict[NodeId, Remote] = {}
        """Files of which only size and second say that they are the base's: another inode says that
        they may not be."""
        self.moves: set[NodeId] = set()
        """Of the doubts, those about who is who: files that moved by inode, size and second, though
        these may agree by chance. A later listing raises no such doubt once the move is agreed
        on."""
        self.twice: dict[NodeId, int] = {}
        """Folders that nobody knew, and whose inode, which is told here, was listed for another
        folder, too."""
        self.unproved: frozenset[NodeId] = frozenset()
        """Of these, those that are still so: nothing may be done to them on the server."""
        self.unreadable: frozenset[str] = frozenset()
        """The paths of a listing that could not be read."""
        self.restored = False
        """Perhaps a backup was put back, whose trash knows nothing of what came after it: the bin
        here keeps that."""

    @classmethod
    def assumed(cls, known: Known) -> RemoteTree:
        """The server is taken to be as the base says; nothing was listed."""
        return cls(known)

    @contextlib.contextmanager
    def beside(self, known: Known) -> Iterator[None]:
        """Looks into this meanwhile: a snapshot of what it else looks into."""
        before, self._known = self._known, known
        try:
            yield
        finally:
            self._known = before

    def size(self) -> int:
        """About how many nodes differ."""
        return len(self._differs) + len(self._unknown)

    def get(self, node: NodeId) -> Remote | None:
        """The node's state on the server; None when it is not there. Says nothing for an
        ``unknown`` node."""
        if node in self._differs:
            return self._differs[node]
        base = self._known.base(node)
        if base is None:
            return None
        return base.on_server()

    def gone(self) -> bool:
        """Whether anything is not there that the base has."""
        return any(
            remote is None and self._known.base(node) is not None
            for node, remote in self._differs.items()
        )

    def mark_absences_unknown(self, why: str) -> None:
        """What is not there may be somewhere all the same: its state is not known."""
        for node in [node for node, remote in self._differs.items() if remote is None]:
            del self._differs[node]
            self._unknown[node] = why

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
            if not (base is None and remote is None) and not (
                base and remote and _same(base, remote)
            ):
                yield node
        yield from list(self._unknown)

    def is_as_agreed(self) -> bool:
        """Whether nothing differs from the base, and nothing is unknown but what a filter leaves
        out."""
        return all(self._unknown.get(node) == FILTERED for node in self.changed())

    def unknown(self, node: NodeId) -> str | None:
        """Why the server's state of the node is not known; None when it is. Below an unknown folder
        all is unknown that was not seen elsewhere."""
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
        names = [
            (name, child)
            for name, child in self._known.base_children(node)
            if child not in self._differs
        ]
        return iter([*(each for each in names if each[0] not in placed), *placed.items()])

    def hides(self, node: NodeId) -> bool:
        """Whether something was listed in this folder that a rule leaves out; it is not among the
        ``children``."""
        return node in self._hiding

    def path(self, node: NodeId) -> str:
        """Names from the root, joined by ``/``, where the node is on the server now. KeyError when
        it is not there."""
        names: list[str] = []
        while node != ROOT:
            place = self._nameless.get(node) or self.get(node)
            if place is None:
                raise KeyError(node)
            names.append(place.name)
            node = place.parent
        return "/".join(reversed(names))

    # what an observation fills in -----------------------------------------------------------------

    def note_absent(self, node: NodeId) -> None:
        self._differs[node] = None

    def note_unknown(self, node: NodeId, why: str) -> None:
        self._unknown[node] = why

    def note_unreadable(self, node: NodeId, place: Place, why: str) -> None:
        self._unknown[node] = why
        self._nameless[node] = place
        self._placed.setdefault(place.parent, {})[place.name] = node

    def withhold(self, folder: NodeId, why: str) -> None:
        """A listed folder, which nobody knew, is left alone with all that was listed below it."""
        nodes = [folder]
        for node in nodes:
            nodes.extend(child for _, child in self.children(node))
        for node in nodes:
            remote = self._differs.pop(node, None)
            if remote is not None and self._known.base(node) is None:
                self._nameless[node] = remote.place
            elif remote is not None and self._placed[remote.parent].get(remote.name) == node:
                del self._placed[remote.parent][remote.name]
            self._unknown[node] = why
            self.doubts.pop(node, None)
            self.moves.discard(node)

    def record_checked(self, node: NodeId, remote: Remote) -> None:
        """The node is so on the server, and there is nothing more to find out about it."""
        self.doubts.pop(node, None)
        self.moves.discard(node)
        self._put(node, remote)

    def doubt_move(self, node: NodeId, remote: Remote) -> None:
        """The node may be another than what was listed so."""
        self.doubts[node] = remote
        self.moves.add(node)

    def doubt_learned(self, nodes: Collection[NodeId]) -> None:
        """What was listed where these are may be others that look the same."""
        for node, base in self.learned:
            if node in nodes:
                self.doubts[node] = replace(base.on_server(), checksum=None, ms=None)
                self._put(node, self.doubts[node])
        self.learned = [each for each in self.learned if each[0] not in nodes]

    def part(self, wrong: dict[NodeId, Remote]) -> None:
        """These nodes are not what was listed so: what was listed is whoever has that place in the
        base and is nowhere else, else a new node; and each of these is what lies at its own place
        now."""
        for node in wrong:
            self._put(node, None)
        for remote in wrong.values():
            agreed = self._known.base_entry(remote.parent, remote.name)
            gone = agreed is not None and agreed.kind is Kind.FILE and agreed.node in self._differs
            if (
                agreed is not None
                and gone
                and self._differs[agreed.node] is None
                and self.unknown(agreed.node) is None
            ):
                self.note_seen(agreed.node, remote)
            else:
                self._put(self._made_here(remote) or self.new_node(), remote)
        for node in wrong:
            base = self._known.base(node)
            there = self.child(base.parent, base.name) if base is not None else None
            if (
                there is None
                or self._known.base(there) is not None
                or self._differs[node] is not None
            ):
                continue
            found = self.get(there)
            if found is not None and found.kind is Kind.FILE:
                self._put(there, None)
                self.note_seen(node, found)

    def _made_here(self, remote: Remote) -> NodeId | None:
        """The local file at that place, if it was made on both sides."""
        node = self._known.local_child(remote.parent, remote.name)
        local = self._known.local(node) if node is not None else None
        made = node is not None and self._known.base(node) is None and node not in self._differs
        return node if made and local is not None and local.kind is Kind.FILE else None

    def new_node(self) -> NodeId:
        """A number for what nobody knew."""
        node = self._known.new_id()
        self._new.add(node)
        return node

    def was_here(self, node: NodeId) -> bool:
        """Whether the number was another's before this listing: of something that was here then, or
        on the server."""
        return node not in self._new

    def note_hiding(self, folder: NodeId) -> None:
        self._hiding.add(folder)

    def note_seen(self, node: NodeId, remote: Remote) -> None:
        """Keeps what was listed, if it differs from the base; what only adds to the base is
        ``learned``. What is another
        file that looks the same is in ``doubts`` until somebody has compared the contents."""
        base = self._known.base(node)
        if base is not None and _is_another(base, remote):
            self.doubts[node] = remote
            self._put(node, remote)
        elif base is None or not _same(base, remote):
            self._put(node, remote)
        elif base.inode != remote.inode or (remote.checksum is not None and base.checksum is None):
            self.learned.append(
                (node, replace(base, inode=remote.inode, checksum=remote.checksum or base.checksum))
            )


def _is_another(base: Base, remote: Remote) -> bool:
    """Whether the server's file is not the one that was agreed on, and nothing else tells whether
    its content is."""
    if (
        remote.kind is not Kind.FILE
        or base.kind is not Kind.FILE
        or base.inode in (0, remote.inode)
    ):
        return False
    if remote.size == 0:
        return False
    told = base.checksum is not None and remote.checksum is not None
    return not told and (base.size, base.mtime) == (remote.size, remote.mtime)


def may_differ(base: Base, remote: Remote) -> bool:
    """Whether its inode alone tells that the server's content may be another than was agreed on: to
    give the base that inode would hide it."""
    return (
        remote.kind is Kind.FILE
        and base.inode not in (0, remote.inode)
        and (base.size, base.mtime) == (remote.size, remote.mtime)
        and (base.checksum is None or base.checksum != remote.checksum)
    )


def _same(base: Base, remote: Remote) -> bool:
    if base.name != remote.name or base.parent != remote.parent or base.kind is not remote.kind:
        return False
    if base.kind is Kind.FOLDER:
        return True
    if base.size != remote.size or base.mtime != remote.mtime:
        return False
    return base.checksum is None or remote.checksum is None or base.checksum == remote.checksum


def stays_here(known: Known, folder: NodeId) -> bool:
    """Whether a folder that the server no longer has stays here, or comes back, as it was moved
    here or has something in it that was made, moved into it or edited here."""
    todo = [folder]
    for node in todo:
        base, local = known.base(node), known.local(node)
        if local is None:
            continue
        if base is None or base.place != local.place:
            return True
        if local.kind is Kind.FILE and local.present and local.version != base.version:
            return True
        if local.kind is Kind.FOLDER:
            todo.extend(child for _, child in known.local_children(node))
    return False
