"""Folder trees by content: taken, and compared byte by byte (by SHA-256 of every byte)."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file (``digest`` of its bytes, mtime in whole seconds), a folder, or a link (``digest`` is
    its target)."""

    kind: str
    size: int = 0
    digest: str = ""
    mtime: int = 0


def take(root: Path, left_out: Callable[[str], bool] = lambda _: False) -> dict[str, TreeEntry]:
    """Everything below ``root`` by relative path; what is left out is not entered."""
    found: dict[str, TreeEntry] = {}

    def enter(folder: Path, prefix: str) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = f"{prefix}{entry.name}"
                if left_out(path):
                    continue
                found[path] = _thing(Path(entry.path))
                if found[path].kind == "folder":
                    enter(Path(entry.path), f"{path}/")

    enter(root, "")
    return found


def _thing(path: Path) -> TreeEntry:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return TreeEntry("link", digest=str(path.readlink()))
    if stat.S_ISDIR(status.st_mode):
        return TreeEntry("folder")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return TreeEntry("file", status.st_size, digest, int(status.st_mtime))


def differences(one: Mapping[str, TreeEntry], other: Mapping[str, TreeEntry]) -> list[str]:
    """What distinguishes two trees, a line each: nothing when they are the same."""
    lines = [f"only in the first: {path}" for path in one.keys() - other.keys()]
    lines += [f"only in the second: {path}" for path in other.keys() - one.keys()]
    for path in one.keys() & other.keys():
        if one[path] != other[path]:
            lines.append(f"differs: {path}: {_unlike(one[path], other[path])}")
    return sorted(lines)


def _unlike(one: TreeEntry, other: TreeEntry) -> str:
    if one.kind != other.kind:
        return f"{one.kind} and {other.kind}"
    if one.size != other.size:
        return f"{one.size} and {other.size} bytes"
    return (
        "the bytes" if one.digest != other.digest else f"modified at {one.mtime} and {other.mtime}"
    )
