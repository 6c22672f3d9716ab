"""Disk space kept back, so that the journal can still record when the disk is full."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeVar

from syncin_mount import system

log = logging.getLogger(__name__)

T = TypeVar("T")

RESERVE_BYTES: Final = 8 << 20
SHARE: Final = 8
"""The part of the reserve that each of its heirs gets."""
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class Reserve:
    """The file of that name, which only takes space.

    ``heirs`` tells the files that need it first. Each gets a share of it behind its end as soon as
    it is given up: whoever filled the disk may take the rest in a moment, and what makes room could
    not be recorded any more.
    """

    def __init__(self, path: Path, size: int, heirs: Callable[[], Iterable[Path]] = tuple) -> None:
        self._path = path
        self._size = size
        self._heirs = heirs
        self.whole = False

    def restore(self) -> bool:
        """Takes the space back; False when the disk has none."""
        if self.whole:
            return True
        try:
            fd = system.open_file(self._path, system.OPEN, 0o600)
            try:
                if self._size:
                    system.allocate(fd, self._size)
            finally:
                os.close(fd)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self.release()
            return False
        self.whole = True
        return True

    def release(self) -> bool:
        """Gives the space to whoever asks next; False when there was nothing to give."""
        try:
            had = system.allocated(self._path)
            os.truncate(self._path, 0)
        except FileNotFoundError:
            return False
        self.whole = False
        if had:
            self._leave()
        return had

    def _leave(self) -> None:
        for path in self._heirs():
            try:
                system.keep_room(path, self._size // SHARE)
            except OSError as error:
                log.debug("no room can be kept for %s: %s", path, error)

    def require_space(self) -> None:
        """Raises OSError (ENOSPC) while the space kept back is in use: it is for the journal and
        the index alone."""
        if not self.whole:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def lend(self, act: Callable[[], T]) -> T:
        """Returns what ``act`` returns; on a full disk it is done again, with the space given up
        for it. Raises OSError."""
        try:
            return act()
        except OSError as error:
            if error.errno not in NO_ROOM or not self.release():
                raise
            return act()
