"""What a folder looks like, in a form in which two of them can be compared.

Inode numbers become the order in which they were first seen. Times that were set are told as they
are; one that the file system gave is told as "now" and by whether it is another one than at the
last look, which is why every step begins in a later tick of the kernel's clock than the one before
ended in.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.mounts.differential.operations import Side, brief, told

SET_TIMES = (
    -1,
    0,
    7,
    10**9 + 7,
    1_000_000_000 * 10**9,
    1_000_000_001 * 10**9,
    1_600_000_000_123_456_789,
)
"""Times (ns) that steps set. 7 ns after the two seconds that ``utime_in_part`` sets, too."""

_KNOWN = {*SET_TIMES, 1_000_000_000 * 10**9 + 7, 1_000_000_001 * 10**9 + 7}


@dataclass
class Watcher:
    """Looks at one side again and again, and remembers what was there the last time."""

    side: Side
    numbers: dict[int, int] = field(default_factory=dict)
    times: dict[int, tuple[int, int]] = field(default_factory=dict)
    _last: int = 0

    def look(self, *, tree: bool, contents: bool) -> dict[bytes | int, object]:
        """Every path (with ``tree``), and every open descriptor of this process by its slot. An
        inode that is neither seen nor open is forgotten, since its number may come again."""
        found: dict[bytes | int, object] = {}
        infos: dict[int, os.stat_result] = {}
        for path, info in self.walk(self.side.root, b"") if tree else ():
            found[path] = (self._told(info), self.inside(path, info, contents=contents))
            infos[info.st_ino] = info
        for slot, fd in sorted(self.side.slots.items()):
            info = os.fstat(fd)
            found[slot] = (self._told(info), _read_all(fd, info) if contents else None)
            infos[info.st_ino] = info
        self.numbers = {ino: number for ino, number in self.numbers.items() if ino in infos}
        self.times = {ino: (info.st_mtime_ns, info.st_ctime_ns) for ino, info in infos.items()}
        return found

    def _told(self, info: os.stat_result) -> tuple[object, ...]:
        if info.st_ino not in self.numbers:
            self._last += 1
            self.numbers[info.st_ino] = self._last
        before = self.times.get(info.st_ino)
        mtime, ctime = info.st_mtime_ns, info.st_ctime_ns
        modified: object = mtime
        if mtime not in _KNOWN:
            modified = "new" if before is None else "changed" if mtime != before[0] else "as it was"
        changed = "new" if before is None else "changed" if ctime != before[1] else "as it was"
        return (self.numbers[info.st_ino], *told(info), modified, changed)

    def inside(self, path: bytes, info: os.stat_result, *, contents: bool) -> object:
        where = self.side.path(path)
        attributes: tuple[object, ...] = ()
        if stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode):
            attributes = tuple(
                (name, brief(os.getxattr(where, name))) for name in sorted(os.listxattr(where))
            )
        if stat.S_ISLNK(info.st_mode):
            return brief(os.readlink(where))
        if contents and stat.S_ISREG(info.st_mode):
            with open(where, "rb") as file:
                return attributes, brief(file.read())
        return attributes

    def walk(self, folder: bytes, above: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
        yield above, os.lstat(folder)
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            info = os.lstat(path)
            below = os.path.join(above, name)
            if stat.S_ISDIR(info.st_mode):
                yield from self.walk(path, below)
            else:
                yield below, info


def _read_all(fd: int, info: os.stat_result) -> object:
    if not stat.S_ISREG(info.st_mode):
        return "no file"
    try:
        return brief(os.pread(fd, 1 << 20, 0))
    except OSError:  # open for writing alone
        return "not readable"


def exactly(root: bytes) -> dict[bytes, object]:
    """All that is in a folder, inode numbers left out and times as they are: what a new start must
    show again."""
    watcher = Watcher(Side(root))
    found: dict[bytes, object] = {}
    for path, info in watcher.walk(root, b""):
        inside = watcher.inside(path, info, contents=True)
        found[path] = (*told(info), info.st_mtime_ns, info.st_ctime_ns, inside)
    return found
