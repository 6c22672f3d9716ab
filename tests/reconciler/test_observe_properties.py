"""Which node an entry of a listing is, whatever was done on the server: properties."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import given, settings

from reconciler.model import ROOT, Kind
from reconciler.trees.listing_scan import ListingScan
from tests.effort import examples
from tests.reconciler.disk import Disk, listed, observe

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
