"""Every row of the golden tables, with every conflict setting, direction and mode.
`golden/README.md` tells how they are read, and what to do when one fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.reconciler.golden_rows import (
    COMBINATIONS,
    FOLDER,
    Row,
    aligned,
    broken_promises,
    difference,
    rows,
)

ROWS = rows()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.file.stem}: {row.name}")
def test_row(row: Row):
    found = difference(row)
    if found:
        trees = [f"{key:6} {tree or '-'}" for key, tree in row.trees.items()]
        pytest.fail("\n".join([f"[{row.name}] in {row.file.name}", *trees, *found]), pytrace=False)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.file.stem}: {row.name}")
def test_nothing_is_lost_and_the_sides_end_as_the_direction_says(row: Row):
    for combination in COMBINATIONS:
        assert broken_promises(row, combination) == [], " ".join(combination)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.txt")), ids=lambda file: file.name)
def test_columns_are_aligned(file):
    text = file.read_text(encoding="utf-8")
    assert text == aligned(text), "python -m tests.reconciler.golden_rows --align"


def test_names_are_told_once():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names) > 0


def test_the_conflict_table_names_rows_that_are_there():
    page = Path(__file__).parents[2] / "docs" / "reference" / "conflict-table.md"
    table = page.read_text(encoding="utf-8").partition("## Many deletions")[0]
    cases = [
        " ".join(case.split())
        for case in re.findall(r"^- \*\*.*?(?=^- |\n\n)", table, re.MULTILINE | re.DOTALL)
    ]
    cases = [case for case in cases if re.match(r"- \*\*[^*]*\.\*\*", case)]
    proofs = [case.rpartition(" Rows: ")[2] for case in cases]
    named = {name for proof in proofs for name in re.findall(r"`\[([^]]+)\]`", proof)}
    assert len(cases) > 60
    assert [case for case in cases if " Rows: " not in case] == [], "a case that nothing proves"
    assert named <= {row.name for row in ROWS}
    assert len(named) > 50
