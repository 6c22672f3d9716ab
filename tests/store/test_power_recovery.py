"""What the start after a power cut makes of contents and events that had not been synced."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.model import ROOT, Base, Kind, NodeId
from syncin_mount import system
from syncin_mount.store import (
    Replica,
    Status,
)
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.durability.event_writer import EventWriter
from syncin_mount.store.journal import events
from syncin_mount.store.journal.log import Journal
from syncin_mount.store.journal.reserve import Reserve
from syncin_mount.store.journal.segments import FRAME
from syncin_mount.store.records import Unlink, decode_effect
from tests.store.support import (
    PowerCut,
    arrive,
    at,
    copy_of,
    damage,
    kill,
    make,
    open_replica,
    pick_bin,
    read,
    settle,
    sound,
    tree,
    write,
)


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
    system.pwrite(content.fd, b"12345678", 0)  # its event was in the journal's lost part
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
