"""What the driver has open: one context for each handle of a program."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncin_winfsp.paths import Listing


class Access(enum.IntFlag):
    """What a handle was granted, from Microsoft's winnt.h."""

    READ_DATA = 0x1
    WRITE_DATA = 0x2
    APPEND_DATA = 0x4
    EXECUTE = 0x20
    DELETE = 0x10000


WRITES: Final = Access.WRITE_DATA | Access.APPEND_DATA
DATA: Final = WRITES | Access.READ_DATA | Access.EXECUTE


class Option(enum.IntFlag):
    """How a file is opened, from Microsoft's winternl.h (NtCreateFile)."""

    DIRECTORY_FILE = 0x1
    NON_DIRECTORY_FILE = 0x40
    DELETE_ON_CLOSE = 0x1000


class Context:
    """One handle. ``parent`` and ``name`` are the place by which it was opened, or to which it was
    moved since. ``reader`` and ``writer`` are handles of the file system, made when they are first
    needed: opening waits for no content. ``written`` is the last time that the program set (ns
    since 1970): what it writes afterwards by this handle leaves it as it is. ``listing`` is what a
    folder showed when its listing began."""

    __slots__ = (
        "ino",
        "is_folder",
        "listing",
        "name",
        "opening",
        "parent",
        "pinned",
        "reader",
        "writer",
        "written",
    )

    def __init__(self, ino: int, parent: int, name: bytes, *, is_folder: bool) -> None:
        self.ino = ino
        self.parent = parent
        self.name = name
        self.is_folder = is_folder
        self.pinned = False
        self.reader: int | None = None
        self.writer: int | None = None
        self.written: int | None = None
        self.listing: Listing | None = None
        self.opening = trio.Lock()


class Contexts:
    """All that are open, by inode."""

    def __init__(self) -> None:
        self._by_ino: dict[int, set[Context]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_ino.values()))

    def __iter__(self) -> Iterator[Context]:
        return iter([each for same in self._by_ino.values() for each in same])

    def of(self, ino: int) -> Iterator[Context]:
        """Those of one inode."""
        return iter(list(self._by_ino.get(ino, ())))

    def is_known(self, ino: int) -> bool:
        """Whether somebody has the inode open."""
        return ino in self._by_ino

    def add(self, context: Context) -> None:
        """It was opened."""
        self._by_ino.setdefault(context.ino, set()).add(context)

    def remove(self, context: Context) -> None:
        """It was closed."""
        same = self._by_ino.get(context.ino)
        if same is not None:
            same.discard(context)
            if not same:
                del self._by_ino[context.ino]

    def move(self, context: Context, ino: int) -> None:
        """The handle belongs to another inode now."""
        self.remove(context)
        context.ino = ino
        self.add(context)
