"""What an event must be to be recorded: the one place in front of the journal where its numbers
have bounds.

Whatever is recorded can be applied, kept in the index and told to the kernel. So what is out of
bounds is refused for itself, before anything is changed, and what an older program recorded of that
kind is set aside by a start.
"""

from __future__ import annotations

import struct
from typing import Final

import lmdb
import msgspec

from syncin_mount.store.errors import NotRecordable
from syncin_mount.store.journal import events
from syncin_mount.store.records import BaseRecord

MOST: Final = (1 << 63) - 1
"""What LMDB's keys, the kernel's times (ns) and SQLite take."""
MOST_SECONDS: Final = MOST // 1_000_000_000
UNFIT: Final = (
    LookupError,
    ValueError,
    TypeError,
    ArithmeticError,
    AssertionError,
    struct.error,
    msgspec.MsgspecError,
    lmdb.BadValsizeError,
)
"""What an event makes that cannot be applied. (UnicodeError is a ValueError, OverflowError an
ArithmeticError.)"""


def proved(event: events.AnyEvent) -> bytes:
    """The payload of the event's record. Raises NotRecordable when it holds what must not be
    recorded."""
    check_bounds(event)
    try:
        return events.encode(event)
    except (OverflowError, UnicodeError) as error:
        raise NotRecordable(f"it cannot be recorded: {error}") from error


def check_bounds(event: events.AnyEvent) -> None:
    """Raises NotRecordable for a number that is out of bounds."""
    for value in msgspec.structs.astuple(event):
        kind = type(value)
        if kind is int:
            if not -MOST <= value <= MOST:
                raise NotRecordable(f"a number of it, {value}, is out of bounds")
        elif kind is BaseRecord:
            check_base(value)
    if type(event) is events.BasesSet:
        for _, base in event.bases:
            if base is not None:
                check_base(base)


def check_base(base: BaseRecord) -> None:
    """Raises NotRecordable for a number that is out of bounds."""
    if not -MOST_SECONDS <= base.mtime <= MOST_SECONDS:
        raise NotRecordable(f"its time {base.mtime} s is out of bounds")
    for name, value in (
        ("size", base.size),
        ("inode", base.inode),
        ("version", base.version),
        ("parent", base.parent),
    ):
        if not 0 <= value <= MOST:
            raise NotRecordable(f"its {name} {value} is out of bounds")
