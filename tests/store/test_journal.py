"""The journal against damage, and events that cannot be applied.

A torn end is one that nothing intact follows and that nobody was told of. Anything else is damage:
it heals, or the start refuses with the way out and changes nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import xxhash

from reconciler.model import ROOT, Base, Kind, NodeId
from syncin_mount import system
from syncin_mount.app.messages import sentence
from syncin_mount.store import JournalDamaged, NodeType, Replica, check
from syncin_mount.store.errors import NotRecordable, ReplicaError
from syncin_mount.store.journal import events
from syncin_mount.store.journal.last_record import RECORDED
from syncin_mount.store.journal.segments import FRAME, Damage, Whole, scan
from syncin_mount.store.maintenance.repair import repair
from syncin_mount.store.records import BaseRecord
from tests.store.support import (
    at,
    base_of,
    copy_of,
    kill,
    make,
    open_replica,
    pick_bin,
    place,
    read,
    settle,
    snapshot,
    tree,
    write,
)

BOOT = system.boot_id()


@pytest.fixture
def killed(folder: Path) -> Path:
    """A replica that was killed with changes in the journal alone."""
    replica = open_replica(folder, boot_id=BOOT)
    make(replica, "synced", data=b"on the server")
    settle(replica)
    replica.commit()
    for number in range(12):
        make(replica, f"unsent {number}", data=b"the only copy %d" % number)
    replica.unlink(*place(replica, "unsent 3"))
    kill(replica)
    return folder


def the_segment(folder: Path) -> Path:
    [found] = (folder / "journal").iterdir()
    return found


def lengths(segment: Path) -> list[int]:
    """Where each record begins."""
    data, offset, found = segment.read_bytes(), 0, []
    while offset < len(data):
        found.append(offset)
        offset += FRAME.size + FRAME.unpack_from(data, offset)[0]
    return found


def contents(folder: Path) -> set[bytes]:
    """Every content in the tree and in the bin of a replica that starts."""
    replica = open_replica(folder, boot_id=BOOT)
    found = {data for _, data in [*tree(replica), *pick_bin(replica)] if data}
    replica.close()
    return found


WANTED = {b"the only copy %d" % number for number in range(12) if number != 3} | {b"on the server"}


@pytest.mark.slow
def test_a_flipped_bit_in_any_length_loses_nothing(killed: Path, tmp_path: Path) -> None:
    """It heals by itself: the record's checksum tells where it ends."""
    for number, start in enumerate(lengths(the_segment(killed))):
        copy = copy_of(killed, tmp_path / "copy")
        data = bytearray(the_segment(copy).read_bytes())
        data[start + number % 4] ^= 1 << number % 8
        the_segment(copy).write_bytes(data)
        assert contents(copy) == WANTED
        assert check(copy) == []
        shutil.rmtree(copy)


@pytest.mark.slow
def test_a_damaged_record_among_others_is_told_and_repaired(killed: Path, tmp_path: Path) -> None:
    unsent = lengths(the_segment(killed))[8:]
    for start, end in pairwise(unsent):
        copy = copy_of(killed, tmp_path / "copy")
        data = bytearray(the_segment(copy).read_bytes())
        data[start:end] = bytes(end - start)
        the_segment(copy).write_bytes(data)
        with pytest.raises(JournalDamaged) as refused:
            check(copy)
        assert "'syncin-mount check copy --repair' saves what is there" in sentence(refused.value)
        assert repair(copy).left == []
        assert contents(copy) >= WANTED
        shutil.rmtree(copy)


@pytest.mark.parametrize("how", ["emptied", "removed", "cut at a record", "the folder"])
def test_a_journal_without_its_end_is_noticed(killed: Path, how: str) -> None:
    segment = the_segment(killed)
    if how == "emptied":
        os.truncate(segment, 0)
    elif how == "removed":
        segment.unlink()
    elif how == "cut at a record":
        os.truncate(segment, lengths(segment)[-3])
    else:
        shutil.rmtree(segment.parent)
    with pytest.raises(JournalDamaged, match="lacks the records"):
        open_replica(killed, boot_id=BOOT)
    assert repair(killed).left == []
    assert contents(killed) >= WANTED


def test_an_emptied_journal_is_noticed_by_the_index_alone(killed: Path) -> None:
    """A replica of an older program does not tell how far its journal was written."""
    (killed / RECORDED).unlink()
    os.truncate(the_segment(killed), 0)
    with pytest.raises(JournalDamaged, match="lacks the records"):
        open_replica(killed, boot_id=BOOT)


def test_a_replica_of_an_older_program_starts(killed: Path) -> None:
    (killed / RECORDED).unlink()
    assert contents(killed) == WANTED


def test_after_a_clean_stop_the_journal_holds_nothing(folder: Path) -> None:
    replica = open_replica(folder, boot_id=BOOT)
    make(replica, "f", data=b"words")
    replica.close()
    shutil.rmtree(folder / "journal")
    replica = open_replica(folder, boot_id=BOOT)
    assert dict(tree(replica)) == {"f": b"words"}
    replica.close()


@pytest.mark.parametrize("text", [b"", b"\0" * 16, b"x" * 400])
def test_a_damaged_tally_says_nothing(killed: Path, text: bytes) -> None:
    (killed / RECORDED).write_bytes(text)
    assert contents(killed) == WANTED
    assert (killed / RECORDED).stat().st_size == 16


@pytest.mark.slow
def test_a_scan_finds_what_follows_damage_of_any_kind() -> None:
    """Also behind megabytes of zeros, in well under a second."""
    whole = [Whole(65_530 + number, b"payload %d" % number) for number in range(12)]
    records = [frame(*each) for each in whole]
    assert list(scan(b"".join(records), 65_530)) == whole
    zeros = bytes(8 << 20)
    found = list(scan(records[0] + zeros + b"".join(records[6:]), 65_530))
    assert found == [whole[0], Damage(65_531, len(records[0]), 65_536, torn=False), *whole[6:]]
    assert list(scan(records[0] + zeros, 65_530)) == [
        whole[0],
        Damage(65_531, len(records[0]), None, torn=False),
    ]


def frame(number: int, payload: bytes) -> bytes:
    body = number.to_bytes(8, "little") + payload
    return len(payload).to_bytes(4, "little") + xxhash.xxh3_64_digest(body)[::-1] + body


# events that cannot be applied --------------------------------------------------------------------


def record(folder: Path, *added: events.AnyEvent) -> None:
    """Appends events to a killed replica's journal, as a program that did not prove them."""
    segment = the_segment(folder)
    last = [
        each for each in scan(segment.read_bytes(), int(segment.stem)) if isinstance(each, Whole)
    ][-1].number
    with segment.open("ab") as file:
        for number, event in enumerate(added, last + 1):
            file.write(frame(number, events.encode(event)))


FAR = BaseRecord(0, ROOT, b"future.txt", 5, 20_000_000_000, 55, 0)
UNFIT: dict[str, list[events.AnyEvent]] = {
    "a time beyond 64 bits": [
        events.Placed(1, 900, FAR, 0o644, 0, 0),
        events.Moved(1, 900, ROOT, b"x", FAR),
    ],
    "a time before 1677": [
        events.BasesSet(1, [(2, BaseRecord(0, ROOT, b"synced", 5, -10_000_000_000, 55, 0))])
    ],
    "a negative size": [
        events.Placed(1, 900, BaseRecord(0, ROOT, b"n", -5, 5, 55, 0), 0o644, 0, 0)
    ],
    "a node that is not there": [
        events.Written(1, 12_345, 5, 5),
        events.AttrsSet(1, 12_345, 1, 1, 1, 1, 1, 1),
    ],
    "a name that is not there": [
        events.Removed(1, ROOT, b"nobody"),
        events.Renamed(1, ROOT, b"no", ROOT, b"x", False),
    ],
    "a name that LMDB cannot hold": [
        events.Created(1, 900, ROOT, b"n" * 600, 0, 0o644, 0, 0, 0, b"")
    ],
    "half done": [events.Deleted(1, 12_345, True, "why"), events.BinRestored(1, 5, 0, 0, [])],
}


@pytest.mark.slow
@pytest.mark.expected_log("does not fit to the index|cannot be applied .* it is set aside")
@pytest.mark.parametrize("kind", UNFIT)
def test_an_event_that_cannot_be_applied_is_set_aside(
    killed: Path, tmp_path: Path, kind: str
) -> None:
    """The rest of the journal is kept, before and behind it. It is told until a repair."""
    behind = events.Created(7, 901, ROOT, b"behind", 0, 0o644, 0, 0, 0, b"")
    record(killed, *UNFIT[kind], behind)
    copy = copy_of(killed, tmp_path / "copy")
    for _ in range(2):
        replica = open_replica(killed, boot_id=BOOT)
        assert at(replica, "behind") == 901
        assert dict(tree(replica))["unsent 5"] == b"the only copy 5"
        make(replica, "goes on")
        replica.unlink(*place(replica, "goes on"))
        kill(replica)
        told = [each.what for each in check(killed)]
        assert told
        assert all("could not be applied" in each for each in told), told
    for folder in (killed, copy):
        done = repair(folder)
        assert done.left == []
        assert not done.bases_ended
        assert any("appl" in each for each in done.said), done.said
        assert contents(folder) >= WANTED
        assert check(folder) == []


@pytest.mark.expected_log("does not fit to the index")
def test_what_does_not_fit_to_a_damaged_index_is_not_set_aside(killed: Path) -> None:
    """The index may lack what the event is about."""
    replica = open_replica(killed, boot_id=BOOT)
    node = at(replica, "unsent 5")
    replica.commit()
    write(replica, node, b"edited")
    replica._journal.sync()
    ix = replica._ix
    ix.abort()
    ix.begin()
    ix.node_table.delete(node)
    ix.commit()
    kill(replica)
    with pytest.raises(ReplicaError) as refused:
        open_replica(killed, boot_id=BOOT)
    assert "'syncin-mount check replica --repair' saves what is there" in sentence(refused.value)
    assert not (killed / "aside").exists()
    assert repair(killed).left == []
    assert b"edited" in contents(killed)


# such events do not reach it ----------------------------------------------------------------------


def far(replica: Replica, **changed: int) -> Base:
    local = base_of(replica, at(replica, "f"))
    values = {"size": local.size, "mtime": local.mtime, "inode": 77, **changed}
    return Base(Kind.FILE, ROOT, "far", values["size"], values["mtime"], values["inode"], 0)


OUT_OF_BOUNDS = [
    {"mtime": 20_000_000_000},
    {"mtime": -10_000_000_000},
    {"mtime": 1 << 70},
    {"size": 1 << 63},
    {"size": -1},
    {"size": 1 << 64},
    {"inode": 1 << 63},
    {"inode": 1 << 64},
    {"inode": -1},
]


@pytest.mark.parametrize("changed", OUT_OF_BOUNDS, ids=str)
def test_a_number_out_of_bounds_is_refused_for_itself(
    folder: Path, changed: dict[str, int]
) -> None:
    replica = open_replica(folder, boot_id=BOOT)
    node = make(replica, "f", data=b"words")
    new = replica.new_id()
    bad = far(replica, **changed)
    before = snapshot(replica)
    acts: list[Callable[[], object]] = [
        lambda: replica.place_file(new, bad),
        lambda: replica.place_folder(new, bad),
        lambda: replica.set_base(node, bad),
        lambda: replica.move_local(node, bad.place, bad),
        lambda: replica.touch_local(node, 5, bad),
    ]
    for act in acts:
        with pytest.raises(NotRecordable):
            act()
    assert snapshot(replica) == before
    replica.commit()
    make(replica, "g")
    kill(replica)
    replica = open_replica(folder, boot_id=BOOT)
    assert dict(tree(replica)) == {"f": b"words", "g": b""}
    assert check(replica) == []
    replica.close()


@pytest.mark.parametrize("name", ["\ud800", "a\udbffb", "\ud800\udc00x"])
def test_a_name_that_is_no_bytes_is_refused_for_itself(replica: Replica, name: str) -> None:
    make(replica, "f", data=b"words")
    bad = Base(Kind.FILE, ROOT, name, 5, 5, 77, 0)
    acts: list[Callable[[], object]] = [
        lambda: replica.place_file(replica.new_id(), bad),
        lambda: replica.set_base(at(replica, "f"), bad),
        lambda: replica.move_local(at(replica, "f"), bad.place, bad),
    ]
    for act in acts:
        with pytest.raises(NotRecordable):
            act()
    assert replica.base_entry(ROOT, name) is None
    assert replica.local_child(ROOT, name) is None
    assert dict(tree(replica)) == {"f": b"words"}


def test_a_reason_may_name_what_is_no_text(replica: Replica) -> None:
    """Reasons are made of names."""
    node = make(replica, "f", data=b"words")
    replica.copy_to_bin(node, "beside \udcff")
    replica.delete_local(node, keep=True, why="beside \ud800")
    assert len(replica.bin.entries()) == 2


@pytest.mark.parametrize("ns", [1 << 63, -(1 << 63) - 1, 1 << 70])
def test_a_program_s_time_out_of_bounds_is_refused(replica: Replica, ns: int) -> None:
    node = make(replica, "f", data=b"words")
    acts: list[Callable[[], object]] = [
        lambda: replica.set_attr(node, mtime_ns=ns),
        lambda: replica.set_attr(node, atime_ns=ns),
        lambda: replica.written(node, size=5, mtime_ns=ns),
    ]
    for act in acts:
        with pytest.raises(NotRecordable):
            act()
    replica.commit()
    assert read(replica, node) == b"words"


def test_what_cannot_be_appended_is_not_in_the_index_either(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Applied first: so it is taken back where the journal refuses it, also what came before in
    this commit stays."""
    replica = open_replica(folder, boot_id=BOOT)
    make(replica, "before", data=b"words")
    before = snapshot(replica)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "no")

    with monkeypatch.context() as patch:
        patch.setattr(replica._journal, "append", refuse)
        acts: list[Callable[[], object]] = [
            lambda: make(replica, "f"),
            lambda: replica.unlink(ROOT, b"before"),
            lambda: replica.create(ROOT, b"d", NodeType.FOLDER, mode=0, uid=0, gid=0),
            lambda: replica.counted([(NodeId(2), 2, "00" * 32)]),
        ]
        for act in acts:
            with pytest.raises(OSError, match="no"):
                act()
            assert snapshot(replica) == before
    kill(replica)
    replica = open_replica(folder, boot_id=BOOT)
    assert dict(tree(replica)) == {"before": b"words"}
    replica.close()
