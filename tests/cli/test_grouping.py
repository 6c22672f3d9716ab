"""Long lists: one line for each folder and reason, from plain values."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from msgspec import structs

from syncin_mount.cli.ui import grouping, status_table
from syncin_mount.cli.ui.status_table import StatusRow
from syncin_mount.config import Synchronization
from syncin_mount.control.messages import Problem, Status

DOCS = Synchronization("docs", "home", "personal/docs", Path("/docs"))


def lines(paths: list[str], reason: str = "it waits") -> list[tuple[str, int]]:
    found = grouping.grouped(paths, lambda each: each, lambda _each: reason)
    return [(each.path, each.count) for each in found]


def test_each_folder_is_a_line():
    paths = [f"{folder}/f{number}" for folder in ("a", "b/c") for number in range(1000)]
    assert lines(paths) == [("a/", 1000), ("b/c/", 1000)]


def test_many_folders_are_told_by_those_above_them():
    paths = [f"tree/{top}/d{folder}/f{n}" for top in "ab" for folder in range(50) for n in range(3)]
    assert lines(paths) == [("tree/a/", 150), ("tree/b/", 150)]


def test_what_is_alone_keeps_its_own_path():
    assert lines([*(f"d/f{n}" for n in range(30)), "x/y/alone"]) == [("d/", 30), ("x/y/alone", 1)]


def test_files_at_the_top_have_no_folder():
    assert lines([f"f{n}" for n in range(30)]) == [("", 30)]


def test_a_reason_is_the_same_whichever_names_are_in_it():
    reasons = [f"it waits for 'd{n}' to be moved first" for n in range(30)]
    found = grouping.grouped(
        [(f"d/f{n}", reason) for n, reason in enumerate(reasons)],
        lambda each: each[0],
        lambda each: grouping.kind_of(each[1]),
    )
    assert [each.count for each in found] == [30]
    assert grouping.shared(reasons) == "it waits for '…' to be moved first"
    assert grouping.shared(reasons[:1]) == "it waits for 'd0' to be moved first"


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_and_the_lines_are_few(seed: int):
    rng = random.Random(seed)
    names = [f"n{each}" for each in range(rng.choice([2, 20, 200]))]
    paths = [
        "/".join(rng.choices(names, k=rng.randint(1, rng.choice([2, 9, 90]))))
        for _ in range(rng.choice([1, 30, 3000]))
    ]
    kinds = {path: rng.choice("xy") for path in paths}
    found = grouping.grouped(paths, lambda each: each, lambda each: kinds[each])
    assert sorted(path for group in found for path in group.items) == sorted(paths)
    assert len(found) <= grouping.SHORT
    for group in found:
        assert len({kinds[each] for each in group.items}) == 1
        assert all(each.startswith(group.path) for each in group.items)


def status(problems: list[Problem]) -> StatusRow:
    base = Status("docs", "home", "personal/docs", "/docs", mounted=True, online=True)
    return StatusRow(DOCS, structs.replace(base, problems=tuple(problems)))


def test_thousands_of_problems_are_few_lines_in_status():
    """`status NAME` once printed 1,800 of them."""
    seen = status(
        [Problem(f"d/{folder}/f{n}", "is locked") for folder in "ab" for n in range(900)]
        + [Problem("long", "its name is too long", lasting=True)]
    )
    told = [(each.kind, each.text) for each in status_table.lines(seen, brief=False)]
    assert told == [
        ("problem", "long: its name is too long"),
        ("waits", "d/a/: 900 files and folders: is locked"),
        ("waits", "d/b/: 900 files and folders: is locked"),
        ("", "1801 in all; each of them: syncin-mount status docs --all"),
    ]
    assert len(status_table.lines(seen, brief=False, each_one=True)) == 1801
    assert len(status_table.lines(seen)) <= status_table.PROBLEMS + 1
