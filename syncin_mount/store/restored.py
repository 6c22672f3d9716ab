"""Names for what comes back from a bin. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LONGEST = 246
"""Bytes: the server takes no longer name as it is."""

_LONGEST_SUFFIX = 32
_DATED = re.compile(r"-\d{4}\.\d\d\.\d\d \d\d-\d\d-\d\d\.\d{3}(?=(\.[^.]*)?$)")
"""What the server adds to an older namesake in its trash (observed): ``a-2026.11.23 08-32-19.171.txt``."""


def free_names(name: str, date: str, what: str = "restored") -> Iterator[str]:
    """The name itself, then ``name (restored DATE).ext``, ``name (restored DATE 2).ext`` …; ``what`` is the word."""
    yield name
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(_bytes(suffix)) > _LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    number = 0
    while True:
        number += 1
        tail = f" ({what} {date}{f' {number}' if number > 1 else ''}){dot}{suffix}"
        short = stem
        while len(_bytes(short + tail)) > _LONGEST:
            short = short[:-1]
        yield short + tail


def original(name: str) -> str:
    """The name that something in the server's trash had before it stepped aside for a namesake."""
    return _DATED.sub("", name)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
