from __future__ import annotations

import pytest

from syncin_mount.app.support.redaction import Redaction, vocabulary

WORDS = vocabulary()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("docs: the server refuses the log-in", "docs: the server refuses the log-in"),
        ("No space left on device", "No space left on device"),
        ("send Reports/Ümläut müller.pdf: refused (409)", "send x1/x2 x3.pdf: refused (409)"),
        ("/home/user1/Private/a b", "/x1/x2/x3/x4 b"),
        ("https://files.example.org:8443/api/app", "https://x1/api/app"),
        ("127.0.0.1 did not answer within 10 s", "x1 did not answer within 10 s"),
        ("time=2026-11-26T16:41:16.123Z level=info", "time=2026-11-26T16:41:16.123Z level=info"),
        ("Zanzibar and Zanzibar, not Kilimanjaro", "x1 and x1, not x2"),
        ("6f1c2d3e-0000-4000-8000-123456789abc", "x1"),
        ("Quarterly.docx: 12 files", "x1.docx: 12 files"),
        ('{"remote": "personal/Zanzibar"}', '{"remote": "personal/x1"}'),
    ],
)
def test_names_are_replaced_and_the_programs_words_stay(text: str, left: str):
    assert Redaction(WORDS).text(text) == left


def test_known_names_go_even_where_they_are_words_of_the_program_or_several():
    redaction = Redaction(WORDS, ["secret plan.txt", "docs", "user"])
    assert (
        redaction.text("docs: secret plan.txt: refused by the user")
        == "x1: x2.txt: refused by the x3"
    )
    assert redaction.text("secret plan.txt") == "x2.txt"


def test_secrets_go_whatever_else_stays():
    redaction = Redaction(frozenset(), ["docs"], ["the-token"], keep_names=True)
    assert (
        redaction.text("docs has the-token, Bearer abcdefgh12")
        == "docs has [secret], Bearer [secret]"
    )


def test_what_was_replaced_is_not_replaced_again():
    redaction = Redaction(WORDS, ["Zanzibar"])
    once = redaction.text("Zanzibar/Kilimanjaro.txt and Zanzibar")
    assert redaction.text(once) == once
