"""The records of the index, as msgpack arrays: a field's place is its meaning, so fields are only
added at the end.

FORMAT is the number of the whole layout (index, journal, objects, bin). A replica with a greater
one is refused. Names are bytes, times ns since the epoch, sizes bytes.
docs/reference/store-format.md lists the tables.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from reconciler.phrases import english

FORMAT: Final = 5

FILE, FOLDER = 0, 1  # NodeType numbers; anything greater exists locally only

U64 = struct.Struct(">Q")  # big-endian: LMDB sorts keys as bytes
U64X2 = struct.Struct(">QQ")
BASE_ENTRY = struct.Struct("<QBQqQ")  # node, kind, size, mtime, server inode
key = U64.pack


class Node(msgspec.Struct, array_like=True, gc=False):
    """The local state of a node (table ``nodes``); a node that is not here locally has none.

    ``owner`` and ``number`` name its content object, which need not exist while ``size`` is 0.
    ``links`` is 2 plus the number of subfolders for a folder, else the number of nodes that share
    the file (`syncin_mount.store.index.hard_links`). ``present`` is False for a file whose content
    is not here. ``writing`` holds from the first write until it is recorded. ``xattrs`` counts the
    node's extended attributes. ``doubtful`` is the version of which a power cut, or a write that
    the disk refused, may have left other bytes than were to be there, 0 for none. It holds for
    every later version too, which may have such bytes still, until one is agreed on or the content
    is replaced.
    """

    kind: int
    parent: int
    name: bytes
    mode: int
    uid: int
    gid: int
    size: int
    atime: int
    mtime: int
    ctime: int
    birth: int
    ino: int
    version: int
    links: int = 1
    owner: int = 0
    number: int = 0
    present: bool = True
    writing: bool = False
    xattrs: int = 0
    rdev: int = 0
    target: bytes = b""
    doubtful: int = 0


class BaseRecord(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """``reconciler.model.Base`` (table ``bases``); ``mtime`` is whole seconds."""

    kind: int
    parent: int
    name: bytes
    size: int
    mtime: int
    inode: int
    version: int
    checksum: str | None = None
    mtime_here: int | None = None
    ms: int | None = None
    former: int | None = None

    @property
    def local_mtime(self) -> int:
        """Whole seconds that the local file has as long as nobody sets another time."""
        return self.mtime if self.mtime_here is None else self.mtime_here


class PendingRecord(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A local operation that waits (table ``pending``, keyed by sequence number). ``kind`` is an
    OpKind's value."""

    kind: str
    node: int
    path: bytes
    new_path: bytes | None
    time: int


class BinRecord(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """Something in the bin (table ``bin``, keyed by the sequence number of the event that put it
    there)."""

    name: bytes
    path: bytes
    folder: bool
    files: int
    size: int
    time: int
    why: str


class UnconfirmedRecord(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """``reconciler.model.Unconfirmed``."""

    node: int
    name: bytes
    mtime: int
    version: int
    checksum: str
    new: bool
    mtime_here: int | None = None


class LeftoverRecord(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """``reconciler.model.Leftover`` (table ``leftovers``, keyed by parent and name)."""

    size: int
    seen: int = 0
    seen_size: int = 0
    seen_mtime_ms: int = 0
    unconfirmed: UnconfirmedRecord | None = None


class Effect(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """What is still to be done to files after a committed event (table ``effects``); doing it twice
    is harmless."""


class Unlink(Effect, frozen=True):
    """The content object is not needed any more.

    ``successor`` is the node whose content replaced it, 0 when nothing did. Should that content not
    reach the disk, the rest says what this one was: bytes, mtime, whether nobody else has it,
    whether it may not be on the disk itself.
    """

    owner: int
    number: int
    successor: int = 0
    size: int = 0
    mtime: int = 0
    is_sole_copy: bool = False
    unsynced: bool = False


class ToBin(Effect, frozen=True):
    """The content object goes to ``path`` inside the bin's folder of this event."""

    owner: int
    number: int
    path: bytes
    mtime: int


class CopyToBin(Effect, frozen=True):
    """A copy of the content object goes to ``path`` inside the bin's folder of this event: another
    node has it still, or the same event brings it to the bin under another path, too."""

    owner: int
    number: int
    path: bytes
    mtime: int


class LinkToBin(Effect, frozen=True):
    """A symbolic link is made at ``path`` inside the bin's folder of this event."""

    path: bytes
    target: bytes


class FolderToBin(Effect, frozen=True):
    """A folder is made at ``path`` inside the bin's folder of this event."""

    path: bytes


class NoteToBin(Effect, frozen=True):
    """The description beside the bin's folder of this event is written."""

    record: BinRecord


class FromBin(Effect, frozen=True):
    """A file of the bin's folder ``bin`` becomes a content object."""

    bin: int
    path: bytes
    owner: int
    number: int


class DropBin(Effect, frozen=True):
    """The bin's folder ``bin`` goes, with its description."""

    bin: int


AnyEffect = Unlink | ToBin | CopyToBin | LinkToBin | FolderToBin | NoteToBin | FromBin | DropBin

encode = msgspec.msgpack.Encoder(enc_hook=english).encode
decode_node = msgspec.msgpack.Decoder(Node).decode
decode_base = msgspec.msgpack.Decoder(BaseRecord).decode
decode_pending = msgspec.msgpack.Decoder(PendingRecord).decode
decode_bin = msgspec.msgpack.Decoder(BinRecord).decode
decode_leftover = msgspec.msgpack.Decoder(LeftoverRecord).decode
decode_effect = msgspec.msgpack.Decoder(AnyEffect).decode
