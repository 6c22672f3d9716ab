"""Identity, wake-ups, errors and the journal for people; the rest of the operations is in the state
machine."""

from __future__ import annotations

import errno
import os

import pytest

from reconciler.model import ROOT, Base, Kind, Place
from syncin_mount import system
from syncin_mount.store import (
    NodeType,
    OpKind,
    Replica,
    Status,
)
from syncin_mount.store.maintenance.check import check
from tests.store.support import (
    SECOND,
    at,
    attr,
    base,
    base_of,
    far,
    make,
    place,
    read,
    settle,
    tree,
    write,
)

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
    assert system.pread(reader.fd, 100, 0) == b"old words"
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


def test_a_place_on_the_server_belongs_to_who_came_there_last(replica: Replica) -> None:
    """A file has moved on there, which is not agreed on yet, and another one took its name."""
    moved, other = far(replica, "moved"), far(replica, "other")
    replica.set_base(other, base("moved", inode=71))
    replica.set_base(moved, base("moved", mtime=10))
    found = replica.base_entry(ROOT, "moved")
    assert found is not None
    assert (found.node, found.inode) == (other, 71)
    assert check(replica) == []
    replica.set_base(other, None)
    found = replica.base_entry(ROOT, "moved")
    assert found is not None
    assert (found.node, found.mtime) == (moved, 10)


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


@pytest.mark.parametrize("place", ["place_file", "place_folder"])
def test_what_was_here_before_comes_with_another_inode(replica: Replica, place: str) -> None:
    """Its inode may be another file's by now, which a program would write to instead
    (simulation, seed 20042629)."""
    kind = Kind.FILE if place == "place_file" else Kind.FOLDER
    gone = make(replica, "gone", data=b"x")
    replica.unlink(ROOT, b"gone")
    old = make(replica, "old", data=b"old")
    settle(replica)
    new = make(replica, "new", data=b"saved")
    ino = attr(replica, new).ino
    replica.rename(ROOT, b"new", ROOT, b"old")
    assert attr(replica, old).ino == ino == new
    appear = getattr(replica, place)
    appear(new, Base(kind, ROOT, "new", 0, 0, 5, 0))
    appear(gone, Base(kind, ROOT, "gone", 0, 0, 6, 0), was_here=True)
    fresh = replica.new_id()
    appear(fresh, Base(kind, ROOT, "fresh", 0, 0, 7, 0))
    inodes = [attr(replica, each).ino for each in (old, new, gone, fresh)]
    assert len(set(inodes)) == 4
    assert inodes[2] != gone
    assert inodes[3] == fresh
    assert replica.by_ino(ino) == old
