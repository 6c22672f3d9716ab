"""Contents of open files that are not here: whoever opens or reads one waits for it."""

from __future__ import annotations

import errno
import logging
import math
import os
import sys
from typing import TYPE_CHECKING, NoReturn

import trio

from reconciler.errors import Obstacle, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model import NodeId
    from syncin_mount.store import Replica
    from syncin_mount.vfs.hydration import Hydrator
    from syncin_mount.vfs.open_file import OpenFile

log = logging.getLogger(__name__)

ERRNO = {
    Obstacle.OFFLINE: errno.ENETUNREACH,
    Obstacle.SLOW: errno.ETIMEDOUT,
    Obstacle.REFUSED: errno.EACCES,
    Obstacle.NO_SPACE: errno.ENOSPC,
    Obstacle.OTHER: errno.EIO,
}
"""What open(2) and read(2) tell of a content that is not here: EIO alone says that something is
broken (docs/reference/posix.md)."""

TOLD_A_MINUTE = 20
"""Lines in the log about contents that could not be fetched."""

MAX_ARRIVALS = 3
"""How often a content is asked for that was said to have come and did not become the file's."""


def _raise_stale() -> NoReturn:
    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))


class Arrivals:
    """For the open files of one file system. ``follow`` tells which node a file belongs to now,
    ``reopen`` gives the file the node's own content."""

    def __init__(
        self,
        replica: Replica,
        hydrator: Hydrator,
        follow: Callable[[OpenFile], NodeId | None],
        reopen: Callable[[OpenFile, NodeId], None],
    ) -> None:
        self._replica = replica
        self._hydrator = hydrator
        self._follow = follow
        self._reopen = reopen
        self._minute = -math.inf
        self._told = self._untold = 0

    async def begin_reading(self, file: OpenFile) -> None:
        """A version that is not here, and that the server does not have any more, is replaced
        before somebody has read a part of it. Raises OSError (ESTALE) then: the kernel looks the
        name up again, and finds what it stands for."""
        node = self._follow(file)
        if node is None or not file.attr.size or self.is_here(file):
            return
        await self._hydrator.begin(node)
        if self._follow(file) is None:
            _raise_stale()

    async def prove(self, file: OpenFile) -> None:
        """What is changed in part is to be whole: else what the disk made of the rest would be
        sent. Raises OSError (ESTALE) for what is not: the kernel looks the name up again, and finds
        another inode."""
        node = file.node
        if file.writing or file.writers or node is None:
            return
        if not await self._hydrator.prove(node):
            _raise_stale()
        await self.bring_here(file)  # it may have been replaced meanwhile

    def is_here(self, file: OpenFile) -> bool:
        """Whether the descriptor is the node's object, which it becomes once the content was taken
        in."""
        if not file.here:
            node = self._follow(file)
            attr = None if node is None else self._replica.attr(node)
            if node is not None and attr is not None and attr.present:
                self._reopen(file, node)
        return file.here

    async def bring_here(self, file: OpenFile) -> None:
        """Returns when the content is the node's own. That it has arrived is not enough: it may
        still have to be proved, and what is written to it before it was taken in would be lost with
        it."""
        for _ in range(MAX_ARRIVALS):
            node = self._follow(file)
            if node is None:
                if file.here and (file.writers or file.unnamed):
                    return
                _raise_stale()
            if self.is_here(file):
                return
            try:
                await self._hydrator.ensure(node, 0, sys.maxsize)
            except Unavailable as why:
                raise self._failure(file, str(why), why.obstacle) from None
            await trio.lowlevel.checkpoint()
        if self._follow(file) is None:
            _raise_stale()
        if not self.is_here(file):
            raise self._failure(file, "it arrived and could not take its place")

    async def fetch(self, file: OpenFile, start: int, stop: int) -> None:
        """Returns when the bytes [start, stop) are here. Raises OSError (one of `ERRNO`)."""
        while not self.is_here(file) and (gap := file.content.missing(start, stop)) is not None:
            node = self._follow(file)
            if node is None:
                raise self._failure(file, "another version took its place")
            try:
                await self._hydrator.ensure(node, *gap)
            except Unavailable as why:
                raise self._failure(file, str(why), why.obstacle) from None
            if (
                not self.is_here(file)
                and file.content.missing(start, stop) == gap
                and file.node is not None
            ):
                raise self._failure(file, "nothing arrived")

    def _failure(self, file: OpenFile, why: str, obstacle: Obstacle = Obstacle.OTHER) -> OSError:
        """The error for what keeps the content away, and one line in the log for each time a file
        was opened in vain; a search through thousands of them makes `TOLD_A_MINUTE` lines."""
        if not file.told:
            file.told = True
            if self._may_tell(trio.current_time()):
                path = (
                    "a file that is gone"
                    if file.node is None
                    else self._replica.local_path(file.node)
                )
                log.warning(
                    "%s: the content is not on this computer and cannot be fetched now: %s",
                    path,
                    why,
                )
        code = ERRNO[obstacle]
        return OSError(code, os.strerror(code))

    def _may_tell(self, now: float) -> bool:
        """Whether one more line of this kind goes to the log. What was left out is counted in the
        next one."""
        if now - self._minute >= 60:
            if self._untold:
                log.warning("… and %d other contents could not be fetched", self._untold)
            self._minute, self._told, self._untold = now, 0, 0
        if self._told >= TOLD_A_MINUTE:
            self._untold += 1
            return False
        self._told += 1
        return True
