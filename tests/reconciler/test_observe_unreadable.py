"""Entries that the server could not read: nothing below them is taken for deleted."""

from __future__ import annotations

import pytest

from reconciler.filters import Filter
from reconciler.model import Entry
from reconciler.names import swap_name
from reconciler.trees.listing_scan import ListingScan
from tests.reconciler.disk import Disk, Memory, differences, observe


def test_below_an_unreadable_folder_nothing_is_absent(disk: Disk, memory: Memory):
    entries = [each for each in disk.listing() if not each.path.startswith("docs")]
    tree = observe(memory, [*entries, Entry("docs", False, 0, 0, 0, problem="EACCES")])
    assert list(tree.changed()) == [memory.node("docs")]
    assert "EACCES" in (tree.unknown(memory.node("docs/old/c")) or "")
    assert tree.unknown(memory.node("pics/p")) is None


def test_what_left_an_unreadable_folder_is_known(disk: Disk, memory: Memory):
    disk.move("docs/a", "z")
    entries = [each for each in disk.listing() if not each.path.startswith("docs")]
    tree = observe(memory, [*entries, Entry("docs", False, 0, 0, 0, problem="EACCES")])
    assert tree.unknown(memory.node("docs/a")) is None
    assert tree.path(memory.node("docs/a")) == "z"


@pytest.mark.parametrize("unread", ["docs/old", "docs", "docs/old/c"])
def test_what_cannot_be_read_did_not_move_to_where_something_looks_like_it(
    disk: Disk, memory: Memory, unread: str
):
    """Its inode is not known yet, and somebody else made the like elsewhere (simulation, seed
    2018236)."""
    memory.forget_inodes()
    disk.mkdir("pics/old")
    disk.put("pics/c", "c", 1)
    entries = [each for each in disk.listing() if not f"{each.path}/".startswith(f"{unread}/")]
    tree = observe(memory, [*entries, Entry(unread, False, 0, 0, 0, problem="ENOENT, stat")])
    assert tree.unknown(memory.node("docs/old/c")) == "ENOENT, stat"
    looked_alike = {memory.node("docs/old"), memory.node("docs/old/c")}
    assert not looked_alike & {tree.child(memory.node("pics"), name) for name in ("old", "c")}


def test_an_unreadable_entry_that_nobody_knows_takes_its_name(disk: Disk, memory: Memory):
    tree = observe(memory, [*disk.listing(), Entry("pics/new", False, 0, 0, 0, problem="EIO")])
    node = tree.child(memory.node("pics"), "new")
    assert node is not None
    assert tree.unknown(node) == "EIO"
    assert tree.path(node) == "pics/new"
    assert list(tree.changed()) == [node]


def test_an_unreadable_entry_where_something_new_is_here(disk: Disk, memory: Memory):
    node = memory.make_local("n")
    tree = observe(memory, [*disk.listing(), Entry("n", False, 0, 0, 0, problem="EIO")])
    assert tree.unknown(node) == "EIO"


@pytest.mark.parametrize("path", ["../x", "docs/..", "docs//x", "/x", "", "docs/\0"])
def test_names_that_cannot_be_change_nothing(disk: Disk, memory: Memory, path: str):
    tree = observe(memory, [*disk.listing(), Entry(path, False, 1, 1, 999, problem="not a name")])
    assert all(memory.bases.get(node) is None for node in tree.changed())
    tree = observe(
        memory, [*disk.listing(), Entry("docs//x", False, 1, 1, 999), Entry("", False, 1, 1, 99)]
    )
    assert tree.unknown(memory.node("docs/a")) is None


def test_a_child_without_its_folder_makes_the_folder_unknown(disk: Disk, memory: Memory):
    entries = [each for each in disk.listing() if each.path != "docs/old"]
    tree = observe(memory, entries)
    assert differences(memory, tree) == {"docs/old": "?"}
    assert tree.unknown(memory.node("docs/old/c"))


def test_what_is_listed_twice_is_unknown(disk: Disk, memory: Memory):
    again = Entry("docs/a", False, 5, 5, 4711)
    for entries in (
        [*disk.listing(), again],
        [again, *disk.listing()],
        [*disk.listing(), disk.listing()[5]],
    ):
        tree = observe(memory, entries)
        assert [found for found in differences(memory, tree).values() if found != "?"] == []
        assert len(list(tree.changed())) == 1


def test_partials_and_default_names_are_no_part_of_the_tree(disk: Disk, memory: Memory):
    disk.put("docs/.sync-in.a", "x")
    disk.mkdir("pics/__pycache__")
    disk.put("pics/__pycache__/m.pyc", "x")
    disk.mkdir("new")
    disk.put("new/.DS_Store", "x")
    assert differences(memory, observe(memory, disk.listing())) == {"+new": "new"}


def test_a_rule_added_later_deletes_nothing(disk: Disk, memory: Memory):
    observer = ListingScan(memory, Filter(rule=lambda path: path == "docs"))
    observer.add(disk.listing())
    tree = observer.finish()
    assert list(tree.changed()) == [memory.node("docs")]
    assert tree.unknown(memory.node("docs/old/c")) is not None


def test_an_unreadable_entry_under_a_name_for_a_moment_is_who_got_that(disk: Disk, memory: Memory):
    """It is not gone: an exchange of places broke off."""
    node = memory.node("empty")
    disk.move("empty", name := swap_name(node, "tag"))
    entries = [each for each in disk.listing() if each.path != name]
    unread = Entry(name, False, 0, 0, 0, problem="EIO")
    tree = observe(memory, [*entries, unread], tag="tag")
    assert tree.unknown(node) == "EIO"
    assert observe(memory, [*entries, unread], tag="other").get(node) is None
