"""Several names of one file: what they share, and what becomes of one of them alone."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.model import ROOT, Base, Kind, NodeId
from syncin_mount import system
from syncin_mount.store import AttrChanged, Change, NodeType, Replica, check
from syncin_mount.store.index.tree_walk import require_node
from tests.store.support import (
    SECOND,
    arrive,
    base_of,
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


@pytest.fixture
def replica(folder: Path) -> Iterator[Replica]:
    opened = open_replica(folder)
    yield opened
    sound(opened)
    opened.close()
    again = open_replica(folder)
    sound(again).close()


def link(replica: Replica, node: NodeId, name: bytes, parent: NodeId = ROOT) -> NodeId:
    return replica.link(node, parent, name).node


def pair(replica: Replica, data: bytes = b"words") -> tuple[NodeId, NodeId]:
    """Two names, both sent."""
    first = make(replica, "a", data=data)
    second = link(replica, first, b"b")
    settle(replica)
    return first, second


def attr(replica: Replica, node: NodeId):
    found = replica.attr(node)
    assert found is not None
    return found


def dirty(replica: Replica) -> set[NodeId]:
    return {one.node for one in replica.dirty()}


def remote(
    replica: Replica, node: NodeId, data: bytes, mtime: int = 77, *, keep: bool = False
) -> None:
    """The server's version of one name takes the place of the content here."""
    local = replica.local(node)
    assert local is not None
    base = Base(Kind.FILE, local.parent, local.name, len(data), mtime, 9000 + node, 0)
    arrive(replica, node, base, data, keep=keep)


def test_names_share_everything_but_their_place(replica: Replica) -> None:
    first = make(replica, "a", data=b"words")
    replica.set_xattr(first, b"user.x", b"1")
    second = link(replica, first, b"b")
    write(replica, second, b"other words")
    replica.set_attr(first, mode=0o600, uid=5)
    replica.set_xattr(second, b"user.y", b"2")
    replica.remove_xattr(first, b"user.x")
    one, other = attr(replica, first), attr(replica, second)
    assert (one.ino, one.size, one.mode, one.uid, one.mtime_ns, one.ctime_ns) == (
        other.ino,
        other.size,
        other.mode,
        other.uid,
        other.mtime_ns,
        other.ctime_ns,
    )
    assert one.nlink == other.nlink == 2
    assert read(replica, first) == read(replica, second) == b"other words"
    for node in (first, second):
        assert replica.list_xattrs(node) == [b"user.y"]
        assert replica.get_xattr(node, b"user.y") == b"2"
    assert dirty(replica) == {first, second}


def test_each_name_is_sent_by_itself_and_a_write_changes_all(replica: Replica) -> None:
    first, second = pair(replica)
    assert dirty(replica) == set()
    write(replica, first, b"again")
    assert dirty(replica) == {first, second}
    replica.set_base(first, base_of(replica, first))
    assert dirty(replica) == {second}
    replica.set_base(second, base_of(replica, second))
    replica.set_attr(second, mtime_ns=5 * SECOND)
    assert dirty(replica) == {first, second}


@pytest.mark.parametrize("kind", [NodeType.SYMLINK, NodeType.FIFO, NodeType.SOCKET])
def test_what_is_no_file_has_several_names_too(replica: Replica, kind: NodeType) -> None:
    node = make(replica, "a", kind)
    names = [node, link(replica, node, b"b"), link(replica, node, b"c")]
    assert {attr(replica, each).nlink for each in names} == {3}
    assert len({attr(replica, each).ino for each in names}) == 1
    replica.unlink(ROOT, b"a")
    assert {attr(replica, each).nlink for each in names[1:]} == {2}


def test_refusals(replica: Replica) -> None:
    first = make(replica, "a", data=b"x")
    folder = make(replica, "folder", NodeType.FOLDER)
    far = replica.new_id()
    replica.place_file(far, Base(Kind.FILE, ROOT, "far", 5, 9, 7, 0))
    for node, parent, name, expected in (
        (folder, ROOT, b"new", errno.EPERM),
        (first, ROOT, b"folder", errno.EEXIST),
        (first, first, b"new", errno.ENOTDIR),
        (first, NodeId(999), b"new", errno.ENOENT),
        (far, ROOT, b"new", errno.EIO),
        (first, ROOT, b"n" * 256, errno.ENAMETOOLONG),
        (first, ROOT, b"..", errno.EINVAL),
    ):
        with pytest.raises(OSError) as refused:  # noqa: PT011 - the number is what is compared
            replica.link(node, parent, name)
        assert refused.value.errno == expected, name
    replica.set_bases([(far, None)])


def test_too_many_names_are_refused(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncin_mount.store.replica.posix_ops.LINKS_MAX", 3)
    node = make(replica, "a")
    link(replica, node, b"b")
    link(replica, node, b"c")
    with pytest.raises(OSError) as refused:  # noqa: PT011
        link(replica, node, b"d")
    assert refused.value.errno == errno.EMLINK


def test_the_content_goes_with_the_last_name(replica: Replica) -> None:
    first, second = pair(replica)
    replica.unlink(ROOT, b"a")
    replica.commit()
    assert read(replica, second) == b"words"
    assert attr(replica, second).nlink == 1
    assert replica.by_ino(attr(replica, second).ino) == second
    replica.unlink(ROOT, b"b")
    replica.commit()
    assert len(list(replica._objects.every())) == 0
    assert dirty(replica) == {first, second}


def test_a_new_name_goes_on_as_the_document_when_the_old_one_goes(replica: Replica) -> None:
    """link and unlink are a rename, for the server too."""
    first = make(replica, "a", data=b"words")
    settle(replica)
    base = replica.base(first)
    second = link(replica, first, b"b")
    replica.unlink(ROOT, b"a")
    assert replica.base(first) is None
    assert replica.base(second) == base
    assert attr(replica, second).version == base.version  # type: ignore[union-attr]


def test_renaming_one_name_over_another_of_the_same_file_does_nothing(replica: Replica) -> None:
    first, second = pair(replica)
    before = replica.sequence()
    replica.rename(ROOT, b"a", ROOT, b"b")
    replica.rename(ROOT, b"a", ROOT, b"b", exchange=True)
    with pytest.raises(FileExistsError):
        replica.rename(ROOT, b"a", ROOT, b"b", no_replace=True)
    assert replica.sequence() == before
    assert attr(replica, first).nlink == attr(replica, second).nlink == 2


def test_a_save_over_one_name_leaves_the_other_with_what_was(replica: Replica) -> None:
    first, second = pair(replica)
    make(replica, "new", data=b"saved")
    replica.rename(ROOT, b"new", ROOT, b"a")
    replica.commit()
    assert (read(replica, first), read(replica, second)) == (b"saved", b"words")
    assert attr(replica, first).ino != attr(replica, second).ino
    assert attr(replica, first).nlink == attr(replica, second).nlink == 1
    assert dirty(replica) == {first}


def test_a_file_of_two_names_saved_over_a_document(replica: Replica) -> None:
    document = make(replica, "doc", data=b"old")
    settle(replica)
    new = make(replica, "new", data=b"saved")
    other = link(replica, new, b"other")
    replica.rename(ROOT, b"new", ROOT, b"doc")
    replica.commit()
    assert attr(replica, document).ino == attr(replica, other).ino
    assert attr(replica, document).nlink == 2
    write(replica, document, b"both")
    assert read(replica, other) == b"both"


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("edited", [False, True])
def test_a_remote_edit_of_one_name_parts_it(replica: Replica, keep: bool, edited: bool) -> None:
    changes: list[Change] = []
    replica.listen(changes.append)
    first, second = pair(replica)
    if edited:
        write(replica, first, b"edited here")
    ino = attr(replica, first).ino
    remote(replica, second, b"server's", keep=keep)
    replica.commit()
    mine = b"edited here" if edited else b"words"
    assert (read(replica, first), read(replica, second)) == (mine, b"server's")
    assert attr(replica, first).ino == ino != attr(replica, second).ino
    assert attr(replica, first).nlink == attr(replica, second).nlink == 1
    assert AttrChanged(ino) in changes
    assert pick_bin(replica) == ([("b", mine)] if keep or edited else [])
    write(replica, first, b"mine alone")
    assert read(replica, second) == b"server's"
    assert pick_bin(replica) == ([("b", mine)] if keep or edited else [])


def test_a_remote_time_of_one_name_parts_it(replica: Replica) -> None:
    first, second = pair(replica)
    time = attr(replica, first).mtime_ns
    replica.touch_local(second, 9 * SECOND, None)
    assert (attr(replica, first).mtime_ns, attr(replica, second).mtime_ns) == (time, 9 * SECOND)
    assert read(replica, first) == read(replica, second) == b"words"
    write(replica, first, b"mine alone")
    assert read(replica, second) == b"words"
    assert attr(replica, second).nlink == 1


def test_a_kill_between_the_copy_and_its_event_leaves_one_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = open_replica(folder)
    first, second = pair(replica)

    class Killed(BaseException):
        pass

    def die(*_arguments: object, **_options: object) -> int:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(replica._journal, "append", die)
        patched.setattr(replica._objects, "stray", lambda _number: None)
        with pytest.raises(Killed):
            replica.touch_local(second, 9 * SECOND, None)
    kill(replica)
    again = sound(open_replica(folder))
    assert attr(again, first).nlink == 2
    assert len(list(again._objects.every())) == 1
    again.close()


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("order", [(b"a", b"b"), (b"b", b"a")])
def test_deleting_a_folder_with_both_names_bins_both(
    replica: Replica, keep: bool, order: tuple[bytes, bytes]
) -> None:
    folder = make(replica, "folder", NodeType.FOLDER)
    first = replica.create(folder, order[0], NodeType.FILE, mode=0o600, uid=0, gid=0).node
    write(replica, first, b"words")
    link(replica, first, order[1], folder)
    replica.delete_local(folder, keep=keep, why="test")
    assert pick_bin(replica) == [("folder/a", b"words"), ("folder/b", b"words")]
    [entry] = replica.bin.entries()
    assert entry.files == 2
    replica.bin.restore(entry.sequence, ROOT, b"back")
    back = dict(tree(replica))
    assert back == {"back": None, "back/a": b"words", "back/b": b"words"}
    nodes = [
        replica.lookup(NodeId(replica.lookup(ROOT, b"back") or 0), name) for name in (b"a", b"b")
    ]
    write(replica, nodes[0], b"one")  # type: ignore[arg-type]
    assert read(replica, nodes[1]) == b"words"  # type: ignore[arg-type]


def test_deleting_one_name_keeps_the_other_whole(replica: Replica) -> None:
    first, second = pair(replica)
    write(replica, first, b"only here")
    replica.delete_local(second, keep=False, why="test")
    assert pick_bin(replica) == [("b", b"only here")]
    assert read(replica, first) == b"only here"
    assert attr(replica, first).nlink == 1


def test_a_copy_that_finds_no_room_keeps_its_object(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair(replica)
    write(replica, first, b"only here")
    replica.delete_local(second, keep=True, why="test")
    replica.unlink(ROOT, b"a")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("syncin_mount.store.content.objects._copy", full)
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                replica.commit()
    replica.commit()
    assert pick_bin(replica) == [("b", b"only here")]
    assert list(replica._objects.every()) == []


def test_discarding_one_name_parts_it(replica: Replica) -> None:
    first, second = pair(replica)
    write(replica, first, b"edited")
    done = replica.local_changes.discard(second)
    assert done.fetch == (second,)
    assert not attr(replica, second).present
    assert read(replica, first) == b"edited"
    assert pick_bin(replica) == [("b", b"edited")]
    replica.set_attr(first, mtime_ns=3 * SECOND)
    assert attr(replica, second).mtime_ns != 3 * SECOND


def test_discarding_a_new_name_keeps_the_file(replica: Replica) -> None:
    first = make(replica, "a", data=b"words")
    settle(replica)
    second = link(replica, first, b"b")
    replica.local_changes.discard(second)
    assert replica.attr(second) is None
    assert read(replica, first) == b"words"


def test_every_name_is_busy_while_one_is_written(replica: Replica) -> None:
    first, second = pair(replica)
    replica.opened_for_write(first)
    assert replica.local(second).open_for_writing  # type: ignore[union-attr]
    assert set(replica.being_written()) == {first, second}
    with pytest.raises(Exception, match="changed here"):
        remote(replica, second, b"server's")
    replica.closed_for_write(first)
    replica._objects.drop_incoming(second)


def test_a_kill_while_a_file_of_two_names_is_written(folder: Path) -> None:
    replica = open_replica(folder)
    first, second = pair(replica)
    replica.begin_write(second)
    content = replica.open_content(first)
    system.pwrite(content.fd, b"longer words", 0)
    content.close()
    kill(replica)
    again = sound(open_replica(folder))
    assert attr(again, first).size == attr(again, second).size == 12
    assert attr(again, first).nlink == 2
    assert dirty(again) == {first, second}
    again.close()


@pytest.mark.parametrize("sent", [set(), {"a"}, {"a", "b"}])
@pytest.mark.parametrize("torn", [False, True])
def test_a_power_cut_loses_no_name(folder: Path, sent: set[str], torn: bool) -> None:
    replica = open_replica(folder)
    first = make(replica, "a", data=b"words")
    second = link(replica, first, b"b")
    third = link(replica, first, b"c")
    for node in (node for node, name in ((first, "a"), (second, "b")) if name in sent):
        settle(replica, node)
    record = require_node(replica._ix, first)
    replica.commit()
    if torn:
        os.truncate(replica._objects.path(record.owner, record.number), 2)
    kill(replica)
    again = sound(open_replica(folder, boot_id="boot 2"))
    for node, name in ((first, "a"), (second, "b"), (third, "c")):
        found = attr(again, node)
        if name in sent:
            assert not found.present  # to be fetched: nobody can tell what is here of it
            remote(again, node, b"words", 1_600_000_000)
        else:
            assert read(again, node) == (b"wo" if torn else b"words")
    sound(again).close()


def test_names_survive_restarts_and_are_counted_anew(folder: Path) -> None:
    replica = open_replica(folder)
    first = make(replica, "a", data=b"words")
    names = [first, *(link(replica, first, b"%d" % number) for number in range(5))]
    replica.close()
    again = open_replica(folder)
    replica = again
    ino = attr(again, first).ino
    for count, node in enumerate(reversed(names[1:])):
        local = again.local(node)
        assert local is not None
        again.unlink(ROOT, local.name.encode())
        assert attr(again, first).nlink == 5 - count
    again.unlink(ROOT, b"a")
    assert again.by_ino(ino) is None
    assert check(again) == []
    again.close()


@pytest.mark.parametrize("exchange", [False, True])
@pytest.mark.parametrize("sent", ["", "a", "c", "ac"])
@pytest.mark.parametrize("linked", ["a", "c", "ac"])
def test_a_name_of_one_file_takes_the_place_of_a_name_of_another(
    replica: Replica, linked: str, sent: str, *, exchange: bool
) -> None:
    """What the other names have is counted, and stays when that place is saved anew."""
    data = {"a": b"one file", "c": b"another file"}
    for name, content in data.items():
        nodes = [make(replica, name, data=content)]
        if name in linked:
            nodes.append(link(replica, nodes[0], f"{name}2".encode()))
        if name in sent:
            settle(replica, *nodes)
    replica.rename(ROOT, b"a", ROOT, b"c", exchange=exchange)
    taken = replica.lookup(ROOT, b"c")
    assert taken is not None
    assert read(replica, taken) == data["a"]
    assert attr(replica, taken).nlink == (2 if "a" in linked else 1)
    make(replica, "save", data=b"saved anew")
    replica.rename(ROOT, b"save", ROOT, b"c")
    for name in linked:
        other = replica.lookup(ROOT, f"{name}2".encode())
        assert other is not None
        assert read(replica, other) == data[name]
        assert attr(replica, other).nlink == (2 if exchange and name == "c" else 1)
        write(replica, other, b"and goes on")
        assert read(replica, other) == b"and goes on"
