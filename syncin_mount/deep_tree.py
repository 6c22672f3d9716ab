"""Walking over, making and removing what lies at a name, however deep: no recursion. Links are
never followed; blocks.

``at`` is an open folder that names are relative to, or None for whole paths, as ``dir_fd`` of the
functions of ``os``. ``shutil.rmtree`` and ``os.makedirs`` recurse once a folder: at 1,000 of them,
which users may make, they raise RecursionError.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from syncin_mount.system import long_path, names_in

_SEPARATOR = os.fsencode(os.sep)


def walk(at: int | None, name: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    """The name and all below it as paths, parents first. Raises OSError."""
    todo = [name]
    while todo:
        path = todo.pop()
        found = os.lstat(path, dir_fd=at)
        yield path, found
        if stat.S_ISDIR(found.st_mode):
            todo += [path + _SEPARATOR + child for child in names_in(path, at)]


def remove_tree(at: int | None, name: bytes) -> None:
    """Removes the name and all below it, if it is there. Raises OSError."""
    try:
        found = list(walk(at, long_path(name) if at is None else name))
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
    path, missing, made = long_path(path), [], []
    while not os.path.isdir(path):
        missing.append(path)
        above = os.path.dirname(path)
        if above == path:  # a drive that is not there: to make it fails
            break
        path = above
    for each in reversed(missing):
        try:
            os.mkdir(each, 0o700)
            made.append(each)
        except FileExistsError:
            if not os.path.isdir(each):
                raise
    return made
