"""What helps, as messages print it: commands of this program for a terminal, and what is to be
pressed for the page.

Who reads belongs to a context (contextvars), as the language does (`syncin_mount.language`).
"""

from __future__ import annotations

import enum
import shlex
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "syncin-mount"

READER_HEADER = "syncin-mount-reader"
"""How a request to a daemon says who reads the answer."""


class Reader(enum.Enum):
    """Where a sentence is read."""

    TERMINAL = "terminal"
    PAGE = "page"


_reader: ContextVar[Reader] = ContextVar("reader", default=Reader.TERMINAL)


def reader() -> Reader:
    """Who reads what is made in this context."""
    return _reader.get()


def write_for(who: Reader) -> None:
    """From now on in this context, and in tasks and threads that it starts."""
    _reader.set(who)


def reader_named(word: str) -> Reader:
    """The one that a header names; a terminal where it names none that is known."""
    return Reader.PAGE if word == Reader.PAGE.value else Reader.TERMINAL


@contextmanager
def writing_for(who: Reader) -> Iterator[None]:
    """As long as the block lasts."""
    before = _reader.set(who)
    try:
        yield
    finally:
        _reader.reset(before)


def command(*words: object) -> str:
    """The command line that runs this program with these words: whoever copies one to a shell runs
    it as it is meant, whatever is in the names. Words that are all capitals stand for what the
    reader has to put there."""
    return shlex.join((PROGRAM, *map(str, words)))
