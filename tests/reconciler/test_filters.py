from __future__ import annotations

import pytest

from reconciler.filters import DEFAULT, Filter

LEFT_OUT = [
    ".DS_Store",
    "a/Thumbs.db",
    "a/b/__pycache__",
    "Icon?",
    ".sync-in.a.txt",
    "a/.sync-in.x",
    "a/.~lock.x.odt#",
]
LEFT_OUT += ["~$port.docx", "a/.x.txt.swp", ".x\ny.swo", "..swp"]
ORDINARY = [
    "a",
    "DS_Store",
    "thumbs.db",
    "__pycache__/a",
    "a.swp",
    "x.sync-in.a",
    "Icon",
    ".~lock.x",
    "x~$",
    "~x",
    ".swap",
]
ORDINARY += [".x.swf", "~", ".", ".bashrc", "x~"]


@pytest.mark.parametrize("path", LEFT_OUT)
def test_left_out(path: str):
    assert DEFAULT.ignored(path)


@pytest.mark.parametrize("path", ORDINARY)
def test_not_left_out(path: str):
    assert not DEFAULT.ignored(path)


def test_a_rule_sees_the_path():
    filters = Filter(rule=lambda path: path.startswith("a/"))
    assert filters.ignored("a/b")
    assert not filters.ignored("b/a")
    assert filters.ignored("b/.DS_Store")
