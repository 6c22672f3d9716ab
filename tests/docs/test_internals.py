"""The pages for maintainers name code that is there, and the kill test's points."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

from tests.crash.points import POINTS
from tests.docs.generate import DOCS, ROOT

INTERNALS = DOCS / "internals"
TOPS = ("", "syncin_mount/", "platform/linux/")
"""Where a path of code begins: at the top, or, without that, in the packages."""

CODE = re.compile(r"`([\w.]+(?:/[\w.-]+)+/?|[\w.]+/)`")
MODULE = re.compile(r"`(\w+\.py)`")
POINT = re.compile(r"`([a-z_]+(?:\.[A-Za-z]+)?)(?:/[a-z]+)?`")
SHOWN = re.compile(r"^- shown by:(.*(?:\n  .*)*)", re.MULTILINE)


def missing_code(text: str, files: set[str]) -> Iterator[str]:
    """Paths and modules in backticks that are no file and no folder of the repository."""
    folders = {
        "/".join(file.split("/")[:depth])
        for file in files
        for depth in range(1, file.count("/") + 1)
    }
    known = files | folders
    first = {
        path.removeprefix(top).split("/")[0]
        for top in TOPS
        for path in known
        if path.startswith(top)
    }
    for path in CODE.findall(text):
        wanted = path.rstrip("/")
        if wanted.split("/")[0] in first and not any(top + wanted in known for top in TOPS):
            yield path
    names = {file.rpartition("/")[2] for file in files}
    yield from (name for name in MODULE.findall(text) if name not in names)


def tracked() -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(listed.stdout.splitlines())


def test_every_path_of_code_exists() -> None:
    files = tracked()
    found = {
        page.name: list(missing_code(page.read_text(), files)) for page in INTERNALS.rglob("*.md")
    }
    assert {name: paths for name, paths in found.items() if paths} == {}


def named_points(text: str) -> set[str]:
    """The points that the crash table names behind `crash`, without their moments."""
    parts = (part for shown in SHOWN.findall(text) for part in shown.split(";"))
    return {
        point for part in parts if re.match(r"\s*crash\s", part) for point in POINT.findall(part)
    }


def test_the_crash_table_names_every_point_of_the_kill_test_and_no_other() -> None:
    named = named_points((INTERNALS / "crash-table.md").read_text())
    known = {point.split("/")[0] for point in POINTS}
    assert named - known == {"effect"}, "each effect is a point of its own"
    assert known - named == set()


def test_what_is_wrong_is_seen() -> None:
    files = {"reconciler/plan.py", "syncin_mount/store/log.py"}
    there = "`reconciler/plan.py` `store/log.py` `store/` `append/before` `plan.py`"
    assert list(missing_code(there, files)) == []
    gone = "`store/gone.py` `reconciler/gone/` `gone.py`"
    assert list(missing_code(gone, files)) == ["store/gone.py", "reconciler/gone/", "gone.py"]
    table = (
        "- shown by: power; crash `append/torn`,\n  `effect.Unlink`; `tests/x.py`\n- start:"
        " `created`\n"
    )
    assert named_points(table) == {"append", "effect.Unlink"}
