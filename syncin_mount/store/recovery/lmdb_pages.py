"""The index's file read without LMDB, for ``check`` and ``repair``: LMDB takes its own pages on
trust, and a damaged one ends the process (SIGSEGV, SIGBUS) or is read as something else.

What is borrowed is the format of LMDB 0.9 on 64 bits, little-endian (lmdb.h, mdb.c; data version
1): pages of one size, the first two of them meta pages, of which the one with the greater
transaction number counts. A meta page names the roots of two trees: that of free pages, and the
main one, whose values are the roots of the named tables. Every page begins with its own number.
Pages of another commit may have any content, but none that is reachable from a root.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.phrases import Phrase

_PAGE: Final = struct.Struct("<QHHHH")  # number, padding, flags, lower, upper
_META: Final = struct.Struct("<IIQQ")  # magic, version, address, map size
# padding, flags, depth, branch pages, leaves, overflow pages, entries, root
_TREE: Final = struct.Struct("<IHHQQQQQ")
_LAST: Final = struct.Struct("<QQ")  # last page, transaction
_NODE: Final = struct.Struct("<HHHH")
_NUMBER: Final = struct.Struct("<Q")
_MAGIC, _VERSION = 0xBEEFC0DE, 1
_BRANCH, _LEAF, _OVERFLOW, _META_PAGE = 1, 2, 4, 8
_BIG, _SUBTREE = 1, 2
_NOTHING: Final = (1 << 64) - 1
_SIZES: Final = tuple(1 << power for power in range(8, 17))
_DEEPEST: Final = 32


class Root(NamedTuple):
    """A tree: the number of its first page, or None when it is empty, and how many entries it says
    to have."""

    page: int | None
    entries: int


class _Meta(NamedTuple):
    transaction: int
    page_size: int
    last: int
    free: Root
    main: Root


class IndexFile:
    """``data.mdb`` as of its last commit. ``faults`` grows while it is read, one clause for people
    each. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._data: bytes | mmap.mmap = b""
        if path.exists() and path.stat().st_size:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.faults: list[str] = []
        self._seen: set[int] = set()
        metas = [meta for meta in (self._meta(0), self._meta(1)) if meta is not None]
        self._meta_read = max(metas, default=None)
        self._size = 4096
        self._roots: dict[bytes, Root] = {}
        if self._meta_read is None:
            self.faults.append(Phrase("it has no readable first page"))
            return
        self._size = self._meta_read.page_size
        if len(metas) < 2:
            self.faults.append(
                Phrase("one of its two first pages is damaged, perhaps that of the last commit")
            )
        for name, value in self._walk(self._meta_read.main, tables=True):
            if len(value) == _TREE.size:
                self._roots[name] = _root(value, 0)
            else:
                self.faults.append(Phrase("its table {name} has no root", name=repr(name)))

    @property
    def tables(self) -> list[str]:
        return [os.fsdecode(name) for name in self._roots]

    def table(self, name: str) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values, as far as they can be read. Once for each table."""
        root = self._roots.get(os.fsencode(name))
        if root is None:
            self.faults.append(Phrase("its table '{name}' is missing", name=name))
            return
        count, before = 0, b""
        for place, value in self._walk(root):
            if count and place <= before:
                self.faults.append(Phrase("the order of its table '{name}' is damaged", name=name))
            count, before = count + 1, place
            yield place, value
        if count != root.entries:
            self.faults.append(
                Phrase(
                    "its table '{name}' should have {entries} entries, and {readable} can be read",
                    name=name,
                    entries=root.entries,
                    readable=count,
                )
            )

    def check_free(self) -> None:
        """Whether a page that is in use counts as free: LMDB would write over it. To be called when
        every table was read."""
        if self._meta_read is None:
            return
        for _, value in self._walk(self._meta_read.free):
            pages = [_NUMBER.unpack_from(value, at)[0] for at in range(8, len(value) - 7, 8)]
            if len(value) < 8 or _NUMBER.unpack_from(value, 0)[0] > len(pages):
                self.faults.append(Phrase("its list of free pages is damaged"))
            elif not self._seen.isdisjoint(pages[: _NUMBER.unpack_from(value, 0)[0]]):
                self.faults.append(Phrase("pages that are in use count as free"))

    def is_complete(self) -> bool:
        """Whether the file has every page that its last commit may name. A shorter one can be whole
        all the same: its last pages may have been free when it was written."""
        return self._meta_read is not None and len(self._data) >= self.used_bytes()

    def used_bytes(self) -> int:
        """The length of a file with all pages that its last commit may name. The file itself may
        be longer: on Windows LMDB makes it as long as its map."""
        return 0 if self._meta_read is None else (self._meta_read.last + 1) * self._size

    # pages ----------------------------------------------------------------------------------------

    def _meta(self, number: int) -> _Meta | None:
        """The second one lies behind the first, at a page size that only these pages tell."""
        for size in _SIZES if number else _SIZES[:1]:
            start = size * number
            if len(self._data) < start + _PAGE.size + _META.size + 2 * _TREE.size + _LAST.size:
                continue
            page, _, flags, _, _ = _PAGE.unpack_from(self._data, start)
            magic, version, _, _ = _META.unpack_from(self._data, start + _PAGE.size)
            if (page, magic, version) != (number, _MAGIC, _VERSION) or not flags & _META_PAGE:
                continue
            trees = start + _PAGE.size + _META.size
            found = _TREE.unpack_from(self._data, trees)[0]
            last, transaction = _LAST.unpack_from(self._data, trees + 2 * _TREE.size)
            if found in _SIZES and (number == 0 or found == size):
                free, main = _root(self._data, trees), _root(self._data, trees + _TREE.size)
                return _Meta(transaction, found, last, free, main)
        return None

    def _walk(self, root: Root, *, tables: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """The entries of a tree by key; what cannot be read is noted and left out."""
        todo = [(root.page, 1)] if root.page is not None else []
        while todo:
            number, depth = todo.pop()
            kind = self._take(number, depth)
            start = number * self._size
            below = []
            for place in self._places(number) if kind else ():
                low, high, flags, length = _NODE.unpack_from(self._data, start + place)
                first = start + place + _NODE.size
                if first + length > start + self._size:
                    self.faults.append(Phrase("page {number} is damaged", number=number))
                elif kind == _BRANCH:
                    below.append((low | high << 16 | flags << 32, depth + 1))
                elif tables == bool(flags & _SUBTREE):
                    value = self._value(number, first + length, low | high << 16, flags)
                    if value is not None:
                        yield self._data[first : first + length], value
                else:
                    self.faults.append(Phrase("page {number} is another tree's", number=number))
            todo += reversed(below)

    def _take(self, number: int, depth: int) -> int:
        """The page's kind, 0 for a page that is none of a tree's, or was met before."""
        start = number * self._size
        if number < 2 or start + self._size > len(self._data) or depth > _DEEPEST:
            self.faults.append(Phrase("page {number} is not there", number=number))
            return 0
        page, _, flags, lower, upper = _PAGE.unpack_from(self._data, start)
        kind: int = flags & (_BRANCH | _LEAF | _OVERFLOW | _META_PAGE)
        if (
            page != number
            or kind not in {_BRANCH, _LEAF}
            or not _PAGE.size <= lower <= upper <= self._size
        ):
            self.faults.append(Phrase("page {number} is damaged", number=number))
            return 0
        if number in self._seen:
            self.faults.append(Phrase("page {number} is used twice", number=number))
            return 0
        self._seen.add(number)
        return kind

    def _places(self, number: int) -> Iterator[int]:
        """Where the page's nodes begin."""
        start = number * self._size
        lower, upper = _PAGE.unpack_from(self._data, start)[3:]
        for at in range(_PAGE.size, lower, 2):
            place = int.from_bytes(self._data[start + at : start + at + 2], "little")
            if upper <= place <= self._size - _NODE.size:
                yield place
            else:
                self.faults.append(Phrase("page {number} is damaged", number=number))

    def _value(self, number: int, first: int, length: int, flags: int) -> bytes | None:
        if not flags & _BIG:
            if first + length <= (number + 1) * self._size:
                return self._data[first : first + length]
            self.faults.append(Phrase("page {number} is damaged", number=number))
            return None
        if first + _NUMBER.size > (number + 1) * self._size:
            self.faults.append(Phrase("page {number} is damaged", number=number))
            return None
        far = _NUMBER.unpack_from(self._data, first)[0]
        start, count = far * self._size, -(-(length + _PAGE.size) // self._size)
        if far < 2 or start + count * self._size > len(self._data):
            self.faults.append(Phrase("page {number} is not there", number=far))
            return None
        page, _, kind, _, _ = _PAGE.unpack_from(self._data, start)
        pages = set(range(far, far + count))
        if page != far or not kind & _OVERFLOW or not self._seen.isdisjoint(pages):
            self.faults.append(Phrase("page {number} is damaged", number=far))
            return None
        self._seen |= pages
        return self._data[start + _PAGE.size : start + _PAGE.size + length]


def _root(data: bytes | mmap.mmap, at: int) -> Root:
    *_, entries, page = _TREE.unpack_from(data, at)
    return Root(None if page == _NOTHING else page, entries)
