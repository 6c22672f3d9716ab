"""What lies in a folder that is to become a drive's content, and what of it cannot."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.phrases import Phrase, strerror
from syncin_mount.store.types import NodeType

ASIDE = b".syncin-mount-import~"
"""How the name of an original begins while it is taken away: see ``importing``."""

_KINDS = {
    stat.S_IFREG: NodeType.FILE,
    stat.S_IFDIR: NodeType.FOLDER,
    stat.S_IFLNK: NodeType.SYMLINK,
    stat.S_IFIFO: NodeType.FIFO,
    stat.S_IFBLK: NodeType.BLOCK,
    stat.S_IFCHR: NodeType.CHAR,
}


@dataclass(frozen=True, slots=True)
class Found:
    """``path`` is relative to the folder, names joined by a slash; ``size`` in bytes (0 but for
    files). ``why`` says, as a clause, why it cannot be imported; "" where it can."""

    path: bytes
    kind: NodeType
    size: int
    mtime_ns: int
    why: str = ""

    @property
    def name(self) -> bytes:
        return os.path.basename(self.path)

    @property
    def is_folder(self) -> bool:
        return self.kind is NodeType.FOLDER


def survey(folder: bytes) -> Iterator[Found]:
    """Everything below the folder, folders before what is in them, by name. What is below a folder
    that cannot be looked into is not told. Raises OSError when the folder itself cannot be read."""
    device = os.lstat(folder).st_dev
    todo = [b""]
    while todo:
        at = todo.pop()
        where = os.path.join(folder, at) if at else folder
        try:
            names = sorted(os.listdir(where))
        except OSError as error:
            if not at:
                raise
            yield Found(
                at,
                NodeType.FOLDER,
                0,
                0,
                Phrase("it cannot be looked into ({why})", why=strerror(error)),
            )
            continue
        stuck = (
            ""
            if os.access(where, os.W_OK | os.X_OK)
            else Phrase("you may not take it out of its folder")
        )
        below = []
        for name in names:
            path = os.path.join(at, name) if at else name
            each = _look(os.path.join(folder, path), path, device, stuck)
            if each is None:
                continue
            if each.kind is NodeType.FOLDER and not each.why:
                below.append(path)
            yield each
        todo += reversed(below)


def _look(place: bytes, path: bytes, device: int, stuck: str) -> Found | None:
    try:
        found = os.lstat(place)
    except FileNotFoundError:
        return None
    kind = _KINDS.get(stat.S_IFMT(found.st_mode))
    if kind is None:
        return Found(
            path,
            NodeType.SOCKET,
            0,
            found.st_mtime_ns,
            Phrase("it is a socket, which only its program can use"),
        )
    size = found.st_size if kind is NodeType.FILE else 0
    why = stuck
    if found.st_dev != device:
        why = Phrase("another file system is mounted there")
    elif kind in {NodeType.FILE, NodeType.FOLDER} and not os.access(place, os.R_OK):
        why = Phrase("you may not read it")
    return Found(path, kind, size, found.st_mtime_ns, why)
