"""The listing while the disk changes under it, its speed, and the patterns it takes."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path

import pytest

from syncin_mount.devserver.listing import ListingOptions, Walk
from syncin_mount.devserver.patterns import compile_filter
from syncin_mount.devserver.wire import Refusal
from tests.devserver.recordings import sha
from tests.devserver.world import World, write

DIFF = "/api/app/sync/operation/diff/1"
FAST = ListingOptions(False, True, frozenset(), None, None)
SECURE = ListingOptions(True, True, frozenset(), None, None)


def entries(data: bytes) -> dict[str, list[object]]:
    lines = [line for line in data.decode().splitlines() if line.startswith("{")]
    return {rel: entry for line in lines for rel, entry in json.loads(line).items()}


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    return tmp_path / "docs"


def many(folder: Path, count: int) -> None:
    top = folder
    top.mkdir()
    for number in range(count):
        os.close(os.open(top / f"f{number:06d}", os.O_CREAT | os.O_WRONLY))


def test_files_that_vanish_meanwhile_are_errors_and_never_absent(docs: Path) -> None:
    many(docs / "many", 3000)
    walk = Walk(str(docs), SECURE)
    first, last = walk.batch()
    assert not last
    shutil.rmtree(docs / "many")
    rest = b""
    while not last:
        more, last = walk.batch()
        rest += more
    assert len(entries(first)) == 1000
    assert len(entries(rest)) == 2001
    for rel, entry in entries(rest).items():
        assert entry == ["error", f"Error: ENOENT: no such file or directory, stat '{docs / rel}'"]
    assert rest.endswith(b"\ndone")


def test_folder_that_vanishes_meanwhile_ends_the_listing_without_done(docs: Path) -> None:
    many(docs / "a", 1500)
    write(docs / "b/x.txt")
    walk = Walk(str(docs), FAST)
    walk.batch()
    shutil.rmtree(docs / "b")
    rest, last = walk.batch()
    assert last
    assert rest.endswith(b"\nUnable to parse path\n")
    assert entries(rest)["b"][0] == "error"


def test_unreadable_content_is_an_error_entry_in_secure_mode(docs: Path) -> None:
    write((docs / "a.txt"), b"abc")
    write((docs / "b.txt"), b"abc")
    walk = Walk(str(docs), SECURE)
    original = os.open

    def refusing(path: str, flags: int, mode: int = 0o777) -> int:
        if path.endswith("b.txt"):
            raise PermissionError(13, "Permission denied", path)
        return original(path, flags, mode)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", refusing)
        data, last = walk.batch()
    assert last
    assert entries(data)["a.txt"][-1] == sha(b"abc")
    assert entries(data)["b.txt"] == [
        "error",
        f"Error: EACCES: permission denied, stat '{docs / 'b.txt'}'",
    ]


@pytest.mark.parametrize("changed", [None, "size", "mtime", "ino"])
def test_a_snapshot_is_believed_only_while_size_mtime_and_inode_match(
    docs: Path, changed: str | None
) -> None:
    write(docs / "a.txt", b"abc", 1700000000)
    known = {"size": 3, "mtime": 1700000000, "ino": (docs / "a.txt").stat().st_ino}
    if changed is not None:
        known[changed] += 1
    snapshot = {"a.txt": [False, *known.values(), "f" * 64]}
    data, _ = Walk(str(docs), ListingOptions(True, False, frozenset(), None, snapshot)).batch()
    assert entries(data)["a.txt"][-1] == ("f" * 64 if changed is None else sha(b"abc"))


async def test_ten_thousand_files_list_fast_and_in_pieces(world: World) -> None:
    many(world.personal("docs/many"), 10_000)
    body = {"secureDiff": False, "firstSync": True, "defaultFilters": []}
    before = time.process_time()
    reply = await world.call("POST", DIFF, body, world.sessions["main"].access)
    assert time.process_time() - before < 2
    assert len(entries(reply.body)) == 10_001
    assert reply.headers["transfer-encoding"] == "chunked"


def test_parents_come_before_children_at_any_depth(docs: Path) -> None:
    deep = docs.joinpath(*(f"d{level}" for level in range(200)))
    write(deep / "file.txt")
    data, last = Walk(str(docs), FAST).batch()
    assert last
    seen: set[str] = set()
    for rel in entries(data):
        assert os.path.dirname(rel) in seen | {""}
        seen.add(rel)
    assert len(seen) == 201


@pytest.mark.parametrize("pattern", ["(?i)a", "(", "[", "*", "a{2,1}", "(?P<n>a)", "(?#x)"])
def test_patterns_that_are_no_javascript(pattern: str) -> None:
    with pytest.raises(Refusal, match="Invalid path filter pattern"):
        compile_filter(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+", "(a*b)*", "((a{2,}))?", "|".join(["a.*"] * 26)])
def test_patterns_that_are_unsafe(pattern: str) -> None:
    with pytest.raises(Refusal, match="Unsafe path filter pattern"):
        compile_filter(pattern)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("^docs/a", "DOCS/A.txt", True),
        (r"\.log$", "x.log", True),
        (r"\.log$", "x.log\n", False),
        ("(?<ext>txt|md)$", "a.md", True),
        ("[[]x", "a[x", True),
        ("a(?!b)", "ab", False),
        ("a{b", "a{b", True),
        (r"[\]a]+c", "]ac", True),
    ],
)
def test_patterns_mean_what_they_mean_in_javascript(
    pattern: str, path: str, *, matches: bool
) -> None:
    compiled = compile_filter(pattern)
    assert isinstance(compiled, re.Pattern)
    assert (compiled.search(path) is not None) == matches
