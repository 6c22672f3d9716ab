"""What listeners are told when the reconciler changes the replica. Local operations tell nobody:
the kernel knows."""

from __future__ import annotations

import msgspec

from syncin_mount.store.types import Attr


class EntryChanged(msgspec.Struct, frozen=True):
    """The name under this folder now leads to another inode, or to none, or to one for the first
    time."""

    parent_ino: int
    name: bytes


class AttrChanged(msgspec.Struct, frozen=True):
    """The inode's attributes are others; its content is not."""

    ino: int


class InodeUnnamed(msgspec.Struct, frozen=True):
    """The inode lost its name, or its name leads to another one now. Whoever has it keeps it."""

    ino: int


class NameChanged(msgspec.Struct, frozen=True):
    """What became of a name: ``was`` had it before (None: nothing), or what has the name ``to``
    (the folder's inode, the name) now had this one. Told after the changes above, for who tells
    people: the name may have gone on since."""

    parent_ino: int
    name: bytes
    was: Attr | None = None
    to: tuple[int, bytes] | None = None


Change = EntryChanged | AttrChanged | InodeUnnamed | NameChanged
