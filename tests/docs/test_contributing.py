"""CONTRIBUTING.md is true: what it names is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "CONTRIBUTING.md"
PATH = r"`((?:[\w.-]+/)+[\w.-]+)`"
NAMED = [
    path
    for path, _ in re.findall(PATH + "(.)", PAGE.read_text(), re.DOTALL)
    if not path.startswith("./")
]
FOUND = re.findall(PATH + r":\s+`([^`]+)`", PAGE.read_text())


def test_the_page_names_files_and_what_is_in_them() -> None:
    assert len(NAMED) > 30
    assert len(FOUND) > 20


@pytest.mark.parametrize("path", sorted(set(NAMED)))
def test_a_path_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("path", "name"), FOUND)
def test_a_name_is_in_its_file(path: str, name: str) -> None:
    assert re.search(rf"(?<!\w){re.escape(name)}(?!\w)", (ROOT / path).read_text())


def test_what_the_repository_has_for_forges_calls_what_is_there() -> None:
    supported = {
        found[1]
        for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
        if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line))
    }
    for name in (".github/workflows/ci.yml", ".gitlab-ci.yml"):
        text = (ROOT / name).read_text()
        assert ".ci/run" in text
        assert set(re.findall(r'"(3\.\d+)"', text)) == supported
    for name in (".github/ISSUE_TEMPLATE/bug.yml", ".gitlab/issue_templates/Bug.md"):
        assert "syncin-mount doctor --collect" in (ROOT / name).read_text()
