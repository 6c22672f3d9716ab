"""The checksum that the server understands: SHA-512/256, lower-case hex (server-protocol.md,
"Listing")."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import trio

from reconciler.ranged_read import read_sparse

PIECE = 1 << 20
IN_LOOP = 64 << 10
"""Contents up to this many bytes are hashed where we are: a thread would cost more than the
hash."""


TELL_EVERY = 16 << 20
"""Bytes between two reports of how far a large content is."""

Told = Callable[[int], None]
"""Hears how many bytes more of a content were read."""


def untold(_size: int) -> None:
    """Nobody wants to know."""


def _digest(fd: int, size: int, go_on: Callable[[], bool], tell: Told = untold) -> str | None:
    digest = hashlib.new("sha512_256")
    offset = 0
    while offset < size:
        if not go_on():
            return None
        piece = read_sparse(fd, min(PIECE, size - offset), offset)
        if not piece:
            return None
        digest.update(piece)
        offset += len(piece)
        if offset % TELL_EVERY == 0:
            tell(TELL_EVERY)
    return digest.hexdigest()


async def checksum(fd: int, size: int, tell: Told = untold) -> str | None:
    """SHA-512/256 of the first ``size`` bytes; None when the file is shorter. OSError from reading.

    Large contents are hashed in a thread, which notices a cancellation within one piece. ``tell``
    is called in the caller's thread, after every ``TELL_EVERY`` bytes.
    """
    if size <= IN_LOOP:
        await trio.lowlevel.checkpoint()
        return _digest(fd, size, lambda: True)
    wanted = True
    loop = trio.lowlevel.current_trio_token()

    def tell_there(size: int) -> None:
        loop.run_sync_soon(tell, size)

    try:
        return await trio.to_thread.run_sync(_digest, fd, size, lambda: wanted, tell_there)
    finally:
        wanted = False
