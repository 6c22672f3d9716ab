"""Figures for Prometheus: the text format, and what stands in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from syncin_mount.app.drives.drive_state import DriveState
from syncin_mount.app.support.metrics import METRICS, PREFIX, UP, exposition
from syncin_mount.control.messages import Problem, Status

PAGE = Path(__file__).parents[2] / "docs/guide/headless.md"

_NUMBER = r"(?:[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?|NaN|[-+]Inf)"
_LABEL = r'[a-z_]+="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
LINE = re.compile(
    rf"# HELP [a-z_]+ [^\n]+|# TYPE [a-z_]+ (?:gauge|counter)"
    rf"|([a-z_]+)\{{({_LABEL}(?:,{_LABEL})*)\}} ({_NUMBER})"
)
"""A line, by the page on exposition formats in Prometheus' documentation."""


def status(name: str = "docs", **said: Any) -> Status:
    return Status(name, "home", "personal/docs", "/home/user1/docs", mounted=True, **said)


def values(text: str) -> dict[str, str]:
    """By name and labels as they are written. Each line must be one of the format."""
    assert text.endswith("\n")
    found: dict[str, str] = {}
    for line in text.removesuffix("\n").split("\n"):
        match = LINE.fullmatch(line)
        assert match is not None, line
        if match[1]:
            key = f"{match[1].removeprefix(PREFIX)}{{{match[2]}}}"
            assert key not in found, "one value has one line"
            found[key] = match[3]
    return found


def test_what_is_known_has_a_line_and_what_is_not_has_none() -> None:
    problem = Problem("a", "it is locked", lasting=True)
    found = values(
        exposition([status(online=True, waiting=3, last_run=1700000000.25, problems=(problem,))])
    )
    assert found['up{drive="docs"}'] == "1"
    assert found['online{drive="docs"}'] == "1"
    assert found['pending_changes{drive="docs"}'] == "3"
    assert found['last_run_timestamp_seconds{drive="docs"}'] == "1700000000.25"
    assert found['lasting_problems{drive="docs"}'] == "1"
    assert not [key for key in found if key.startswith(("next_run", "limit", "content_bytes"))]


def test_a_server_that_nobody_asked_is_neither_there_nor_away() -> None:
    assert 'online{drive="docs"}' not in values(exposition([status()]))


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"paused": True}, DriveState.PAUSED),
        ({"online": False}, DriveState.OFFLINE),
        ({}, DriveState.IDLE),
    ],
)
def test_one_state_holds(said: dict[str, Any], state: DriveState) -> None:
    found = values(exposition([status(**said)]))
    of_state = {key: value for key, value in found.items() if key.startswith("state{")}
    assert len(of_state) == len(DriveState)
    assert [key for key, value in of_state.items() if value == "1"] == [
        f'state{{drive="docs",state="{state.value}"}}'
    ]


def test_each_metric_is_headed_once_whatever_the_number_of_drives() -> None:
    text = exposition([status(), status("photos")], ["silent"])
    heads = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(heads) == len(set(heads))
    assert values(text)['up{drive="silent"}'] == "0"


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "\u00e4 {x}", "a\\nb"])
def test_any_name_is_one_label(name: str) -> None:
    found = values(exposition([status(name)]))
    (key,) = [key for key in found if key.startswith("up{")]
    written = key.removeprefix('up{drive="').removesuffix('"}')
    assert re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], written) == name


def test_no_drives_are_no_error() -> None:
    assert values(exposition([])) == {}


def test_the_guide_lists_each_of_them() -> None:
    table = PAGE.read_text().partition("<!-- tested: metrics -->")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", table, re.MULTILINE)
    assert rows == [(each.name, each.help) for each in (UP, *METRICS)]
