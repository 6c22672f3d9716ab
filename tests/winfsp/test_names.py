"""Each name of the replica has one name on Windows, and comes back from it."""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syncin_winfsp.values.folding import capitals, fold, of_unicode
from syncin_winfsp.values.names import (
    MARK,
    MAX_UNITS,
    NoName,
    alias,
    from_windows,
    number_in_alias,
    to_windows,
)
from tests.effort import examples

AWKWARD = st.sampled_from(
    [
        *(
            b"con",
            b"NUL",
            b"com1",
            b"LPT\xc2\xb9",
            b"CONIN$",
            b".",
            b" ",
            b":",
            b"?",
            b"\\",
            b"\x1f",
        ),
        *(b"\x80", b"\xff", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xed", "\uf03a".encode()),
        *("\uf07e".encode(), "\U0001f600".encode(), "ä".encode(), "a\u0308".encode(), b"a", b"A"),
    ]
)


@st.composite
def raw_names(draw: st.DrawFn) -> bytes:
    """What Linux lets a name be, awkward ones more often."""
    pieces = draw(st.lists(AWKWARD | st.binary(max_size=3), max_size=20))
    name = b"".join(pieces).replace(b"/", b"").replace(b"\0", b"")[:255]
    return b"a" if name in {b"", b".", b".."} else name


def units(name: str) -> int:
    return len(name.encode("utf-16-le", "surrogatepass")) // 2


@settings(max_examples=examples(2000))
@given(raw_names())
@example(b"\xed\xa0\x80\xed\xb0\x80")
@example(b"\xed\xa0\x80\xf0\x90\x80\x80")
@example(b"con" * 85)
def test_each_name_comes_back(raw: bytes) -> None:
    assert from_windows(to_windows(raw)) == raw


@settings(max_examples=examples(2000))
@given(raw_names())
def test_what_windows_is_shown_it_can_have(raw: bytes) -> None:
    shown = to_windows(raw)
    assert 0 < units(shown) <= MAX_UNITS
    assert not set(shown) & set('"*:<>?|\\/')
    assert min(shown) > "\x1f"
    assert shown[-1] not in ". "
    stem = shown.split(".")[0].rstrip(" ").upper()
    assert stem not in {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    assert stem not in {f"{name}{digit}" for name in ("COM", "LPT") for digit in "0123456789¹²³"}
    # as UTF-16 has it: no two halves of a pair became a pair
    assert shown.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") == shown


@settings(max_examples=examples(2000))
@given(st.text(st.characters(codec=None, categories=None), max_size=40))
@example("\ud800")
@example("\udc80")
def test_a_name_from_windows_is_shown_as_it_was_made_or_refused(text: str) -> None:
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    try:
        raw = from_windows(text)
    except NoName:
        return
    assert to_windows(raw) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"Report.docx", "Report.docx"),
        (b"a:b", "a\uf03ab"),
        (b"what?", "what\uf03f"),
        (b"end.", "end\uf02e"),
        (b"end ", "end\uf020"),
        (b"e n.d", "e n.d"),
        (b"...", "..\uf02e"),
        (b"con", "co\uf06e"),
        (b"CON.txt", "CO\uf04e.txt"),
        (b"con .txt", "co\uf06e .txt"),
        (b"com1", "com\uf031"),
        (b"com10", "com10"),
        (b"console", "console"),
        (b"lpt\xc2\xb2", "lpt\uf0c2\uf0b2"),
        (b"line\nbreak", "line\uf00abreak"),
        (b"\xff\xfe", "\uf0ff\uf0fe"),
        (b"\xed\xa0\x80", "\ud800"),
        ("\uf03a".encode(), "\uf0ef\uf080\uf0ba"),
        ("e\u0301".encode(), "e\u0301"),
        ("\U0001f600".encode(), "\U0001f600"),
    ],
)
def test_names_that_windows_cannot_have_have_others(raw: bytes, shown: str) -> None:
    assert to_windows(raw) == shown
    assert from_windows(shown) == raw


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "a:b", "a*", "a/b", "a\\b", "a\0b", "end.", "end ", "con", "Nul.txt"),
        *("\uf041", "a\uf02eb", "\uf0c3\uf0a4", f"a{MARK}12.txt"),
    ],
)
def test_what_no_name_is_shown_as_is_refused(name: str) -> None:
    with pytest.raises(NoName):
        from_windows(name)


@pytest.mark.parametrize("shown", ["\ud800", "a\udfffb", "\udc00\ud800"])
def test_half_a_pair_comes_back(shown: str) -> None:
    assert to_windows(from_windows(shown)) == shown


@settings(max_examples=examples(1000))
@given(raw_names(), st.integers(1, 2**64 - 1))
def test_an_alias_tells_its_number_and_is_no_other_name(raw: bytes, number: int) -> None:
    shown = alias(raw, number)
    assert units(shown) <= MAX_UNITS
    assert number_in_alias(shown) == number
    assert number_in_alias(to_windows(raw)) is None
    with pytest.raises(NoName):
        from_windows(shown)


def test_an_alias_keeps_the_suffix() -> None:
    assert alias(b"Report.docx", 12) == f"Report{MARK}12.docx"
    assert alias(b".profile", 12) == f".profile{MARK}12"
    assert number_in_alias(f"a{MARK}012") is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("report.DOCX", "REPORT.docx", True),
        ("ÄÖÜ", "äöü", True),
        ("straße", "STRASSE", False),
        ("ı", "I", False),  # Turkish letters are four
        ("İ", "i", False),
        ("ς", "Σ", False),  # what ends a word stays apart
        ("ᾀ", "ᾈ", True),
        ("ÿ", "Ÿ", True),
        ("µ", "Μ", False),  # micro sign and Greek capital
        ("\U00010428", "\U00010400", False),  # pairs of surrogates are compared as they are
        ("é", "e\u0301", False),
    ],
)
def test_case_is_windows_case(one: str, other: str, same: bool) -> None:
    assert (fold(one) == fold(other)) is same


@settings(max_examples=examples(500))
@given(st.text(max_size=20))
def test_folding_twice_changes_nothing(name: str) -> None:
    assert fold(fold(name)) == fold(name)


@pytest.mark.skipif(sys.platform != "win32", reason="Windows' table is there")
def test_the_stand_in_is_windows_table() -> None:
    assert capitals() == of_unicode()
