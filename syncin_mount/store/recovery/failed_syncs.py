"""Contents of which a sync failed.

The kernel tells a failed write-back once, and takes for written what it could not write (fsync(2),
errseq_t). So a later sync that succeeds says nothing of these contents, unless they were written
again before it: as they are, from what the kernel still has of them. Until then they stay marked as
not on the disk, what they replaced stays, and a start looks at them as after a power cut.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from syncin_mount import system
from syncin_mount.store import atomic_file

log = logging.getLogger(__name__)

PIECE = 1 << 20
FAILED = "a sync failed\n"
"""What ``running`` says then: no boot id, so the next start is one after a power cut."""


class FailedSyncs:
    """Nodes by the number of their last failure. ``running`` is the replica's file of that name."""

    def __init__(self, running: Path) -> None:
        self._running = running
        self._boot = ""
        self._nodes: dict[int, int] = {}
        self._failures = 0

    def __contains__(self, node: int) -> bool:
        return node in self._nodes

    def __bool__(self) -> bool:
        return bool(self._nodes)

    def started(self, boot: str) -> None:
        """``running`` names this boot of the computer."""
        self._boot = boot

    def nodes(self) -> dict[int, int]:
        """A copy, for ``resolve`` once they were written again and a sync that began after that
        succeeded."""
        return dict(self._nodes)

    def add(self, nodes: Iterable[int]) -> None:
        """A sync of these contents failed."""
        self._failures += 1
        first = not self._nodes
        self._nodes.update(dict.fromkeys(nodes, self._failures))
        if first and self._nodes:
            self._state(FAILED)

    def resolve(self, nodes: dict[int, int]) -> None:
        """Those of which no sync failed since are on the disk."""
        for node, failure in nodes.items():
            if self._nodes.get(node) == failure:
                del self._nodes[node]
        if nodes and not self._nodes:
            self._state(self._boot + "\n")

    def _state(self, text: str) -> None:
        try:
            atomic_file.write_whole(self._running, text)
        except OSError as error:
            log.debug("%s cannot be written now: %s", self._running, error)


def rewrite_content(path: str) -> Iterator[None]:
    """Writes what is in a file to it once more, holes left out, its times kept; a piece at each
    step, so that others may write to it between two. Raises OSError."""
    try:
        fd = system.open_file(path, system.OPEN & ~os.O_CREAT)
    except FileNotFoundError:  # an empty content, or replaced meanwhile
        return
    try:
        found = _next_data(fd, 0)
        while found is not None:
            offset, stop = found
            before = os.fstat(fd)
            piece = system.pread(fd, min(PIECE, stop - offset), offset)
            # truncated meanwhile
            offset += system.pwrite(fd, piece, offset) if piece else stop - offset
            system.set_times(fd, ns=(before.st_atime_ns, before.st_mtime_ns))
            yield
            found = _next_data(fd, offset)
    finally:
        os.close(fd)


def _next_data(fd: int, offset: int) -> tuple[int, int] | None:
    try:
        return system.next_data(fd, offset)
    except OSError as error:
        if error.errno not in {errno.ENOSYS, errno.EINVAL}:
            raise
        size = os.fstat(fd).st_size  # a file system that knows no holes
        return (offset, size) if offset < size else None
