"""Contents that come from the server, and what listeners are told of changes."""

from __future__ import annotations

import errno
import os

import pytest
import trio
import trio.testing

from reconciler.errors import LocalChanged
from reconciler.model import ROOT, Base, Kind, Place
from syncin_mount import system
from syncin_mount.store import (
    AttrChanged,
    Change,
    EntryChanged,
    NameChanged,
    NodeType,
    Replica,
    Status,
)
from tests.store.support import (
    SECOND,
    arrive,
    attr,
    base,
    far,
    make,
    pick_bin,
    read,
    settle,
    write,
)


def test_absent_content_becomes_present_under_the_same_inode_and_open_files_see_it(
    replica: Replica,
) -> None:
    node = far(replica, size=10_000)
    assert replica.status(node) is Status.ABSENT
    assert list(replica.absent()) == [node]
    before = attr(replica, node)
    content = replica.open_content(node)
    incoming = replica.incoming(node, 10_000, 9)
    assert replica.incoming(node, 10_000, 9) is incoming
    incoming.close()
    assert content.missing(0, 99_999) == (0, 10_000)
    incoming.write(0, b"a" * 5000)
    assert content.missing(0, 10_000) == (4096, 10_000)
    assert system.pread(content.fd, 4, 0) == b"aaaa"
    with pytest.raises(ValueError, match="not complete"):
        replica.install_content(
            node, incoming, base(size=10_000), before.version, keep=False, why=""
        )
    incoming.write(5000, b"b" * 5000)
    assert content.missing(0, 10_000) is None
    replica.install_content(node, incoming, base(size=10_000), before.version, keep=False, why="")
    incoming.close()
    assert (attr(replica, node).ino, attr(replica, node).version) == (before.ino, before.version)
    assert system.pread(content.fd, 3, 4999) == b"abb"
    content.close()
    assert list(replica.absent()) == []
    assert replica.status(node) is Status.SYNCED


def test_readers_keep_the_old_content_when_a_new_one_is_taken_in(replica: Replica) -> None:
    node = make(replica, "far", data=b"old")
    settle(replica)
    ino = attr(replica, node).ino
    reader = replica.open_content(node)
    arrive(replica, node, base(size=7, mtime=20), b"newest!")
    replica.commit()
    assert system.pread(reader.fd, 100, 0) == b"old"
    reader.close()
    assert read(replica, node) == b"newest!"
    assert attr(replica, node).ino != ino
    assert attr(replica, node).mtime_ns == 20 * SECOND
    assert replica.by_ino(ino) is None
    assert replica.bin.entries() == []


def test_what_the_server_never_had_goes_to_the_bin_when_it_is_replaced(replica: Replica) -> None:
    node = make(replica, "far", data=b"sent")
    settle(replica)
    write(replica, node, b"not sent")
    arrive(replica, node, base(size=1, mtime=20), b"N", keep=False)
    arrive(replica, node, base(size=2, mtime=21), b"NN", keep=True)
    assert pick_bin(replica) == [("far", b"N"), ("far", b"not sent")]


def test_nothing_is_taken_in_over_a_file_that_is_being_changed(replica: Replica) -> None:
    node = make(replica, "far", data=b"old")
    settle(replica)
    incoming = replica.incoming(node, 1, 20)
    incoming.write(0, b"N")
    version = attr(replica, node).version

    def refused(expect: int) -> None:
        before = replica.sequence()
        with pytest.raises(LocalChanged):
            replica.install_content(
                node, incoming, base(size=1, mtime=20), expect, keep=False, why=""
            )
        assert replica.sequence() == before

    refused(version - 1)
    replica.opened_for_write(node)
    refused(version)
    replica.closed_for_write(node)
    replica.begin_write(node)
    refused(attr(replica, node).version)
    replica.written(node, size=3, mtime_ns=0)
    other = replica.incoming(node, 2, 21)
    refused(attr(replica, node).version)  # another version was asked for meanwhile
    replica.unlink(ROOT, b"far")
    refused(version)
    incoming.close()
    other.close()


def test_truncating_what_is_not_here_gives_it_a_content_of_its_own(replica: Replica) -> None:
    node = far(replica)
    before = replica.sequence()
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        replica.begin_write(node)
    assert (replica.sequence(), list(replica.absent())) == (before, [node])
    replica.begin_write(node, discard=True)
    assert list(replica.absent()) == []
    replica.written(node, size=0, mtime_ns=0)
    assert read(replica, node) == b""
    assert replica.status(node) is Status.CHANGED


def test_an_empty_remote_file_is_here_at_once(replica: Replica) -> None:
    node = far(replica, size=0)
    assert replica.status(node) is Status.SYNCED
    assert read(replica, node) == b""


def test_a_folder_that_the_server_fills_keeps_the_servers_time(replica: Replica) -> None:
    folder = replica.new_id()
    replica.place_folder(folder, Base(Kind.FOLDER, ROOT, "folder", 0, 77, 5, 0))
    inside = replica.new_id()
    replica.place_file(inside, Base(Kind.FILE, folder, "file", 5, 9, 6, 0))
    assert attr(replica, folder).mtime_ns == 77 * SECOND
    make(replica, "folder/mine")
    assert attr(replica, folder).mtime_ns > 1_000_000_000 * SECOND


def test_a_tombstone_can_come_back(replica: Replica) -> None:
    node = make(replica, "far", data=b"12345")
    settle(replica)
    replica.unlink(ROOT, b"far")
    replica.place_file(node, base(size=6, mtime=30))
    assert replica.status(node) is Status.ABSENT
    arrive(replica, node, base(size=6, mtime=30), b"123456")
    assert read(replica, node) == b"123456"


# notices ------------------------------------------------------------------------------------------


def test_listeners_hear_of_the_reconcilers_changes_only(replica: Replica) -> None:
    heard: list[Change] = []
    replica.listen(heard.append)
    folder = make(replica, "folder", NodeType.FOLDER)
    mine = make(replica, "mine", data=b"1")
    settle(replica)
    assert heard == []

    names: list[NameChanged] = []

    def news() -> list[Change]:
        told: list[Change] = [each for each in heard if not isinstance(each, NameChanged)]
        names[:] = [each for each in heard if isinstance(each, NameChanged)]
        heard.clear()
        return told

    root = AttrChanged(ROOT)
    node = far(replica)
    assert news() == [EntryChanged(ROOT, b"far"), root]
    assert names == [NameChanged(ROOT, b"far")]
    arrive(replica, node, base(), b"12345")
    assert news() == []  # the inode and all that the kernel knows of it stays
    assert names == []
    was = attr(replica, node)
    arrive(replica, node, base(size=1, mtime=11), b"1")
    assert news() == [EntryChanged(ROOT, b"far"), root]
    assert names == [NameChanged(ROOT, b"far", was)]
    ino = attr(replica, node).ino
    replica.move_local(node, Place(folder, "near"), None)
    assert news() == [
        EntryChanged(ROOT, b"far"),
        root,
        EntryChanged(folder, b"near"),
        AttrChanged(folder),
        AttrChanged(ino),
    ]
    assert names == [NameChanged(ROOT, b"far", None, (folder, b"near"))]
    was = attr(replica, node)
    replica.touch_local(node, 5 * SECOND, None)
    assert news() == [EntryChanged(folder, b"near"), AttrChanged(folder), AttrChanged(ino)]
    assert names == [NameChanged(folder, b"near", was)]
    assert attr(replica, node).ino != ino
    was = attr(replica, folder)
    replica.delete_local(folder, keep=False, why="test")
    assert news() == [EntryChanged(ROOT, b"folder"), root]
    assert names == [NameChanged(ROOT, b"folder", was)]
    replica.set_base(mine, None)
    assert news() == []


def test_a_file_that_is_being_written_keeps_its_inode_when_touched(replica: Replica) -> None:
    node = make(replica, "file", data=b"1")
    replica.opened_for_write(node)
    ino = attr(replica, node).ino
    replica.touch_local(node, 5 * SECOND, None)
    assert attr(replica, node).ino == ino
    assert attr(replica, node).mtime_ns == 5 * SECOND


async def test_waiting_for_local_changes(replica: Replica) -> None:
    start = await replica.wait_local_change(0)
    woken: list[int] = []

    async def wait() -> None:
        woken.append(await replica.wait_local_change(start))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        node = far(replica)
        replica.set_base(node, base(inode=99))
        await trio.testing.wait_all_tasks_blocked()
        assert woken == []
        make(replica, "mine")
        await trio.testing.wait_all_tasks_blocked()
        assert woken == [replica.sequence()]
