"""The listing ("diff"): a folder's tree as one JSON object a line, `done` at the end and no newline
after it.

The tree is read while it is sent: one folder at a time, in a thread, in batches, so that memory
holds the entries of the folders on one path from the top and no more. What cannot be read is an
`["error", …]` entry; a folder that cannot be opened ends the listing with `Unable to parse path`
and without `done`, as on the real server.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from re import Pattern
from typing import Any

import msgspec
import trio

from .files import NOFOLLOW
from .patterns import compile_filter
from .places import Place
from .validate import check_diff
from .wire import Answer, Refusal, Request, os_refusal, parsed

_BATCH_ENTRIES = 1000
_BATCH_HASHED = 16 * 1024 * 1024  # bytes hashed before a batch is handed over
_PLAIN_LIMIT = 50 * 1024 * 1024  # bytes of an unpacked request body
_HASH_PIECE = 1024 * 1024
_NO_SNAPSHOT = "TypeError: Cannot read properties of undefined (reading 'has')"


def checksum(full: str) -> tuple[str, int]:
    """SHA-512/256 in lowercase hex, and the number of bytes hashed. Raises OSError."""
    digest = hashlib.new("sha512_256")
    size = 0
    descriptor = os.open(full, os.O_RDONLY | NOFOLLOW)
    with os.fdopen(descriptor, "rb") as stream:
        while piece := stream.read(_HASH_PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


@dataclass(frozen=True, slots=True)
class ListingOptions:
    """`snapshot` maps a relative path to what an earlier listing said of it; None when none was
    sent."""

    secure: bool
    first: bool
    default_filters: frozenset[str]
    path_filter: Pattern[str] | None
    snapshot: Mapping[str, Any] | None


async def read_options(request: Request) -> ListingOptions:
    """Raises the Refusal of a body that is wrong."""
    if request.content_type == "application/octet-stream" and "gzip" in (
        request.header("content-encoding") or ""
    ):
        body = _unpacked(await request.body())
    else:
        body = await request.object()
    check_diff(body)
    return ListingOptions(
        body["secureDiff"],
        body["firstSync"],
        frozenset(body["defaultFilters"]),
        compile_filter(body.get("pathFilters")),
        body.get("snapshot"),
    )


def _unpacked(packed: bytes) -> dict[str, Any]:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = unpacker.decompress(packed, _PLAIN_LIMIT)
    except zlib.error as error:
        raise Refusal(400, "Invalid gzip body") from error
    if unpacker.unconsumed_tail:
        raise Refusal(413, "Invalid gzip body")
    if not unpacker.eof:
        raise Refusal(400, "Invalid gzip body")
    try:
        value = parsed(plain)
    except ValueError as error:
        raise Refusal(400, f"Invalid JSON : {_v8_message(error)}") from error
    return value if isinstance(value, dict) else {}


def _v8_message(error: ValueError) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return "SyntaxError: Unexpected token in JSON"
    place = f"in JSON at position {error.pos} (line {error.lineno} column {error.colno})"
    if error.msg.startswith("Expecting property name"):
        return f"SyntaxError: Expected property name or '}}' {place}"
    return f"SyntaxError: Unexpected token {place}"


class _AbortedError(Exception):
    """A folder could not be opened."""


@dataclass(slots=True)
class _Folder:
    rel: str
    entries: Iterator[os.DirEntry[str]]


class Walk:
    """Yields the listing in batches. Blocking; one thread at a time."""

    def __init__(self, top: str, options: ListingOptions) -> None:
        self._top = top
        self._options = options
        self._encode = msgspec.json.Encoder().encode
        self._hashed = 0
        self._stack: list[_Folder] = []
        self._opened = False

    def batch(self) -> tuple[bytes, bool]:
        """The next lines, and whether they are the last."""
        lines: list[bytes] = []
        self._hashed = 0
        try:
            if not self._opened:
                self._opened = True
                self._open("")
            while self._stack:
                self._step(lines)
                if len(lines) >= _BATCH_ENTRIES or self._hashed >= _BATCH_HASHED:
                    return b"".join(lines), False
        except _AbortedError:
            return b"".join([*lines, b"Unable to parse path\n"]), True
        return b"".join([*lines, b"done"]), True

    def _open(self, rel: str) -> None:
        try:
            with os.scandir(os.path.join(self._top, rel) if rel else self._top) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise _AbortedError from error
        self._stack.append(_Folder(rel, iter(entries)))

    def _step(self, lines: list[bytes]) -> None:
        folder = self._stack[-1]
        entry = next(folder.entries, None)
        if entry is None:
            self._stack.pop()
            return
        is_dir = entry.is_dir(follow_symlinks=False)
        if not is_dir and not entry.is_file(follow_symlinks=False):
            return
        rel = f"{folder.rel}/{entry.name}" if folder.rel else entry.name
        if (value := self._entry(entry, rel, is_dir)) is not None:
            lines.append(self._encode({_shown(rel): value}) + b"\n")
        if is_dir:
            if _shown(entry.name) != entry.name:
                raise _AbortedError
            self._open(rel)

    def _entry(self, entry: os.DirEntry[str], rel: str, is_dir: bool) -> tuple[Any, ...] | None:
        """What the listing says of an entry; None when a default filter leaves it out."""
        options = self._options
        if entry.name in options.default_filters:
            return None
        if options.path_filter is not None and options.path_filter.search(_shown(rel)):
            return ("filtered", is_dir)
        if _shown(entry.name) != entry.name:
            return self._error("ENOENT: no such file or directory, stat", entry.path)
        try:
            found = entry.stat(follow_symlinks=False)
            mtime = found.st_mtime_ns // 10**9
            if is_dir:
                return (True, 0, mtime, found.st_ino, None)
            digest = (
                self._checksum(rel, entry.path, found.st_size, mtime, found.st_ino)
                if options.secure
                else None
            )
        except OSError as error:
            return self._error(f"{os_refusal(error).message}, stat", entry.path)
        if digest == _NO_SNAPSHOT:
            return ("error", digest)
        return (False, found.st_size, mtime, found.st_ino, digest)

    def _error(self, what: str, full: str) -> tuple[str, str]:
        return ("error", f"Error: {what} '{_shown(full)}'")

    def _checksum(self, rel: str, full: str, size: int, mtime: int, ino: int) -> str:
        """The snapshot's checksum is believed when size, mtime and inode still match; any other is
        counted."""
        if not self._options.first:
            if self._options.snapshot is None:
                return _NO_SNAPSHOT
            known = self._options.snapshot.get(rel)
            if (
                isinstance(known, list)
                and known[1:4] == [size, mtime, ino]
                and isinstance(known[-1], str)
                and known[-1]
            ):
                return known[-1]
        digest, hashed = checksum(full)
        self._hashed += hashed
        return digest


def _shown(name: str) -> str:
    """A name that is not UTF-8 is shown with replacement characters."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "replace")


class _Source:
    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._last = False

    async def read(self) -> bytes:
        while not self._last:
            lines, self._last = await trio.to_thread.run_sync(self._walk.batch)
            if lines:
                return lines
        return b""

    def close(self) -> None:
        """Nothing stays open between batches."""


def list_folder(place: Place, options: ListingOptions) -> Answer:
    """Raises 404 when the folder is gone and 400 when something else is in its place."""
    try:
        full = place.existing()
    except Refusal as refusal:
        raise Refusal(404, f"Remote path not found : {place.remote_path}") from refusal
    if not os.path.isdir(full):
        raise Refusal(400, "Remote path must be a directory")
    return Answer(
        200, _Source(Walk(full, options)), ((b"content-type", b"text/plain; charset=utf-8"),)
    )
