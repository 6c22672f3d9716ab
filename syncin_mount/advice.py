"""Commands of this program as messages print them: whoever copies one to a shell runs it as it is
meant, whatever is in the names."""

from __future__ import annotations

import shlex

PROGRAM = "syncin-mount"


def command(*words: object) -> str:
    """The command line that runs this program with these words. Words that are all capitals stand
    for what the reader has to put there."""
    return shlex.join((PROGRAM, *map(str, words)))
