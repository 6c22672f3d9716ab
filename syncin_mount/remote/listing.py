"""The server's listing of a synchronized folder: what is asked, and the stream that answers.

The stream is parsed as it arrives, a batch of lines at a time (`decoding.entries`).
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import trio

from reconciler.errors import Unreachable
from reconciler.model import Entry
from reconciler.phrases import Phrase
from syncin_mount.remote.auth import Session
from syncin_mount.remote.auth import body as json_body
from syncin_mount.remote.decoding import Undecodable, entries
from syncin_mount.remote.errors import Asked, Endpoint
from syncin_mount.remote.http.transport import JSON, Answer, Call
from syncin_mount.remote.refusals.failures import broken_listing
from syncin_mount.remote.remote_paths import shown

BATCH_BYTES = 32 * 1024
"""About five hundred lines: so much is parsed, and compared, between two looks at the event loop, a
few milliseconds. What comes at once from the network may be eight times as much."""

_LINE_BYTES = 1024 * 1024

_WORTH_A_BYTE = 1024 * 1024
"""Bytes of files that the server hashes in the time that a byte of a listing may take: 4.8 MB a
second at least."""

_SNAPSHOT_PLAIN = 48 * 1024 * 1024
_SNAPSHOT_PACKED = 24 * 1024 * 1024
"""The server takes 50 MB plain and 25 MB compressed."""

_ENTRIES_PER_CHECKPOINT = 500
"""Entries that are packed between two looks at the event loop: a few milliseconds."""


class BrokenStream(ValueError):
    """The stream is no (whole) listing; the message is a clause that says why."""


class ListingParser:
    """Pure: bytes of the stream in, entries out. `close` must be called at its end."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._done = False

    def feed(self, data: bytes) -> list[Entry]:
        """The entries of all lines that are complete. Raises BrokenStream."""
        self._pending += data
        stop = self._pending.rfind(b"\n", max(0, len(self._pending) - len(data))) + 1
        if not stop:
            if len(self._pending) > _LINE_BYTES:
                raise BrokenStream(Phrase("a line is endless"))
            return []
        lines = bytes(self._pending[:stop])
        del self._pending[:stop]
        try:
            return entries(lines)
        except Undecodable as exc:
            raise BrokenStream(str(exc)) from exc

    def close(self) -> None:
        """Raises BrokenStream unless the stream ended as a whole listing does."""
        last = bytes(self._pending)
        if last == b"done":
            return
        if not last:
            raise BrokenStream(Phrase("it stopped before its end"))
        raise BrokenStream(
            Phrase("it ended with {text}", text=shown(last.decode(errors="replace"), 80))
        )


# Asking ----------------------------------------


@dataclass(frozen=True, slots=True)
class ListingOptions:
    """``secure`` asks for checksums; ``snapshot`` then gives the entries of an earlier secure
    listing, whose checksums the server takes over where size, mtime and inode still hold.
    ``default_filters`` are names, ``path_filters`` is one JavaScript regexp; both only save lines:
    filtering is the client's own business."""

    secure: bool = False
    snapshot: Callable[[], Iterable[Entry]] | None = None
    default_filters: tuple[str, ...] = ()
    path_filters: str | None = None


PATTERN_CHARS = 60_000
"""The server takes a filter of 102,499 characters at most."""

_SPECIAL = re.compile(r"[\\^$.*+?()\[\]{}|]")


def none_but(paths: Iterable[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Filters (JavaScript regexps) that leave out everything but some of the paths, and which those
    are; each within the server's limits."""
    pieces: list[str] = []
    wanted: list[str] = []
    length = 0
    for path in paths:
        piece = _SPECIAL.sub(r"\\\g<0>", path)
        if pieces and length + len(piece) + 1 > PATTERN_CHARS:
            yield f"^(?!(?:{'|'.join(pieces)})$)", frozenset(wanted)
            pieces, wanted, length = [], [], 0
        pieces.append(piece)
        wanted.append(path)
        length += len(piece) + 1
    if pieces:
        yield f"^(?!(?:{'|'.join(pieces)})$)", frozenset(wanted)


class _Request(msgspec.Struct, rename="camel"):
    secure_diff: bool
    first_sync: bool
    default_filters: tuple[str, ...]
    path_filters: str | None


async def request_body(options: ListingOptions) -> tuple[bytes, bool]:
    """The body, and whether it is gzipped. A snapshot that is empty or beyond the server's limits
    is left out: the server then reads everything, as in a first listing."""
    if options.secure and options.snapshot is not None:
        head = json_body(_Request(True, False, options.default_filters, options.path_filters))
        packed = await _pack(head, options.snapshot())
        if packed is not None:
            return packed, True
    return json_body(
        _Request(options.secure, True, options.default_filters, options.path_filters)
    ), False


async def _pack(head: bytes, snapshot: Iterable[Entry]) -> bytes | None:
    gzip = zlib.compressobj(level=1, wbits=31)
    packed = bytearray(gzip.compress(head[:-1] + b',"snapshot":{'))
    plain = len(head)
    encode = msgspec.json.encode
    before = b""
    for number, entry in enumerate(snapshot):
        if number % _ENTRIES_PER_CHECKPOINT == 0:
            await trio.lowlevel.checkpoint()
        stats = (entry.is_folder, entry.size, entry.mtime, entry.inode, entry.checksum)
        line = before + encode(entry.path) + b":" + encode(stats)
        before = b","
        plain += len(line)
        packed += gzip.compress(line)
        if plain > _SNAPSHOT_PLAIN or len(packed) > _SNAPSHOT_PACKED:
            return None
    if not before:
        return None
    packed += gzip.compress(b"}}") + gzip.flush()
    return bytes(packed)


class Batches(AsyncIterator[list[Entry]]):
    """The batches of one listing. Raises ListingBroken when it is not whole, Unreachable when it
    stalls; the event loop runs between batches."""

    def __init__(self, answer: Answer, *, hashed: bool = False) -> None:
        """``hashed``: the server reads each file before it tells of it, so a big one is worth some
        waiting."""
        self._patience = answer.chunks.patience if hashed else None
        self._asked: Asked = answer.asked
        self._chunks = answer.chunks
        self._parser = ListingParser()
        self._unread = b""
        self._ended = False

    async def __anext__(self) -> list[Entry]:
        if self._ended:
            raise StopAsyncIteration
        await trio.lowlevel.checkpoint()
        try:
            if batch := self._from_unread():
                return batch
            async for chunk in self._chunks:
                self._unread = chunk
                if batch := self._from_unread():
                    return batch
            self._ended = True
            self._parser.close()
        except BrokenStream as exc:
            raise broken_listing(self._asked, str(exc)) from exc
        except Unreachable as exc:
            if isinstance(exc.__cause__, httpx.TimeoutException):
                raise
            raise broken_listing(self._asked, Phrase("the connection was cut")) from exc
        raise StopAsyncIteration

    def _from_unread(self) -> list[Entry]:
        """The next batch of what has arrived; empty when there is no whole line in it."""
        batch: list[Entry] = []
        while self._unread and not batch:
            piece, self._unread = self._unread[:BATCH_BYTES], self._unread[BATCH_BYTES:]
            batch = self._parser.feed(piece)
        if self._patience is not None and batch:
            self._patience.credit(sum(entry.size for entry in batch) // _WORTH_A_BYTE)
        return batch


@contextlib.asynccontextmanager
async def open_listing(
    session: Session, path_id: int, subject: str, options: ListingOptions
) -> AsyncIterator[AsyncIterator[list[Entry]]]:
    """The listing of the synchronization ``path_id``; ``subject`` names its folder in messages."""
    content, gzipped = await request_body(options)
    headers: dict[str, Any] = (
        {"Content-Type": "application/octet-stream", "Content-Encoding": "gzip"}
        if gzipped
        else JSON
    )
    call = Call(
        Endpoint.LISTING,
        "POST",
        f"api/app/sync/operation/diff/{path_id}",
        subject,
        headers=headers,
        content=content,
        quiet=session.timeouts.hashing if options.secure else session.timeouts.slow,
        repeatable=True,
    )
    async with session.exchange(call) as answer:
        yield Batches(answer, hashed=options.secure)
