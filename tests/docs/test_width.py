"""No line of documents, code and settings has more than 100 columns.

Ruff looks at Python code; this looks at everything else that people read and write.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COLUMNS = 100

FOLDERS = [".ci", ".github", ".gitlab", "benchmarks", "docs", "examples", "platform"]
PATTERNS = ["*.c", "*.md", "*.toml", "*.txt", "*.yaml", "*.yml", "run"]
RECORDED = {"docs/tour.md", "docs/tutorial.md"}
"""What the program printed, as it printed it."""


def _texts() -> Iterator[Path]:
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and (
            path.suffix in {".md", ".toml", ".txt", ".yml"} or path.name == "dev"
        ):
            yield path
    for folder in FOLDERS:
        for pattern in PATTERNS:
            yield from sorted((ROOT / folder).rglob(pattern))


TEXTS = {str(path.relative_to(ROOT)): path for path in _texts()}


@pytest.mark.parametrize("name", sorted(TEXTS.keys() - RECORDED))
def test_lines_have_a_hundred_columns(name: str) -> None:
    lines = TEXTS[name].read_text().splitlines()
    assert [line for line in lines if len(line) > COLUMNS] == []


def test_the_files_that_people_read_most_are_among_them() -> None:
    assert {"README.md", "CONTRIBUTING.md", "dev", ".ci/run", "pyproject.toml"} <= TEXTS.keys()
