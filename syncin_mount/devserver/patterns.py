"""JavaScript regular expressions of `pathFilters`: refused as the server refuses them, else
translated for `re`.

The server takes a pattern as unsafe when a repetition stands inside a repeated group, or when there
are more than 25 repetitions altogether.
"""

from __future__ import annotations

import re
import warnings

from .wire import Refusal, bad_request

_REPETITIONS_MAX = 25
_BRACES = re.compile(r"\{\d+(,\d*)?\}")
#: What may follow `(?` in JavaScript; Python's flags and its own group syntax may not.
_GROUP_HEAD = re.compile(r"\(\?(:|=|!|<=|<!|<(?P<name>[A-Za-z_$][\w$]*)>)")


def invalid() -> Refusal:
    """The 400 of a pattern that is no JavaScript regular expression."""
    return bad_request("Invalid path filter pattern")


def unsafe() -> Refusal:
    """The 400 of a pattern with too many or nested repetitions."""
    return bad_request("Unsafe path filter pattern")


class _Reader:
    """One pass over a pattern: translates it, and counts repetitions per open group."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.out: list[str] = []
        self.repetitions = 0
        self.groups = [False]  # per open group: has a repetition in it
        self.last_repeats = False  # the atom just read has a repetition in it
        self.unsafe = False

    def take(self, length: int, replacement: str | None = None) -> None:
        self.out.append(
            self.pattern[self.at : self.at + length] if replacement is None else replacement
        )
        self.at += length

    def read(self) -> str:
        while self.at < len(self.pattern):
            letter = self.pattern[self.at]
            if letter == "\\":
                self.last_repeats = False
                self.take(2)
            elif letter == "[":
                self.last_repeats = False
                self.character_class()
            elif letter == "(":
                self.open_group()
            elif letter == ")":
                self.last_repeats = self.groups.pop() if len(self.groups) > 1 else False
                self.groups[-1] |= self.last_repeats
                self.take(1)
            elif letter in "*+?" or (letter == "{" and _BRACES.match(self.pattern, self.at)):
                self.repetition()
            else:
                self.last_repeats = False
                self.take(1, r"\Z" if letter == "$" else None)
        return "".join(self.out)

    def character_class(self) -> None:
        self.take(1)
        if self.pattern.startswith("^", self.at):
            self.take(1)
        while self.at < len(self.pattern) and self.pattern[self.at] != "]":
            if self.pattern[self.at] == "\\":
                self.take(2)
            else:
                self.take(1, r"\[" if self.pattern[self.at] == "[" else None)
        self.take(1)

    def open_group(self) -> None:
        self.groups.append(False)
        if not self.pattern.startswith("(?", self.at):
            self.take(1)
            return
        head = _GROUP_HEAD.match(self.pattern, self.at)
        if head is None:
            raise invalid()
        self.take(len(head[0]), f"(?P<{head['name']}>" if head["name"] else None)

    def repetition(self) -> None:
        braces = _BRACES.match(self.pattern, self.at)
        self.take(len(braces[0]) if braces else 1)
        if self.pattern.startswith("?", self.at):
            self.take(1)
        self.repetitions += 1
        self.unsafe |= self.last_repeats
        self.last_repeats = False
        self.groups[-1] = True


def compile_filter(pattern: str | None) -> re.Pattern[str] | None:
    """None for no filter. Raises the 400 of an invalid or unsafe pattern."""
    if not pattern:
        return None
    reader = _Reader(pattern)
    translated = reader.read()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            compiled = re.compile(translated, re.IGNORECASE)
    except (re.error, OverflowError) as error:
        raise invalid() from error
    if reader.unsafe or reader.repetitions > _REPETITIONS_MAX:
        raise unsafe()
    return compiled
