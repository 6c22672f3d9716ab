"""The checksum of one content that is on its way to the server: told, counted by a reading of its
own, or counted from the very bytes that are handed out to be sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import trio

from reconciler.checksum import IN_LOOP, Told, checksum, untold
from reconciler.errors import LocalChanged, Rotten
from reconciler.hydration.content_proof import LOST
from reconciler.phrases import Phrase
from reconciler.ranged_read import read_sparse


class Counted:
    """``fd`` reads the content, which has ``size`` bytes. ``expected`` is its checksum as it was
    when it was saved, None where nobody counted it; ``told`` one that somebody counted just now.
    ``is_still`` says whether the content still is the version that is meant. ``tell`` hears how far
    a reading of its own is, which sends nothing.

    A content that has another checksum than the expected one is Rotten, and nobody gets its last
    byte from here.
    """

    def __init__(
        self,
        fd: int,
        size: int,
        is_still: Callable[[], bool],
        *,
        expected: str | None,
        told: str | None = None,
        tell: Told = untold,
    ) -> None:
        """Raises Rotten."""
        self._tell = tell
        self._fd = fd
        self._size = size
        self._is_still = is_still
        self._expected = expected
        self._digest = hashlib.new("sha512_256")
        self._at = 0
        self.value: str | None = None
        """SHA-512/256 in lower-case hex, as soon as it is known."""
        if told is not None:
            self._keep(told)

    async def get(self) -> str:
        """The checksum, for which all of the content is read where it is not known yet. Raises
        Rotten, LocalChanged, OSError."""
        if self.value is None:
            found = await checksum(self._fd, self._size, self._tell)
            if found is None or not self._is_still():
                raise LocalChanged(Phrase("it was changed here while it was read"))
            self._keep(found)
        assert self.value is not None
        return self.value

    async def read(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset`` on. Read in order from the first byte, they are
        counted along: the checksum is known when the last ones are handed out. From the first byte
        again, the count begins again.

        Large pieces are read and counted in a thread, while what was handed out before is still
        being sent. Raises Rotten, LocalChanged, OSError.
        """
        length = min(length, self._size - offset)
        if self.value is not None:
            await trio.lowlevel.checkpoint()
            piece = read_sparse(self._fd, length, offset)
            return self._still(piece)
        if offset == 0:
            self._digest, self._at = hashlib.new("sha512_256"), 0
        assert offset == self._at, "what is counted along is read in order"
        if length > IN_LOOP:
            piece = await trio.to_thread.run_sync(self._read_and_count, offset, length)
        else:
            await trio.lowlevel.checkpoint()
            piece = self._read_and_count(offset, length)
        self._still(piece)
        self._at += len(piece)
        if self._at == self._size:
            self._keep(self._digest.hexdigest())
        return piece

    def _read_and_count(self, offset: int, length: int) -> bytes:
        piece = read_sparse(self._fd, length, offset)
        self._digest.update(piece)
        return piece

    def _still(self, piece: bytes) -> bytes:
        if not self._is_still():
            raise LocalChanged(Phrase("it was changed here while it was sent"))
        return piece

    def _keep(self, found: str) -> None:
        if self._expected is not None and found != self._expected:
            raise Rotten(LOST)
        self.value = found
