"""Between the index's records and the values that the file system and the reconciler see.

Names are bytes in records and for the file system, ``str`` with surrogateescape for the reconciler.
"""

from __future__ import annotations

from reconciler.model import Base, Kind, Leftover, NodeId, Place, Unconfirmed
from reconciler.names import MAX_NAME_BYTES, is_name
from syncin_mount.store.errors import NotRecordable
from syncin_mount.store.name_texts import to_bytes, to_text
from syncin_mount.store.records import (
    FILE,
    FOLDER,
    BaseRecord,
    BinRecord,
    LeftoverRecord,
    Node,
    PendingRecord,
    UnconfirmedRecord,
)
from syncin_mount.store.types import KINDS, TYPES, Attr, BinEntry, Operation, OpKind


def to_attr(node: int, record: Node) -> Attr:
    """The record as the file system sees it."""
    return Attr(
        NodeId(node),
        record.ino,
        TYPES[record.kind],
        record.mode,
        record.links,
        record.uid,
        record.gid,
        record.rdev,
        record.size,
        record.atime,
        record.mtime,
        record.ctime,
        record.birth,
        record.version,
        record.present,
        record.target,
    )


def to_record(base: Base) -> BaseRecord:
    """The reconciler's base as a record. ValueError for a kind or name that no base can have,
    NotRecordable for a name that is no bytes. (Numbers are looked at when it is recorded.)"""
    if base.kind is Kind.OTHER:
        raise ValueError("a link or device has no base")
    name = raw_name(base.name)
    if len(name) > MAX_NAME_BYTES:
        raise ValueError(f"the name {base.name[:40]}… is longer than {MAX_NAME_BYTES} bytes")
    kind = FILE if base.kind is Kind.FILE else FOLDER
    return BaseRecord(
        kind,
        base.parent,
        name,
        base.size,
        base.mtime,
        base.inode,
        base.version,
        base.checksum,
        base.mtime_here,
        base.ms,
        base.former,
    )


def to_base(record: BaseRecord) -> Base:
    """The record as the reconciler sees it."""
    return Base(
        KINDS[record.kind],
        NodeId(record.parent),
        to_text(record.name),
        record.size,
        record.mtime,
        record.inode,
        record.version,
        record.checksum,
        record.mtime_here,
        record.ms,
        record.former,
    )


def to_leftover(parent: int, name: bytes, record: LeftoverRecord) -> Leftover:
    """The record as the reconciler sees it."""
    sent = record.unconfirmed
    unconfirmed = (
        None
        if sent is None
        else Unconfirmed(
            NodeId(sent.node),
            to_text(sent.name),
            sent.mtime,
            sent.version,
            sent.checksum,
            sent.new,
            sent.mtime_here,
        )
    )
    return Leftover(
        NodeId(parent),
        to_text(name),
        record.size,
        record.seen,
        record.seen_size,
        record.seen_mtime_ms,
        unconfirmed,
    )


def to_leftover_record(leftover: Leftover) -> LeftoverRecord:
    """The reconciler's leftover as a record, without its place."""
    sent, unconfirmed = leftover.unconfirmed, None
    if sent is not None:
        unconfirmed = UnconfirmedRecord(
            sent.node,
            to_bytes(sent.name),
            sent.mtime,
            sent.version,
            sent.checksum,
            sent.new,
            sent.mtime_here,
        )
    return LeftoverRecord(
        leftover.size, leftover.seen_ns, leftover.seen_size, leftover.seen_mtime_ms, unconfirmed
    )


def to_operation(sequence: int, record: PendingRecord) -> Operation:
    """The record of a local operation, as people are shown it."""
    new_path = None if record.new_path is None else to_text(record.new_path)
    return Operation(
        sequence,
        OpKind(record.kind),
        NodeId(record.node),
        to_text(record.path),
        new_path,
        record.time,
    )


def to_bin_entry(sequence: int, record: BinRecord) -> BinEntry:
    """The record of an entry of the bin, as people are shown it."""
    return BinEntry(
        sequence,
        record.name,
        to_text(record.path),
        record.folder,
        record.files,
        record.size,
        record.time,
        record.why,
    )


def raw_name(name: str) -> bytes:
    """The name's bytes. NotRecordable for one with surrogates that stand for no byte."""
    try:
        return to_bytes(name)
    except UnicodeEncodeError:
        raise NotRecordable(f"{name[:40]!r} is no name that a disk can hold") from None


def place_name(place: Place) -> bytes:
    """The name as bytes. ValueError for one that could lead elsewhere, NotRecordable for one that
    is no bytes."""
    name = raw_name(place.name)
    if not is_name(name):
        raise ValueError(f"{place.name[:40]!r} is no name for a file or folder")
    return name


def is_utf8(path: bytes) -> bool:
    """Whether the server could hold this path."""
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True


def recordable_text(why: str) -> str:
    """The reason as the journal can hold it: names in it may have surrogates."""
    return why.encode("utf-8", "replace").decode()
