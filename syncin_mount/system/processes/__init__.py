"""Processes beside this one: started so that they outlive it, held, looked at, ended.

A process that is started may have a pipe to say its first word on. Which end it has stands on its
command line: as a number that `word_from` gave, and that `word_pipe` opens there.
"""

import sys

if sys.platform == "win32":
    from syncin_mount.system.processes.windows import (
        Held,
        alive,
        apart,
        detached,
        end_apart,
        first_word,
        kill,
        word_from,
        word_pipe,
    )
else:
    from syncin_mount.system.processes.posix import (
        Held,
        alive,
        apart,
        detached,
        end_apart,
        first_word,
        kill,
        word_from,
        word_pipe,
    )

__all__ = [
    "Held",
    "alive",
    "apart",
    "detached",
    "end_apart",
    "first_word",
    "kill",
    "word_from",
    "word_pipe",
]
