"""The names of folders by a key that several names may have: one that leaves case out, say.

Owns: nothing in the index. The keys of a folder are made when it is first asked for, kept up to
date with its entries, and forgotten when many others were asked for since. So the index on the disk
is the same with and without them, and an older program finds what it left.

Of names with one key, those that were there when the folder's keys were made stand in the order of
their nodes' numbers, and new ones come last: the first stays first for as long as it is there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

MAX_NAMES = 200_000
"""Names of all folders together that are remembered: some 40 MB. The folder that was just asked
for is remembered however large it is."""

Entry = tuple[bytes, int]
"""A name and its node."""


class NameKeys:
    """``children`` gives a folder's entries, ``key_of`` a name's key."""

    def __init__(
        self, children: Callable[[int], list[Entry]], key_of: Callable[[bytes], str]
    ) -> None:
        self._children = children
        self._key_of = key_of
        self._folders: OrderedDict[int, dict[str, list[Entry]]] = OrderedDict()
        self._sizes: dict[int, int] = {}
        self._names = 0

    def find(self, parent: int, key: str) -> list[Entry]:
        """The entries of a folder whose names have this key; none for what is no folder."""
        keys = self._folders.get(parent)
        if keys is None:
            keys = self._make(parent)
        else:
            self._folders.move_to_end(parent)
        return list(keys.get(key, ()))

    def _make(self, parent: int) -> dict[str, list[Entry]]:
        entries = self._children(parent)
        entries.sort(key=lambda entry: entry[1])
        keys: dict[str, list[Entry]] = {}
        for entry in entries:
            keys.setdefault(self._key_of(entry[0]), []).append(entry)
        self._folders[parent] = keys
        self._sizes[parent] = len(entries)
        self._names += len(entries)
        while self._names > MAX_NAMES and len(self._folders) > 1:
            self._forget(next(iter(self._folders)))
        return keys

    def _forget(self, parent: int) -> None:
        del self._folders[parent]
        self._names -= self._sizes.pop(parent)

    def remembered_names(self) -> int:
        """How many names are remembered."""
        return self._names

    def put(self, parent: int, name: bytes, node: int) -> None:
        """The folder has this entry now, in place of one of the same name."""
        keys = self._folders.get(parent)
        if keys is None:
            return
        same = keys.setdefault(self._key_of(name), [])
        for at, (each, _) in enumerate(same):
            if each == name:
                same[at] = name, node
                return
        same.append((name, node))
        self._sizes[parent] += 1
        self._names += 1

    def drop(self, parent: int, name: bytes) -> None:
        """The folder has no entry of this name any more."""
        keys = self._folders.get(parent)
        if keys is None:
            return
        key = self._key_of(name)
        same = keys.get(key, [])
        left = [entry for entry in same if entry[0] != name]
        gone = len(same) - len(left)
        if left:
            keys[key] = left
        else:
            keys.pop(key, None)
        self._sizes[parent] -= gone
        self._names -= gone

    def forget_all(self) -> None:
        """The entries may be others."""
        self._folders.clear()
        self._sizes.clear()
        self._names = 0
