"""What `./dev wine` runs and leaves out is there, and is found by its name."""

from __future__ import annotations

import pytest

from tests.wine.mounted import sequences
from tests.wine.places import ROOT
from tests.wine.selection import IN_CI, LEFT_OUT, OUTSIDE, RUN, reason_for


def test_what_is_run_is_there() -> None:
    assert [each for each in (*RUN, *IN_CI, OUTSIDE) if not (ROOT / each).exists()] == []


def test_the_sequences_that_a_whole_drive_is_spared_are_there() -> None:
    there = sequences.all_names()
    assert sequences.LEFT_OUT.keys() <= there
    run = dict(sequences.sequences())
    assert sequences.ON_SERVER.keys() <= run.keys()
    assert {name.partition(" ")[0] for name in run} == there - sequences.LEFT_OUT.keys()


def test_ci_runs_a_part_of_everything() -> None:
    assert [
        each for each in IN_CI if not any(f"{each}/".startswith(f"{name}/") for name in RUN)
    ] == []


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_there_and_has_a_reason(name: str) -> None:
    path, _, test = name.partition("::")
    assert (ROOT / path).exists()
    if test:
        assert f"def {test}(" in (ROOT / path).read_text()
    assert reason_for(name) == LEFT_OUT[name]
    assert len(LEFT_OUT[name]) > 10


@pytest.mark.parametrize(
    ("test", "is_left_out"),
    [
        ("tests/made_up/test_api.py::test_it", True),
        ("tests/made_ups/test_api.py::test_it", False),
        ("tests/made_up/test_api.py", True),
        ("tests/made_up", True),
        ("tests/made_up.py", False),
        ("tests/reconciler/test_names.py::test_it", False),
    ],
)
def test_a_name_stands_for_all_below_it(
    test: str, is_left_out: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LEFT_OUT, "tests/made_up", "nobody has made it")
    assert (reason_for(test) is not None) == is_left_out
