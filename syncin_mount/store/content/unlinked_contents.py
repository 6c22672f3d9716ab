"""Contents of files that have no name any more and that somebody may still open.

On a local disk the content of an unlinked or replaced file stays for as long as its inode is known
to anybody. Here the file system says when that ends. Until then the object stays openable: while
its effect waits (`Unlink`, `ToBin`) it is where it was, afterwards ``orphans/<owner>-<number>``.
Nothing of it is recorded: a start removes what lies in ``orphans``, whatever ended the process
before.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from syncin_mount import system
from syncin_mount.store.content.handles import Content

_Key = tuple[int, int]  # owner, number


class KeptObjects:
    """Which objects are kept, and how often; used from the trio thread."""

    def __init__(self, folder: Path, place: Callable[[int, int], str]) -> None:
        """``place`` tells where an object is."""
        self._folder = os.fspath(folder)
        self._place = place
        self._users: dict[_Key, int] = {}
        self._here: set[_Key] = set()  # those that are in ``orphans``

    def sweep(self) -> None:
        """At start: what an earlier process kept goes. Raises OSError."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        with os.scandir(self._folder) as entries:
            for entry in entries:
                system.discard(entry.path)

    def _path(self, key: _Key) -> str:
        return f"{self._folder}/{key[0]}-{key[1]}"

    def keep(self, owner: int, number: int, size: int) -> Kept:
        """From here on, until ``let_go``, the object can be opened. ``size`` is what is recorded
        (bytes)."""
        key = owner, number
        self._users[key] = self._users.get(key, 0) + 1
        return Kept(self, key, size)

    def let_go(self, key: _Key) -> None:
        left = self._users.pop(key) - 1
        if left:
            self._users[key] = left
        elif key in self._here:
            self._here.remove(key)
            system.discard(self._path(key))

    def take_over(self, owner: int, number: int) -> bool:
        """The object's name is about to go for good; whether it went to ``orphans`` instead."""
        return self._bring(owner, number, system.replace)

    def share(self, owner: int, number: int) -> None:
        """The object is about to go elsewhere, and stays openable here."""
        self._bring(owner, number, os.link)

    def _bring(self, owner: int, number: int, how: Callable[[str, str], None]) -> bool:
        """Where the file system cannot do it, or its disk is full, the file cannot be opened any
        more (ESTALE)."""
        key = owner, number
        if key not in self._users or key in self._here:
            return False
        try:
            how(self._place(owner, number), self._path(key))
        except OSError:  # an object that was never made, too: see ``open``
            return False
        self._here.add(key)
        return True

    def open(self, key: _Key, size: int) -> Content:
        """Raises OSError: ESTALE when it could not be kept."""
        path = self._path(key) if key in self._here else self._place(*key)
        try:
            fd = system.open_file(path, system.OPEN & ~os.O_CREAT)
        except FileNotFoundError:
            if size:
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE)) from None
            path = self._path(key)  # an empty content has no object before somebody opens it
            fd = system.open_file(path, system.OPEN, 0o600)
            self._here.add(key)
        return Content(fd, os.path.dirname(path))


class Kept:
    """One object's content, for as long as it is not let go."""

    __slots__ = ("_key", "_objects", "_size")

    def __init__(self, objects: KeptObjects, key: _Key, size: int) -> None:
        self._objects = objects
        self._key = key
        self._size = size

    def open(self) -> Content:
        """Raises OSError: ESTALE when the local disk could not keep it."""
        return self._objects.open(self._key, self._size)

    def let_go(self) -> None:
        """Nobody will open it any more; call it once. Raises OSError (EIO); the next start tries
        again then."""
        self._objects.let_go(self._key)
