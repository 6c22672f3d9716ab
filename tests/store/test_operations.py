"""Identity, wake-ups, notices and the journal for people; the rest of the operations is in the
state machine."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import trio
import trio.testing

from reconciler.errors import LocalChanged
from reconciler.model import ROOT, Base, Kind, NodeId, Place
from syncin_mount.store import (
    AttrChanged,
    Change,
    EntryChanged,
    NameChanged,
    NodeType,
    OpKind,
    Replica,
    Status,
)
from tests.store.support import (
    SECOND,
    arrive,
    at,
    attr,
    base_of,
    kill,
    make,
    open_replica,
    pick_bin,
    place,
    read,
    settle,
    tree,
    write,
)


def far(replica: Replica, name: str = "far", size: int = 5, mtime: int = 9) -> NodeId:
    node = replica.new_id()
    replica.place_file(node, Base(Kind.FILE, ROOT, name, size, mtime, 70 + node, 0))
    return node


def base(name: str = "far", size: int = 5, mtime: int = 9, inode: int = 70) -> Base:
    return Base(Kind.FILE, ROOT, name, size, mtime, inode, 0)


# identity -----------------------------------------------------------------------------------------


def test_a_save_by_rename_keeps_the_document_and_gives_it_the_new_inode(replica: Replica) -> None:
    document = make(replica, "doc", data=b"old words")
    replica.set_xattr(document, b"user.old", b"1")
    settle(replica)
    agreed = replica.base(document)
    old_ino = attr(replica, document).ino
    reader = replica.open_content(document)

    new = make(replica, "doc.tmp", data=b"new words!")
    replica.set_xattr(new, b"user.new", b"2")
    new_ino = attr(replica, new).ino
    replica.rename(ROOT, b"doc.tmp", ROOT, b"doc")

    assert at(replica, "doc") == document
    assert replica.attr(new) is None
    assert replica.base(document) == agreed
    assert attr(replica, document).ino == new_ino
    assert (replica.by_ino(new_ino), replica.by_ino(old_ino)) == (document, None)
    assert replica.list_xattrs(document) == [b"user.new"]
    assert read(replica, document) == b"new words!"
    assert [one.node for one in replica.dirty()] == [document]
    replica.commit()
    assert os.pread(reader.fd, 100, 0) == b"old words"
    reader.close()
    # And once more, over the inode that is not the node's number.
    make(replica, "doc.tmp", data=b"third")
    replica.rename(ROOT, b"doc.tmp", ROOT, b"doc")
    assert at(replica, "doc") == document
    assert replica.by_ino(new_ino) is None


def test_a_save_with_a_backup_keeps_the_document(replica: Replica) -> None:
    document = make(replica, "doc", data=b"old words")
    settle(replica)
    agreed = replica.base(document)
    replica.rename(ROOT, b"doc", ROOT, b"doc~")
    new = make(replica, "doc", data=b"new words")
    moves = replica.identity_moves()
    assert [one.node for one in replica.dirty()] == [document, new]
    replica.unlink(ROOT, b"doc~")
    assert replica.identity_moves() == moves + 1
    assert replica.base(document) is None
    assert replica.base(new) == agreed
    assert replica.base_by_inode(1000 + document) == new
    assert [one.node for one in replica.dirty()] == [new]
    assert {one.node for one in replica.local_changes.pending()} == {new}


def test_an_inode_that_was_given_out_again_belongs_to_who_was_told_it_last(
    replica: Replica,
) -> None:
    """The server gives an inode of a file that somebody replaced there to a folder that is made
    here, before a listing tells of either."""
    file = far(replica, "file")
    replica.set_base(file, base("file"))
    folder = make(replica, "folder", NodeType.FOLDER)
    replica.set_base(folder, Base(Kind.FOLDER, ROOT, "folder", 0, 9, 70, 0))
    assert replica.base_by_inode(70) == folder
    # something else of the file is agreed on, and at last the inode that it really has
    replica.set_base(file, base("file", mtime=10))
    assert replica.base_by_inode(70) == folder
    replica.set_base(file, base("file", mtime=10, inode=71))
    assert (replica.base_by_inode(70), replica.base_by_inode(71)) == (folder, file)
    replica.set_base(folder, None)
    assert replica.base_by_inode(70) is None


def test_temporary_files_leave_nothing_to_send(replica: Replica) -> None:
    make(replica, "tmp", data=b"x")
    make(replica, "folder", NodeType.FOLDER)
    replica.rename(ROOT, b"tmp", at(replica, "folder"), b"other")
    assert len(list(replica.local_changes.pending())) == 4
    replica.unlink(at(replica, "folder"), b"other")
    replica.rmdir(ROOT, b"folder")
    assert list(replica.dirty()) == []
    assert list(replica.local_changes.pending()) == []
    assert replica.base_count() == 0


def test_a_file_with_base_renamed_over_another_replaces_it(replica: Replica) -> None:
    one, two = make(replica, "one", data=b"1"), make(replica, "two", data=b"2")
    settle(replica)
    replica.rename(ROOT, b"one", ROOT, b"two")
    assert at(replica, "two") == one
    assert replica.local(two) is None
    assert replica.base(two) is not None
    assert {found.node for found in replica.dirty()} == {one, two}


def test_back_where_it_was_is_no_difference(replica: Replica) -> None:
    make(replica, "one")
    settle(replica)
    replica.rename(ROOT, b"one", ROOT, b"two")
    assert replica.dirty_count() == 1
    replica.rename(ROOT, b"two", ROOT, b"one")
    assert replica.dirty_count() == 0
    assert list(replica.local_changes.pending()) == []


# the journal for people ---------------------------------------------------------------------------


def test_pending_says_what_was_done_with_the_paths_of_then(replica: Replica) -> None:
    make(replica, "a", NodeType.FOLDER)
    node = make(replica, "a/file", data=b"1")
    write(replica, node, b"12")
    write(replica, node, b"123")
    replica.rename(ROOT, b"a", ROOT, b"b")
    replica.set_attr(node, mode=0o600)
    replica.set_attr(node, mtime_ns=7 * SECOND)
    told = [(one.kind, one.path, one.new_path) for one in replica.local_changes.pending()]
    assert told == [
        (OpKind.CREATE, "a", None),
        (OpKind.CREATE, "a/file", None),
        (OpKind.WRITE, "a/file", None),
        (OpKind.RENAME, "a", "b"),
        (OpKind.TIMES, "b/file", None),
    ]
    settle(replica, at(replica, "b"))
    assert {one.path for one in replica.local_changes.pending()} == {"a/file", "b/file"}
    settle(replica)
    replica.unlink(at(replica, "b"), b"file")
    assert [(one.kind, one.path) for one in replica.local_changes.pending()] == [
        (OpKind.REMOVE, "b/file")
    ]
    settle(replica)
    assert list(replica.local_changes.pending()) == []


def test_what_was_sent_of_an_older_version_stays_dirty(replica: Replica) -> None:
    node = make(replica, "file", data=b"1")
    sent = base_of(replica, node)
    write(replica, node, b"22")
    replica.set_base(node, sent)
    assert replica.status(node) is Status.CHANGED
    settle(replica)
    assert replica.status(node) is Status.SYNCED


def test_what_no_server_holds_is_local_only_and_never_dirty(replica: Replica) -> None:
    link = make(replica, "link", NodeType.SYMLINK)
    odd = replica.create(ROOT, b"\xff\xfe", NodeType.FOLDER, mode=0o700, uid=0, gid=0).node
    inside = replica.create(odd, b"plain", NodeType.FILE, mode=0o600, uid=0, gid=0).node
    assert {replica.status(node) for node in (link, odd, inside)} == {Status.LOCAL_ONLY}
    assert [one.node for one in replica.dirty()] == [odd, inside]
    local = replica.local(odd)
    assert local is not None
    assert local.name == "\udcff\udcfe"
    assert replica.local_child(ROOT, local.name) == odd


# errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (b"x" * 256, errno.ENAMETOOLONG),
        (b"", errno.EINVAL),
        (b"..", errno.EINVAL),
        (b"a/b", errno.EINVAL),
    ],
)
def test_bad_names(replica: Replica, name: bytes, code: int) -> None:
    with pytest.raises(OSError, match=os.strerror(code)) as raised:
        replica.create(ROOT, name, NodeType.FILE, mode=0o600, uid=0, gid=0)
    assert raised.value.errno == code
    make(replica, "file")
    with pytest.raises(OSError, match=os.strerror(code)):
        replica.rename(ROOT, b"file", ROOT, name)
    assert dict(tree(replica)) == {"file": b""}


@pytest.mark.parametrize(
    ("source", "target", "flags", "code"),
    [
        ("folder", "folder/in", {}, errno.EINVAL),
        ("folder", "folder/sub/deeper", {}, errno.EINVAL),
        ("folder", "folder/sub", {}, errno.EINVAL),
        ("folder", "folder/sub", {"exchange": True}, errno.EINVAL),
        ("folder/sub", "folder", {"exchange": True}, errno.EINVAL),
        ("folder/sub", "folder", {}, errno.ENOTEMPTY),
        ("empty", "folder", {}, errno.ENOTEMPTY),
        ("file", "folder", {}, errno.EISDIR),
        ("folder", "file", {}, errno.ENOTDIR),
        ("file", "other", {"no_replace": True}, errno.EEXIST),
        ("file", "none", {"exchange": True}, errno.ENOENT),
        ("file", "other", {"exchange": True, "no_replace": True}, errno.EINVAL),
        ("none", "other", {}, errno.ENOENT),
        ("file/x", "other", {}, errno.ENOTDIR),
        ("other", "file/x", {}, errno.ENOTDIR),
    ],
)
def test_renames_that_cannot_be(
    replica: Replica, source: str, target: str, flags: dict[str, bool], code: int
) -> None:
    for path in ("folder", "folder/sub", "empty"):
        make(replica, path, NodeType.FOLDER)
    for path in ("file", "other"):
        make(replica, path)
    before = replica.sequence()
    (parent, name), (new_parent, new_name) = place(replica, source), place(replica, target)
    with pytest.raises(OSError, match=os.strerror(code)) as raised:
        replica.rename(parent, name, new_parent, new_name, **flags)
    assert raised.value.errno == code
    assert replica.sequence() == before


@pytest.mark.parametrize("name", ["..", "a/b", "", ".", "nul\0", "x" * 256])
def test_names_from_the_server_cannot_lead_elsewhere(replica: Replica, name: str) -> None:
    bad = Base(Kind.FOLDER, ROOT, name, 0, 0, 5, 0)
    before = replica.sequence()
    with pytest.raises(ValueError, match="no name for"):
        replica.place_folder(replica.new_id(), bad)
    with pytest.raises(ValueError, match="no name for"):
        replica.place_file(replica.new_id(), Base(Kind.FILE, ROOT, name, 0, 0, 5, 0))
    node = make(replica, "file")
    with pytest.raises(ValueError, match="no name for"):
        replica.move_local(node, Place(ROOT, name), None)
    assert replica.sequence() == before + 1


def test_extended_attributes(replica: Replica) -> None:
    node = make(replica, "file")
    replica.set_xattr(node, b"user.a", b"1", create=True)
    for keywords, value, code in (
        ({"create": True}, b"2", errno.EEXIST),
        ({}, b"x" * 70_000, errno.E2BIG),
    ):
        with pytest.raises(OSError, match=os.strerror(code)):
            replica.set_xattr(node, b"user.a", value, **keywords)
    with pytest.raises(OSError, match=os.strerror(errno.ENODATA)):
        replica.set_xattr(node, b"user.b", b"2", replace=True)
    with pytest.raises(OSError, match=os.strerror(errno.ENODATA)):
        replica.get_xattr(node, b"user.b")
    with pytest.raises(OSError, match=os.strerror(errno.ENODATA)):
        replica.remove_xattr(node, b"user.b")
    assert replica.get_xattr(node, b"user.a") == b"1"
    assert replica.dirty_count() == 1  # the creation


# contents from the server -------------------------------------------------------------------------


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
    assert os.pread(content.fd, 4, 0) == b"aaaa"
    with pytest.raises(ValueError, match="not complete"):
        replica.install_content(
            node, incoming, base(size=10_000), before.version, keep=False, why=""
        )
    incoming.write(5000, b"b" * 5000)
    assert content.missing(0, 10_000) is None
    replica.install_content(node, incoming, base(size=10_000), before.version, keep=False, why="")
    incoming.close()
    assert (attr(replica, node).ino, attr(replica, node).version) == (before.ino, before.version)
    assert os.pread(content.fd, 3, 4999) == b"abb"
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
    assert os.pread(reader.fd, 100, 0) == b"old"
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


# deleting, and the bin ----------------------------------------------------------------------------


def fill(replica: Replica) -> NodeId:
    folder = make(replica, "folder", NodeType.FOLDER)
    make(replica, "folder/sub", NodeType.FOLDER)
    make(replica, "folder/sub/empty", NodeType.FOLDER)
    make(replica, "folder/sent", data=b"sent")
    make(replica, "folder/sub/edited", data=b"sent too")
    settle(replica)
    write(replica, at(replica, "folder/sub/edited"), b"edited")
    make(replica, "folder/sub/mine", data=b"mine")
    replica.create(
        at(replica, "folder"), b"link", NodeType.SYMLINK, mode=0o777, uid=0, gid=0, target=b"sent"
    )
    replica.place_file(replica.new_id(), Base(Kind.FILE, folder, "absent", 5, 9, 7, 0))
    return folder


def test_deleting_keeps_what_the_server_never_had(replica: Replica) -> None:
    folder = fill(replica)
    reader = replica.open_content(at(replica, "folder/sent"))
    gone = at(replica, "folder/sub/mine")
    settle(replica, gone)
    replica.unlink(at(replica, "folder/sub"), b"mine")  # a tombstone goes with its folder
    replica.delete_local(folder, keep=False, why="deleted on the server")
    assert list(replica.base_nodes()) == []
    assert replica.dirty_count() == replica.contents.absent_count() == 0
    assert pick_bin(replica) == [("folder/sub/edited", b"edited")]
    (link,) = (path for path in (replica.folder / "bin").rglob("*") if path.is_symlink())
    assert (link.name, link.readlink()) == ("link", Path("sent"))
    assert os.pread(reader.fd, 10, 0) == b"sent"
    reader.close()
    (entry,) = replica.bin.entries()
    assert (entry.path, entry.is_folder, entry.why) == ("folder", True, "deleted on the server")


def test_the_bin_gives_back_what_it_has(replica: Replica) -> None:
    folder = fill(replica)
    replica.delete_local(folder, keep=True, why="test")
    (entry,) = replica.bin.entries()
    make(replica, "taken")
    with pytest.raises(FileExistsError):
        replica.bin.restore(entry.sequence, ROOT, b"taken")
    with pytest.raises(KeyError):
        replica.bin.restore(entry.sequence + 1, ROOT, b"other")
    top = replica.bin.restore(entry.sequence, ROOT, b"back")
    assert replica.local_path(top) == "back"
    assert dict(tree(replica)) == {
        "taken": b"",
        "back": None,
        "back/link": None,
        "back/sent": b"sent",
        "back/sub": None,
        "back/sub/edited": b"edited",
        "back/sub/empty": None,
        "back/sub/mine": b"mine",
    }
    assert attr(replica, at(replica, "back/link")).target == b"sent"
    assert replica.bin.entries() == []
    assert list((replica.folder / "bin").iterdir()) == []
    assert replica.status(at(replica, "back/sent")) is Status.CHANGED


def test_a_folder_without_files_can_be_restored_too(replica: Replica) -> None:
    for name in ("plan", "plan/sub", "plain"):
        make(replica, name, NodeType.FOLDER)
    replica.delete_local(at(replica, "plain"), keep=False, why="test")
    replica.delete_local(at(replica, "plan"), keep=True, why="test")
    replica.commit()
    (entry,) = replica.bin.entries()
    assert (entry.name, entry.is_folder, entry.files, entry.size) == (b"plan", True, 0, 0)
    assert {path.name for path in (replica.folder / "bin").iterdir()} == {
        f"{entry.sequence}",
        f"{entry.sequence}.json",
    }
    replica.bin.restore(entry.sequence, ROOT, b"back")
    assert dict(tree(replica)) == {"back": None, "back/sub": None}
    assert list((replica.folder / "bin").iterdir()) == []


def test_what_came_back_from_the_bin_survives_a_kill(replica: Replica) -> None:
    make(replica, "file", data=b"words")
    replica.delete_local(at(replica, "file"), keep=True, why="test")
    (entry,) = replica.bin.entries()
    replica.bin.restore(entry.sequence, ROOT, b"back")
    kill(replica)
    again = open_replica(replica.folder, boot_id="boot 2")
    assert dict(tree(again)) == {"back": b"words"}
    again.close()


def test_emptying_the_bin(replica: Replica) -> None:
    for name in ("one", "two"):
        make(replica, name, data=b"x")
        replica.delete_local(at(replica, name), keep=True, why="test")
    one, _two = replica.bin.entries()
    replica.commit()
    assert (replica.folder / "bin" / f"{one.sequence}.json").exists()
    replica.bin.empty([one.sequence])
    assert [entry.name for entry in replica.bin.entries()] == [b"two"]
    with pytest.raises(KeyError):
        replica.bin.empty([one.sequence])
    replica.bin.empty()
    assert list((replica.folder / "bin").iterdir()) == []


def test_an_empty_file_that_was_never_opened_goes_to_the_bin_too(replica: Replica) -> None:
    make(replica, "empty")
    replica.delete_local(at(replica, "empty"), keep=True, why="test")
    assert pick_bin(replica) == [("empty", b"")]
    (entry,) = replica.bin.entries()
    replica.bin.restore(entry.sequence, ROOT, b"back")
    assert dict(tree(replica)) == {"back": b""}


def test_a_copy_in_the_bin_stays_as_it_was(replica: Replica) -> None:
    node = make(replica, "file", data=b"before" * 1000)
    replica.copy_to_bin(node, "test")
    write(replica, node, b"after")
    assert pick_bin(replica) == [("file", b"before" * 1000)]
    absent = far(replica)
    replica.copy_to_bin(absent, "test")
    assert len(replica.bin.entries()) == 1


def test_very_deep_paths_fit_into_the_bin(replica: Replica) -> None:
    node = ROOT
    for number in range(30):
        node = replica.create(
            node, b"%03d" % number * 80, NodeType.FOLDER, mode=0o700, uid=0, gid=0
        ).node
    deep = replica.create(node, b"file", NodeType.FILE, mode=0o600, uid=0, gid=0).node
    write(replica, deep, b"deep words")
    replica.delete_local(replica.children(ROOT, None, 1)[0][1], keep=True, why="test")
    assert [data for _, data in pick_bin(replica)] == [b"deep words"]
    (entry,) = replica.bin.entries()
    replica.bin.restore(entry.sequence, ROOT, b"back")
    assert b"deep words" in dict(tree(replica)).values()


def test_folders_may_be_deeper_than_python_may_recurse(replica: Replica) -> None:
    node = ROOT
    for _ in range(1500):
        node = replica.create(node, b"d", NodeType.FOLDER, mode=0o700, uid=0, gid=0).node
    kill(replica)
    again = open_replica(replica.folder)
    assert again.local_path(node) == "/".join(["d"] * 1500)
    make(again, "top")
    again.rename(ROOT, b"d", ROOT, b"e")
    assert again.local_path(node).startswith("e/d")
    again.close()


@pytest.mark.slow
@pytest.mark.parametrize("keep", [True, False])
def test_the_bin_takes_gives_back_and_drops_folders_deeper_than_python_may_recurse(
    replica: Replica, keep: bool
) -> None:
    """Without ``keep`` only the file goes to the bin, and all folders above it are made at once."""
    depth = 1400
    node = ROOT
    for _ in range(depth):
        node = replica.create(node, b"d", NodeType.FOLDER, mode=0o700, uid=0, gid=0).node
    write(
        replica,
        replica.create(node, b"f", NodeType.FILE, mode=0o600, uid=0, gid=0).node,
        b"deep words",
    )
    for name in (b"back", b"again"):
        (top,) = [child for _, child in replica.children(ROOT, None, -1)]
        replica.delete_local(top, keep=keep, why="test")
        (entry,) = replica.bin.entries()
        replica.bin.restore(entry.sequence, ROOT, name)
        node = at(replica, "/".join([name.decode(), *["d"] * (depth - 1), "f"]))
        assert read(replica, node) == b"deep words"
    replica.delete_local(at(replica, "again"), keep=keep, why="test")
    replica.commit()
    replica.bin.empty()
    assert list((replica.folder / "bin").iterdir()) == []


def test_objects_of_removed_files_go_once_that_is_durable(replica: Replica) -> None:
    make(replica, "file", data=b"x")
    objects = list((replica.folder / "objects").rglob("*-*"))
    assert len(objects) == 1
    replica.unlink(*place(replica, "file"))
    assert list((replica.folder / "objects").rglob("*-*")) == objects
    replica.commit()
    assert list((replica.folder / "objects").rglob("*-*")) == []
