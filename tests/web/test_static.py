"""The browser's part: what is sent, how large it is, and where it is from."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import pytest

from syncin_mount.store import OpKind
from syncin_mount.web import files
from tests.docs.test_width import COLUMNS

STATIC = Path(files.__file__).parent / "static"
MOST_BYTES = 150_000
"""Of what a browser receives for the page: all of its files, compressed as they are sent."""
NOT_SENT = {"vendor/README.md", "vendor/SHA256SUMS", "vendor/LICENSE.htm", "vendor/LICENSE.preact"}

THERE = {
    str(path.relative_to(STATIC)): path for path in sorted(STATIC.rglob("*")) if path.is_file()
}
OWN = {name: path for name, path in THERE.items() if "/" not in name}


def test_the_table_has_each_file_and_no_other():
    assert {name for name, _ in files.TABLE.values()} == THERE.keys() - NOT_SENT


def test_what_a_browser_receives_is_small():
    sent = files.Files()
    parts = [sent.at(path) for path in files.TABLE]
    assert sum(len(part.packed) for part in parts if part is not None) < MOST_BYTES


def test_what_is_sent_is_what_is_there():
    sent = files.Files()
    for path, (name, kind) in files.TABLE.items():
        part = sent.at(path)
        assert part is not None
        assert gzip.decompress(part.packed) == THERE[name].read_bytes()
        assert part.kind == kind


def test_libraries_are_as_they_were_published():
    lines = (STATIC / "vendor/SHA256SUMS").read_text().splitlines()
    sums = {name: wanted for wanted, name in (line.split("  ") for line in lines)}
    assert {"preact.module.js", "hooks.module.js", "htm.module.js"} < sums.keys()
    for name, wanted in sums.items():
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == wanted, name


@pytest.mark.parametrize("name", sorted(OWN))
def test_lines_have_a_hundred_columns(name: str):
    assert [line for line in OWN[name].read_text().splitlines() if len(line) > COLUMNS] == []


@pytest.mark.parametrize("name", sorted(OWN))
def test_nothing_is_asked_of_anybody_else(name: str):
    found = re.findall(r"https?://[^\s\"'`<]+", OWN[name].read_text())
    assert set(found) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("name", [name for name in sorted(OWN) if name.endswith(".js")])
def test_imports_are_of_what_is_sent(name: str):
    own = OWN[name].read_text()
    page = OWN["index.html"].read_text()
    for target in re.findall(r'from "([^"]+)"', own):
        assert target in {*files.TABLE, files.CATALOGUE} or f'"{target}": "/vendor/' in page, target


@pytest.mark.parametrize("name", [name for name in sorted(OWN) if name.endswith(".js")])
def test_text_never_becomes_a_page(name: str):
    """Names are shown as text only: nothing in the page reads HTML, or runs a string."""
    own = OWN[name].read_text()
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "srcdoc"):
        assert way not in own
    for way in (r"\beval\(", r"\bFunction\(", r"setTimeout\([\"'`]", "dangerouslySet"):
        assert not re.search(way, own)


def test_all_modules_are_asked_for_at_once():
    """Else each import would wait for the module that names it."""
    page = OWN["index.html"].read_text()
    way = r'<(?:link rel="modulepreload" href|script type="module" src)="([^"]+)'
    asked = set(re.findall(way, page))
    scripts = {path for path, (name, _) in files.TABLE.items() if name.endswith(".js")}
    assert asked == {*scripts, files.CATALOGUE}


def test_whatever_a_program_can_do_in_a_drive_has_a_word_of_the_page():
    code = (STATIC / "waiting.js").read_text()
    assert [each.value for each in OpKind if f"{each.value}: [" not in code] == []
