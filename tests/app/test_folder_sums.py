"""Counts below folders, kept up change by change, are those that one look at the whole tree
gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from syncin_mount.app.states import folder_sums
from syncin_mount.app.states.folder_sums import FolderSums
from tests.effort import examples

ROOT = 1
FOLDERS = range(2, 7)
FILES = range(100, 106)


class Tree:
    """Folders by the folder that they are in."""

    def __init__(self) -> None:
        self.above: dict[int, int | None] = dict.fromkeys(FOLDERS, ROOT) | {ROOT: None}
        self.files: dict[int, tuple[int, int]] = {}
        self.sums = FolderSums(self.above.__getitem__)

    def is_below(self, folder: int | None, top: int) -> bool:
        while folder is not None and folder != top:
            folder = self.above[folder]
        return folder == top

    def kind(self, folder: int) -> int | None:
        inside = [kind for parent, kind in self.files.values() if self.is_below(parent, folder)]
        return min(inside, default=None)

    def kinds(self) -> dict[int, int | None]:
        return {folder: self.kind(folder) for folder in self.above}


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            st.sampled_from(FILES),
            st.sampled_from([ROOT, *FOLDERS]),
            st.one_of(st.none(), st.integers(0, folder_sums.KINDS - 1)),
        ),
        st.tuples(st.just("move"), st.sampled_from(FOLDERS), st.sampled_from([ROOT, *FOLDERS])),
    ),
    max_size=30,
)


@settings(max_examples=examples(300))
@given(STEPS)
def test_the_most_urgent_below_a_folder_is_known_after_every_change(steps):
    tree = Tree()
    for step in steps:
        before = tree.kinds()
        if step[0] == "put":
            _, file, parent, kind = step
            if kind is None:
                tree.files.pop(file, None)
            else:
                tree.files[file] = (parent, kind)
            changed = tree.sums.put(file, parent, kind)
        else:
            _, folder, target = step
            if tree.is_below(target, folder):
                continue
            tree.above[folder] = target
            changed = tree.sums.place(folder)
        now = tree.kinds()
        assert {each: tree.sums.kind(each) for each in tree.above} == now
        assert changed == {each for each in now if now[each] != before[each]}


def test_folders_in_each_other_are_said():
    tree = Tree()
    tree.above[3] = 2
    tree.sums.put(100, 3, 1)
    assert not tree.sums.tangled
    tree.above.update({3: ROOT, 2: 3})  # both moved
    tree.sums.place(2)
    assert tree.sums.tangled


def test_nothing_is_remembered_of_what_is_settled():
    tree = Tree()
    tree.above[3] = 2
    tree.sums.put(100, 3, 1)
    assert tree.sums.kind(ROOT) == 1
    tree.sums.put(100, 3, None)
    assert (len(tree.sums), tree.sums._folders, tree.sums._in) == (0, {}, {})


def test_more_than_fits_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr(folder_sums, "MOST", 2)
    tree = Tree()
    for file in FILES:
        tree.sums.put(file, 2, 2)
    assert tree.sums.full
    assert len(tree.sums) == 2
    tree.sums.put(FILES[0], 2, 0)  # what is remembered may change
    assert tree.sums.kind(ROOT) == 0
