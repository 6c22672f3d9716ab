"""Which node an entry of a listing is. `differences`: base path -> path now; `*` new content, None
gone, `+` new."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model import ROOT, Kind, Local, Remote
from reconciler.names import swap_name
from reconciler.trees.listing_scan import RemoteTree
from reconciler.trees.remote_tree import _Ranges
from tests.reconciler.disk import Disk, Memory, differences, listed, observe


def test_nothing_changed(disk: Disk, memory: Memory):
    tree = observe(memory, disk.listing())
    assert differences(memory, tree) == {}
    assert tree._differs == {}
    assert tree.learned == []
    assert memory.last_id == 12


def test_an_upload_over_a_file_is_new_content_of_the_same_node(disk: Disk, memory: Memory):
    disk.put("docs/a", "x", 2)
    assert differences(memory, observe(memory, disk.listing())) == {"docs/a": "docs/a*"}


def test_a_write_in_place(disk: Disk, memory: Memory):
    disk.write("docs/a", "x", 2)
    assert differences(memory, observe(memory, disk.listing())) == {"docs/a": "docs/a*"}


def test_a_file_moves(disk: Disk, memory: Memory):
    disk.move("docs/a", "pics/z")
    assert differences(memory, observe(memory, disk.listing())) == {"docs/a": "pics/z"}


def test_a_file_moves_and_another_comes_in_its_place(disk: Disk, memory: Memory):
    disk.move("docs/a", "z")
    disk.put("docs/a", "n", 5)
    assert differences(memory, observe(memory, disk.listing())) == {
        "docs/a": "z",
        "+docs/a": "docs/a",
    }


def test_a_file_is_moved_over_another(disk: Disk, memory: Memory):
    disk.remove("docs/b")
    disk.move("docs/a", "docs/b")
    assert differences(memory, observe(memory, disk.listing())) == {
        "docs/a": "docs/b",
        "docs/b": None,
    }


@pytest.mark.parametrize("emptied", [False, True])
def test_a_folder_moves_whose_inode_another_base_has_too(disk: Disk, memory: Memory, emptied: bool):
    """The server gives inodes out again, and a listing that is older than our MAKE tells the former
    owner's once more: the replica finds that one."""
    disk.move("docs/old", "pics/former")
    if emptied:
        disk.move("docs/old/c" if "docs/old/c" in disk.files else "pics/former/c", "c")
    stale = memory.node("r")
    inode = disk.files["pics/former"].inode
    memory.add_base(stale, replace(memory.bases[stale], inode=inode))
    assert memory.base_by_inode(inode) == stale
    found = differences(memory, observe(memory, disk.listing()))
    assert found["docs/old"] == "pics/former"
    memory.inodes.pop(inode)  # the former owner has told its own, and took the claim with it
    found = differences(memory, observe(memory, disk.listing()))
    assert found["docs/old"] == "pics/former"


@pytest.mark.parametrize("target", ["a-moved", "pics/moved"])
@pytest.mark.parametrize("known", [True, False])
def test_a_folder_that_moves_while_it_is_listed_is_listed_twice(
    disk: Disk, memory: Memory, target: str, known: bool
):
    """Before it in the walk, or after it; and it is nobody's news at the second place."""
    if not known:
        disk.mkdir("docs/new")
    source = "docs/old" if known else "docs/new"
    before = disk.listing()
    disk.move(source, target)
    after = [each for each in disk.listing() if f"{each.path}/".startswith(f"{target}/")]
    tree = observe(memory, [*before, *after])
    doubled = {tree.path(folder): inode for folder, inode in tree.twice.items()}
    assert doubled == {target: disk.files[target].inode}
    assert not observe(memory, disk.listing()).twice


@pytest.mark.parametrize("mtimes", [(1, 1), (3, 4)])
def test_two_files_swap(disk: Disk, mtimes: tuple[int, int]):
    disk.put("docs/a", "m", mtimes[0])
    disk.put("docs/b", "m", mtimes[1])  # alike in size
    memory = listed(disk)
    disk.swap("docs/a", "docs/b")
    assert differences(memory, observe(memory, disk.listing())) == {
        "docs/a": "docs/b",
        "docs/b": "docs/a",
    }


def test_two_folders_swap_with_all_in_them(disk: Disk, memory: Memory):
    disk.put("docs/p", "P", 9)
    memory = listed(disk)
    disk.swap("docs", "pics")
    assert differences(memory, observe(memory, disk.listing())) == {"docs": "pics", "pics": "docs"}


@pytest.mark.parametrize("known", [True, False])
def test_a_swap_that_broke_off_before_its_base_ended(disk: Disk, memory: Memory, known: bool):
    """At a filter's border, say. Its name tells whose it is, as long as that is here."""
    node = memory.node("empty")
    memory.remove_base(node)
    if not known:
        del memory.locals[node]
    name = swap_name(node, "tag")
    disk.move("empty", name)
    found = observe(memory, disk.listing(), tag="tag").get(node)
    assert (None if found is None else found.name) == (name if known else None)


def test_three_folders_rotate(disk: Disk, memory: Memory):
    disk.swap("docs", "pics")
    disk.swap("pics", "empty")
    assert differences(memory, observe(memory, disk.listing())) == {
        "docs": "empty",
        "pics": "docs",
        "empty": "pics",
    }


def test_a_folder_moves_and_another_is_made_in_its_place(disk: Disk, memory: Memory):
    disk.move("docs", "papers")
    disk.mkdir("docs")
    disk.put("docs/a", "n", 5)
    found = differences(memory, observe(memory, disk.listing()))
    assert found == {"docs": "papers", "+docs": "docs", "+docs/a": "docs/a"}


def test_a_folder_moves_into_a_new_one(disk: Disk, memory: Memory):
    disk.mkdir("box")
    disk.move("docs", "box/docs")
    disk.put("box/docs/a", "x", 2)
    assert differences(memory, observe(memory, disk.listing())) == {
        "+box": "box",
        "docs": "box/docs",
        "docs/a": "box/docs/a*",
    }


def test_a_file_goes_from_a_moved_folder_into_another_moved_folder(disk: Disk, memory: Memory):
    disk.move("docs", "papers")
    disk.move("pics", "papers/pics")
    disk.move("papers/a", "papers/pics/a")
    assert differences(memory, observe(memory, disk.listing())) == {
        "docs": "papers",
        "pics": "papers/pics",
        "docs/a": "papers/pics/a",
    }


def test_parent_and_child_change_places(disk: Disk, memory: Memory):
    disk.move("docs/old", "x")
    disk.move("docs", "x/docs")
    disk.move("x", "docs")
    found = differences(memory, observe(memory, disk.listing()))
    assert found == {"docs/old": "docs", "docs": "docs/docs"}


def test_an_inode_comes_back_with_an_unrelated_file(disk: Disk, memory: Memory):
    inode = disk.files["docs/a"].inode
    disk.remove("docs/a")
    disk.put("n", "n", 7)
    assert disk.files["n"].inode == inode, "the disk reuses inodes"
    assert differences(memory, observe(memory, disk.listing())) == {"docs/a": None, "+n": "n"}


def test_an_inode_comes_back_with_an_unrelated_folder(disk: Disk, memory: Memory):
    inode = disk.files["pics"].inode
    disk.remove("pics")
    disk.mkdir("n")
    assert disk.files["n"].inode == inode
    disk.put("n/other", "n", 7)
    assert differences(memory, observe(memory, disk.listing())) == {
        "pics": None,
        "pics/p": None,
        "pics/q": None,
        "+n": "n",
        "+n/other": "n/other",
    }


def here(memory: Memory, *paths: str) -> None:
    """These are here as the base says."""
    for path in paths:
        node, base = memory.node(path), memory.bases[memory.node(path)]
        memory.locals[node] = Local(base.kind, base.parent, base.name, base.size, 0, base.version)


def test_a_folder_was_emptied_and_renamed_and_what_was_in_it_is_elsewhere(
    disk: Disk, memory: Memory
):
    disk.move("pics/p", "docs/p")
    disk.remove("pics/q")
    disk.move("pics", "n")
    found = differences(memory, observe(memory, disk.listing()))
    assert found == {"pics": "n", "pics/p": "docs/p", "pics/q": None}


@pytest.mark.parametrize("what", ["nothing", "made", "moved"])
def test_a_folder_was_emptied_and_renamed_and_stays_here(disk: Disk, memory: Memory, what: str):
    """By its inode alone, as it would be there twice else; where it goes from here, it is all the
    same."""
    here(memory, "pics", "pics/p", "pics/q")
    if what == "made":
        memory.make_local("pics/deep", folder=True)
    if what == "moved":
        node = memory.node("pics")
        memory.locals[node] = replace(memory.locals[node], name="pictures")
    disk.remove("pics/p")
    disk.remove("pics/q")
    disk.move("pics", "n")
    disk.put("n/other", "n", 7)
    found = differences(memory, observe(memory, disk.listing()))
    if what == "nothing":
        assert found == {
            "pics": None,
            "pics/p": None,
            "pics/q": None,
            "+n": "n",
            "+n/other": "n/other",
        }
    else:
        assert found == {"pics": "n", "pics/p": None, "pics/q": None, "+n/other": "n/other"}


def test_an_inode_of_a_file_comes_back_with_a_folder(disk: Disk, memory: Memory):
    disk.remove("docs/a")
    disk.mkdir("n")
    assert differences(memory, observe(memory, disk.listing())) == {"docs/a": None, "+n": "n"}


def test_a_folder_comes_where_a_file_was(disk: Disk, memory: Memory):
    disk.remove("r")
    disk.mkdir("r")
    disk.put("r/x", "x", 3)
    assert differences(memory, observe(memory, disk.listing())) == {
        "r": None,
        "+r": "r",
        "+r/x": "r/x",
    }


def test_a_folder_goes_with_all_in_it(disk: Disk, memory: Memory):
    disk.remove("docs")
    found = differences(memory, observe(memory, disk.listing()))
    assert found == dict.fromkeys(("docs", "docs/a", "docs/b", "docs/old", "docs/old/c"))


def test_the_whole_disk_was_copied_to_another(disk: Disk):
    for number in range(30):
        # all alike: by inode alone they would seem to have changed places
        disk.put(f"pics/{number}", "m", 1)
    memory = listed(disk)
    inodes = sorted(each.inode for each in disk.files.values())
    for path, inode in zip(sorted(disk.files), reversed(inodes), strict=True):
        disk.files[path] = replace(disk.files[path], inode=inode)
    disk.put("docs/a", "x", 2)
    tree = observe(memory, disk.listing())
    assert differences(memory, tree) == {"docs/a": "docs/a*"}
    assert len(tree.doubts) >= 30


def test_inodes_that_were_never_told_are_learned(disk: Disk, memory: Memory):
    memory.forget_inodes()
    tree = observe(memory, disk.listing())
    assert differences(memory, tree) == {}
    assert {memory.node(path): each.inode for path, each in disk.files.items()} == {
        node: base.inode for node, base in tree.learned
    }


def test_moves_of_what_was_never_listed(disk: Disk, memory: Memory):
    memory.forget_inodes()
    disk.move("docs/a", "pics/a")
    disk.move("docs/old", "old")
    assert differences(memory, observe(memory, disk.listing())) == {
        "docs/a": "pics/a",
        "docs/old": "old",
    }


def test_a_move_of_which_the_listing_tells_no_inode(disk: Disk, memory: Memory):
    """As of one that is out of bounds: what is known of the file is all else."""
    disk.move("docs/a", "pics/a")
    told = [each._replace(inode=0) if each.path == "pics/a" else each for each in disk.listing()]
    assert differences(memory, observe(memory, told)) == {"docs/a": "pics/a"}


@pytest.mark.parametrize("mtime", [1, 2])
def test_another_in_the_place_of_one_that_was_never_listed(disk: Disk, mtime: int):
    """It looks the same, and so does a new one elsewhere: either may be the one that was sent."""
    disk.put("docs/sent", "z", 1)
    memory = listed(disk)
    memory.forget_inodes()
    disk.move("docs/sent", "a")
    disk.put("docs/sent", "z", mtime)
    tree = observe(memory, disk.listing())
    assert set(tree.doubts) == ({memory.node("docs/sent")} if mtime == 1 else set())
    assert memory.node("docs/sent") not in dict(tree.learned)


def test_what_was_never_listed_is_no_move_when_two_could_be_meant(disk: Disk):
    disk.mkdir("one")
    disk.mkdir("two")
    disk.put("one/x", "x", 1)
    disk.put("two/x", "x", 1)
    memory = listed(disk)
    memory.forget_inodes()
    disk.remove("two/x")
    disk.move("one/x", "x")
    assert differences(memory, observe(memory, disk.listing())) == {
        "one/x": None,
        "two/x": None,
        "+x": "x",
    }


def test_made_on_both_sides(disk: Disk, memory: Memory):
    folder = memory.make_local("new", folder=True)
    file = memory.make_local("new/f")
    other = memory.make_local("new/g", folder=True)
    disk.mkdir("new")
    disk.put("new/f", "f")
    disk.put("new/g", "g")
    tree = observe(memory, disk.listing())
    assert tree.child(ROOT, "new") == folder
    assert tree.child(folder, "f") == file
    assert tree.child(folder, "g") not in (other, None)


def test_moved_on_both_sides_where_the_server_copied_instead(disk: Disk, memory: Memory):
    node = memory.node("docs/a")
    memory.locals[node] = replace(memory.locals[node], parent=ROOT, name="z")
    held = disk.files["docs/a"]
    disk.remove("docs/a")
    disk.files["z"] = replace(held, inode=900)
    assert differences(memory, observe(memory, disk.listing())) == {"docs/a": "z"}


# the tree during a run ----------------------------------------------------------------------------


def test_the_tree_follows_what_is_done(disk: Disk, memory: Memory):
    tree = RemoteTree.assumed(memory)
    docs, a, pics = memory.node("docs"), memory.node("docs/a"), memory.node("pics")
    remote = tree.get(a)
    assert remote is not None
    tree.set(a, replace(remote, parent=pics, name="z"))
    assert tree.path(a) == "pics/z"
    assert tree.child(docs, "a") is None
    assert tree.child(pics, "z") == a
    assert ("z", a) in list(tree.children(pics))
    assert a not in [node for _, node in tree.children(docs)]
    tree.set(pics, None)
    assert tree.get(a) is None
    assert list(tree.children(pics)) == []
    new = memory.new_id()
    tree.set(new, Remote(Kind.FILE, docs, "a", 1, 1, 0))
    assert tree.child(docs, "a") == new
    assert set(tree.changed()) == {a, pics, memory.node("pics/p"), memory.node("pics/q"), new}


def test_what_was_here_already_is_known_to_have_been() -> None:
    disk = Disk()
    disk.put("both", "x")
    disk.put("theirs", "x")
    memory = Memory()
    node = memory.new_id()
    memory.locals[node] = Local(Kind.FILE, ROOT, "both", 1, 0, 1)
    tree = observe(memory, disk.listing())
    assert tree.path(node) == "both"
    assert tree.was_here(node)
    other = next(each for each in tree.changed() if each != node)
    assert tree.path(other) == "theirs"
    assert not tree.was_here(other)


def test_numbers_that_are_new_are_known_by_their_ranges() -> None:
    ranges, added = _Ranges(), [3, 4, 5, 9, 11, 12]
    for each in added:
        ranges.add(each)
    assert [each for each in range(15) if each in ranges] == added
    assert len(ranges._starts) == 3
