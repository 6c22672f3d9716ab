"""What can still be read of a replica's index and journal, brought into a new index. Nothing that
is there is changed.

``lost`` tells whether something that both sides agreed on, or what became of it, may be missing
from what was read: then an absence proves nothing any more, least of all that the user deleted
something.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from reconciler.phrases import Phrase, counted
from syncin_mount.store.errors import Repair, ReplicaError
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.tables.lmdb_tables import TABLES
from syncin_mount.store.journal.last_record import RECORDED, Tally
from syncin_mount.store.journal.log import Record, readable
from syncin_mount.store.records import (
    BASE_ENTRY,
    decode_base,
    decode_bin,
    decode_effect,
    decode_leftover,
    decode_node,
    decode_pending,
)
from syncin_mount.store.recovery.lmdb_pages import IndexFile
from syncin_mount.store.recovery.replay import replay

DATA: Final = "data.mdb"
_AGREED: Final = ("nodes", "bases", "meta")
"""What no other table tells."""

_MOST: Final = 1 << 63
_PIECE: Final = 1 << 20
"""Bytes of a file that are looked at together."""
WALKED: Final = 2 << 20
"""Bytes of an index that a start looks through as a whole: some 5,000 files, which takes some tens
of ms."""

_LATER: Final = ("leftovers", "held", "checksums", "links")
"""Tables that an older program did not make."""


@dataclass(slots=True)
class Finding:
    """``said`` has what is wrong, one clause each; ``last`` is the greatest event's number that was
    met."""

    said: list[str] = field(default_factory=list)
    lost: bool = False
    last: int = 0


def faults(folder: Path) -> list[str]:
    """What is wrong with the form of the index: nothing of it is taken on trust, nothing is opened
    or changed. Reads all of it once. Raises OSError."""
    path = folder / "index" / DATA
    said: list[str] = []
    if path.exists():
        file = IndexFile(path)
        for name in TABLES:
            if name in _LATER and name not in file.tables:
                continue
            for place, value in file.table(name):
                if not _is_record(name, place, value):
                    file.faults.append(
                        Phrase("a record of its table '{name}' is damaged", name=name)
                    )
        file.check_free()
        said = _told(file)
    elif any((folder / "objects").rglob("*-*")):
        said = [Phrase("the index is missing")]
    return said


def refuse_damaged(folder: Path) -> None:
    """What a start looks at before it opens the index, as cheap as that is: all pages of a
    small one. Raises ReplicaError for an index that LMDB
    would take for a new one, or in which it would read beyond the end of the file (SIGBUS)."""
    path = folder / "index" / DATA
    if not path.exists() or path.stat().st_size == 0:
        if any(
            path.stem.isdecimal() and int(path.stem) > 1
            for path in (folder / "journal").glob("*.log")
        ):
            raise damaged(folder, Phrase("it is missing"))
        return
    file = IndexFile(path)
    if file.faults:
        raise damaged(folder, file.faults[0])
    if file.used_bytes() <= WALKED and not _walk(file):
        raise damaged(folder, file.faults[0])
    if not file.is_complete() and (said := faults(folder)):
        raise damaged(folder, _fault(said[0]))


def _told(file: IndexFile) -> list[str]:
    """A clause each."""
    return [
        Phrase("the index is damaged: {fault}", fault=each) for each in dict.fromkeys(file.faults)
    ]


def _fault(said: str) -> str:
    """What is damaged, of such a clause."""
    found = said.values.get("fault") if isinstance(said, Phrase) else None
    return said if found is None else str(found)


def _walk(file: IndexFile) -> bool:
    """Whether the form of every page is right: LMDB would end the process, or stumble in the
    middle."""
    for name in file.tables:
        for _ in file.table(name):
            pass
    file.check_free()
    return not file.faults


def damaged(folder: Path, why: str) -> ReplicaError:
    """The error for an index that cannot be used."""
    return ReplicaError(
        Phrase(
            "the index in {folder} is damaged ({why}); nothing was changed",
            folder=folder / "index",
            why=why,
        ),
        repair=Repair.SAVES_WHAT_IS_THERE,
        folder=folder,
    )


def salvage(folder: Path, target: Index, *, power_cut: bool) -> Finding:
    """Brings everything readable of a replica's index and journal into the empty index ``target``,
    which is committed. Its map must be as big as ``map_size`` says."""
    found = Finding()
    _copy(folder / "index" / DATA, target, found)
    target.commit()
    _replay(folder / "journal", target, found, power_cut=power_cut)
    target.commit()
    found.last = max(found.last, target.applied)
    return found


def _copy(path: Path, target: Index, found: Finding) -> None:
    file = IndexFile(path)
    for name in TABLES:
        if name in _LATER and name not in file.tables:
            continue
        before, damaged = len(file.faults), 0
        for place, value in file.table(name):
            if _is_record(name, place, value):
                target.txn.put(place, value, db=getattr(target, name))
            else:
                damaged += 1
        if damaged:
            file.faults.append(
                counted(
                    "{count} record of its table '{name}' is damaged",
                    "{count} records of its table '{name}' are damaged",
                    damaged,
                    name=name,
                )
            )
        if name in _AGREED and len(file.faults) > before:
            found.lost = True
    target.take_numbers()
    file.check_free()
    found.said += _told(file)
    if not file.tables:
        found.lost = True


def map_size(path: Path, least: int) -> int:
    """Bytes of a map in which all that the file holds has room, at any order of its keys."""
    size = _bytes_in(path) if path.exists() else 0
    wanted = least
    while wanted < size * 4:
        wanted *= 2
    return wanted


def _bytes_in(path: Path) -> int:
    """The file's length without the zeros at its end, to `_PIECE`: on Windows it is as long as its
    map, which would be four times as big after each repair. Nothing in it is believed."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = (end - 1) // _PIECE * _PIECE
            file.seek(start)
            if file.read(end - start).strip(b"\0"):
                break
            end = start
    return end


def _replay(folder: Path, target: Index, found: Finding, *, power_cut: bool) -> None:
    """Applies the events behind the index, up to the first that is missing. What does not fit is
    passed over."""
    last = target.applied
    records, complete, end = readable(folder, last, power_cut=power_cut)
    found.last = max(
        [
            found.last,
            Tally(folder.parent / RECORDED).read() or 0,
            *(number for number, _ in records),
        ]
    )
    following: list[Record] = []
    for number, payload in records:
        if number == last + 1 + len(following):
            following.append((number, payload))
    if end <= last and not power_cut:
        # Nothing is in the index that was not in the journal first; only a power cut may take the
        # latter's end.
        found.lost = True
        found.said.append(
            Phrase("the journal ends before event {event}, which the index has", event=last)
        )
    if not complete and not power_cut:
        found.lost = True
        event = last + len(following)
        found.said.append(Phrase("the journal is damaged behind event {event}", event=event))
    elif records and not following and records[-1][0] > last:
        found.lost = True
        found.said.append(
            Phrase(
                "the journal lacks the events {first} to {last}",
                first=last + 1,
                last=records[0][0] - 1,
            )
        )

    def passed_over(number: int, _payload: bytes, why: str) -> None:
        found.said.append(
            Phrase(
                "event {number} of the journal cannot be applied ({why})", number=number, why=why
            )
        )

    def judge(_error: Exception) -> None:
        # else the index is sound, and the event was never fit for it
        found.lost = found.lost or bool(found.said)

    replay(target, lambda after: iter(following[after - last :]), judge=judge, keep=passed_over)


def _is_record(name: str, place: bytes, value: bytes) -> bool:
    lengths, check = _FORMS[name]
    if not lengths[0] <= len(place) <= lengths[1]:
        return False
    try:
        return check is None or check(value) is not None
    except (msgspec.MsgspecError, struct.error, ValueError):
        return False


def _u64(value: bytes) -> Any:
    return value if len(value) == 8 else None


def _sum(value: bytes) -> Any:
    return value if len(value) == 32 else None


def _node(value: bytes) -> Any:
    record = decode_node(value)
    numbers = (
        record.parent,
        record.size,
        record.ino,
        record.version,
        record.owner,
        record.number,
        record.doubtful,
    )
    return record if all(0 <= number < _MOST for number in numbers) else None


def _base(value: bytes) -> Any:
    record = decode_base(value)
    numbers = (record.parent, record.size, record.inode, record.version)
    return record if all(0 <= number < _MOST for number in numbers) else None


def _base_entry(value: bytes) -> Any:
    return BASE_ENTRY.unpack(value)


_NAMED: Final = (9, 8 + 255)
_FORMS: Final[dict[str, tuple[tuple[int, int], Callable[[bytes], Any] | None]]] = {
    "nodes": ((8, 8), _node),
    "bases": ((8, 8), _base),
    "entries": (_NAMED, _u64),
    "base_entries": ((8, 511), _base_entry),
    "outdone": ((16, 511), None),
    "inos": ((8, 8), _u64),
    "inodes": ((8, 8), _u64),
    "dirty": ((8, 8), _u64),
    "pending": ((8, 8), decode_pending),
    "pending_by_node": ((16, 16), None),
    "absent": ((8, 8), None),
    "writing": ((8, 8), None),
    "unsynced": ((8, 8), _u64),
    "xattrs": (_NAMED, None),
    "bin": ((8, 8), decode_bin),
    "effects": ((12, 12), decode_effect),
    "meta": ((4, 7), _u64),
    "leftovers": ((8, 511), decode_leftover),
    "held": ((8, 8), _u64),
    "checksums": ((16, 16), _sum),
    "links": ((24, 24), None),
}
"""Bytes of a key, from … to, and what makes a record of the value."""
