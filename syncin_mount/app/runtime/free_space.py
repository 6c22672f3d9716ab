"""Whether a complete local copy fits on the disk, before it fills it. The server tells no folder's
size, so what a listing names is summed up."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncin_mount import system

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BLOCK_BYTES = 4096
"""What a file system gives a file at a time."""

NODE_BYTES = 1024
"""What journal and index take for a file or folder: some 700 bytes (docs/internals/performance.md),
and a margin."""

MARGIN_BYTES = 16 << 20
"""What is needed besides: the journal's reserve (8 MiB), the journal, and room to work in."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is not here yet: ``files`` with ``content_bytes``, which take ``disk_bytes``. ``whole``
    is False where only a part of the folder could be counted."""

    files: int = 0
    content_bytes: int = 0
    disk_bytes: int = 0
    whole: bool = True

    def plus(self, sizes: Iterable[int]) -> Need:
        """With files of these sizes (bytes)."""
        files, content, disk = self.files, self.content_bytes, self.disk_bytes
        for size in sizes:
            files, content = files + 1, content + size
            disk += -(-size // BLOCK_BYTES) * BLOCK_BYTES + NODE_BYTES
        return replace(self, files=files, content_bytes=content, disk_bytes=disk)

    @staticmethod
    def of(files: int, content_bytes: int) -> Need:
        """Of files whose sizes are known in all only: half a block of each stays empty."""
        return Need(files, content_bytes, content_bytes + files * (BLOCK_BYTES // 2 + NODE_BYTES))


@dataclass(frozen=True, slots=True)
class Room:
    """What is needed, and the ``free_bytes`` of the file system with the local copies."""

    need: Need
    free_bytes: int
    folder: Path

    @property
    def needed_bytes(self) -> int:
        """Nothing to download needs nothing."""
        return self.need.disk_bytes + MARGIN_BYTES if self.need.disk_bytes else 0

    @property
    def fits(self) -> bool:
        return self.needed_bytes <= self.free_bytes


@dataclass(frozen=True, slots=True)
class DownloadsDoNotFit:
    """What is still to be downloaded by itself will fill the disk."""

    room: Room


def room_for(need: Need, folder: Path) -> Room:
    """Looks at the disk that ``folder`` is on, or will be. Blocks. Raises OSError."""
    found: os.statvfs_result = system.file_system(_nearest(folder))
    return Room(need, found.f_bavail * found.f_frsize, folder)


def is_one_disk(one: Path, other: Path) -> bool:
    """Whether both are, or will be, in one file system. Blocks. Raises OSError."""
    return _nearest(one).stat().st_dev == _nearest(other).stat().st_dev


def _nearest(folder: Path) -> Path:
    """The folder, or as much of its path as is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def lacking(need: Need, folder: Path) -> Room | None:
    """The room, where it is too little; None also where the disk does not tell: that is told as
    what it is by whoever writes there. Blocks."""
    try:
        room = room_for(need, folder)
    except OSError:
        return None
    return None if room.fits else room
