"""`./dev soak` runs its parts, and tells when one of them fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.__main__ import PARTS, Part, soak

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", PARTS)
def test_every_part_understands_its_options(name: str) -> None:
    command = PARTS[name].command(1, 7)
    known = subprocess.run(
        [*command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    for option in (word for word in command if word.startswith("--")):
        assert option in known


def test_a_part_that_fails_is_told_and_the_others_run(capfd: pytest.CaptureFixture[str]) -> None:
    parts = {
        "good": Part("", "platform", "", 1),
        "bad": Part("", "tests.soak.no_such_part", "--runs", 1),
    }
    assert soak(["bad", "good"], 1, 7, parts) == 1
    said = capfd.readouterr().out
    assert "bad       FAILED (1)" in said
    assert "good      passed" in said
    assert soak(["good"], 1, 7, parts) == 0


def test_an_unknown_part_is_one_sentence() -> None:
    command = [sys.executable, "-m", "tests.soak", "everything"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "there is no part everything; there are sim, twice" in done.stderr
