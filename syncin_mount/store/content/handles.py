"""Open contents: what readers and writers hold, and what arrives from the server.

A content object never changes its identity under a descriptor: the reconciler puts another object
beside it. An incoming file becomes the object by rename, so descriptors opened while it arrived go
on.
"""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import Callable
from pathlib import Path

from syncin_mount import system
from syncin_mount.store.content.byte_ranges import BLOCK, Ranges, data_ranges, runs

log = logging.getLogger(__name__)

_RANGE = struct.Struct("<QQ")  # start and stop of zeros that arrived


class IncomingFile:
    """``reconciler.ports.Incoming``: one sparse file, named by its ``IncomingVersion``.

    Only whole blocks (4096 bytes, the last one up to the size) are ever written, because what lies
    in the file is all that a later process knows; parts of blocks wait in memory. Blocks of zeros
    are not written at all: they stay holes, and that they arrived is noted in the file
    ``….zeros`` beside it, one range after the other. ``taken``: it is the
    node's content now. ``dropped``: another version was asked for, or the node is gone.
    """

    def __init__(
        self,
        path: Path,
        node: int,
        size: int,
        mtime: int,
        require_space: Callable[[], None] = lambda: None,
    ) -> None:
        self._check_room = require_space
        self.path = path
        self.node = node
        self.mtime = mtime
        self.taken = False
        self.dropped = False
        self.users = 0
        self._size = size
        self._parts: dict[int, tuple[bytearray, Ranges]] = {}
        self._noted = 0
        self._zeros = -1
        self.fd = system.open_file(path, system.OPEN, 0o600)
        there = os.fstat(self.fd).st_size
        if there == size:
            self._here = data_ranges(self.fd, size)
            self._read_zeros()
        else:
            self._here = Ranges()
            system.discard(zeros_of(path))
            if there:
                os.ftruncate(self.fd, 0)
            if size > BLOCK:  # one block is whole or not there at all
                os.ftruncate(self.fd, size)

    @property
    def size(self) -> int:
        return self._size

    def missing(self, start: int, stop: int) -> tuple[int, int] | None:
        return self._here.first_missing(max(start, 0), min(stop, self._size))

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """pwrite of what fills whole blocks. ValueError beyond the size; OSError (ENOSPC, EIO)."""
        view = memoryview(data)
        stop = offset + len(view)
        if offset < 0 or stop > self._size:
            raise ValueError(
                f"{offset} to {stop} is outside of the {self._size} bytes of this version"
            )
        first = min(-(-offset // BLOCK) * BLOCK, stop)
        last = stop if stop == self._size else stop // BLOCK * BLOCK
        if first < last:
            self._put(first, view[first - offset : last - offset])
            if first > offset:
                self._part(offset, view[: first - offset])
            if last < stop:
                self._part(last, view[last - offset :])
            return
        while offset < stop:  # less than a block, or parts of two
            end = min(stop, (offset // BLOCK + 1) * BLOCK)
            self._part(offset, view[: end - offset])
            view, offset = view[end - offset :], end

    def _put(self, offset: int, view: memoryview) -> None:
        if self._size <= BLOCK:
            self._write(offset, view)
            return
        for empty, start, stop in runs(view):
            if empty:
                self._note_zeros(offset + start, offset + stop)
            else:
                self._write(offset + start, view[start:stop])

    def _write(self, offset: int, view: memoryview) -> None:
        """What lies in the file is all that tells what has arrived, and a write that fails may
        leave zeros there: ext4 fills what it had given to a large folio before the disk was full
        (seen with Linux 6.18). So the room comes first; where it cannot, or the disk fails, nothing
        in the file is believed any more."""
        self._check_room()
        system.reserve(self.fd, offset, len(view))
        start = offset
        try:
            while view:
                done = system.pwrite(self.fd, view, offset)
                view, offset = view[done:], offset + done
        except OSError:
            self.restart()
            raise
        self._here.add(start, offset)

    def _note_zeros(self, start: int, stop: int) -> None:
        """Zeros arrived: nothing was ever written there. Where it cannot be noted, they are fetched
        again by the next process."""
        self._check_room()
        if self._here.first_missing(start, stop) != (start, stop):  # something of it came before
            self._write(start, memoryview(bytes(stop - start)))
            return
        self._here.add(start, stop)
        try:
            if self._zeros < 0:
                self._zeros = system.open_file(zeros_of(self.path), system.OPEN, 0o600)
            if system.pwrite(self._zeros, _RANGE.pack(start, stop), self._noted) == _RANGE.size:
                self._noted += _RANGE.size
        except OSError as error:
            log.debug("the zeros of %s cannot be noted: %s", self.path, error)

    def _read_zeros(self) -> None:
        """What an earlier process noted; a record that it did not finish is overwritten."""
        try:
            told = zeros_of(self.path).read_bytes()
        except FileNotFoundError:
            return
        self._noted = len(told) - len(told) % _RANGE.size
        for start, stop in _RANGE.iter_unpack(told[: self._noted]):
            self._here.add(start, min(stop, self._size))

    def _part(self, offset: int, view: memoryview) -> None:
        start = offset // BLOCK * BLOCK
        length = min(BLOCK, self._size - start)
        if self._here.first_missing(start, start + length) is None:
            return
        block, filled = self._parts.setdefault(start, (bytearray(length), Ranges()))
        block[offset - start : offset - start + len(view)] = view
        filled.add(offset - start, offset - start + len(view))
        if filled.first_missing(0, length) is None:
            del self._parts[start]
            self._put(start, memoryview(block))

    def restart(self) -> None:
        self._here.clear()
        self._parts.clear()
        self._noted = 0
        system.discard(zeros_of(self.path))
        self._close_zeros()
        os.ftruncate(self.fd, 0)
        os.ftruncate(self.fd, self._size)

    def close(self) -> None:
        """One user less; what arrived stays on the disk."""
        self.users -= 1
        if self.users == 0 and self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
            self._close_zeros()

    def _close_zeros(self) -> None:
        if self._zeros >= 0:
            os.close(self._zeros)
            self._zeros = -1


def zeros_of(path: Path) -> Path:
    """Where the zeros of an incoming file are noted."""
    return path.with_name(path.name + ".zeros")


class Content:
    """``reconciler.ports.Content``. ``fd`` is open for reading and writing, close-on-exec."""

    __slots__ = ("_absent", "_folder", "_incoming", "fd")

    def __init__(
        self, fd: int, folder: str, incoming: IncomingFile | None = None, absent: int = 0
    ) -> None:
        """``folder`` holds the object. ``absent`` is the size of a content of which nothing is here
        or will arrive."""
        self.fd = fd
        self._folder = folder
        self._incoming = incoming
        self._absent = absent

    def missing(self, start: int, stop: int) -> tuple[int, int] | None:
        if self._incoming is not None:
            return self._incoming.missing(start, stop)
        start, stop = max(start, 0), min(stop, self._absent)
        return (start, stop) if start < stop else None

    def sync(self) -> None:
        """Returns when the bytes, and the object's name, are on the disk. Blocks: for a thread."""
        os.fsync(self.fd)
        system.sync_folder(self.folder)

    @property
    def folder(self) -> str:
        """Where the name is now: an incoming file becomes an object in another folder."""
        return self._folder if self._incoming is None else os.fspath(self._incoming.path.parent)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
            if self._incoming is not None:
                self._incoming.close()
                self._incoming = None
