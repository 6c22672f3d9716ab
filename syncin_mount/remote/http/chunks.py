"""HTTP/1.1 chunks, made few and big before the HTTP parser sees them.

A Sync-in server sends each line of a listing in its own chunk. httpcore and h11 spend some ten
times as long on a chunk as the parsing of the line in it takes, so a connection for listings takes
the chunks apart itself and hands on one big chunk per read. A connection like that serves exactly
one answer.
"""

from __future__ import annotations

import enum

import httpcore

from syncin_mount.remote.http.stream import Stream

_HEAD_BYTES = 64 * 1024
_SIZE_BYTES = 1024
_NEEDED = 16
"""No chunk of a listing needs more digits."""


class _Part(enum.Enum):
    HEAD = enum.auto()
    CHUNKS = enum.auto()
    REST = enum.auto()  # passed on untouched: trailers, another encoding, or what is not understood


class Coalescer:
    """Pure: bytes of one answer in, the same answer with bigger chunks out. Interim answers are
    gone (`heads`)."""

    def __init__(self) -> None:
        self._part = _Part.HEAD
        self._pending = b""
        self._left = 0
        """Bytes of the present chunk that are still to come, its closing CR LF included; 0 between
        chunks."""

    def feed(self, data: bytes) -> bytes:
        """What can be passed on now; ``b""`` when more is needed."""
        if self._part is _Part.REST:
            return data
        data = self._pending + data
        self._pending = b""
        if self._part is _Part.HEAD:
            return self._head(data)
        return self._chunks(data)

    def end(self) -> bytes:
        """What is left at the end of the connection."""
        pending, self._pending = self._pending, b""
        return pending

    def _head(self, data: bytes) -> bytes:
        stop = data.find(b"\r\n\r\n")
        if stop < 0:
            if len(data) > _HEAD_BYTES:
                self._part = _Part.REST
                return data
            self._pending = data
            return b""
        head, body = data[: stop + 4], data[stop + 4 :]
        if b"\r\ntransfer-encoding: chunked\r\n" not in head.lower():
            self._part = _Part.REST
            return data
        self._part = _Part.CHUNKS
        return head + self._chunks(body)

    def _chunks(self, data: bytes) -> bytes:
        out: list[bytes] = []
        at, end = 0, len(data)
        rest = b""
        while True:
            if self._left:
                at = self._take(data, at, out)
                if self._left:
                    break
            stop = data.find(b"\r\n", at)
            if stop < 0 and end - at <= _SIZE_BYTES:
                self._pending = data[at:]
                break
            size = _size(data[at:stop]) if stop >= 0 else 0
            if size == 0:  # the last chunk, or nothing that is understood: the parser's turn
                self._part = _Part.REST
                rest = data[at:]
                break
            self._left = size + 2
            at = stop + 2
        body = b"".join(out)
        return (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + rest

    def _take(self, data: bytes, at: int, out: list[bytes]) -> int:
        """Moves on through the present chunk; its closing CR LF does not go out."""
        stop = min(at + self._left, len(data))
        content = min(stop, at + self._left - 2)
        if content > at:
            out.append(data[at:content])
        self._left -= stop - at
        return stop


def _size(line: bytes) -> int:
    """The size in a chunk's first line; 0 for the last chunk and for what is no size."""
    digits = line.split(b";", 1)[0].strip()
    if len(digits) > _NEEDED or not digits.isalnum():
        return 0
    try:
        return int(digits, 16)
    except ValueError:
        return 0


class CoalescingStream(Stream):
    """A connection for one listing."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        super().__init__(inner)
        self._coalescer = Coalescer()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            data = await super().read(max_bytes, timeout)
            if not data:
                return self._coalescer.end()
            ready = self._coalescer.feed(data)
            if ready:
                return ready
