"""The lines of two texts side by side. Pure."""

from __future__ import annotations

import codecs
import difflib
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

import msgspec

from syncin_mount.printable import printable

CONTEXT = 3
"""Equal lines that are shown around a difference."""

MOST_LINES = 4_000
"""Lines of a text, behind those that both begin with and before those that both end with, that are
compared: time grows with the product of both numbers."""

MOST_ROWS = 2_000
"""Rows that are told: nobody reads more, and each has to be drawn."""

MOST_COLUMNS = 400
"""Characters of a line that are told."""

_NO_TEXT = {*range(32), 127} - {*b"\t\n\x0b\x0c\r\x1b"}
"""Bytes that no text has, in an encoding of single bytes."""

_TAB = "    "


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of each text, by its number from 1 on, None where that text has none there. ``kind``
    is ``same`` or ``changed``; or ``skipped``, which stands for ``count`` equal lines."""

    kind: Literal["same", "changed", "skipped"]
    left_number: int | None = None
    left: str | None = None
    right_number: int | None = None
    right: str | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class LineDiff:
    """``rows`` are None where there are too many lines to compare. ``left_out`` counts the rows
    that are not told. ``only_ends`` says that nothing but the ends of lines differs."""

    rows: tuple[Row, ...] | None
    left_out: int = 0
    only_ends: bool = False


def text_of_bytes(data: bytes) -> str | None:
    """The text that the bytes are: UTF-8, UTF-16 with its mark, or else an encoding of single bytes
    (as Windows' of western Europe). None for what is no text."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                return None
    if not _NO_TEXT.isdisjoint(data):
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def line_diff(left: str, right: str) -> LineDiff:
    """Takes a second at most."""
    a, b = left.splitlines(), right.splitlines()
    if a == b:
        return LineDiff((), only_ends=True)
    start = _equal(a, b)
    end = _equal(a[start:][::-1], b[start:][::-1])
    middle_a, middle_b = a[start : len(a) - end], b[start : len(b) - end]
    if max(len(middle_a), len(middle_b)) > MOST_LINES:
        return LineDiff(None)
    found = difflib.SequenceMatcher(None, middle_a, middle_b).get_opcodes()
    changes = [
        (i + start, j + start, k + start, m + start) for tag, i, j, k, m in found if tag != "equal"
    ]
    rows = _rows(a, b, changes)
    return LineDiff(tuple(rows[:MOST_ROWS]), max(0, len(rows) - MOST_ROWS))


def _equal(a: list[str], b: list[str]) -> int:
    """How many lines both begin with."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((at for at, (x, y) in pairs if x != y), min(len(a), len(b)))


def _rows(a: list[str], b: list[str], changes: list[tuple[int, int, int, int]]) -> list[Row]:
    rows: list[Row] = []
    at_a = at_b = 0  # what was told so far
    for first_a, last_a, first_b, last_b in changes:
        before = CONTEXT if rows else 0
        _same(rows, a, (at_a, at_b), first_a - at_a, before, CONTEXT)
        pairs = zip_longest(range(first_a, last_a), range(first_b, last_b))
        rows += [_row("changed", a, b, i, j) for i, j in pairs]
        at_a, at_b = last_a, last_b
    _same(rows, a, (at_a, at_b), len(a) - at_a, CONTEXT, 0)
    return rows


def _same(
    rows: list[Row], a: list[str], at: tuple[int, int], count: int, before: int, after: int
) -> None:
    """``count`` equal lines from ``at`` on: the first and the last ones, and how many between."""
    at_a, at_b = at
    if count <= before + after + 1:
        before, after = count, 0
    shift = at_b - at_a
    rows += [_row("same", a, a, at_a + i, at_a + i, shift) for i in range(before)]
    if between := count - before - after:
        rows.append(Row("skipped", count=between))
    rows += [_row("same", a, a, at_a + i, at_a + i, shift) for i in range(count - after, count)]


def _row(
    kind: Literal["same", "changed"],
    a: list[str],
    b: list[str],
    i: int | None,
    j: int | None,
    shift: int = 0,
) -> Row:
    return Row(
        kind,
        None if i is None else i + 1,
        None if i is None else _shown(a[i]),
        None if j is None else j + 1 + shift,
        None if j is None else _shown(b[j]),
    )


def _shown(line: str) -> str:
    """What could turn the direction of text, or be there unseen, is an escape."""
    cut = line if len(line) <= MOST_COLUMNS else f"{line[:MOST_COLUMNS]}…"
    return printable(cut.replace("\t", _TAB))
