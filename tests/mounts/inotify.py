"""inotify(7) for tests: what the kernel tells who watches folders and files."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import time
from pathlib import Path

ACCESS, MODIFY, ATTRIB, CLOSE_WRITE, CLOSE_NOWRITE, OPEN = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20
MOVED_FROM, MOVED_TO, CREATE, DELETE, DELETE_SELF, MOVE_SELF = (
    0x40,
    0x80,
    0x100,
    0x200,
    0x400,
    0x800,
)
OVERFLOW, IGNORED, ISDIR = 0x4000, 0x8000, 0x40000000
NAMES = {
    MODIFY: "modify",
    ATTRIB: "attrib",
    CLOSE_WRITE: "close_write",
    MOVED_FROM: "moved_from",
    MOVED_TO: "moved_to",
    CREATE: "create",
    DELETE: "delete",
    DELETE_SELF: "delete_self",
    MOVE_SELF: "move_self",
    OVERFLOW: "overflow",
    IGNORED: "ignored",
}
CHANGES = sum(NAMES) & ~(OVERFLOW | IGNORED)

_libc = ctypes.CDLL(None, use_errno=True)


class Watcher:
    """Watches places; events are (place as given, name, what)."""

    def __init__(self, *places: Path, mask: int = CHANGES) -> None:
        self.fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._places: dict[int, Path] = {}
        self.cookies: dict[str, list[int]] = {}
        for place in places:
            self.add(place, mask)

    def add(self, place: Path, mask: int = CHANGES) -> None:
        number = _libc.inotify_add_watch(self.fd, os.fsencode(place), mask)
        assert number >= 0, os.strerror(ctypes.get_errno())
        self._places[number] = place

    def read(self, seconds: float) -> list[tuple[Path, str, str]]:
        """What has come, or comes first within the time."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return []
        data, events = os.read(self.fd, 65_536), []
        while data:
            watch, mask, cookie, length = struct.unpack_from("iIII", data)
            name = data[16 : 16 + length].rstrip(b"\0").decode()
            data = data[16 + length :]
            what = next((text for bit, text in NAMES.items() if mask & bit), "")
            if what:
                events.append((self._places.get(watch, Path()), name, what))
                if cookie:
                    self.cookies.setdefault(what, []).append(cookie)
        return events

    def until(
        self, *wanted: tuple[Path, str, str], seconds: float = 30.0
    ) -> list[tuple[Path, str, str]]:
        """Everything up to the moment at which all that is wanted has come."""
        deadline = time.monotonic() + seconds
        seen: list[tuple[Path, str, str]] = []
        while not set(wanted) <= set(seen):
            left = deadline - time.monotonic()
            assert left > 0, f"only {seen} has come"
            seen += self.read(left)
        return seen

    def close(self) -> None:
        os.close(self.fd)
