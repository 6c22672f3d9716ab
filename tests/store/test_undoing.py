"""Changes that are held, let go and undone: what becomes of the drive, of the journal and of the
bin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.model import ROOT, Leftover, Unconfirmed
from syncin_mount.store import AttrChanged, CannotUndo, EntryChanged, NodeType, Replica
from tests.store.support import (
    SECOND,
    arrive,
    at,
    attr,
    base_of,
    copy_of,
    kill,
    make,
    open_replica,
    pick_bin,
    place,
    read,
    settle,
    sound,
    tree,
    write,
)


@pytest.fixture
def replica(folder: Path) -> Iterator[Replica]:
    """With a document, a folder with two files, and a file beside, all of it sent."""
    replica = open_replica(folder)
    make(replica, "doc", data=b"base")
    make(replica, "folder", NodeType.FOLDER)
    make(replica, "folder/one", data=b"1")
    make(replica, "folder/two", data=b"22")
    settle(replica)
    yield replica
    sound(replica)
    replica.close()


def rename(replica: Replica, path: str, new_path: str) -> None:
    replica.rename(*place(replica, path), *place(replica, new_path))


def remove(replica: Replica, path: str) -> None:
    node = at(replica, path)
    (replica.rmdir if attr(replica, node).kind is NodeType.FOLDER else replica.unlink)(
        *place(replica, path)
    )


def paths(replica: Replica) -> list[str]:
    return sorted(path for path, _ in tree(replica))


EVERYTHING = ["doc", "folder", "folder/one", "folder/two"]

# discarding ---------------------------------------------------------------------------------------


def test_an_edit_goes_to_the_bin_and_the_file_stands_for_the_server_s_version(
    replica: Replica,
) -> None:
    doc = at(replica, "doc")
    told: list[object] = []
    replica.listen(told.append)
    before = attr(replica, doc)
    write(replica, doc, b"edited here")
    done = replica.local_changes.discard(doc)
    assert (done.path, done.gone, done.binned, done.fetch) == ("doc", False, True, (doc,))
    after = attr(replica, doc)
    assert (after.size, after.present, after.mtime_ns) == (4, False, 1_600_000_000 * SECOND)
    # the kernel never takes another content for an inode that it knows
    assert after.ino != before.ino
    assert {EntryChanged(ROOT, b"doc"), AttrChanged(before.ino)} <= set(told)
    assert not list(replica.dirty())
    assert not list(replica.local_changes.pending())
    (entry,) = replica.bin.entries()
    assert (entry.path, entry.size, entry.why) == ("doc", 11, "you discarded it before it was sent")
    assert pick_bin(replica) == [("doc", b"edited here")]
    base = replica.base(doc)
    assert base is not None
    arrive(replica, doc, base, b"base")
    assert read(replica, doc) == b"base"
    assert not list(replica.dirty())


def test_an_edit_to_nothing_leaves_nothing_in_the_bin(replica: Replica) -> None:
    doc = at(replica, "doc")
    write(replica, doc, b"")
    replica.local_changes.discard(doc)
    assert replica.bin.entries() == []
    assert attr(replica, doc).size == 4


def test_another_time_is_put_back_and_the_content_stays(replica: Replica) -> None:
    doc = at(replica, "doc")
    replica.set_attr(doc, mtime_ns=5 * SECOND)
    replica.local_changes.discard(doc)
    assert read(replica, doc) == b"base"
    assert attr(replica, doc).mtime_ns == 1_600_000_000 * SECOND
    assert replica.bin.entries() == []
    assert not list(replica.dirty())


def test_what_was_made_goes_to_the_bin(replica: Replica) -> None:
    new = make(replica, "new", data=b"mine")
    done = replica.local_changes.discard(new)
    assert (done.path, done.gone) == ("new", True)
    assert paths(replica) == EVERYTHING
    assert pick_bin(replica) == [("new", b"mine")]


def test_a_folder_that_was_made_goes_with_all_that_was_made_in_it_and_gives_back_what_was_moved_in(
    replica: Replica,
) -> None:
    made = make(replica, "made", NodeType.FOLDER)
    make(replica, "made/new", data=b"mine")
    rename(replica, "doc", "made/doc")
    write(replica, at(replica, "made/doc"), b"edited")
    rename(replica, "folder", "made/folder")
    make(replica, "made/folder/another", data=b"goes along")
    replica.local_changes.discard(made)
    assert dict(tree(replica)) == {
        "doc": b"edited",
        "folder": None,
        "folder/one": b"1",
        "folder/two": b"22",
        "folder/another": b"goes along",
    }
    assert pick_bin(replica) == [("made/new", b"mine")]
    assert {each.node for each in replica.dirty()} == {
        at(replica, "doc"),
        at(replica, "folder/another"),
    }


def test_what_was_deleted_comes_back_a_folder_with_all_that_was_in_it(replica: Replica) -> None:
    nodes = {path: at(replica, path) for path in EVERYTHING}
    for path in ("folder/one", "folder/two", "folder", "doc"):
        remove(replica, path)
    done = replica.local_changes.discard(nodes["folder"])
    assert set(done.fetch) == {nodes["folder/one"], nodes["folder/two"]}
    assert paths(replica) == ["folder", "folder/one", "folder/two"]
    assert {path: at(replica, path) for path in paths(replica)} == {
        path: nodes[path] for path in paths(replica)
    }
    assert [each.node for each in replica.dirty()] == [nodes["doc"]]
    replica.local_changes.discard(nodes["doc"])
    assert paths(replica) == EVERYTHING
    assert not list(replica.dirty())


def test_a_deleted_file_brings_back_the_folder_that_it_was_in_and_nothing_else(
    replica: Replica,
) -> None:
    one, two = at(replica, "folder/one"), at(replica, "folder/two")
    for path in ("folder/one", "folder/two", "folder"):
        remove(replica, path)
    replica.local_changes.discard(one)
    assert paths(replica) == ["doc", "folder", "folder/one"]
    assert [each.node for each in replica.dirty()] == [two]


def test_what_was_moved_goes_back_with_the_edit_undone(replica: Replica) -> None:
    doc = at(replica, "doc")
    rename(replica, "doc", "folder/renamed")
    write(replica, doc, b"edited")
    replica.local_changes.discard(doc)
    assert replica.local_path(doc) == "doc"
    assert not list(replica.dirty())
    (entry,) = replica.bin.entries()
    assert (entry.path, entry.name) == ("folder/renamed", b"renamed")
    assert pick_bin(replica) == [("renamed", b"edited")]


def test_nothing_is_replaced_by_what_goes_back(replica: Replica) -> None:
    doc = at(replica, "doc")
    rename(replica, "doc", "moved")
    other = make(replica, "doc", data=b"another one")
    replica.local_changes.discard(doc)
    assert read(replica, other) == b"another one"
    path = replica.local_path(doc)
    assert path.startswith("doc (restored 20")
    assert read(replica, doc) == b"base"
    waiting = [
        (each.path, each.new_path) for each in replica.local_changes.pending() if each.node == doc
    ]
    assert waiting == [("doc", path)]
    assert {each.node for each in replica.dirty()} == {doc, other}


def test_a_deleted_one_whose_place_was_taken_comes_back_beside_it(replica: Replica) -> None:
    doc = at(replica, "doc")
    remove(replica, "doc")
    other = make(replica, "doc", data=b"another one")
    replica.local_changes.discard(doc)
    assert read(replica, other) == b"another one"
    assert replica.local_path(doc).startswith("doc (restored 20")
    assert not attr(replica, doc).present


def test_a_document_that_an_editor_saved_by_rename_is_the_document_again(replica: Replica) -> None:
    doc = at(replica, "doc")
    make(replica, ".tmp", data=b"saved")
    rename(replica, ".tmp", "doc")
    replica.local_changes.discard(doc)
    assert pick_bin(replica) == [("doc", b"saved")]
    assert at(replica, "doc") == doc
    assert not list(replica.dirty())


def test_folders_that_were_moved_into_each_other_are_undone_in_an_order_that_can_be(
    replica: Replica,
) -> None:
    make(replica, "folder/inner", NodeType.FOLDER)
    settle(replica)
    folder, inner = at(replica, "folder"), at(replica, "folder/inner")
    rename(replica, "folder/inner", "inner")
    rename(replica, "folder", "inner/folder")
    with pytest.raises(
        CannotUndo, match="the folder that “inner” was in lies in it now; discard that one first"
    ):
        replica.local_changes.discard(inner)
    assert paths(replica) == [
        "doc",
        "inner",
        "inner/folder",
        "inner/folder/one",
        "inner/folder/two",
    ]
    replica.local_changes.discard(folder)
    replica.local_changes.discard(inner)
    assert paths(replica) == [*EVERYTHING[:2], "folder/inner", *EVERYTHING[2:]]
    assert not list(replica.dirty())


def test_what_is_open_being_sent_or_perhaps_there_already_is_refused_and_nothing_is_done(
    replica: Replica,
) -> None:
    made = make(replica, "made", NodeType.FOLDER)
    new = make(replica, "made/new", data=b"mine")
    before = list(replica.local_changes.pending())
    replica.opened_for_write(new)
    for node in (new, made):
        with pytest.raises(CannotUndo, match="“new” is open for writing; close it first"):
            replica.local_changes.discard(node)
    replica.closed_for_write(new)
    for node in (new, made):
        with pytest.raises(CannotUndo, match="“new” is just being sent"):
            replica.local_changes.discard(node, busy=lambda each: each == new)
    local = replica.local(new)
    assert local is not None
    sent = Unconfirmed(new, "new", local.mtime, local.version, "x", new=True)
    replica.note_leftover(Leftover(made, "new", 4, unconfirmed=sent))
    with pytest.raises(
        CannotUndo, match="“new” may be on the server already; the next run finds out"
    ):
        replica.local_changes.discard(made)
    replica.drop_leftover(made, "new")
    assert list(replica.local_changes.pending()) == before
    assert replica.bin.entries() == []
    with pytest.raises(CannotUndo, match="nothing of it waits any more"):
        replica.local_changes.discard(at(replica, "doc"))
    replica.local_changes.discard(made)


# holding ------------------------------------------------------------------------------------------


def test_a_hold_outlives_a_kill_and_later_edits_and_ends_when_it_is_released(
    replica: Replica, tmp_path: Path
) -> None:
    doc, one = at(replica, "doc"), at(replica, "folder/one")
    write(replica, doc, b"edited")
    replica.local_changes.hold([doc, one], held=True)  # nothing was changed of the second one
    assert replica.local_changes.held_nodes() == [doc]
    write(replica, doc, b"edited again")
    rename(replica, "doc", "folder/doc")
    assert replica.is_held(doc)
    assert not replica.is_held(one)
    with replica.snapshot() as still:
        assert still.is_held(doc)
    killed = copy_of(replica.folder, tmp_path / "killed")
    (killed / "lock").unlink()
    other = sound(open_replica(killed))
    assert other.local_changes.held_nodes() == [doc]
    other.local_changes.hold([doc], held=False)
    kill(other)
    last = sound(open_replica(killed))
    assert last.local_changes.held_nodes() == []
    assert [each.node for each in last.dirty()] == [doc]
    last.close()


def test_with_a_folder_all_that_is_in_it_is_held(replica: Replica) -> None:
    folder, one = at(replica, "folder"), at(replica, "folder/one")
    rename(replica, "folder", "renamed")
    write(replica, one, b"edited")
    replica.local_changes.hold([folder], held=True)
    assert (
        replica.local_changes.held_by(folder),
        replica.local_changes.held_by(one),
        replica.local_changes.held_by(at(replica, "doc")),
    ) == (
        folder,
        folder,
        None,
    )
    rename(replica, "renamed/one", "one")
    assert not replica.is_held(one)
    replica.unlink(*place(replica, "renamed/two"))
    (two,) = {each.node for each in replica.dirty()} - {folder, one}
    assert replica.local_changes.held_by(two) == folder  # deleted from it


@pytest.mark.parametrize("how", ["over it", "with a backup"])
def test_an_editor_s_save_hands_the_hold_on_with_the_document(replica: Replica, how: str) -> None:
    doc = at(replica, "doc")
    write(replica, doc, b"edited")
    replica.local_changes.hold([doc], held=True)
    if how == "over it":
        make(replica, ".tmp", data=b"saved")
        rename(replica, ".tmp", "doc")
    else:
        rename(replica, "doc", "doc~")
        make(replica, "doc", data=b"saved")
        remove(replica, "doc~")
    now = at(replica, "doc")
    assert replica.local_changes.held_nodes() == [now]
    assert replica.base(now) is not None
    assert read(replica, now) == b"saved"


def test_a_hold_ends_with_what_it_holds(replica: Replica) -> None:
    doc, new = at(replica, "doc"), make(replica, "new", data=b"mine")
    rename(replica, "doc", "moved")
    replica.local_changes.hold([doc, new], held=True)
    rename(replica, "moved", "doc")
    assert replica.local_changes.held_nodes() == [new]
    remove(replica, "new")
    assert replica.local_changes.held_nodes() == []
    rename(replica, "doc", "moved")
    replica.local_changes.hold([doc], held=True)
    replica.local_changes.discard(doc)
    assert replica.local_changes.held_nodes() == []
    write(replica, doc, b"edited")
    replica.local_changes.hold([doc], held=True)
    replica.set_base(doc, base_of(replica, doc))  # it was sent all the same, in the last moment
    assert replica.local_changes.held_nodes() == []


def test_the_number_of_a_change_tells_what_is_meant(replica: Replica) -> None:
    doc = at(replica, "doc")
    write(replica, doc, b"edited")
    (operation,) = replica.local_changes.pending()
    assert replica.local_changes.pending_node(operation.sequence) == doc
    for number in (operation.sequence + 1, -1, 1 << 64):
        assert replica.local_changes.pending_node(number) is None


# a kill at any moment -----------------------------------------------------------------------------


def test_a_kill_between_leaves_each_change_as_it_was_or_undone(
    folder: Path, tmp_path: Path
) -> None:
    """A deleted folder comes back by one event for each node: after every one of them the rest
    still waits."""
    replica = open_replica(folder)
    make(replica, "folder", NodeType.FOLDER)
    for number in range(3):
        make(replica, f"folder/{number}", data=b"x")
    settle(replica)
    top = at(replica, "folder")
    for number in range(3):
        remove(replica, f"folder/{number}")
    remove(replica, "folder")
    real, seen = replica.writer.record, []

    def dying(event: object, **more: object) -> int:
        number = real(event, **more)  # type: ignore[arg-type]
        copy = tmp_path / f"after {number}"
        copy_of(folder, copy)
        (copy / "lock").unlink()
        killed = sound(open_replica(copy))
        back = {path for path, _ in tree(killed)}
        assert len(list(killed.dirty())) == 4 - len(back)
        seen.append(len(back))
        killed.close()
        return number

    replica.writer.record = dying  # type: ignore[method-assign]
    replica.local_changes.discard(top)
    assert seen == [1, 2, 3, 4]
    replica.writer.record = real  # type: ignore[method-assign]
    replica.close()
