"""What a look into one folder of the server tells: a table of what somebody did there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.filters import DEFAULT, Filter
from reconciler.model import ROOT, Entry, Kind, Local, NodeId, Remote
from reconciler.trees.folder_look import FolderJudge, FolderLook
from tests.reconciler.disk import Disk, Memory


def look(memory: Memory, disk: Disk, folder: str = "docs", rules: Filter = DEFAULT) -> FolderLook:
    entries = [each for each in disk.listing() if each.path.rpartition("/")[0] == folder]
    return judged(memory, folder, entries, rules)


def judged(
    memory: Memory, folder: str, entries: list[Entry], rules: Filter = DEFAULT
) -> FolderLook:
    judge = FolderJudge(memory, memory.node(folder) if folder else ROOT, folder, rules)
    for entry in entries:
        judge.add(entry)
    return judge.found()


def told(memory: Memory, found: FolderLook) -> tuple[dict[str, str], set[str]]:
    """What is to be planned for, by its former name (``+`` and its name: it is new), and what only
    a listing explains."""
    changed = {}
    for node in found.changed:
        base, remote = memory.base(node), found.tree.get(node)
        assert remote is not None
        changed[base.name if base else f"+{remote.name}"] = remote.name
    return changed, {name for name, _ in found.unexplained}


def edit_as_clients_do(disk: Disk) -> None:
    disk.put("docs/a", "x", 2)


def edit_in_place(disk: Disk) -> None:
    disk.write("docs/a", "x", 2)


def restore_an_older_one(disk: Disk) -> None:
    disk.put("docs/a", "x", 0)


def save_by_rename(disk: Disk) -> None:
    """The backup keeps the former inode."""
    disk.move("docs/a", "docs/a~")
    disk.put("docs/a", "x", 2)


def exchange(disk: Disk) -> None:
    disk.swap("docs/a", "docs/b")


def copy_with_its_time(disk: Disk) -> None:
    disk.put("docs/a", "a", 1)


def make(disk: Disk) -> None:
    disk.put("docs/n", "n", 2)


def make_folder(disk: Disk) -> None:
    disk.mkdir("docs/f")


def delete(disk: Disk) -> None:
    disk.remove("docs/a")


def rename(disk: Disk) -> None:
    disk.move("docs/a", "docs/z")


def move_away(disk: Disk) -> None:
    disk.move("docs/a", "pics/a")


def move_here(disk: Disk) -> None:
    disk.move("pics/p", "docs/p")


def move_over(disk: Disk) -> None:
    disk.remove("docs/b")
    disk.move("pics/p", "docs/b")


def rename_folder(disk: Disk) -> None:
    disk.move("docs/old", "docs/new")


def replace_by_a_folder(disk: Disk) -> None:
    disk.remove("docs/a")
    disk.mkdir("docs/a")


def nothing(_disk: Disk) -> None:
    pass


def edit_two(disk: Disk) -> None:
    """The second one gets the inode that the first one had."""
    disk.put("docs/a", "x", 2)
    disk.put("docs/b", "y", 3)


def change_elsewhere(disk: Disk) -> None:
    disk.put("docs/old/c", "x", 2)
    disk.put("r", "x", 2)


ROWS: list[tuple[Callable[[Disk], None], dict[str, str], set[str]]] = [
    (nothing, {}, set()),
    (change_elsewhere, {}, set()),
    (edit_as_clients_do, {"a": "a"}, set()),
    (edit_in_place, {"a": "a"}, set()),
    (edit_two, {"a": "a", "b": "b"}, set()),
    (restore_an_older_one, {}, {"a"}),
    (save_by_rename, {}, {"a", "a~"}),
    (exchange, {}, {"a", "b"}),
    (copy_with_its_time, {}, {"a"}),
    (make, {"+n": "n"}, set()),
    (make_folder, {}, {"f"}),
    (delete, {}, {"a"}),
    (rename, {}, {"a", "z"}),
    (move_away, {}, {"a"}),
    (move_here, {}, {"p"}),
    (move_over, {}, {"b"}),
    (rename_folder, {}, {"old", "new"}),
    (replace_by_a_folder, {}, {"a"}),
]


@pytest.mark.parametrize(("happens", "changed", "unexplained"), ROWS)
def test_look(
    disk: Disk,
    memory: Memory,
    happens: Callable[[Disk], None],
    changed: dict[str, str],
    unexplained: set[str],
) -> None:
    happens(disk)
    assert told(memory, look(memory, disk)) == (changed, unexplained)


def test_the_root_is_a_folder_too(disk: Disk, memory: Memory) -> None:
    disk.put("r", "x", 2)
    disk.put("n", "n", 2)
    assert told(memory, look(memory, disk, "")) == ({"r": "r", "+n": "n"}, set())


def test_nothing_is_ever_taken_for_deleted(disk: Disk, memory: Memory) -> None:
    for path in ("docs/a", "docs/b", "docs/old"):
        disk.remove(path)
    found = look(memory, disk)
    assert not found.tree.gone()
    assert list(found.tree.changed()) == []


def test_what_is_in_the_tree_is_what_was_seen(disk: Disk, memory: Memory) -> None:
    disk.put("docs/a", "x", 2)
    disk.put("docs/n", "n", 3)
    found = look(memory, disk)
    folder = memory.node("docs")
    seen = {remote.name: remote for node in found.changed if (remote := found.tree.get(node))}
    for name in ("a", "n"):
        there = disk.files[f"docs/{name}"]
        assert seen[name] == Remote(
            Kind.FILE, folder, name, there.size, there.mtime, there.inode, None
        )


def test_a_file_whose_inode_is_not_told(disk: Disk, memory: Memory) -> None:
    """The server's database has a row of it: an edit is one all the same, but whether a new name is
    another file's new one nobody can tell."""
    disk.put("docs/a", "x", 2)
    disk.put("docs/n", "n", 2)
    for path in ("docs/a", "docs/b", "docs/n", "docs/old"):
        disk.files[path] = replace(disk.files[path], inode=0)
    assert told(memory, look(memory, disk)) == ({"a": "a"}, {"n"})


def test_a_name_that_was_made_here_meanwhile(disk: Disk, memory: Memory) -> None:
    disk.put("docs/n", "n", 2)
    memory.locals[NodeId(99)] = Local(Kind.FILE, memory.node("docs"), "n", 1, 1, 1)
    assert told(memory, look(memory, disk)) == ({}, {"n"})


def test_what_a_filter_leaves_out_is_not_looked_at(disk: Disk, memory: Memory) -> None:
    disk.put("docs/a", "x", 2)
    disk.put("docs/.~lock.a#", "l", 2)
    disk.put("docs/~$a", "l", 2)
    disk.remove("docs/b")
    rules = Filter(rule=lambda path: path in {"docs/a", "docs/b"})
    assert told(memory, look(memory, disk, rules=rules)) == ({}, set())


def test_what_cannot_be_understood_is_neither_there_nor_gone(disk: Disk, memory: Memory) -> None:
    entries = [
        Entry("docs/a", False, 0, 0, 0, problem="a size of -1"),
        *(each for each in disk.listing() if each.path in {"docs/b", "docs/old"}),
    ]
    found = judged(memory, "docs", entries)
    assert told(memory, found) == ({}, set())


def test_a_name_that_the_answer_has_twice_is_neither_new_nor_changed(
    disk: Disk, memory: Memory
) -> None:
    """Two nodes would have the same place."""
    disk.put("docs/n", "n", 2)
    before = disk.listing()
    disk.put("docs/a", "x", 2)
    entries = [
        each
        for each in [*before, *disk.listing()]
        if each.path in {"docs/a", "docs/b", "docs/old", "docs/n"}
    ]
    found = judged(memory, "docs", entries)
    assert told(memory, found) == ({}, {"a", "n"})
    assert found.changed == ()
