"""Walking over, making and removing what lies at a name, however deep: no recursion. Links are
never followed; blocks.

``at`` is an open folder that names are relative to, or None for whole paths, as ``dir_fd`` of the
functions of ``os``. ``shutil.rmtree`` and ``os.makedirs`` recurse once a folder: at 1,000 of them,
which users may make, they raise RecursionError.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator


def walk(at: int | None, name: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    """The name and all below it as paths, parents first. Raises OSError."""
    todo = [name]
    while todo:
        path = todo.pop()
        found = os.lstat(path, dir_fd=at)
        yield path, found
        if stat.S_ISDIR(found.st_mode):
            todo += [path + b"/" + child for child in _entries(at, path)]


if sys.platform == "win32":

    def _entries(_at: int | None, path: bytes) -> list[bytes]:
        """The names in a folder."""
        return os.listdir(path)

else:

    def _entries(at: int | None, path: bytes) -> list[bytes]:
        """The names in a folder, also when somebody puts a link in its place meanwhile."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
        try:
            return [os.fsencode(name) for name in os.listdir(fd)]
        finally:
            os.close(fd)


def remove_tree(at: int | None, name: bytes) -> None:
    """Removes the name and all below it, if it is there. Raises OSError."""
    try:
        found = list(walk(at, name))
    except FileNotFoundError:
        return
    for path, state in reversed(found):
        if stat.S_ISDIR(state.st_mode):
            os.rmdir(path, dir_fd=at)
        else:
            os.unlink(path, dir_fd=at)


def make_folders(path: bytes) -> list[bytes]:
    """Makes a folder that only its owner may enter, and those above it, as far as they are missing,
    and tells which it made. Raises OSError."""
    missing, made = [], []
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for each in reversed(missing):
        try:
            os.mkdir(each, 0o700)
            made.append(each)
        except FileExistsError:
            if not os.path.isdir(each):
                raise
    return made
