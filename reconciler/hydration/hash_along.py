"""The checksum of a large content, computed while it arrives.

A thread reads what has arrived, in order, from the pages that were just written. Were it counted
afterwards, whoever waits for the whole (`sync`) would wait for that, too.
"""

from __future__ import annotations

import hashlib
import logging
import os

import trio

from reconciler.hydration.download import Download
from reconciler.ranged_read import read_sparse

log = logging.getLogger(__name__)

FROM_BYTES = 8 << 20
"""Smaller contents are counted soon enough when they are whole."""

STEP_BYTES = 4 << 20
"""So much is waited for, and read at a time: handing it to a thread costs little beside it."""

_PIECE = 1 << 20


class HashAlong:
    """Of one download, which only grows: what restarts its content fails it."""

    def __init__(self, download: Download) -> None:
        """Raises OSError."""
        self._download = download
        self._size = download.found.size
        self._fd = os.dup(download.incoming.fd)  # the download may end while a thread reads
        self._hash = hashlib.new("sha512_256")
        self._done = 0
        self._ended = trio.Event()
        self._value: str | None = None

    async def run(self) -> None:
        """Returns when the content is counted, or its download has failed."""
        try:
            while self._done < self._size:
                gap = self._download.missing()
                ready = self._size if gap is None else gap[0]
                if ready == self._size or ready - self._done >= STEP_BYTES:
                    stop = min(ready, self._done + STEP_BYTES)
                    if not await trio.to_thread.run_sync(self._read, stop):
                        return
                elif not await self._download.wait_more():
                    return
            self._value = self._hash.hexdigest()
        except OSError as error:
            log.debug("what arrives of node %d cannot be read: %s", self._download.node, error)
        finally:
            os.close(self._fd)
            self._ended.set()

    def _read(self, stop: int) -> bool:
        """In a thread. False where the content became shorter."""
        while self._done < stop:
            piece = read_sparse(self._fd, min(_PIECE, stop - self._done), self._done)
            if not piece:
                return False
            self._hash.update(piece)
            self._done += len(piece)
        return True

    async def digest(self) -> str | None:
        """The checksum of the whole, once it is known; None where it cannot be told."""
        await self._ended.wait()
        return self._value
