"""The lines of two texts side by side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncin_mount.app.conflicts.comparison import picture_type
from syncin_mount.app.conflicts.line_diff import (
    CONTEXT,
    MOST_COLUMNS,
    MOST_LINES,
    MOST_ROWS,
    Row,
    line_diff,
    text_of_bytes,
)

LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=30)


def rebuilt(rows: tuple[Row, ...], lines: list[str], *, left: bool) -> list[str]:
    """The text's lines as the rows have them; what they skip is taken from the text itself."""
    found: list[str] = []
    for row in rows:
        if row.kind == "skipped":
            found += lines[len(found) : len(found) + row.count]
            continue
        number, line = (row.left_number, row.left) if left else (row.right_number, row.right)
        if line is not None:
            assert number == len(found) + 1
            found.append(line)
    return found


@given(LINES, LINES)
def test_the_rows_have_every_line_of_both_texts_under_its_number(a: list[str], b: list[str]):
    rows = line_diff("\n".join(a), "\n".join(b)).rows
    assert rows is not None
    if rows:
        assert rebuilt(rows, "\n".join(a).splitlines(), left=True) == "\n".join(a).splitlines()
        assert rebuilt(rows, "\n".join(b).splitlines(), left=False) == "\n".join(b).splitlines()
    for row in rows:
        assert (row.kind == "same") is (row.left is not None and row.left == row.right)


def test_equal_lines_far_from_a_difference_are_counted_alone():
    a = [f"line {number}" for number in range(100)]
    b = [*a[:50], "new", *a[51:]]
    rows = line_diff("\n".join(a), "\n".join(b)).rows or ()
    assert rows[0] == Row("skipped", count=50 - CONTEXT)
    assert rows[-1] == Row("skipped", count=49 - CONTEXT)
    assert [row for row in rows if row.kind == "changed"] == [
        Row("changed", 51, "line 50", 51, "new")
    ]
    assert len(rows) == 2 * CONTEXT + 3


def test_it_says_when_only_the_ends_of_lines_differ():
    assert line_diff("a\r\nb\r\n", "a\nb\n").only_ends
    assert not line_diff("a\nb", "a\nc").only_ends


def test_texts_of_very_many_lines_are_not_compared():
    many = "\n".join(map(str, range(MOST_LINES + 1)))
    assert line_diff(many, "\n".join(map(str, range(-MOST_LINES - 2, -1)))).rows is None
    assert line_diff(many, many + "\nx").rows, "most of it is the same"


def test_no_more_rows_are_told_than_anybody_reads():
    found = line_diff("\n".join("ab" * 1500), "\n".join("cd" * 1500))
    assert found.rows is not None
    assert (len(found.rows), found.left_out) == (MOST_ROWS, 1000)


def test_a_long_line_is_cut_and_what_turns_text_round_is_an_escape():
    [row] = line_diff("x" * 1000, "\u202egnp.exe\x1b[2J\tz").rows or ()
    assert row.left == "x" * MOST_COLUMNS + "…"
    assert row.right == "\\u202egnp.exe\\x1b[2J    z"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        ("grün\n".encode(), "grün\n"),
        (b"\xef\xbb\xbfmark", "mark"),
        ("grün".encode("utf-16"), "grün"),
        ("grün".encode("cp1252"), "grün"),
        (b"\x1b[1mcolour\x1b[0m\t\r\n\x0c", "\x1b[1mcolour\x1b[0m\t\r\n\x0c"),
        (b"nul\0", None),
        (b"\x7fELF\x02", None),
        (b"\xff\xfe\x00", None),
    ],
)
def test_what_is_text_is_known_by_its_bytes(data: bytes, text: str | None):
    assert text_of_bytes(data) == text


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF89a...", "image/gif"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x1cftypavif", "image/avif"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", None),
        (b"<?xml version='1.0'?><svg>", None),
        (b"<html>", None),
        (b"BMW is a text", None),
        (b"RIFF....WAVE", None),
        (b"", None),
    ],
)
def test_only_what_has_no_scripts_is_a_picture(head: bytes, kind: str | None):
    assert picture_type(head) == kind
