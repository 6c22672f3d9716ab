"""Paths of nodes in the local tree.

Owns: the paths of folders that were looked up, remembered until a folder of them has another place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from syncin_mount.store.index.tables.lmdb_tables import ROOT
from syncin_mount.store.records import FOLDER, Node

PATHS: Final = 10_000
PATH_BYTES: Final = 4 << 20
"""How many folders' paths are remembered, and the bytes that they may take."""


class FolderPaths:
    """Paths are bytes, names joined by ``/``; ``b""`` for the root. ``node`` looks a record up."""

    def __init__(self, node: Callable[[int], Node | None]) -> None:
        self._node = node
        # folder -> a path that begins with its own, and the latter's length
        self._paths: dict[int, tuple[bytes, int]] = {}
        self._bytes = 0

    @property
    def remembered_bytes(self) -> int:
        """What the remembered paths take, in bytes."""
        return self._bytes

    def path(self, node: int) -> bytes:
        """Raises KeyError when the node is not here."""
        # from here upwards, to the first folder whose path is known
        unknown: list[tuple[int, bytes]] = []
        at, known = node, b""
        while at != ROOT:
            found = self._paths.get(at)
            if found is not None:
                known = found[0][: found[1]]
                break
            record = self._node(at)
            if record is None:
                raise KeyError(node)
            if at == node and record.kind != FOLDER:
                return self.path_in(record.parent, record.name)
            unknown.append((at, record.name))
            at = record.parent
        if unknown:
            names = [name for _, name in reversed(unknown)]
            known = b"/".join([known, *names] if known else names)
            self._remember(known, unknown)
        return known

    def path_in(self, parent: int, name: bytes) -> bytes:
        """The path of a name in this folder. Raises KeyError when the folder is not here."""
        above = self.path(parent)
        return above + b"/" + name if above else name

    def _remember(self, path: bytes, folders: list[tuple[int, bytes]]) -> None:
        """The path is that of the first folder; each of the others holds the one before it. They
        share the bytes: else a deep chain would take the square of its depth."""
        self._bytes += len(path)
        if len(self._paths) > PATHS or self._bytes > PATH_BYTES:
            self.forget_all()
        length = len(path)
        for folder, name in folders:
            self._paths[folder] = path, length
            length -= len(name) + 1

    def forget(self, folder: int) -> None:
        """This folder has another place, or none, and there is no folder in it."""
        self._paths.pop(folder, None)

    def forget_below(self, path: bytes) -> None:
        """The folder of this path has another place."""
        length, within = len(path), path + b"/"
        self._paths = {
            folder: (known, end)
            for folder, (known, end) in self._paths.items()
            if not (known.startswith(within, 0, end) or (end == length and known.startswith(path)))
        }

    def forget_all(self) -> None:
        """Folders have other places."""
        self._paths.clear()
        self._bytes = 0
