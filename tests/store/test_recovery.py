"""What every kind of stop leaves, and that the next start has all that was acknowledged."""

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.model import ROOT, Base, Kind, Leftover, NodeId
from syncin_mount.app.messages import sentence
from syncin_mount.store import (
    JournalDamaged,
    NewerFormat,
    NodeType,
    Replica,
    ReplicaError,
    ReplicaInUse,
    Status,
    check,
    system,
)
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.index import apply as apply_module
from syncin_mount.store.index.apply import apply
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.tree_walk import require_node
from syncin_mount.store.journal import events
from syncin_mount.store.journal.last_record import RECORDED, Tally
from syncin_mount.store.journal.log import Journal
from syncin_mount.store.journal.reserve import Reserve
from syncin_mount.store.journal.segments import FRAME
from syncin_mount.store.records import FORMAT, NoteToBin, Unlink, decode_effect
from tests.store.support import (
    arrive,
    at,
    copy_of,
    kill,
    make,
    open_replica,
    pick_bin,
    place,
    read,
    settle,
    snapshot,
    sound,
    tree,
    write,
)


def play(replica: Replica) -> None:
    """A bit of everything."""
    make(replica, "docs", NodeType.FOLDER)
    doc = make(replica, "docs/doc", data=b"first")
    make(replica, "docs/empty")
    make(replica, "link", NodeType.SYMLINK)
    replica.set_xattr(doc, b"user.note", b"here")
    replica.note_leftover(Leftover(at(replica, "docs"), "doc", 5))
    replica.note_leftover(Leftover(at(replica, "docs"), "doc", 5, 3, 2, 1))
    replica.note_leftover(Leftover(ROOT, "other", 1 << 40))
    replica.drop_leftover(ROOT, "other")
    settle(replica)
    make(replica, "docs/doc.tmp", data=b"second")
    replica.rename(*place(replica, "docs/doc.tmp"), *place(replica, "docs/doc"))
    replica.rename(*place(replica, "docs"), ROOT, b"papers")
    replica.unlink(*place(replica, "papers/empty"))
    far = replica.new_id()
    replica.place_file(far, Base(Kind.FILE, at(replica, "papers"), "far", 5000, 9, 70, 0))
    arrive(replica, far, Base(Kind.FILE, at(replica, "papers"), "far", 5000, 9, 70, 0), b"f" * 5000)
    arrive(
        replica, far, Base(Kind.FILE, at(replica, "papers"), "far", 3, 10, 71, 0), b"new", keep=True
    )
    replica.delete_local(make(replica, "local", data=b"never sent"), keep=False, why="test")
    replica.copy_to_bin(doc, "test")
    replica.set_attr(doc, mode=0o600)


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


def damage(segment: Path, offset: int) -> None:
    data = bytearray(segment.read_bytes())
    data[offset] ^= 0xFF
    segment.write_bytes(data)


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


class PowerCut(Exception):
    pass


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


# one process, formats -----------------------------------------------------------------------------


def test_one_process_at_a_time(replica: Replica, folder: Path) -> None:
    with pytest.raises(ReplicaInUse, match=str(os.getpid())) as refused:
        open_replica(folder)
    assert refused.value.pid == os.getpid()


_DYING = """
import ctypes, sys, threading
from pathlib import Path
from syncin_mount.store import lock
lock.take_lock(Path(sys.argv[1]))
def stay():
    print("has it", flush=True)
    sys.stdin.read()
threading.Thread(target=stay).start()
ctypes.CDLL(None).pthread_exit(None)
"""
"""Its first thread has ended, another is there still: as a killed process of which one waits in the
kernel."""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="read off Linux's /proc")
def test_a_process_that_cannot_end_is_told_from_one_that_works(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", _DYING, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "has it\n"
        try:
            while not system.is_dying(process.pid):  # the thread that began it is on its way out
                os.sched_yield()
            with pytest.raises(ReplicaInUse, match=r"cannot end while .* umount -f") as refused:
                open_replica(folder)
            assert refused.value.pid == process.pid
        finally:
            process.kill()


def test_a_newer_format_is_refused_and_untouched(folder: Path) -> None:
    open_replica(folder).close()
    (folder / "format").write_text(f"{FORMAT + 1}\n")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with pytest.raises(NewerFormat, match="later version"):
        open_replica(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_an_older_format_is_taken_up_and_closed_to_the_program_that_wrote_it(folder: Path) -> None:
    replica = open_replica(folder)
    play(replica)
    before = snapshot(replica)
    replica.close()
    (folder / "format").write_text("1\n")
    replica = sound(open_replica(folder))
    assert (folder / "format").read_text() == f"{FORMAT}\n"
    assert snapshot(replica)["nodes"] == before["nodes"]
    replica.close()


def test_other_peoples_folders_are_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(ReplicaError, match=r"thesis\.txt"):
        open_replica(folder)
    with pytest.raises(ReplicaError, match="not a folder"):
        open_replica(folder / "thesis.txt")


def test_a_damaged_index_is_one_sentence(folder: Path) -> None:
    open_replica(folder).close()
    (folder / "index" / "data.mdb").write_bytes(b"x" * 20_000)
    with pytest.raises(ReplicaError, match="index"):
        open_replica(folder)


def test_nobody_else_may_look_in(replica: Replica, folder: Path) -> None:
    play(replica)
    replica.commit()
    for path in [folder, *folder.rglob("*")]:
        assert path.is_symlink() or path.stat().st_mode & 0o077 == 0, path


def test_the_map_grows_by_itself(folder: Path) -> None:
    replica = open_replica(folder, map_size=1 << 18)
    parent = make(replica, "folder", NodeType.FOLDER)
    for number in range(3000):
        replica.create(parent, b"%d" % number, NodeType.FILE, mode=0o600, uid=0, gid=0)
    assert len(replica.children(parent, None, -1)) == 3000
    replica.commit()
    kill(replica)
    again = sound(open_replica(folder, map_size=1 << 18))
    assert len(again.children(parent, None, -1)) == 3000
    again.close()


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


# power cuts ---------------------------------------------------------------------------------------


def test_after_a_power_cut_unsynced_contents_of_the_server_are_fetched_again(folder: Path) -> None:
    replica = open_replica(folder)
    base = Base(Kind.FILE, ROOT, "far", 5, 9, 70, 0)
    first, second, partly = replica.new_id(), replica.new_id(), replica.new_id()
    for node, name in ((first, "first"), (second, "second"), (partly, "partly")):
        replica.place_file(node, Base(Kind.FILE, ROOT, name, 5000, 9, 70 + node, 0))
    for node in (first, second):
        arrive(replica, node, replica.base(node) or base, b"x" * 5000)
        if node == first:
            contents = replica.durability.unsynced_contents()
            replica.durability.sync_contents(contents)
            replica.durability.mark_synced(contents)
    incoming = replica.incoming(partly, 5000, 9)
    incoming.write(0, b"x" * 4096)
    mine = make(replica, "mine", data=b"my own words")
    kill(replica)
    again = sound(open_replica(folder, boot_id="boot 1"))
    assert again.incoming(partly, 5000, 9).missing(0, 5000) == (4096, 5000)
    kill(again)

    again = sound(open_replica(folder, boot_id="boot 2"))
    assert again.status(first) is Status.SYNCED
    assert again.status(second) is Status.ABSENT
    assert again.incoming(partly, 5000, 9).missing(0, 5000) == (0, 5000)
    assert read(again, mine) == b"my own words"
    again.close()


def cut_power(replica: Replica, node: NodeId, size: int, *, zeros: bool = False) -> None:
    """The index is durable, of the content only ``size`` bytes are, or so many zeros."""
    content = replica.open_content(node)
    os.ftruncate(content.fd, 0 if zeros else size)
    os.ftruncate(content.fd, size)
    content.close()
    kill(replica)


def synced(replica: Replica) -> None:
    contents = replica.durability.unsynced_contents()
    replica.durability.sync_contents(contents)
    replica.durability.mark_synced(contents)
    replica.commit()


def saved_again(folder: Path, how: str, data: bytes) -> tuple[Replica, NodeId]:
    """A document that the server has, saved anew just before the power cut."""
    replica = open_replica(folder)
    node = make(replica, "mine", data=b"my own words")
    settle(replica)
    synced(replica)
    if how == "in place":
        write(replica, node, data)
    else:
        make(replica, "mine.tmp", data=data)
        replica.rename(ROOT, b"mine.tmp", ROOT, b"mine")
    replica.commit()
    return replica, node


@pytest.mark.parametrize("how", ["in place", "rename over"])
@pytest.mark.parametrize("left", [0, 6])
def test_after_a_power_cut_a_torn_save_gives_way_to_the_servers_version(
    folder: Path, how: str, left: int
) -> None:
    replica, node = saved_again(folder, how, b"my own longer words")
    cut_power(replica, node, left)
    again = sound(open_replica(folder, boot_id="boot 2"))
    local, base = again.local(node), again.base(node)
    assert local is not None
    assert base is not None
    assert again.status(node) is Status.ABSENT
    assert list(again.dirty()) == []
    assert (local.size, local.mtime, local.version) == (12, base.mtime, base.version)
    assert pick_bin(again) == ([("mine", b"my own")] if left else [])
    arrive(again, node, base, b"my own words")
    assert read(again, node) == b"my own words"
    again.close()


def test_after_a_power_cut_a_save_that_was_only_begun_gives_way_too(folder: Path) -> None:
    replica, node = saved_again(folder, "in place", b"my own longer words")
    synced(replica)
    replica.begin_write(node)
    cut_power(replica, node, 0)
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert again.status(node) is Status.ABSENT
    again.close()


def test_a_torn_save_at_another_place_stays_there(folder: Path) -> None:
    replica, node = saved_again(folder, "in place", b"my own longer words")
    replica.rename(ROOT, b"mine", ROOT, b"renamed")
    cut_power(replica, node, 6)
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert at(again, "renamed") == node
    local = again.local(node)
    assert local is not None
    assert not local.present
    assert [one.node for one in again.dirty()] == [node]
    again.close()


def is_doubtful(replica: Replica, node: NodeId) -> bool:
    local = replica.local(node)
    assert local is not None
    return local.doubtful


@pytest.mark.parametrize("how", ["in place", "rename over"])
def test_after_a_power_cut_a_save_of_the_right_size_is_doubtful(folder: Path, how: str) -> None:
    replica, node = saved_again(folder, how, b"my own longer words")
    assert not is_doubtful(replica, node)
    cut_power(replica, node, 19, zeros=True)
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert again.status(node) is Status.CHANGED
    assert is_doubtful(again, node)
    kill(again)
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert is_doubtful(again, node)  # for as long as nobody settles it
    again.rename(ROOT, b"mine", ROOT, b"renamed")
    assert is_doubtful(again, node)
    kill(again)
    again = open_replica(folder, boot_id="boot 2")
    write(again, node, b"written on")  # some of it may be what the power cut left
    assert is_doubtful(again, node)
    copy = copy_of(folder, folder.parent / "copy")
    kill(again)
    again = open_replica(copy, boot_id="boot 2")
    make(again, "new", data=b"written anew")
    again.rename(ROOT, b"new", ROOT, b"renamed")
    assert not is_doubtful(again, node)
    again.close()
    again = open_replica(folder, boot_id="boot 2")
    settle(again)
    assert not is_doubtful(again, node)
    again.close()


OLDEST, FIRST, SECOND = b"yesterday's", b"an hour's work", b"an hour's work, and more"


def save_over(replica: Replica, name: str, data: bytes) -> NodeId:
    make(replica, f"{name}.tmp", data=data)
    replica.rename(ROOT, os.fsencode(f"{name}.tmp"), ROOT, os.fsencode(name))
    return at(replica, name)


def save_by_backup(replica: Replica, name: str, data: bytes) -> NodeId:
    """As vim saves."""
    replica.rename(ROOT, os.fsencode(name), ROOT, os.fsencode(f"{name}~"))
    make(replica, name, data=data)
    replica.unlink(ROOT, os.fsencode(f"{name}~"))
    return at(replica, name)


def saved_twice(
    folder: Path,
    *,
    sent: bool,
    on_disk: bool,
    save: Callable[[Replica, str, bytes], NodeId] = save_over,
) -> tuple[Replica, NodeId]:
    """A document (that the server has in an older version, if ``sent``) was saved, and again just
    before the power cut. The first save is on the disk if ``on_disk``. The index has it all, and
    what was replaced still waits to go."""
    replica = open_replica(folder)
    make(replica, "mine", data=OLDEST)
    if sent:
        settle(replica)
    synced(replica)
    save_over(replica, "mine", FIRST)
    if on_disk:
        synced(replica)
    until = replica.sequence() if on_disk else 0
    node = save(replica, "mine", SECOND)
    replica.commit(effects_until=until)
    return replica, node


@pytest.mark.parametrize("left", [0, 6])
@pytest.mark.parametrize(
    ("sent", "save"), [(True, save_over), (False, save_over), (True, save_by_backup)]
)
def test_after_a_power_cut_a_torn_save_gives_way_to_the_save_before(
    folder: Path, sent: bool, left: int, save: Callable[[Replica, str, bytes], NodeId]
) -> None:
    replica, node = saved_twice(folder, sent=sent, on_disk=True, save=save)
    cut_power(replica, node, left)
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert dict(tree(again)) == {"mine": FIRST}
    assert again.status(node) is Status.CHANGED
    assert not is_doubtful(again, node)
    assert pick_bin(again) == ([("mine", SECOND[:left])] if left else [])
    again.close()


@pytest.mark.parametrize("sent", [True, False])
def test_after_a_power_cut_what_a_doubtful_save_replaced_is_in_the_bin(
    folder: Path, sent: bool
) -> None:
    replica, node = saved_twice(folder, sent=sent, on_disk=True)
    cut_power(replica, node, len(SECOND), zeros=True)
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert dict(tree(again)) == {"mine": b"\0" * len(SECOND)}
    assert is_doubtful(again, node)
    assert pick_bin(again) == [("mine", FIRST)]
    again.close()


@pytest.mark.parametrize("sent", [True, False])
def test_after_a_power_cut_the_latest_whole_save_comes_back_and_older_ones_lie_in_the_bin(
    folder: Path, sent: bool
) -> None:
    """None of the two saves was on the disk for sure. Of what the server has, nothing need be
    kept."""
    replica, node = saved_twice(folder, sent=sent, on_disk=False)
    cut_power(replica, node, 6)
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert dict(tree(again)) == {"mine": FIRST}
    assert is_doubtful(again, node)
    assert pick_bin(again) == [("mine", SECOND[:6])] + ([] if sent else [("mine", OLDEST)])
    again.close()


def test_after_a_power_cut_with_both_saves_torn_the_one_before_them_comes_back(
    folder: Path,
) -> None:
    replica, node = saved_twice(folder, sent=False, on_disk=False)
    waiting = [
        effect
        for _, raw in replica._ix.items("effects")
        if isinstance(effect := decode_effect(raw), Unlink)
    ]
    (first,) = [effect for effect in waiting if effect.size == len(FIRST)]
    os.truncate(replica._objects.path(first.owner, first.number), 3)
    cut_power(replica, node, 0)
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert dict(tree(again)) == {"mine": OLDEST}
    assert not is_doubtful(again, node)
    again.close()


def killed_at_event(folder: Path, number: int) -> bool:
    """Starts, and is killed instead of recording that event; False when there were not so many."""
    count = 0
    real = EventWriter.record

    def counted(self: EventWriter, event: events.AnyEvent, *, grows: bool = False) -> int:
        nonlocal count
        count += 1
        if count == number:
            raise KeyboardInterrupt
        return real(self, event, grows=grows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventWriter, "record", counted)
        try:
            replica = open_replica(folder, boot_id="boot 2")
        except KeyboardInterrupt:
            return True
    kill(replica)
    return False


@pytest.mark.parametrize("sent", [True, False])
def test_a_start_after_a_power_cut_that_is_killed_at_any_event_is_done_again(
    folder: Path, sent: bool
) -> None:
    replica, node = saved_twice(folder, sent=sent, on_disk=False)
    cut_power(replica, node, 6)
    for number in range(1, 50):
        copy = copy_of(folder, folder.parent / f"start-{number}")
        if not killed_at_event(copy, number):
            break
        again = sound(open_replica(copy, boot_id="boot 2"))
        assert dict(tree(again)) == {"mine": FIRST}
        assert pick_bin(again) == [("mine", SECOND[:6])] + ([] if sent else [("mine", OLDEST)])
        again.close()
    assert number > 2


def test_a_kill_brings_nothing_back(folder: Path) -> None:
    replica, _ = saved_twice(folder, sent=True, on_disk=True)
    kill(replica)
    again = sound(open_replica(folder, boot_id="boot 1"))
    assert dict(tree(again)) == {"mine": SECOND}
    assert pick_bin(again) == []
    assert len(list(again._objects.every())) == 1
    again.close()


def test_after_a_power_cut_new_contents_are_taken_as_they_are(folder: Path) -> None:
    replica = open_replica(folder)
    node = make(replica, "mine", data=b"my own words")
    local = replica.local(node)
    assert local is not None
    cut_power(replica, node, 6)
    again = sound(open_replica(folder, boot_id="boot 2"))
    after = again.local(node)
    assert after is not None
    assert after.size == 6
    assert after.version > local.version
    assert again.status(node) is Status.CHANGED
    again.close()


@pytest.mark.expected_log("the computer stopped: the journal ends at record")
def test_after_a_power_cut_the_journal_ends_at_its_first_bad_record(folder: Path) -> None:
    replica = open_replica(folder)
    make(replica, "first", data=b"1")
    (segment,) = (folder / "journal").iterdir()
    inside = segment.stat().st_size + FRAME.size
    make(replica, "second", data=b"2")
    make(replica, "third", data=b"3")
    kill(replica)
    damage(segment, inside)
    before = segment.read_bytes()
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert dict(tree(again)) == {"first": b"1"}
    [aside] = (folder / "damaged").iterdir()
    assert (aside / segment.name).read_bytes() == before
    kill(again)
    # the journal ends before the number that was recorded last
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert dict(tree(again)) == {"first": b"1"}
    again.close()


def test_after_a_power_cut_content_whose_event_was_lost_counts_as_changed(folder: Path) -> None:
    replica = open_replica(folder)
    node = make(replica, "mine", data=b"1234")
    settle(replica)
    contents = replica.durability.unsynced_contents()
    replica.durability.mark_synced(contents)
    replica.commit()
    content = replica.open_content(node)
    os.pwrite(content.fd, b"12345678", 0)  # its event was in the journal's lost part
    content.close()
    kill(replica)
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert again.status(node) is Status.CHANGED
    assert is_doubtful(again, node)
    assert read(again, node) == b"12345678"
    again.close()


def test_a_clean_stop_trusts_everything_at_any_boot(folder: Path) -> None:
    replica = open_replica(folder)
    node = replica.new_id()
    base = Base(Kind.FILE, ROOT, "far", 5, 9, 70, 0)
    replica.place_file(node, base)
    arrive(replica, node, base, b"12345")
    replica.close()
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert again.status(node) is Status.SYNCED
    again.close()


# full disks ---------------------------------------------------------------------------------------

FULL_DISK = """
import errno, json, os, sys
from pathlib import Path
from tests.store.support import at, kill, make, open_replica, settle, sound, tree, write
top = Path(sys.argv[1])
replica = open_replica(top / "replica", reserve_bytes=1 << 20)
for number in range(50):
    make(replica, f"file {number}", data=b"x" * 100)
replica.commit()
filler = os.open(top / "filler", os.O_WRONLY | os.O_CREAT)
try:
    while True:
        os.write(filler, bytes(1 << 16))
except OSError as error:
    assert error.errno == errno.ENOSPC
try:
    while True:
        os.write(filler, bytes(1))
except OSError:
    pass
refused = 0
for number in range(2000):
    try:
        make(replica, f"new {number}")
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
        refused += 1
settled = sum(1 for _ in replica.dirty())
for _ in range(30):  # what was sent can always be recorded
    settle(replica)
    replica.rename(1, b"file 0", 1, b"renamed")
    replica.rename(1, b"renamed", 1, b"file 0")
try:
    replica.commit()
except OSError as error:
    assert error.errno == errno.ENOSPC, error
files = dict(tree(replica))
kill(replica)
os.ftruncate(filler, 0)
again = sound(open_replica(top / "replica", reserve_bytes=1 << 20))
same = dict(tree(again)) == files
make(again, "there is room again", data=b"yes")
again.close()
print(json.dumps({"refused": refused, "same": same, "settled": settled, "files": len(files)}))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount a tmpfs to fill"
)
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    top = tmp_path / "small"
    top.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(top)],
        check=False,
        capture_output=True,
        timeout=20,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        command = [sys.executable, "-c", FULL_DISK, str(top)]
        done = subprocess.run(
            command,
            cwd=Path(__file__).parents[2],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["same"]
        assert told["refused"] > 0
        assert told["files"] >= 50
    finally:
        subprocess.run(["umount", "-l", str(top)], check=True, timeout=20)


def test_while_the_reserve_is_used_only_what_does_not_grow_is_recorded(replica: Replica) -> None:
    node = make(replica, "file", data=b"x")
    replica._reserve.release()
    for act in (
        lambda: make(replica, "another"),
        lambda: replica.begin_write(node),
        lambda: replica.set_xattr(node, b"user.a", b"1"),
        lambda: replica.incoming(node, 5, 9),
    ):
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            act()
    settle(replica)
    replica.rename(ROOT, b"file", ROOT, b"renamed")
    replica.unlink(ROOT, b"renamed")
    replica.commit()  # there is room again
    make(replica, "another")


def test_a_power_cut_while_something_comes_back_from_the_bin(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = open_replica(folder)
    make(replica, "file", data=b"words")
    replica.delete_local(at(replica, "file"), keep=True, why="test")
    (entry,) = replica.bin.entries()
    replica.commit()

    def stop(_self: object, _sequence: int, _effect: object) -> None:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(Objects, "do", stop)
        with pytest.raises(PowerCut):
            replica.bin.restore(entry.sequence, ROOT, b"back")
    kill(replica)
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert dict(tree(again)) == {"back": b"words"}
    assert list((folder / "bin").iterdir()) == []
    again.close()


def test_what_went_to_the_bin_counts_as_done_only_when_that_is_on_the_disk(
    replica: Replica,
) -> None:
    """A power cut may undo the rename. If the loser counted as done then, nothing would name it."""
    make(replica, "lost", data=b"words")
    replica.delete_local(at(replica, "lost"), keep=True, why="test")
    make(replica, "gone", data=b"more")
    replica.unlink(ROOT, b"gone")
    until = replica.sequence()
    replica.commit(effects_until=until)
    assert [path.name for path in (replica.folder / "bin").glob("*/*")] == ["lost"]
    replica.commit(effects_until=until)
    assert replica.committer.effects_wait()
    assert replica.bin.durable_entries() == []
    replica.committer.sync_files()
    replica.commit(effects_until=until)
    assert not replica.committer.effects_wait()
    assert [entry.name for entry in replica.bin.durable_entries()] == [b"lost"]
    assert replica._ix.applied == replica._ix.committed


def test_what_only_makes_room_waits_for_no_sync(replica: Replica) -> None:
    make(replica, "gone", data=b"words")
    replica.unlink(ROOT, b"gone")
    replica.commit(effects_until=replica.sequence())
    assert not replica.committer.effects_wait()


def test_what_came_back_from_the_bin_and_went_again_keeps_nobody_from_starting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full when it came back; then all is done at once, and the process killed before
    it says so."""
    replica = open_replica(folder)
    make(replica, "file", data=b"words")
    replica.delete_local(at(replica, "file"), keep=True, why="test")
    (entry,) = replica.bin.entries()
    replica.commit()

    def full(_self: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(EventWriter, "commit_index", full)
        with pytest.raises(OSError, match="No space left"):
            replica.bin.restore(entry.sequence, ROOT, b"back")
    replica.unlink(ROOT, b"back")
    replica.commit(effects_until=replica.sequence())
    kill(replica)
    again = sound(open_replica(folder))
    assert dict(tree(again)) == {}
    assert list((folder / "bin").iterdir()) == []
    again.close()


def test_after_a_power_cut_a_copy_whose_event_was_lost_goes(folder: Path) -> None:
    """Its number is given again: another entry would have it as its own."""
    replica = open_replica(folder)
    node = make(replica, "mine", data=b"words")
    replica.commit()
    lost_from = replica.sequence()
    for _ in range(3):
        replica.copy_to_bin(node, "test")
    kill(replica)
    (segment,) = (folder / "journal").iterdir()
    records = Journal(folder / "journal", Reserve(folder / "none", 0)).records(0)
    kept = sum(FRAME.size + len(payload) for number, payload in records if number <= lost_from)
    os.truncate(segment, kept)
    assert len(list((folder / "bin").iterdir())) == 3
    again = sound(open_replica(folder, boot_id="boot 2"))
    assert again.bin.entries() == []
    assert list((folder / "bin").iterdir()) == []
    again.close()


def test_a_description_that_finds_no_room_does_not_keep_contents_from_going(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = make(replica, "kept", data=b"words"), make(replica, "gone", data=b"much room")
    path = Path(replica._objects.path(gone, require_node(replica._ix, gone).number))
    replica.delete_local(kept, keep=True, why="test")
    replica.unlink(ROOT, b"gone")

    def full(_self: object, _sequence: int, _effect: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setitem(replica._objects._effects, NoteToBin, functools.partial(full, None))
        with pytest.raises(OSError, match="No space left"):
            replica.commit()
        assert not path.exists()
    (entry,) = replica.bin.entries()
    note = replica.folder / "bin" / f"{entry.sequence}.json"
    assert not note.exists()
    replica.commit()  # what was done is on the disk now
    replica.commit()  # so it goes on behind that
    assert json.loads(note.read_text())["name"] == "kept"
    assert not replica.committer.effects_wait()


def test_a_failed_append_is_cut_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replica = open_replica(folder)
    make(replica, "first")
    before = snapshot(replica)
    real = os.write

    def short(fd: int, data: bytes) -> int:
        return real(fd, data[:10])

    with monkeypatch.context() as patch:
        patch.setattr("syncin_mount.store.journal.log.os.write", short)
        with pytest.raises(OSError, match="No space left"):
            make(replica, "second")
    assert snapshot(replica) == before
    make(replica, "third")
    kill(replica)
    again = sound(open_replica(folder))
    assert dict(tree(again)) == {"first": b"", "third": b""}
    again.close()


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
