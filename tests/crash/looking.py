"""What is in the drive and on the server's disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from reconciler.names import PARTIAL_PREFIX
from syncin_mount.cli.demo.tree_compare import TreeEntry, take
from tests.crash.model import FILE, FOLDER, LINK, Entry


def on_server(folder: Path) -> dict[str, TreeEntry]:
    """Without what interrupted uploads leave there (docs/internals/uploads-and-recovery.md)."""
    return take(folder, lambda path: path.rpartition("/")[2].startswith(PARTIAL_PREFIX))


def contents(folder: Path) -> set[bytes]:
    """Of every file below."""
    return {
        path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()
    }


def is_here(file: Path) -> bool:
    """Whether a file's content is in the drive. Where it is not, and somebody has changed the file
    on the server since the drive listed, nothing of it can be read before the drive lists again."""
    return os.getxattr(file, "user.syncin.status", follow_symlinks=False) != b"absent"


def entries(
    top: Path,
    prefix: str = "",
    known: dict[int, Entry] | None = None,
    *,
    left_out: Callable[[str], bool] = lambda _: False,
) -> Iterator[tuple[str, Entry]]:
    """Everything below a folder, by path, without what is left out. Names of one file have one
    entry. ``known`` has those by inode."""
    known = {} if known is None else known
    for name in sorted(os.listdir(top / prefix)):
        path = f"{prefix}{name}"
        if left_out(path):
            continue
        full = top / path
        found = full.lstat()
        if stat.S_ISLNK(found.st_mode):
            yield path, Entry(LINK, target=str(full.readlink()))
        elif stat.S_ISDIR(found.st_mode):
            yield path, Entry(FOLDER)
            yield from entries(top, f"{path}/", known, left_out=left_out)
        elif found.st_ino in known:
            yield path, known[found.st_ino]
        else:
            xattrs = {
                each: os.getxattr(full, each)
                for each in os.listxattr(full)
                if each != "user.syncin.status"
            }
            content = full.read_bytes()
            entry = Entry(FILE, content, "", found.st_mtime_ns, stat.S_IMODE(found.st_mode), xattrs)
            if found.st_nlink > 1:
                known[found.st_ino] = entry
            yield path, entry
