"""What `./dev soak wine` runs, and how it counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wine.everything import Figures, figures_of, files
from tests.wine.places import ROOT
from tests.wine.selection import RUN

CASE = '<testcase classname="tests.a" name="{}" time="0.1">{}</testcase>'
PASSED = CASE.format("one", "")
SKIPPED = CASE.format("two", '<skipped message="why"/>')
FAILED = CASE.format("three", '<failure message="why"/>')
BROKEN = CASE.format("four", '<error message="in its teardown"/>')


def test_every_file_of_the_list_is_run_but_what_is_left_out() -> None:
    found = list(files())
    assert all((ROOT / each).is_file() for each in found)
    assert len(found) == len(set(found))
    assert [name for name in RUN if not any(each.startswith(name) for each in found)] == []
    assert "tests/store/test_repair.py" in found
    assert "tests/vfs/test_far_writes.py" not in found


def test_a_single_file_can_be_named() -> None:
    assert list(files(("tests/system/test_files.py",))) == ["tests/system/test_files.py"]


@pytest.mark.parametrize(
    ("cases", "status", "expected"),
    [
        (PASSED + PASSED + SKIPPED, 0, Figures(2, 1, 0, 3.0)),
        (PASSED + FAILED + BROKEN, 1, Figures(1, 0, 2, 3.0)),
        (PASSED, 3, Figures(1, 0, 1, 3.0)),
        (None, 1, Figures(0, 0, 1, 3.0)),
    ],
    ids=["all is well", "tests failed", "it ended badly", "it left no report"],
)
def test_what_a_report_tells(
    tmp_path: Path, cases: str | None, status: int, expected: Figures
) -> None:
    report = tmp_path / "report.xml"
    if cases is not None:
        report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    assert figures_of(report, status, 3.0) == expected
