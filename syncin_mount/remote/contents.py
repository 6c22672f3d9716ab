"""The contents of files on their way: read while they are sent, and checked while they come."""

from __future__ import annotations

from collections.abc import AsyncIterator

from reconciler.errors import Changed, LocalChanged, Unreachable
from reconciler.phrases import Phrase
from reconciler.ports import Found, Reader
from syncin_mount.remote.decoding import parse_etag
from syncin_mount.remote.http.transport import Answer, Upload
from syncin_mount.remote.remote_paths import shown

PIECE = 512 * 1024
"""Bytes that are asked of a Reader at a time."""


def stamp(mtime: int) -> int:
    """The mtime that is sent for ``mtime`` (seconds). The server takes 0 for "now" and holds
    nothing less: then 1."""
    return max(1, mtime)


class Content(Upload):
    """A local content from ``start`` on, read while it is sent."""

    def __init__(self, reader: Reader, start: int, size: int) -> None:
        super().__init__(size - start)
        self._reader = reader
        self.start = start
        self.end = size

    def whole(self) -> Content:
        """The same content, sent from its first byte."""
        return Content(self._reader, 0, self.end)

    def again(self) -> Content:
        """The same, to be sent once more."""
        return Content(self._reader, self.start, self.end)

    async def piece(self, offset: int, most: int) -> bytes:
        data = await self._reader(self.start + offset, min(PIECE, most))
        if not data:
            raise LocalChanged(Phrase("the file became shorter while it was sent"))
        return data


class Pieces(AsyncIterator[bytes]):
    """Exactly ``length`` bytes of an answer. Raises Unreachable when it gives less, or a part gives
    more."""

    def __init__(self, answer: Answer | None, length: int, path: str) -> None:
        self._answer = answer
        self._left = length
        self._path = path

    async def __anext__(self) -> bytes:
        if self._answer is None:
            raise StopAsyncIteration
        if not self._left:
            # The end of the answer is reached, so that the connection can serve again.
            if self._answer.status == 206 and await self._answer.read(0) is None:
                raise self._answer.strange()
            raise StopAsyncIteration
        try:
            piece = await anext(self._answer.chunks)
        except StopAsyncIteration:
            raise Unreachable(
                Phrase(
                    "The download of {path} ended before its end; it goes on later",
                    path=shown(self._path),
                )
            ) from None
        if self._answer.status == 206 and len(piece) > self._left:
            raise self._answer.strange()  # it is not the part that was asked for
        piece = piece[: self._left]
        self._left -= len(piece)
        return piece


def told_state(answer: Answer) -> Found:
    """What the answer says of the file. Raises Unreachable for an answer without a Sync-in server's
    etag."""
    found = parse_etag(answer.headers.get("etag", ""))
    if found is None:
        raise answer.strange()
    return found


def is_same(found: Found, expect: Found) -> bool:
    """Whether it is the version that is expected, as far as size and mtime tell."""
    return (found.size, found.mtime) == (expect.size, expect.mtime)


def changed_meanwhile(path: str) -> Changed:
    """The error about another version than was expected."""
    return Changed(
        Phrase("{path} is not the version on the server that was expected", path=shown(path))
    )
