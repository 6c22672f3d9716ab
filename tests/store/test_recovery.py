"""What every kind of stop leaves, and that the next start has all that was acknowledged."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.model import ROOT, Base, Kind
from syncin_mount.app.messages import sentence
from syncin_mount.store import (
    JournalDamaged,
    Replica,
    Status,
    check,
)
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.index import apply as apply_module
from syncin_mount.store.index.apply import apply
from syncin_mount.store.index.index import Index
from syncin_mount.store.journal import events
from syncin_mount.store.journal.last_record import RECORDED, Tally
from syncin_mount.store.journal.log import Journal
from syncin_mount.store.journal.reserve import Reserve
from syncin_mount.store.journal.segments import FRAME
from tests.store.support import (
    PowerCut,
    at,
    copy_of,
    damage,
    kill,
    make,
    open_replica,
    play,
    snapshot,
    sound,
    tree,
    write,
)


@pytest.mark.parametrize("commits", [False, True])
def test_a_kill_loses_nothing(folder: Path, commits: bool) -> None:
    replica = open_replica(folder)
    play(replica)
    if commits:
        replica.commit()
        write(replica, at(replica, "papers/doc"), b"third")
    before, files = snapshot(replica), dict(tree(replica))
    kill(replica)
    again = sound(open_replica(folder))
    for table in before.keys() - {"effects"}:
        assert snapshot(again)[table] == before[table], table
    assert dict(tree(again)) == files
    again.close()


def test_all_events_from_zero_give_the_same_index(tmp_path: Path, folder: Path) -> None:
    replica = open_replica(folder)
    play(replica)
    journal = Journal(folder / "journal", Reserve(folder / "reserve", 0))
    (tmp_path / "other").mkdir()
    other = Index(tmp_path / "other", 1 << 20)
    for sequence, payload in journal.records(0):
        apply(other, sequence, events.decode.decode(payload))
    assert {name: list(other.items(name)) for name in snapshot(replica)} == snapshot(replica)
    assert (other.applied, other.next_id) == (replica._ix.applied, replica._ix.next_id)
    other.close()
    replica.close()


def test_a_torn_last_record_is_cut_at_every_byte(tmp_path: Path, folder: Path) -> None:
    replica = open_replica(folder)
    make(replica, "first", data=b"1")
    (segment,) = (folder / "journal").iterdir()
    size = segment.stat().st_size
    make(replica, "second")
    whole = segment.stat().st_size
    kill(replica)
    acknowledged = [
        sequence
        for sequence, _ in Journal(folder / "journal", Reserve(tmp_path / "none", 0)).records(0)
    ]
    Tally(folder / RECORDED).put(acknowledged[-2])  # as the kill leaves it
    for length in range(size, whole):
        (tmp_path / "journal").mkdir()
        (tmp_path / "journal" / segment.name).write_bytes(segment.read_bytes()[:length])
        journal = Journal(tmp_path / "journal", Reserve(tmp_path / "none", 0))
        assert [sequence for sequence, _ in journal.records(0, torn=True)] == acknowledged[:-1]
        assert (tmp_path / "journal" / segment.name).stat().st_size == size
        shutil.rmtree(tmp_path / "journal")
    for length in (size, size + 1, size + FRAME.size, whole - 1):
        copy = copy_of(folder, tmp_path / "copy")
        os.truncate(copy / "journal" / segment.name, length)
        again = sound(open_replica(copy))
        assert dict(tree(again)) == {"first": b"1"}, length
        make(again, "third")
        again.close()
        again = sound(open_replica(copy))
        assert dict(tree(again)) == {"first": b"1", "third": b""}
        again.close()
        shutil.rmtree(copy)
    assert whole - size > FRAME.size


def test_a_last_record_that_was_acknowledged_is_not_cut(folder: Path) -> None:
    replica = open_replica(folder)
    make(replica, "first", data=b"1")
    (segment,) = (folder / "journal").iterdir()
    size = segment.stat().st_size
    make(replica, "second")
    kill(replica)
    for length in (size, size + 3, segment.stat().st_size - 1):
        os.truncate(segment, length)
        with pytest.raises(JournalDamaged) as refused:
            open_replica(folder)
        assert "check replica --repair" in sentence(refused.value)
        assert segment.stat().st_size == length


def test_damage_before_the_end_is_an_error_and_nothing_is_cut(folder: Path) -> None:
    replica = open_replica(folder)
    make(replica, "first")
    (segment,) = (folder / "journal").iterdir()
    inside = segment.stat().st_size - 3
    make(replica, "second")
    make(replica, "third")
    kill(replica)
    damage(segment, inside)
    before = segment.read_bytes()
    with pytest.raises(JournalDamaged, match="damaged at byte"):
        open_replica(folder)
    assert segment.read_bytes() == before
    damage(segment, inside)  # back again
    again = sound(open_replica(folder))
    assert set(dict(tree(again))) == {"first", "second", "third"}
    again.close()


def test_a_missing_segment_is_an_error(folder: Path) -> None:
    replica = open_replica(folder, segment_bytes=300)
    for number in range(20):
        make(replica, f"file {number}")
    kill(replica)
    segments = sorted((folder / "journal").iterdir())
    assert len(segments) > 3
    segments[1].unlink()
    with pytest.raises(JournalDamaged, match="lacks the records"):
        open_replica(folder)


def test_segments_with_uncommitted_records_stay(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Reserve(tmp_path / "none", 0), segment_bytes=50)
    journal.start(1)
    for number in range(1, 10):
        journal.append(number, b"x" * 40)
    journal.drop(4)
    assert [number for number, _ in journal.records(4)] == [5, 6, 7, 8, 9]
    assert journal.segments()[0][0] == 5
    journal.close()


def test_committed_segments_go(folder: Path) -> None:
    replica = open_replica(folder, segment_bytes=300)
    for number in range(20):
        make(replica, f"file {number}")
    replica.sync_journal()
    replica.commit()
    assert len(list((folder / "journal").iterdir())) == 1
    make(replica, "one more")
    kill(replica)
    again = sound(open_replica(folder))
    assert len(dict(tree(again))) == 21
    again.close()


def test_a_kill_at_every_step_of_committing_is_repaired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends before the n-th effect on a file, for every n, and again at the next
    start."""
    done = 0

    def stop_at(step: int) -> None:
        real = Objects.do
        count = 0

        def counted(self: object, sequence: int, effect: object) -> None:
            nonlocal count, done
            count += 1
            if count > step:
                raise PowerCut
            done = count
            real(self, sequence, effect)  # type: ignore[arg-type]

        monkeypatch.setattr(Objects, "do", counted)

    step = 0
    while True:
        folder = tmp_path / f"replica {step}"
        replica = open_replica(folder)
        play(replica)
        files = dict(tree(replica))
        with monkeypatch.context():
            stop_at(step)
            try:
                replica.commit()
                finished = True
            except PowerCut:
                finished = False
            kill(replica)
            monkeypatch.undo()
        again = sound(open_replica(folder))
        assert dict(tree(again)) == files
        binned = {
            entry.name: (folder / "bin" / str(entry.sequence)) for entry in again.bin.entries()
        }
        assert (binned[b"local"] / "local").read_bytes() == b"never sent"
        assert (binned[b"far"] / "far").read_bytes() == b"f" * 5000
        assert (binned[b"doc"] / "doc").read_bytes() == b"second"
        again.close()
        if finished:
            break
        step += 1
    assert step >= 5


def test_a_kill_between_the_object_and_its_event_leaves_no_garbage(folder: Path) -> None:
    replica = open_replica(folder)
    node = replica.new_id()
    base = Base(Kind.FILE, ROOT, "far", 5, 9, 70, 0)
    replica.place_file(node, base)
    incoming = replica.incoming(node, 5, 9)
    incoming.write(0, b"12345")
    replica._objects.take(incoming, replica.sequence() + 1)
    kill(replica)
    again = sound(open_replica(folder))
    assert again.status(node) is Status.ABSENT
    assert again.incoming(node, 5, 9).missing(0, 5) == (0, 5)
    again.close()


def test_a_defect_while_applying_leaves_index_and_journal_as_they_were(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(replica, "one")
    replica.commit()
    before, sequence = snapshot(replica), replica.sequence()

    def half(index: Index, _sequence: int, event: events.Created) -> None:
        index.entry_table.put(event.parent, event.name, event.node)
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setitem(apply_module._HANDLERS, events.Created, half)
        with pytest.raises(ZeroDivisionError):
            make(replica, "two")
    assert (snapshot(replica), replica.sequence()) == (before, sequence)
    make(replica, "two")
    assert dict(tree(replica)) == {"one": b"", "two": b""}


# kill -9 ------------------------------------------------------------------------------------------

WORKLOAD = """
import os, sys
from pathlib import Path
from tests.store.support import make, open_replica, place, settle, write
from reconciler.model import ROOT
replica = open_replica(Path(sys.argv[1]), segment_bytes=20_000)
log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
names = []
for number in range(1_000_000):
    name = f"file {number}"
    make(replica, name, data=b"%d" % number)
    os.write(log, b"+%d\\n" % number)
    if number % 3 == 2:
        replica.unlink(ROOT, f"file {number - 1}".encode())
        os.write(log, b"-%d\\n" % (number - 1))
    if number % 7 == 0:
        settle(replica)
    if number % 50 == 49:
        replica.commit()
"""


@pytest.mark.slow
@pytest.mark.parametrize("records", [3, 120, 700])
def test_kill_9_in_the_middle_of_work(tmp_path: Path, folder: Path, records: int) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", WORKLOAD, str(folder), str(log)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
        deadline = time.monotonic() + 60
        while (
            not log.exists() or log.read_bytes().count(b"\n") < records
        ) and time.monotonic() < deadline:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    lines = log.read_text().splitlines()
    assert len(lines) >= records
    added = {int(line[1:]) for line in lines if line[0] == "+"}
    removed = {int(line[1:]) for line in lines if line[0] == "-"}
    replica = sound(open_replica(folder))
    found = {int(name.removeprefix("file ")): data for name, data in tree(replica)}
    expected = added - removed
    last = max(added)
    # What was being done when it was killed may be there or not.
    assert expected - {last} <= found.keys() | {last - 1}
    assert found.keys() <= expected | {last + 1}
    assert all(found[number] == b"%d" % number for number in expected & found.keys())
    replica.close()


def test_check_sees_damage(folder: Path) -> None:
    replica = open_replica(folder)
    play(replica)
    node = at(replica, "papers/doc")
    assert check(replica) == []
    index = replica._ix
    record = index.node(node)
    assert record is not None
    breaks: list[Callable[[], object]] = [
        lambda: index.entry_table.drop(at(replica, "papers"), b"doc"),
        lambda: index.unmark(index.bases, node),
        lambda: index.change_table.clean(node),
        lambda: index.mark(index.absent, node),
        lambda: index.node_table.put_ino(9999, node),
        lambda: os.truncate(replica._objects.path(record.owner, record.number), 1),
        lambda: (folder / "objects" / "00" / "77-512").write_bytes(b"stray"),
    ]
    for number, act in enumerate(breaks):
        clean = len(check(replica))
        act()
        assert len(check(replica)) > clean, number
    kill(replica)
