"""The figures of `./dev coverage`."""

from __future__ import annotations

import pytest

from tests.coverage_by_package import packages, percent


def found(statements: int, lines: int, branches: int, taken: int) -> dict[str, dict[str, int]]:
    names = ("num_statements", "covered_lines", "num_branches", "covered_branches")
    return {"summary": dict(zip(names, (statements, lines, branches, taken), strict=True))}


def test_a_folder_is_one_line_and_the_total_is_the_last() -> None:
    files = {
        "z/one.py": found(8, 4, 2, 1),
        "a/b/two.py": found(10, 10, 0, 0),
        "z/two.py": found(2, 2, 0, 0),
    }
    sums = packages(files)
    assert list(sums) == ["a/b", "z", "total"]
    assert [round(percent(each), 1) for each in sums.values()] == [
        100.0,
        pytest.approx(58.3),
        pytest.approx(77.3),
    ]


def test_nothing_is_covered_whole() -> None:
    assert percent(packages({})["total"]) == 100.0
