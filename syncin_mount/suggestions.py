"""The word that somebody most likely meant. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from syncin_mount.language import t

_CUTOFF = 0.6
"""How alike two words are at least, from 0 to 1: one wrong, missing or exchanged letter in a word
of four passes."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that is most like ``word``, without regard to case; None when none is
    like it."""
    folded = {each.casefold(): each for each in known}
    if word.casefold() in folded:
        return folded[word.casefold()]
    from difflib import get_close_matches  # noqa: PLC0415 (start-up time)

    found = get_close_matches(word.casefold(), folded, n=1, cutoff=_CUTOFF)
    return folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'docs'?``, or nothing: the end of a sentence that says that there is no
    ``word``."""
    found = closest(word, known)
    return "" if found is None else t("; did you mean '{word}'?", word=found)
