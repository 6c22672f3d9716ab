"""What is deleted goes to the bin, comes back from it, and leaves it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.model import ROOT, Base, Kind, NodeId
from syncin_mount import system
from syncin_mount.store import (
    NodeType,
    Replica,
    Status,
)
from tests.store.support import (
    at,
    attr,
    far,
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
    assert system.pread(reader.fd, 10, 0) == b"sent"
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


def test_an_entry_is_read_and_stays_in_the_bin(replica: Replica) -> None:
    make(replica, "file", data=b"words")
    make(replica, "folder", NodeType.FOLDER)
    replica.delete_local(at(replica, "file"), keep=True, why="test")
    replica.delete_local(at(replica, "folder"), keep=True, why="test")
    file, folder = replica.bin.entries()
    fd = replica.bin.open(file.sequence)
    with pytest.raises(IsADirectoryError):
        replica.bin.open(folder.sequence)
    with pytest.raises(KeyError):
        replica.bin.open(folder.sequence + 1)
    with replica.bin.lease(file.sequence), pytest.raises(OSError, match="desktop's trash"):
        replica.bin.open(file.sequence)
    assert [each.sequence for each in replica.bin.entries()] == [file.sequence, folder.sequence]
    assert dict(tree(replica)) == {}
    replica.bin.empty([file.sequence])
    assert system.pread(fd, 10, 1) == b"ords"
    os.close(fd)
    replica.create(ROOT, b"link", NodeType.SYMLINK, mode=0o777, uid=0, gid=0, target=b"/etc/passwd")
    replica.delete_local(at(replica, "link"), keep=True, why="test")
    with pytest.raises(OSError, match="symbolic links"):
        replica.bin.open(replica.bin.entries()[-1].sequence)
