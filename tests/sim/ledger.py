"""Every version that anybody wrote, and which of them may be gone.

A version is told by its data, which begins with its number; its size is as good as any other's, and
some have the size of another one on purpose. A version may be gone when somebody who had it in
their tree wrote over it or deleted it themselves: it is *released* then.

What the server showed with one inode, size and second is one file to mode ``fast``, whatever its
content (docs/conflicts.md, "Edits that keep size and second"). Versions that were so are
*confused*.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

_LOT = 8192
FIRST = 64
"""Bytes that the smallest version has: what it begins with fits into them."""

_BEGINS = re.compile(rb"<version (\d+) by ")


class Ledger:
    """Numbers versions from 1; each has an author and a content of its own."""

    def __init__(self) -> None:
        self._data: list[bytes] = [b""]
        self._authors: list[str] = [""]
        self._told: defaultdict[tuple[int, int], defaultdict[int, set[int]]] = defaultdict(
            lambda: defaultdict(set)
        )
        self._untold: set[tuple[int, int]] = set()
        self._unnumbered: set[tuple[int, int, int]] = set()
        self._hidden: set[int] = set()
        self.written: set[int] = set()
        self.released: dict[int, str] = {}

    def new(self, author: str, before: int, *, lots: int = 0, size: int | None = None) -> int:
        """Another version, not written yet. ``before`` is the one that it takes the place of,
        ``lots`` adds bytes; ``size`` is that of another version."""
        number = len(self._data)
        if size is None:
            size = FIRST + 2 * number + 1 + _LOT * lots
        assert size >= FIRST
        tag = f"<version {number} by {author} after {before}>".encode()
        self._data.append((tag * (size // len(tag) + 1))[:size])
        self._authors.append(author)
        return number

    def data(self, number: int) -> bytes:
        return self._data[number]

    def part(self, number: int) -> bytes:
        """The beginning of a version, as a writer leaves it who is interrupted."""
        return self._data[number][:-1]

    def number(self, data: bytes | None) -> int:
        """The version that these bytes are; 0 for none (an interrupted one, a mixture, or
        nothing)."""
        found = _BEGINS.match(data) if data else None
        number = int(found[1]) if found is not None else 0
        return number if 0 < number < len(self._data) and self._data[number] == data else 0

    def identify(self, data: bytes) -> int | None:
        """As ``number``: 0 for the beginning of a version, None for what is nothing that anybody
        wrote."""
        number = self.number(data)
        if number:
            return number
        found = _BEGINS.match(data)
        begun = int(found[1]) if found is not None else 0
        if not data or (0 < begun < len(self._data) and self.part(begun) == data):
            return 0
        return None

    # what may be gone -----------------------------------------------------------------------------

    def release(self, number: int, why: str) -> bool:
        """Somebody who had this version did away with it. Whether that is new."""
        if not number or number in self.released:
            return False
        self.released[number] = why
        return True

    def hold_on(self, numbers: Iterable[int]) -> None:
        """It did not happen after all."""
        for number in numbers:
            self.released.pop(number, None)

    def must_be_kept(self) -> set[int]:
        return self.written - self.released.keys() - self._hidden

    def describe(self, number: int) -> str:
        return f"version {number} by {self._authors[number]}"

    # what clients can tell apart ------------------------------------------------------------------

    def shown(self, number: int, inode: int, size: int, mtime: int) -> None:
        """The server has this version with these; ``mtime`` in whole seconds. ``number`` is 0 for
        the beginning of one: what takes its place in it, and shows the same, nobody notices."""
        if not number:
            self._unnumbered.add((inode, size, mtime))
            return
        if (inode, size, mtime) in self._unnumbered:
            self._hidden.add(number)
        self._told[size, mtime][inode].add(number)

    def is_hidden(self, number: int) -> bool:
        """Whether it took the place of the beginning of a version, and shows the same."""
        return number in self._hidden

    def untold(self, size: int, mtime: int) -> None:
        """A client knows a version of this size and second, and not its inode."""
        self._untold.add((size, mtime))

    def is_untold(self, size: int, mtime: int) -> bool:
        """Whether a client knows such a version and not its inode."""
        return (size, mtime) in self._untold

    def known_as(self, inode: int, size: int, mtime: int) -> set[int]:
        """All versions that the server has had with these; with any inode where this one is none
        that it had."""
        found = self._told[size, mtime]
        return set(found.get(inode) or set().union(*found.values()))

    def confused(self) -> dict[int, frozenset[int]]:
        """Each version that looked like others to mode ``fast``, and all of these."""
        groups = [
            _between(each, found)
            for found in self._told.values()
            for each in found.values()
            if len(each) > 1
        ]
        groups += [
            set().union(*self._told[key].values()) for key in self._untold if key in self._told
        ]
        found: dict[int, frozenset[int]] = {}
        for group in groups:
            if len(group) < 2:
                continue
            merged = frozenset(group.union(*(found.get(number, ()) for number in group)))
            found.update(dict.fromkeys(merged, merged))
        return found


def _between(numbers: set[int], found: dict[int, set[int]]) -> set[int]:
    """The versions that had one inode, and those that came between with others. Who was told of the
    first and read one of those, takes the last for it when the inode is given out again."""
    least, most = min(numbers), max(numbers)
    others = (number for each in found.values() for number in each)
    return numbers | {number for number in others if least < number < most}
