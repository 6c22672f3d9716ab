"""The local store of a synchronization: index, contents, journal, bin and history. The formats:
docs/reference/store-format.md."""

from __future__ import annotations

from syncin_mount.store.changes import (
    AttrChanged,
    Change,
    EntryChanged,
    InodeUnnamed,
    NameChanged,
)
from syncin_mount.store.content.handles import Content, IncomingFile
from syncin_mount.store.content.unlinked_contents import Kept
from syncin_mount.store.errors import (
    CannotUndo,
    JournalDamaged,
    NewerFormat,
    ReplicaError,
    ReplicaInUse,
)
from syncin_mount.store.history.history import (
    History,
    HistoryQuery,
    Limits,
    OldHistory,
    Transfer,
    read_history,
)
from syncin_mount.store.maintenance.check import Problem, check
from syncin_mount.store.replica.local_changes import Undone
from syncin_mount.store.replica.replica import Replica
from syncin_mount.store.types import Attr, Awaited, BinEntry, NodeType, Operation, OpKind, Status

__all__ = [
    "Attr",
    "AttrChanged",
    "Awaited",
    "BinEntry",
    "CannotUndo",
    "Change",
    "Content",
    "EntryChanged",
    "History",
    "HistoryQuery",
    "IncomingFile",
    "InodeUnnamed",
    "JournalDamaged",
    "Kept",
    "Limits",
    "NameChanged",
    "NewerFormat",
    "NodeType",
    "OldHistory",
    "OpKind",
    "Operation",
    "Problem",
    "Replica",
    "ReplicaError",
    "ReplicaInUse",
    "Status",
    "Transfer",
    "Undone",
    "check",
    "read_history",
]
