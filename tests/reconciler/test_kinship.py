"""Which of what is gone something new is taken for, as rows: what went, what came, who is whose
successor."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from reconciler.model import ROOT, NodeId
from reconciler.trees.likeness import Known, kin

FOLDERS = {"": ROOT, "d": NodeId(900), "e": NodeId(901), "other": NodeId(902)}


def known(paths: list[str], first: int) -> dict[str, Known]:
    """A path ends with a slash for a folder; ``=SIZE`` behind it is a file's size."""
    found: dict[str, Known] = {}
    for number, text in enumerate(paths, first):
        path, _, size = text.partition("=")
        head, _, name = path.rstrip("/").rpartition("/")
        above = found.get(head)
        parent = above.node if above is not None else FOLDERS[head]
        found[path.rstrip("/")] = Known(
            NodeId(number), parent, name, path.endswith("/"), int(size or 10)
        )
    return found


@pytest.mark.parametrize(
    ("gone", "new", "pairs"),
    [
        # renamed and edited
        ("run.sh", "start.sh=70", "start.sh<run.sh"),
        ("run.sh", "d/run.sh=70", "d/run.sh<run.sh"),
        ("run", "launch=70", "launch<run"),
        ("run.sh notes.txt", "start.sh text.txt", "start.sh<run.sh text.txt<notes.txt"),
        ("run.sh", "RUN.SH", "RUN.SH<run.sh"),
        ("d/run.sh e/run.sh", "d/start.sh e/begin.sh", "d/start.sh<d/run.sh e/begin.sh<e/run.sh"),
        (
            "build-1.sh test-1.sh",
            "build-2.sh test-2.sh",
            "build-2.sh<build-1.sh test-2.sh<test-1.sh",
        ),
        # moved and renamed and edited: nothing tells it
        ("run.sh", "d/start.sh", ""),
        # two could be meant
        ("a.sh b.sh", "zzz.sh", ""),
        ("d/run.sh e/run.sh", "other/run.sh", ""),
        ("run.sh", "d/run.sh e/run.sh", ""),
        ("ab1.sh ab2.sh", "ab3.sh", ""),
        # of another kind
        ("run.sh", "run.txt", ""),
        ("run.sh", "run.sh/", ""),
        ("run", "d/run/", ""),
        (".sh", "x.sh", ""),
        # a folder made anew elsewhere, with what was in it
        (
            "a/ a/run.sh a/x.txt b/ b/run.sh",
            "c/ c/a/ c/a/run.sh c/a/x.txt c/b/ c/b/run.sh",
            "c/a<a c/a/run.sh<a/run.sh c/a/x.txt<a/x.txt c/b<b c/b/run.sh<b/run.sh",
        ),
        ("a/ a/run.sh", "d/a/ d/a/start.sh", "d/a<a d/a/start.sh<a/run.sh"),
        ("", "run.sh", ""),
        ("run.sh", "", ""),
    ],
)
def test_who_is_whose_successor(gone: str, new: str, pairs: str) -> None:
    before, after = known(gone.split(), 100), known(new.split(), 200)
    found = kin(before.values(), after.values())
    told = {
        (path, other)
        for path, each in after.items()
        for other, was in before.items()
        if found.get(each.node) == was.node
    }
    assert told == {tuple(each.split("<")) for each in pairs.split()}


def test_many_are_not_compared_one_with_another() -> None:
    gone = known([f"old-{number}.jpg" for number in range(3000)], 1000)
    new = known([f"new-{number}.jpg" for number in range(3000)], 5000)
    assert kin(gone.values(), new.values()) == {}


_trees = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["", ".sh", ".txt"]),
        st.sampled_from(sorted(FOLDERS)),
    ),
    unique=True,
)


@given(_trees, _trees)
def test_each_is_taken_for_one_at_most_and_for_one_of_its_kind(
    gone: list[tuple[str, str, str]], new: list[tuple[str, str, str]]
) -> None:
    def one(node: int, row: tuple[str, str, str]) -> Known:
        return Known(NodeId(node), FOLDERS[row[2]], row[0] + row[1], not row[1], 5)

    before = {NodeId(node): one(node, row) for node, row in enumerate(gone, 100)}
    after = {NodeId(node): one(node, row) for node, row in enumerate(new, 200)}
    found = kin(before.values(), after.values())
    assert len(set(found.values())) == len(found)
    assert all(before[was].is_folder is after[node].is_folder for node, was in found.items())
    assert all(before[was].extension == after[node].extension for node, was in found.items())
    assert found == kin(reversed(before.values()), after.values())
