"""The event journal: segments of framed records, appended to and never changed.

A record is ``<IQQ`` (length of the payload, xxh3-64 of what follows, sequence number) and the payload. A segment's name
is the number of its first record, and numbers within and between segments have no gaps.

What is known when the journal is read at start:

* The program was killed, the computer ran on: the page cache has every byte of every ``write`` that returned. Only the
  very last record can be torn, and it was never acknowledged: it is cut off. Anything bad before it is damage, and an
  error, because cutting there would drop acknowledged operations silently.
* The computer stopped (another boot id, no clean stop): everything up to the last fsync is there. Behind that, blocks
  may be there or not in any order. So the journal ends at the first bad record, and what follows was never synced.
"""

from __future__ import annotations

import errno
import logging
import os
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import xxhash

from syncin_mount.store import system
from syncin_mount.store.errors import JournalDamaged

log = logging.getLogger(__name__)

FRAME: Final = struct.Struct("<IQQ")
_LEAD: Final = struct.Struct("<IQ")
_SEQUENCE: Final = struct.Struct("<Q")
SEGMENT_BYTES: Final = 16 << 20
RESERVE_BYTES: Final = 8 << 20
SHARE: Final = 8
"""The part of the reserve that each of its heirs gets."""
SKIPPED: Final = 10_000
"""Records that are looked for behind damage: it hardly swallows more."""
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
_NOT_ON_DISK: Final = "the journal could not be brought to the disk"

Record = tuple[int, bytes]


class Reserve:
    """Disk space kept back, so that the journal can still record when the disk is full.

    ``heirs`` tells the files that need it first. Each gets a share of it behind its end as soon as it is given up:
    whoever filled the disk may take the rest in a moment, and what makes room could not be recorded any more.
    """

    def __init__(self, path: Path, size: int, heirs: Callable[[], Iterable[Path]] = tuple) -> None:
        self._path = path
        self._size = size
        self._heirs = heirs
        self.whole = False

    def restore(self) -> bool:
        """Takes the space back; False when the disk has none."""
        if self.whole:
            return True
        try:
            fd = os.open(self._path, system.OPEN, 0o600)
            try:
                if self._size:
                    system.allocate(fd, self._size)
            finally:
                os.close(fd)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self.release()
            return False
        self.whole = True
        return True

    def release(self) -> bool:
        """Gives the space to whoever asks next; False when there was nothing to give."""
        try:
            had = system.allocated(self._path)
            os.truncate(self._path, 0)
        except FileNotFoundError:
            return False
        self.whole = False
        if had:
            self._leave()
        return had

    def _leave(self) -> None:
        for path in self._heirs():
            try:
                system.keep_room(path, self._size // SHARE)
            except OSError as error:
                log.debug("no room can be kept for %s: %s", path, error)


class Journal:
    """Appends records to the last segment and reads them back. One thread, but ``sync`` may run in another."""

    def __init__(self, folder: Path, reserve: Reserve, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._reserve = reserve
        self._segment_bytes = segment_bytes
        self._open: list[tuple[int, int]] = []  # (first number, descriptor) of this process's segments
        self._lock = threading.Lock()  # over _open, for sync in its thread
        self._size = 0  # of the whole records in the last segment
        self._torn = False  # there is more behind them, as a failed write could not be cut back
        self.in_doubt = False
        """Whether a sync failed: what the kernel could not write it may take for written, so the next sync, though it
        succeeds, says nothing about records of before. True until ``drop`` begins a segment behind them."""
        self.last_start = 0  # where the last record begins in the last segment

    # reading ------------------------------------------------------------------------------------------------------

    def segments(self) -> list[tuple[int, Path]]:
        """First number and path of every segment, in order."""
        return sorted((int(path.stem), path) for path in self._folder.glob("*.log"))

    def records(self, after: int, *, torn: bool = False, power_cut: bool = False) -> Iterator[Record]:
        """The records with numbers above ``after``, in order.

        ``torn`` allows (and cuts) an incomplete last record, ``power_cut`` ends at the first bad one. Otherwise raises
        JournalDamaged, as for a gap.
        """
        segments = self.segments()
        while len(segments) > 1 and segments[1][0] <= after + 1:
            segments.pop(0)
        expected = after + 1
        for position, (first, path) in enumerate(segments):
            data = path.read_bytes()
            number, offset = first, 0
            if first > expected:
                if power_cut:
                    return
                raise JournalDamaged(
                    f"the journal in {self._folder} lacks the records {expected} to {first - 1}: something else "
                    f"removed or damaged its files; nothing was changed: {_advice(self._folder)}"
                )
            while offset < len(data):
                end = _intact(data, offset, number)
                if end is None:
                    is_last = position == len(segments) - 1
                    if power_cut or (torn and is_last and _is_torn(data, offset, number)):
                        _cut(path, offset)
                        return
                    raise JournalDamaged(
                        f"the journal file {path} is damaged at byte {offset} (record {number}): the disk or another "
                        f"program changed it; nothing was cut off: {_advice(self._folder)}"
                    )
                if number >= expected:
                    yield number, data[offset + FRAME.size : end]
                    expected = number + 1
                number, offset = number + 1, end

    # writing ------------------------------------------------------------------------------------------------------

    def start(self, number: int) -> None:
        """Begins a segment whose first record will be ``number``."""
        path = self._folder / f"{number:020d}.log"
        fd = os.open(path, system.OPEN | os.O_APPEND | os.O_EXCL, 0o600)
        with self._lock:
            self._open.append((number, fd))
        self._size = self.last_start = 0

    def append(self, number: int, payload: bytes, *, grows: bool = False) -> None:
        """Appends one record with one write, or leaves the journal as it was and raises OSError.

        ``grows`` says that the change needs more disk space later: it is refused when the disk is full, while others
        may use the space kept back.
        """
        self.mend()
        if self._size >= self._segment_bytes:
            self._go_on_in_new(number)
        body = _SEQUENCE.pack(number) + payload
        record = _LEAD.pack(len(payload), xxhash.xxh3_64_intdigest(body)) + body
        try:
            self._write(record)
        except OSError as error:
            if error.errno not in NO_ROOM or grows or not self._reserve.release():
                raise
            self._write(record)
        self.last_start = self._size
        self._size += len(record)

    def _go_on_in_new(self, number: int) -> None:
        try:
            self.start(number)
        except OSError as error:
            log.debug("the journal's segment grows beyond its size, as another cannot be begun: %s", error)

    def _write(self, record: bytes) -> None:
        fd = self._open[-1][1]
        failure: OSError | None = None
        try:
            if os.write(fd, record) == len(record):
                return
        except OSError as error:
            failure = error
        self._cut_back(self._size)
        raise failure or OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def mend(self) -> None:
        """Cuts off what a failed write left and could not be cut off then. Raises OSError."""
        if self._torn:
            self._cut_back(self._size)

    def take_back(self) -> None:
        """Removes the last record: what it says did not happen."""
        self._cut_back(self.last_start)

    def _cut_back(self, size: int) -> None:
        """Raises OSError; then nothing more is recorded until this succeeds: what is to go would be followed by good
        records."""
        self._size, self._torn = size, True
        os.ftruncate(self._open[-1][1], size)
        self._torn = False

    def sync(self) -> None:
        """Returns when everything appended before the call is on the disk. Blocks: for a thread. Raises OSError, and
        goes on to do so until everything is in the committed index."""
        with self._lock:
            if self.in_doubt:
                raise OSError(errno.EIO, _NOT_ON_DISK)
            fds = [os.dup(fd) for _, fd in self._open]
        try:
            for fd in fds:
                system.sync_data(fd)
            system.sync_folder(self._folder)
        except OSError:
            self.in_doubt = True
            raise
        finally:
            for fd in fds:
                os.close(fd)
        if self.in_doubt:  # another thread was told of the failure, which the kernel tells only once
            raise OSError(errno.EIO, _NOT_ON_DISK)

    def drop(self, committed: int) -> None:
        """Removes the segments whose records are all in the index, but the open one. ``committed`` is the last record
        of all."""
        if self.in_doubt and self._size:
            self.start(committed + 1)
            with self._lock:
                self.in_doubt = False
        segments = self.segments()
        for (_, path), (following, _) in pairwise(segments):
            if following > committed + 1:
                return
            path.unlink()
            with self._lock:
                while self._open and self._open[0][0] < following:
                    os.close(self._open.pop(0)[1])

    def renew(self, number: int) -> None:
        """At start, everything being in the index: all segments give way to a new one."""
        for _, path in self.segments():
            path.unlink()
        self.start(number)

    def close(self) -> None:
        with self._lock:
            while self._open:
                os.close(self._open.pop()[1])


def _advice(folder: Path) -> str:
    return f"'syncin-mount check {folder.parent.name} --repair' saves what is there."


def _intact(data: bytes, offset: int, number: int) -> int | None:
    """Where the intact record ``number`` at ``offset`` ends, or None."""
    if offset + FRAME.size > len(data):
        return None
    length, checksum, found = FRAME.unpack_from(data, offset)
    end: int = offset + FRAME.size + length
    if found != number or end > len(data):
        return None
    return end if xxhash.xxh3_64_intdigest(data[offset + _LEAD.size : end]) == checksum else None


def readable(folder: Path, after: int) -> tuple[list[Record], bool, int]:
    """The intact records from ``after`` + 1 on that can be found whatever lies between, in order; whether all that must
    be there is; and the number that would come next. An incomplete last record, as a kill leaves it, is not missed.
    Changes nothing."""
    found: list[Record] = []
    complete, number = True, 0
    segments = sorted((int(path.stem), path) for path in folder.glob("*.log") if path.stem.isdecimal())
    for position, (first, path) in enumerate(segments):
        data, number, offset = path.read_bytes(), first, 0
        is_last = position == len(segments) - 1
        while offset < len(data):
            end = _intact(data, offset, number)
            if end is not None:
                if number > after:
                    found.append((number, data[offset + FRAME.size : end]))
                number, offset = number + 1, end
                continue
            resumed = _next_intact(data, offset, number)
            if resumed is None:
                torn = is_last and (_is_torn(data, offset, number) or number <= after)
                complete = complete and (torn or (not is_last and segments[position + 1][0] <= after + 1))
                break
            # Damage among what is in the index already is harmless.
            complete = complete and resumed[0] <= after + 1
            number, offset = resumed
    numbers = [number for number, _ in found]
    return found, complete and numbers == list(range(after + 1, after + 1 + len(numbers))), number


def _next_intact(data: bytes, offset: int, number: int) -> tuple[int, int] | None:
    """Number and place of the next intact record behind damage in which some records went."""
    for later in range(number + 1, number + SKIPPED):
        mark = _SEQUENCE.pack(later)
        position = data.find(mark, offset)
        while position >= 0:
            if position >= _LEAD.size and _intact(data, position - _LEAD.size, later) is not None:
                return later, position - _LEAD.size
            position = data.find(mark, position + 1)
    return None


def _is_torn(data: bytes, offset: int, number: int) -> bool:
    """Whether what is there from ``offset`` on can be the beginning of record ``number``, as a kill within the append
    leaves it: a part of one record and nothing else."""
    rest = len(data) - offset
    if rest < FRAME.size:
        return True
    length, _, found = FRAME.unpack_from(data, offset)
    return bool(found == number and rest < FRAME.size + length)


def _cut(path: Path, size: int) -> None:
    fd = os.open(path, system.OPEN)
    try:
        os.ftruncate(fd, size)
        os.fsync(fd)
    finally:
        os.close(fd)
