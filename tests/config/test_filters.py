"""Rules of filters: what Sync-in's stored forms mean, what can be entered, what is refused and
why."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncin_mount.config.filters import (
    FilterError,
    Rule,
    RuleKind,
    entered,
    matcher,
    objection,
    parse,
)

SIMPLE = [RuleKind.STARTS, RuleKind.CONTAINS, RuleKind.ENDS, RuleKind.PATH]


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        ("^tmp.*", "starts-with:tmp"),
        ("^tmp", "starts-with:tmp"),
        (".*draft.*", "contains:draft"),
        (".*.tmp$", "ends-with:.tmp"),
        (r".*\.tmp$", "ends-with:.tmp"),
        (".tmp$", "ends-with:.tmp"),
        ("docs/a.txt", "path:docs/a.txt"),
        ("report (1).pdf", "path:report (1).pdf"),
        ("photo [2].jpg", "path:photo [2].jpg"),
        ("C++", "path:C++"),
        (".*(copy).*", "contains:(copy)"),
        (r"^a\.b$", "path:a.b"),
        ("^a|b$", "regexp:^a|b$"),
        (r"\.tmp", r"regexp:\.tmp"),
        ("[0-9]+", "regexp:[0-9]+"),
        ("file[0-9]", "regexp:file[0-9]"),
        (r".*\d+$", r"regexp:.*\d+$"),
        ("(a|b)/c", "regexp:(a|b)/c"),
        ("a.*b", "regexp:a.*b"),
    ],
)
def test_the_platform_s_forms_are_read_as_what_was_meant(pattern: str, rule: str):
    assert str(parse(pattern)) == rule


@given(st.sampled_from(SIMPLE), st.text(min_size=1, max_size=8, alphabet="aB1.é\\^$*+?()[]{}|-,/ "))
def test_a_written_rule_is_read_as_the_same(kind: RuleKind, text: str):
    rule = Rule(kind, text)
    assert parse(rule.pattern) == rule


@pytest.mark.parametrize("text", ["abc", "^abc", ".*x$", "report (1)"])
def test_a_regexp_that_looks_simple_stays_one(text: str):
    assert parse(Rule(RuleKind.REGEXP, text).pattern).kind is RuleKind.REGEXP


@pytest.mark.parametrize(
    ("rule", "fits", "not_"),
    [
        ("starts-with:tmp", ["tmp", "TMP/a", "tmpfile"], ["a/tmp", "at"]),
        ("contains:draft", ["a draft.txt", "DRAFTS/b", "x/y-Draft"], ["dra ft"]),
        ("ends-with:.tmp", ["a.tmp", "b/C.TMP"], ["atmp", "a.tmp.txt"]),
        (
            "path:docs/a.txt",
            ["docs/a.txt", "Docs/A.TXT"],
            ["x/docs/a.txt", "docs/a.txt2", "docs/abtxt", "docs"],
        ),
        ("path:été", ["ÉTÉ"], ["ete"]),
        ("contains:ss", ["SS"], ["ß"]),
        ("contains:k", ["K"], ["\u212a"]),
        (r"regexp:^build/.*\.o$", ["build/a.o", "BUILD/x/B.O"], ["src/build/a.o", "build/a.old"]),
        (r"regexp:\d{4}", ["a/2024/b"], ["123"]),
        ("regexp:é$", ["CAFÉ"], ["cafe"]),
        ("path:report (1).pdf", ["report (1).pdf"], ["report 1.pdf"]),
        ("starts-with:a*b", ["a*b", "A*Bc"], ["aab"]),
    ],
)
def test_what_a_rule_leaves_out(rule: str, fits: list[str], not_: list[str]):
    match = matcher((entered(rule).pattern,))
    assert match is not None
    assert [path for path in fits if not match(path)] == []
    assert [path for path in not_ if match(path)] == []


def test_names_that_are_no_text_are_matched_too():
    match = matcher(
        (
            r"\.o$",
            ".*x.*",
        )
    )
    assert match is not None
    assert match("\udcff.o")
    assert match("x\udcff")
    assert not match("\udcff")


def test_no_rules_cost_nothing():
    assert matcher(()) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is empty"),
        ("path:/", "it is empty"),
        ("starts-with:", "it is empty"),
        ("regexp:*.tmp", "ends-with:"),
        ("regexp:(a", "no regular expression"),
        ("a(?=b)", "looking ahead"),
        ("(?<!a)b", "looking ahead"),
        (r"(a)\1", "reference to a group"),
        (r"\u0041.*", r"the escape '\u'"),
        (r"\pL", r"the escape '\p'"),
        (r"[\u00e9]", r"the escape '\u'"),
        (r"\x{41}", "two hexadecimal digits"),
        ("(?i)a", "no part of a JavaScript"),
        ("(?P<n>a)", "no part of a JavaScript"),
        ("regexp:[[:alpha:]]", "character class"),
        ("a[^]", "character class"),
        ("(a+)+$", "a repetition inside a repetition"),
        ("((a*)b){2}", "a repetition inside a repetition"),
        ("regexp:" + "a?" * 26 + "b", "26 repetitions"),
        (".*", "it fits every path"),
        ("a|", "it fits every path"),
        ("x" * 1025, "up to 1024 characters"),
        ("a\nb", "control characters"),
        ("a{1001}", "no regular expression"),
    ],
)
def test_what_cannot_be_a_filter_is_refused_with_the_reason(text: str, says: str):
    with pytest.raises(FilterError, match=f"cannot be a filter: .*{re.escape(says)}"):
        entered(text)


def test_as_many_as_the_server_takes():
    assert objection(["a"] * 100) is None
    assert objection(["a"] * 101) == "a synchronization has up to 100 filters, these are 101"
    assert (objection(["a", "*"]) or "").startswith("'*': it is no regular expression")


def test_no_pattern_takes_for_ever():
    match = matcher(
        (
            "(?:a|aa|a.){1,9}x$",
            ".*a.*a.*a.*a.*a.*a.*b$",
        )
    )
    assert match is not None
    started = time.process_time()
    for _ in range(100):
        assert not match("a" * 2000)
    assert time.process_time() - started < 5
