"""Which node an entry of a listing is. `differences`: base path -> path now; `*` new content, None
gone, `+` new."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from reconciler.filters import Filter
from reconciler.model import ROOT, Entry, Kind, Local, Remote
from reconciler.trees.listing_scan import ListingScan, RemoteTree
from tests.effort import examples
from tests.reconciler.disk import Disk, Memory, differences, listed, observe


@pytest.fixture
def disk() -> Disk:
    disk = Disk()
    for folder in ("docs", "docs/old", "pics", "empty"):
        disk.mkdir(folder)
    for number, path in enumerate(("docs/a", "docs/b", "docs/old/c", "pics/p", "pics/q", "r", "s")):
        disk.put(path, "abcpqrs"[number], 1)
    return disk


@pytest.fixture
def memory(disk: Disk) -> Memory:
    return listed(disk)


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


# what cannot be read ------------------------------------------------------------------------------


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


# properties ---------------------------------------------------------------------------------------

NAMES = ("a", "b", "c")
deed = st.tuples(
    st.sampled_from(["mkdir", "put", "write", "remove", "move", "move", "swap"]),
    st.integers(0, 40),
    st.integers(0, 40),
    st.sampled_from(NAMES),
    st.sampled_from("xyz"),
    st.integers(1, 3),
)


def act(disk: Disk, deeds: list[tuple[str, int, int, str, str, int]]) -> None:
    for what, first, second, name, letter, mtime in deeds:
        paths = sorted(disk.files)
        folders = ["", *(path for path in paths if disk.files[path].folder)]
        head = folders[second % len(folders)]
        new = f"{head}/{name}" if head else name
        path = paths[first % len(paths)] if paths else ""
        other = paths[second % len(paths)] if paths else ""
        apart = (
            path != other and not other.startswith(path + "/") and not path.startswith(other + "/")
        )
        if what == "mkdir" and new not in disk.files:
            disk.mkdir(new)
        elif what == "put" and not (new in disk.files and disk.files[new].folder):
            disk.put(new, letter, mtime)
        elif what == "write" and path and not disk.files[path].folder:
            disk.write(path, letter, mtime)
        elif what == "remove" and path:
            disk.remove(path)
        elif (
            what == "move"
            and path
            and new not in disk.files
            and not f"{new}/".startswith(path + "/")
        ):
            disk.move(path, new)
        elif what == "swap" and path and apart:
            disk.swap(path, other)


@given(st.lists(deed, max_size=15), st.lists(deed, max_size=10), st.booleans(), st.booleans())
@settings(max_examples=examples(1000))
def test_the_observed_tree_is_the_listed_one(
    before: list[tuple[str, int, int, str, str, int]],
    after: list[tuple[str, int, int, str, str, int]],
    untold: bool,
    renumber: bool,
):
    disk = Disk()
    act(disk, before)
    memory = listed(disk)
    if untold:
        memory.forget_inodes()
    act(disk, after)
    if renumber:
        disk.renumber()
    tree = observe(memory, disk.listing())
    found: dict[str, tuple[bool, int, int]] = {}
    pending = [ROOT]
    for parent in pending:
        for name, node in tree.children(parent):
            remote = tree.get(node)
            assert remote is not None
            assert (remote.parent, remote.name) == (parent, name)
            assert tree.child(parent, name) == node
            folder = remote.kind is Kind.FOLDER
            found[tree.path(node)] = (
                folder,
                0 if folder else remote.size,
                0 if folder else remote.mtime,
            )
            if folder:
                pending.append(node)
    assert found == {
        path: (each.folder, each.size, 0 if each.folder else each.mtime)
        for path, each in disk.files.items()
    }
    for node, base in tree.learned:
        memory.add_base(node, base)
    for node in list(tree.changed()):
        assert (tree.get(node) is None) <= (node in memory.bases)


def test_what_lies_under_a_temporary_name_of_ours_is_the_node_it_was_given_to():
    """Somebody uploaded over the file after we had looked, and our move took the new one
    (simulation, seed 314732)."""
    disk = Disk()
    disk.put("a", "x")
    disk.put("b", "y")
    memory = listed(disk)
    node = memory.node("a")
    for name, ours in (
        (f".syncin-7-{node}-tmp", True),
        (f".syncin-8-{node}-tmp", False),
        (".syncin-7-x-tmp", False),
    ):
        disk.put(name, "z", mtime=5)
        if "a" in disk.files:
            disk.remove("a")
        observer = ListingScan(memory, tag="7")
        observer.add(disk.listing())
        tree = observer.finish()
        remote = tree.get(node)
        assert (remote is not None and remote.name == name) is ours, name
        disk.remove(name)


def test_files_that_look_alike_and_change_places_are_no_restored_disk():
    disk = Disk()
    disk.put("a", "x")
    disk.put("c", "x")
    disk.mkdir("b")
    memory = listed(disk)
    first, second = memory.node("a"), memory.node("c")
    disk.move("a", "b/a")
    disk.move("b", "a")
    disk.move("a", "b")
    disk.move("c", "a")
    disk.move("b", "c")
    tree = observe(memory, disk.listing())
    assert tree.path(first) == "c/a"
    assert tree.path(second) == "a"


@given(
    st.lists(deed, max_size=15),
    st.lists(
        st.tuples(
            st.sampled_from(["move", "swap"]),
            *[st.integers(0, 40)] * 2,
            st.sampled_from(NAMES),
            st.just("x"),
            st.just(1),
        ),
        max_size=8,
    ),
)
@settings(max_examples=examples(600))
def test_moves_alone_make_no_node_and_lose_none(before, after):
    disk = Disk()
    act(disk, before)
    memory = listed(disk)
    inodes = {each.inode: memory.node(path) for path, each in disk.files.items()}
    had = {memory.bases[node].parent for node in memory.bases}
    act(disk, after)
    tree = observe(memory, disk.listing())
    emptied = any(
        each.folder
        and inodes[each.inode] in had
        and not any(other.startswith(path + "/") for other in disk.files)
        for path, each in disk.files.items()
    )
    if emptied:  # a moved folder from which everything was moved away cannot be told from another
        return
    for path, each in disk.files.items():
        remote = tree.get(inodes[each.inode])
        if each.folder and remote is None:
            continue  # as above: nothing of what it held is in it any more
        assert remote is not None, path


def test_a_file_that_was_moved_and_touched_is_known_by_its_checksum():
    """In mode `secure`; without a checksum, another time is another content (simulation, seed
    407438)."""
    disk = Disk()
    disk.put("a", "x", mtime=1)
    memory = listed(disk)
    node = memory.node("a")
    memory.bases[node] = replace(memory.bases[node], checksum="c")
    disk.move("a", "b")
    disk.write("b", "x", mtime=9)
    for checksum, known in (("c", True), ("d", False), (None, False)):
        tree = observe(memory, [each._replace(checksum=checksum) for each in disk.listing()])
        remote = tree.get(node)
        assert (remote is not None and remote.name == "b") is known, checksum
