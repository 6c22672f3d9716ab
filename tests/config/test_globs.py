"""Wildcards in filters: what they mean, and that what is stored means the same."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncin_mount.config.filters import FilterError, entered, matcher, objection, parse
from syncin_mount.config.globs import as_regexp, as_simple, is_glob

ALPHABET = ("a", "b", ".tmp", "build")
PATHS = [
    "/".join(parts)
    for length in (1, 2, 3)
    for parts in itertools.product(("a", "b", "a.tmp", "build", "xbuildx", ".tmp"), repeat=length)
]


def left_out(glob: str, path: str) -> bool:
    """With what is above it, as a drive decides."""
    fits = matcher((entered(glob).pattern,))
    assert fits is not None
    parts = path.split("/")
    return any(fits("/".join(parts[:length])) for length in range(1, len(parts) + 1))


@pytest.mark.parametrize(
    ("glob", "rule"),
    [
        ("*.tmp", "ends-with:.tmp"),
        ("**/*.tmp", "ends-with:.tmp"),
        ("*~", "ends-with:~"),
        ("*draft*", "contains:draft"),
        ("build/**", "starts-with:build/"),
        ("/build/**", "starts-with:build/"),
        ("a/b/**", "starts-with:a/b/"),
        ("/tmp*", "starts-with:tmp"),
        ("a/b*", "starts-with:a/b"),
        ("glob:a/b", "path:a/b"),
        ("glob:/a", "path:a"),
        ("notes.*", r"regexp:(?:^|/)notes\.[^/]*$"),
        ("glob:node_modules", "regexp:(?:^|/)node_modules$"),
        ("glob:node_modules/", "regexp:(?:^|/)node_modules$"),
        ("a/*/c", "regexp:^a/[^/]*/c$"),
        ("a/**/c", "regexp:^a/(?:|.*/)c$"),
        ("*/build/**", "regexp:^[^/]*/build/."),
        ("file[0-9]", "regexp:(?:^|/)file[0-9]$"),
        ("*.[!co]", r"regexp:(?:^|/)[^/]*\.[^/co]$"),
        ("*.{jpg,png}", r"regexp:(?:^|/)[^/]*\.(?:jpg|png)$"),
        ("glob:.*", r"regexp:(?:^|/)\.[^/]*$"),
        (r"glob:a\*b", r"regexp:(?:^|/)a\*b$"),
        ("C++*.txt", r"regexp:(?:^|/)C\+\+[^/]*\.txt$"),
    ],
)
def test_what_is_stored(glob: str, rule: str):
    found = entered(glob)
    assert str(found) == rule
    assert parse(found.pattern) == found, "read back as it was"
    assert objection([found.pattern]) is None, "the server takes it"


@pytest.mark.parametrize(
    "text",
    [
        "^tmp.*",
        ".*draft.*",
        ".*.bak$",
        "docs/old",
        "report (1).pdf",
        "photo [2].jpg",
        "C++",
        "(a|b)/c",
    ],
)
def test_sync_in_s_own_forms_are_no_wildcards(text: str):
    assert not is_glob(text)
    assert entered(text) == parse(text)


@pytest.mark.parametrize(
    ("glob", "fits", "others"),
    [
        ("*.tmp", ["a.tmp", "a/b.TMP", "a.tmp/x", ".tmp"], ["atmp", "a.tmp2", "a"]),
        ("notes.*", ["notes.txt", "a/Notes.md", "notes./x"], ["notes", "mynotes.txt"]),
        ("build/**", ["build/a", "BUILD/a/b"], ["build", "a/build/b", "build2/a"]),
        ("/build*", ["build", "build2/x"], ["a/build"]),
        ("a/*/c", ["a/b/c", "a/b/c/d"], ["a/c", "a/b/b/c", "x/a/b/c"]),
        ("a/**/c", ["a/c", "a/b/c", "a/b/b/c"], ["ac", "x/a/c"]),
        ("**/c", ["c", "a/c", "a/b/c/d"], ["ac"]),
        ("glob:c", ["c", "a/c/d"], ["ac", "c2"]),
        ("?.txt", ["a.txt", "x/b.txt"], ["ab.txt", ".txt"]),
        ("[a-c]?", ["a1", "x/cz"], ["d1", "a", "a12"]),
        ("[!a]b", ["bb"], ["ab", "b"]),
        ("*.{jpg,png}", ["x.JPG", "a/y.png"], ["x.gif", "jpg"]),
        ("glob:.*", [".git", "a/.x/y"], ["a.b", "a"]),
    ],
)
def test_what_they_leave_out(glob: str, fits: list[str], others: list[str]):
    assert [path for path in fits if not left_out(glob, path)] == []
    assert [path for path in others if left_out(glob, path)] == []


@pytest.mark.parametrize(
    ("glob", "why"),
    [
        ("!*.txt", "there is no '!'"),
        ("glob:!x", "there is no '!'"),
        ("a*[b", "a '[' has no ']'"),
        ("*.{jpg,png", "a '{' has no '}'"),
        ("*.{a,{b}}", "inside"),
        ("glob:", "it is empty"),
        ("glob:/", "it is empty"),
        ("*", "it fits every path"),
        ("**", "it fits every path"),
        (".*", "regexp:.* or glob:.*"),
        ("glob:a\\", "stands for nothing"),
    ],
)
def test_what_cannot_be(glob: str, why: str):
    with pytest.raises(FilterError, match=re.escape(why)):
        entered(glob)


@given(
    st.lists(
        st.sampled_from([*ALPHABET, "*", "?", "/", "**/", "/**", "[ab]"]), min_size=1, max_size=5
    )
)
def test_the_simple_form_means_what_the_regular_expression_does(parts: list[str]):
    """Whatever has a simple form leaves out the same paths by it as by the translation."""
    glob = "".join(parts)
    simple = as_simple(glob)
    if simple is None or "//" in glob:
        return
    by_simple, by_regexp = (
        matcher((entered(f"{simple[0]}:{simple[1]}").pattern,)),
        re.compile(as_regexp(glob), re.IGNORECASE),
    )
    assert by_simple is not None

    def decided(path: str, fits: object) -> bool:
        parts = path.split("/")
        every = ("/".join(parts[:length]) for length in range(1, len(parts) + 1))
        # `fits` is declared as object
        return any(bool(fits(each)) for each in every)  # type: ignore[operator]

    assert [
        path for path in PATHS if decided(path, by_simple) != decided(path, by_regexp.search)
    ] == []
