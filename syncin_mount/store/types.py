"""What the store tells the file system about nodes, operations, the bin and changes.

Names are ``bytes`` here, as the kernel gives them. Times are ns since the epoch, sizes bytes.
"""

from __future__ import annotations

import enum
import stat

import msgspec

from reconciler.model import Kind, NodeId


class NodeType(enum.IntEnum):
    """What a node is on this computer. The numbers are part of the record format."""

    FILE = 0
    FOLDER = 1
    SYMLINK = 2
    FIFO = 3
    SOCKET = 4
    BLOCK = 5
    CHAR = 6


TYPES = tuple(NodeType)
TYPE_BITS = (
    stat.S_IFREG,
    stat.S_IFDIR,
    stat.S_IFLNK,
    stat.S_IFIFO,
    stat.S_IFSOCK,
    stat.S_IFBLK,
    stat.S_IFCHR,
)
KINDS = (Kind.FILE, Kind.FOLDER, Kind.OTHER, Kind.OTHER, Kind.OTHER, Kind.OTHER, Kind.OTHER)


class Attr(msgspec.Struct, frozen=True, gc=False):
    """A node's attributes. ``mode`` is the permission bits alone; ``st_mode`` has the type too."""

    node: NodeId
    ino: int
    kind: NodeType
    mode: int
    nlink: int
    uid: int
    gid: int
    rdev: int
    size: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    birth_ns: int
    version: int
    present: bool
    target: bytes

    @property
    def st_mode(self) -> int:
        return TYPE_BITS[self.kind] | self.mode


class Status(enum.Enum):
    """How a node stands towards the server, for people."""

    SYNCED = "synced"
    CHANGED = "changed"  # waits to be sent
    ABSENT = "absent"  # equal to the server's, content not here
    LOCAL_ONLY = "local only"  # the server cannot hold it


class OpKind(enum.Enum):
    """What the user did."""

    CREATE = "create"
    WRITE = "write"
    RENAME = "rename"
    REMOVE = "remove"
    TIMES = "times"


class Operation(msgspec.Struct, frozen=True):
    """One local operation that the server does not have yet. Paths are those of its time, names
    joined by ``/``."""

    sequence: int
    kind: OpKind
    node: NodeId
    path: str
    new_path: str | None
    time_ns: int


class BinEntry(msgspec.Struct, frozen=True):
    """Something in the bin: a file, or a folder with what of it was kept. ``path`` is where it
    was."""

    sequence: int
    name: bytes
    path: str
    is_folder: bool
    files: int
    size: int
    time_ns: int
    why: str

    @property
    def mark(self) -> str:
        """A word that no other entry of any bin has, and that it keeps in the desktop's trash."""
        return f"{self.sequence}-{self.time_ns}"


class Awaited(msgspec.Struct, frozen=True):
    """What has to be on the disk before effects are done: those of the events up to number
    ``until``.

    ``contents`` are (node, version) of contents that replaced another one and may not be on the
    disk. ``names``: files change their names as well, which only a sync of the whole file system
    brings to the disk.
    """

    until: int
    contents: list[tuple[NodeId, int]]
    names: bool
