"""Some hundred cases in every run of the tests; ``./dev hostile`` has all of them."""

from __future__ import annotations

import pytest

from tests.hostile.cases import Case, all_cases, put, recorded, shuffled
from tests.hostile.run import run

SEED = 20261130
PARTS, OF_A_PART = 5, 40
ALWAYS = [
    Case("listing", "line", "20000000000", (2,)),
    Case("listing", "line", '"\\ud800"', ("name",)),
    Case("listing", "head", "1000 interim answers"),
    Case("token", "value", '"é"', ("access",)),
    Case("trash", "value", "99999999999999999", ("files", 0, "ctime")),
    Case("look", "etag", 'W/"1--1"'),
]
"""What ended a replica, a run or a command once."""


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.expected_log(".", required=False)
def test_no_answer_does_harm(part: int) -> None:
    cases = ALWAYS if part == 0 else []
    cases = [*cases, *shuffled(SEED)[part * OF_A_PART : (part + 1) * OF_A_PART]]
    failed, hits = run(cases)
    assert not failed, "look with ./dev hostile --only TEXT"
    met = sum(hits.values())
    assert met > len(cases) * 0.9, f"only {met} of {len(cases)} answers were asked for"


def test_every_recorded_field_is_there() -> None:
    cases = all_cases()
    assert len(cases) == len(set(cases)) > 5000
    kinds = set(recorded())
    assert kinds == {case.kind for case in cases}
    assert len(kinds) == 24
    for kind, place in {
        "settings": ("update", 0, "remotePath"),
        "token": ("client_token_update",),
        "tree": (0, "hasChildren"),
        "trash": ("files", 0, "mtime"),
        "upload": ("ino",),
        "clients": (0, "info", "node"),
    }.items():
        assert place in recorded()[kind], kind


def test_a_seed_says_which() -> None:
    assert shuffled(7) == shuffled(7) != shuffled(8)
    assert {case.kind for case in shuffled(7)[:200]} == set(recorded())


def test_values_are_put_in_place() -> None:
    body = b'{"a":[{"b":1,"c":2}]}'
    assert put(body, ("a", 0, "b"), "NaN") == b'{"a": [{"b": NaN, "c": 2}]}'
    assert put(body, ("a", 0, "b"), None) == b'{"a": [{"c": 2}]}'
    assert put(body, ("a", 1), '"x"') == b'{"a": [{"b": 1, "c": 2}, "x"]}'
    assert put(body, (), "[") == b"["
