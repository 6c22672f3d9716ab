"""The local store of a synchronization: index, contents, journal, bin and history. The formats:
docs/reference/store-format.md."""

from __future__ import annotations

from syncin_mount.store.changes import AttrChanged, Change, EntryChanged, InodeUnnamed, NameChanged
from syncin_mount.store.check import Problem, check
from syncin_mount.store.contents import Content, IncomingFile
from syncin_mount.store.errors import CannotUndo, JournalDamaged, NewerFormat, ReplicaError, ReplicaInUse
from syncin_mount.store.history import History, Limits, OldHistory, Transfer, Wanted, read_history
from syncin_mount.store.kept import Kept
from syncin_mount.store.replica import Replica
from syncin_mount.store.types import Attr, Awaited, BinEntry, NodeType, Operation, OpKind, Status
from syncin_mount.store.undoing import Undone

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
    "Wanted",
    "check",
    "read_history",
]
