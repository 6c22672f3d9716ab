"""What Windows is told of a file or folder, and what of it the replica keeps beside it. Pure."""

from __future__ import annotations

import enum
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from syncin_mount.store.types import NodeType
from syncin_winfsp.values.times import to_filetime

if TYPE_CHECKING:
    from syncin_mount.store import Attr

KEPT: Final = b"user.syncin.windows"
"""The extended attribute that keeps what no file has on Linux. It stays on this computer."""

CLUSTER: Final = 4096
"""Bytes that files take at a time, as on NTFS."""

INVALID: Final = 0xFFFFFFFF
"""INVALID_FILE_ATTRIBUTES: leave them as they are."""

WRITABLE: Final = 0o200


class Attribute(enum.IntFlag):
    """FILE_ATTRIBUTE_…, from Microsoft's winnt.h."""

    READONLY = 0x1
    HIDDEN = 0x2
    SYSTEM = 0x4
    DIRECTORY = 0x10
    ARCHIVE = 0x20
    NORMAL = 0x80
    OFFLINE = 0x1000
    NOT_CONTENT_INDEXED = 0x2000
    RECALL_ON_DATA_ACCESS = 0x400000


_OF_FILES: Final = (
    Attribute.HIDDEN | Attribute.SYSTEM | Attribute.ARCHIVE | Attribute.NOT_CONTENT_INDEXED
)
"""What is kept of a file. That it is read-only, its mode says."""
_OF_FOLDERS: Final = _OF_FILES | Attribute.READONLY
"""On a folder that means that it has an icon of its own (desktop.ini): its mode stays."""

_ABSENT: Final = Attribute.OFFLINE | Attribute.RECALL_ON_DATA_ACCESS
"""Explorer makes no thumbnails of such files, and scanners leave them out."""

_RECORD: Final = re.compile(rb"attributes=([0-9a-f]{1,8})(?: created=([0-9]{1,20}))?")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept beside a node. ``created`` is a FILETIME, 0: not known."""

    attributes: Attribute
    created: int = 0

    def encode(self) -> bytes:
        """The value of `KEPT`."""
        created = b" created=%d" % self.created if self.created else b""
        return b"attributes=%x" % self.attributes + created


def usual(*, is_folder: bool) -> Kept:
    """What a node has of which nothing is kept."""
    return Kept(Attribute(0) if is_folder else Attribute.ARCHIVE)


def decode(value: bytes | None, *, is_folder: bool) -> Kept:
    """What the extended attribute says; the usual for one that says nothing that can be read."""
    found = None if value is None else _RECORD.fullmatch(value)
    if found is None:
        return usual(is_folder=is_folder)
    mask = _OF_FOLDERS if is_folder else _OF_FILES
    created = int(found[2] or 0)
    return Kept(Attribute(int(found[1], 16)) & mask, created if created < 1 << 63 else 0)


def keep(asked: int, *, is_folder: bool) -> Attribute:
    """What of the attributes that a program sets is kept."""
    return Attribute(asked) & (_OF_FOLDERS if is_folder else _OF_FILES)


def mode_with(mode: int, asked: int) -> int:
    """The mode of a file for which a program sets these attributes."""
    return mode & ~0o222 if asked & Attribute.READONLY else mode | WRITABLE


@dataclass(frozen=True, slots=True)
class FileInfo:
    """FSP_FSCTL_FILE_INFO, as far as it is used. Times are FILETIMEs, sizes bytes."""

    attributes: int
    allocation_size: int
    file_size: int
    created: int
    accessed: int
    written: int
    changed: int
    index: int


def is_shown(attr: Attr) -> bool:
    """Whether Windows is shown it: links, pipes and devices it is not."""
    return attr.kind in {NodeType.FILE, NodeType.FOLDER}


def info_of(attr: Attr, kept: Kept) -> FileInfo:
    """What Windows is told."""
    is_folder = stat.S_ISDIR(attr.st_mode)
    size = 0 if is_folder else attr.size
    return FileInfo(
        attributes=_attributes(attr, kept, is_folder=is_folder),
        allocation_size=-(-size // CLUSTER) * CLUSTER,
        file_size=size,
        created=kept.created or to_filetime(attr.birth_ns or attr.mtime_ns),
        accessed=to_filetime(attr.atime_ns),
        written=to_filetime(attr.mtime_ns),
        changed=to_filetime(attr.ctime_ns),
        index=attr.ino,
    )


def _attributes(attr: Attr, kept: Kept, *, is_folder: bool) -> int:
    found = kept.attributes
    if is_folder:
        return int(found | Attribute.DIRECTORY)
    if not attr.mode & WRITABLE:
        found |= Attribute.READONLY
    if not attr.present and attr.size:
        found |= _ABSENT
    return int(found or Attribute.NORMAL)
