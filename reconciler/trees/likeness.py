"""Whose place something new on the server takes, as far as that can be guessed: which of what is
gone it is most like.

Mode, owner and extended attributes exist here alone. They belong to the node, and what is renamed
*and* edited on the server between two looks comes as another node (a rename keeps the inode, an
edit changes it). The new one is given what its likely former self has here, so that a script stays
executable. It is nothing but a guess at attributes: contents, places and conflicts are settled
without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from reconciler.model import NodeId

CROWD = 40
"""Where more files of one kind went from a folder, or came, names are not compared."""

ALIKE = 0.6
"""From this likeness of their names on (0 to 1), files can be one among several."""


@dataclass(frozen=True, slots=True)
class Known:
    """Something that is gone, or new: where, and what it looks like."""

    node: NodeId
    parent: NodeId
    name: str
    is_folder: bool
    size: int

    @property
    def extension(self) -> str:
        stem, dot, extension = self.name.rpartition(".")
        return extension.lower() if dot and stem else ""


_Key = Callable[[Known], Hashable]


def kin(gone: Iterable[Known], new: Iterable[Known]) -> dict[NodeId, NodeId]:
    """Node of something new → node of the one that is gone and that it is taken for, each at most
    once. ``new`` has folders before what is in them.

    Equal names in folders that are kin come first, then a name that one alone had and one alone
    has, then, in one folder, files of one extension: if there is one of each, or by their names and
    sizes.
    """
    matching = _Matching(gone)
    rest = [each for each in new if not matching.by_place(each)]
    rest = matching.by_name(rest)
    # in folders that were found by their names
    rest = [each for each in rest if not matching.by_place(each)]
    matching.by_likeness(rest)
    return matching.found


class _Matching:
    def __init__(self, gone: Iterable[Known]) -> None:
        self._left = {each.node: each for each in gone}
        self._places = {
            (each.parent, each.name, each.is_folder): each.node for each in self._left.values()
        }
        self.found: dict[NodeId, NodeId] = {}

    def _former(self, parent: NodeId) -> NodeId:
        """The folder that something was in, if it is in this one now."""
        return self.found.get(parent, parent)

    def _pair(self, new: Known, gone: NodeId) -> None:
        self.found[new.node] = gone
        del self._left[gone]

    def by_place(self, new: Known) -> bool:
        gone = self._places.get((self._former(new.parent), new.name, new.is_folder))
        if gone is None or gone not in self._left:
            return False
        self._pair(new, gone)
        return True

    def by_name(self, new: Iterable[Known]) -> list[Known]:
        """What is left of the new ones."""
        had = _grouped(self._left.values(), lambda each: (each.name, each.is_folder))
        rest = []
        for key, group in _grouped(new, lambda each: (each.name, each.is_folder)).items():
            if len(group) == 1 == len(had.get(key, ())):
                self._pair(group[0], had[key][0].node)
            else:
                rest += group
        return rest

    def by_likeness(self, new: Iterable[Known]) -> None:
        files = [each for each in self._left.values() if not each.is_folder]
        had = _grouped(files, lambda each: (each.parent, each.extension))
        has = _grouped(
            (each for each in new if not each.is_folder),
            lambda each: (self._former(each.parent), each.extension),
        )
        for key, group in has.items():
            before = had.get(key, [])
            if len(group) == 1 == len(before):
                self._pair(group[0], before[0].node)
            elif len(group) <= CROWD and len(before) <= CROWD:
                self._by_scores(group, before)

    def _by_scores(self, new: list[Known], gone: list[Known]) -> None:
        """Who is each other's best, and better than any other."""
        scores = {(a.node, b.node): _likeness(a, b) for a in new for b in gone}
        for a in new:
            best = _best({b.node: scores[a.node, b.node] for b in gone})
            if best is not None and _best({c.node: scores[c.node, best] for c in new}) == a.node:
                self._pair(a, best)


def _best(scores: dict[NodeId, tuple[float, float]]) -> NodeId | None:
    """The one with the highest score, if it is alike enough and no other has that."""
    ranked = sorted(scores, key=lambda node: scores[node], reverse=True)
    if not ranked or scores[ranked[0]][0] < ALIKE:
        return None
    return None if len(ranked) > 1 and scores[ranked[0]] == scores[ranked[1]] else ranked[0]


def _likeness(a: Known, b: Known) -> tuple[float, float]:
    """Of the names, then of the sizes."""
    names = SequenceMatcher(None, a.name, b.name, autojunk=False).ratio()
    return names, min(a.size, b.size) / max(a.size, b.size, 1)


def _grouped(items: Iterable[Known], key: _Key) -> dict[Hashable, list[Known]]:
    groups: defaultdict[Hashable, list[Known]] = defaultdict(list)
    for each in items:
        groups[key(each)].append(each)
    return groups
