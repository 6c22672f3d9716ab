"""What listeners are told when the reconciler changes the replica. Local operations tell nobody: the kernel knows."""

from __future__ import annotations

import msgspec


class EntryChanged(msgspec.Struct, frozen=True):
    """The name under this folder now leads to another inode, or to none, or to one for the first time."""

    parent_ino: int
    name: bytes


class AttrChanged(msgspec.Struct, frozen=True):
    """The inode's attributes are others; its content is not."""

    ino: int


class InodeUnnamed(msgspec.Struct, frozen=True):
    """The inode lost its name, or its name leads to another one now. Whoever has it keeps it."""

    ino: int


Change = EntryChanged | AttrChanged | InodeUnnamed
