"""Uploads: streamed into `.sync-in.<name>` beside the target, checked, then renamed over it.

A broken upload leaves the partial with exactly the bytes that arrived. A `Content-Range` continues
it, when its first number is the partial's size; of the header nothing else is read.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

import trio

from .files import NOFOLLOW, make_parents, set_mtime
from .locks import Locks
from .places import Place
from .quota import Quotas
from .tokens import Identity
from .validate import upload_query
from .wire import Answer, Refusal, Request, json_answer, os_refusal

PARTIAL_PREFIX = ".sync-in."
#: Bodies of these types are taken by the framework's parsers before the upload sees them: nothing
#: is left to write.
_EATEN_TYPES = frozenset({"application/json", "text/plain", "application/xml", "text/xml"})
_PIECE = 256 * 1024  # bytes collected before they are written


@dataclass(frozen=True, slots=True)
class _Wanted:
    size: int
    mtime: int
    checksum: str | None


class _Partial:
    """The open partial file. All methods block."""

    def __init__(self, place: Place) -> None:
        self._target = place.full
        folder, name = os.path.split(self._target)
        self.path = os.path.join(folder, PARTIAL_PREFIX + name)
        self._stream: int | None = None
        self._digest = hashlib.new("sha512_256")
        self.size = 0

    def open(self, content_range: str | None, *, overwrite: bool) -> None:
        """Starts anew, or continues. Raises OSError, or the Refusal of a Content-Range that does
        not fit."""
        continued = False
        if content_range is not None and (overwrite or os.path.lexists(self.path)):
            self._continue(content_range)
            continued = True
        flags = os.O_WRONLY | os.O_CREAT | NOFOLLOW | (os.O_APPEND if continued else os.O_TRUNC)
        self._stream = os.open(self.path, flags, 0o600)

    def _continue(self, content_range: str) -> None:
        self.size = os.lstat(self.path).st_size
        start = re.search(r"\d+", content_range)
        if start is None:
            raise Refusal(500, "Cannot read properties of null (reading 'length')")
        if int(start[0]) != self.size:
            raise Refusal(400, "Content-range : start offset does not match the current file size")
        with open(self.path, "rb") as stream:
            while piece := stream.read(_PIECE):
                self._digest.update(piece)

    def write(self, data: bytes | bytearray) -> None:
        assert self._stream is not None
        self._digest.update(data)
        view = memoryview(data)
        while view:
            written = os.write(self._stream, view)
            self.size += written
            view = view[written:]

    def close(self) -> None:
        if self._stream is not None:
            os.close(self._stream)
            self._stream = None

    def finish(self, wanted: _Wanted, now: float) -> int:
        """Checks size and checksum, sets the mtime and renames; returns the new inode."""
        self.close()
        if self.size != wanted.size:
            raise Refusal(400, f"sizes are not identical : {self.size} != {wanted.size}")
        if wanted.checksum is not None and self._digest.hexdigest() != wanted.checksum:
            raise Refusal(400, "checksums are not identical")
        set_mtime(self.path, wanted.mtime if wanted.mtime != 0 else int(now))
        os.replace(self.path, self._target)
        return os.lstat(self._target).st_ino


class Uploads:
    """POST and PUT of file contents."""

    def __init__(self, locks: Locks, quotas: Quotas, clock: Callable[[], float]) -> None:
        self._locks = locks
        self._quotas = quotas
        self._clock = clock

    async def upload(self, who: Identity, place: Place, request: Request) -> Answer:
        """POST creates and refuses what exists; PUT creates or overwrites, keeping nothing of the
        old version.

        Cancellation and a broken connection leave the partial and release the lock.
        """
        overwrite = request.method == "PUT"
        place.require("m" if overwrite else "a")
        size, mtime, checksum = upload_query(request.query)
        full = place.contained()
        if not overwrite and os.path.lexists(full):
            raise Refusal(405, "Resource already exists")
        if os.path.isdir(full):
            raise Refusal(405, "The location is a directory")
        self._locks.refuse_any(place)
        announced = request.header("content-length") or "0"
        await self._quotas.refuse_more(place.root, int(announced) if announced.isdecimal() else 0)
        self._locks.refuse_any(place)  # the quota may have been counted meanwhile
        lock = self._locks.hold(place, who.id)
        try:
            ino = await self._receive(
                place, request, _Wanted(size, mtime, checksum), overwrite=overwrite
            )
        finally:
            self._locks.release([lock])
        return json_answer({"ino": ino}, 200 if overwrite else 201)

    async def _receive(
        self, place: Place, request: Request, wanted: _Wanted, *, overwrite: bool
    ) -> int:
        partial = _Partial(place)
        if request.content_type in _EATEN_TYPES:
            if request.content_type == "application/json":
                await request.json()
            await request.drain()

        def prepare() -> None:
            make_parents(place)
            partial.open(request.header("content-range"), overwrite=overwrite)

        try:
            await trio.to_thread.run_sync(prepare)
            await self._write(partial, request)
            await self._quotas.refuse_more(place.root, partial.size)
            return await trio.to_thread.run_sync(partial.finish, wanted, self._clock())
        except OSError as error:
            raise os_refusal(error) from error
        finally:
            partial.close()

    async def _write(self, partial: _Partial, request: Request) -> None:
        """Collects small pieces, and keeps what had arrived when the connection breaks or the
        server stops."""
        collected = bytearray()
        try:
            while chunk := await request.read():
                collected += chunk
                if len(collected) >= _PIECE:
                    piece, collected = collected, bytearray()
                    await trio.to_thread.run_sync(partial.write, piece)
        finally:
            if collected:
                partial.write(collected)
