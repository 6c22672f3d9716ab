"""The event journal: segments of framed records, appended to and never changed.

`segments` has the form of a record. A segment's name is the number of its first record, and numbers
within and between segments have no gaps. The file ``recorded`` beside the journal has the number of
the last record.

What is known when the journal is read at start:

* The program was killed, the computer ran on: the page cache has every byte of every ``write`` that
  returned. Only the very last record can be torn, and it was never acknowledged: it is cut off. It
  is torn when it is the beginning of one record, nothing intact follows, and ``recorded`` has a
  smaller number. Anything else that is bad or missing is damage, and an error, because cutting
  there would drop acknowledged operations silently. What the index has already may be damaged
  without harm.
* The computer stopped (another boot id, no clean stop): everything up to the last fsync is there.
  Behind that, blocks may be there or not in any order. So the journal ends at the first bad record,
  and what follows was most likely never synced; it is set aside.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import xxhash

from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.store.errors import JournalDamaged, Repair
from syncin_mount.store.journal.last_record import RECORDED, Tally
from syncin_mount.store.journal.reserve import NO_ROOM, Reserve
from syncin_mount.store.journal.segments import LEAD, SEQUENCE, Damage, Whole, list_segments, scan

log = logging.getLogger(__name__)

SEGMENT_BYTES: Final = 16 << 20
_NOT_ON_DISK: Final = Phrase("the journal could not be brought to the disk")

Record = tuple[int, bytes]


class Journal:
    """Appends records to the last segment and reads them back. One thread, but ``sync`` may run in
    another."""

    def __init__(
        self, folder: Path, reserve: Reserve, *, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self._folder = folder
        self._reserve = reserve
        self._segment_bytes = segment_bytes
        # (first number, descriptor) of this process's segments
        self._open: list[tuple[int, int]] = []
        self._lock = threading.Lock()  # over _open, for sync in its thread
        self._tally = Tally(folder.parent / RECORDED)
        self._size = 0  # of the whole records in the last segment
        self._torn = False  # there is more behind them, as a failed write could not be cut back
        self.has_failed_sync = False
        """Whether a sync failed: what the kernel could not write it may take for written, so the
        next sync, though it succeeds, says nothing about records of before. True until ``drop``
        begins a segment behind them."""

    # reading --------------------------------------------------------------------------------------

    def segments(self) -> list[tuple[int, Path]]:
        """First number and path of every segment, in order."""
        return list_segments(self._folder)

    def records(
        self, after: int, *, torn: bool = False, power_cut: bool = False, clean: bool = False
    ) -> Iterator[Record]:
        """The records with numbers above ``after``, which the index has, in order.

        ``torn`` allows (and cuts) an incomplete last record, ``power_cut`` ends at the first bad
        one, and with ``clean`` everything is in the index. Otherwise raises JournalDamaged, as for
        what is missing.
        """
        last = None if power_cut else self._tally.read()
        expected = after + 1
        segments = _needed(self.segments(), expected)
        end = segments[-1][0] if segments else 0
        while segments:
            first, path = segments[0]
            if first > expected and not power_cut:
                raise self._lacks(expected, first - 1)
            for piece in scan(path.read_bytes(), first) if first <= expected else ():
                if isinstance(piece, Whole):
                    end = piece.number + 1
                    if piece.number >= expected:
                        yield piece
                        expected = end
                elif not _is_harmless(piece, segments, expected):
                    is_torn = (
                        torn
                        and len(segments) == 1
                        and piece.torn
                        and (last is None or last < piece.number)
                    )
                    self._end_at(segments, piece, is_torn=is_torn, power_cut=power_cut)
                    segments = segments[:1]
                    break
            segments = segments[1:]
        if last is not None and last >= expected:
            raise self._lacks(expected, last)
        if last is None and not clean and not power_cut and end <= after:
            raise self._lacks(end, after)  # an index has nothing that was not in the journal first

    def _end_at(
        self, segments: list[tuple[int, Path]], piece: Damage, *, is_torn: bool, power_cut: bool
    ) -> None:
        """Cuts off what cannot have been acknowledged. Raises JournalDamaged for anything else."""
        _, path = segments[0]
        if power_cut:
            self._set_aside(segments, piece)
        elif is_torn:
            _cut(path, piece.offset)
        else:
            raise self._damaged(path, piece)

    def _damaged(self, path: Path, piece: Damage) -> JournalDamaged:
        return JournalDamaged(
            Phrase(
                "the journal file {path} is damaged at byte {offset} (record {number}): the"
                " disk or another program changed it; nothing was cut off",
                path=path,
                offset=piece.offset,
                number=piece.number,
            ),
            repair=Repair.SAVES_WHAT_IS_THERE,
            folder=self._folder.parent,
        )

    def _lacks(self, first: int, last: int) -> JournalDamaged:
        return JournalDamaged(
            Phrase(
                "the journal in {folder} lacks the records {first} to {last}: something else"
                " removed or damaged its files; nothing was changed",
                folder=self._folder,
                first=first,
                last=last,
            ),
            repair=Repair.SAVES_WHAT_IS_THERE,
            folder=self._folder.parent,
        )

    def _set_aside(self, segments: list[tuple[int, Path]], piece: Damage) -> None:
        """Cuts what follows a power cut's first bad record, and keeps a copy where it may have been
        synced."""
        (_, path), *rest = segments
        if piece.resumed is not None or rest:
            place = self._folder.parent / "damaged" / f"journal-{piece.number}"
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            for _, each in segments:
                (place / each.name).write_bytes(each.read_bytes())
            log.warning(
                "the computer stopped: the journal ends at record %d; the rest is in %s",
                piece.number,
                place,
            )
        _cut(path, piece.offset)

    # writing --------------------------------------------------------------------------------------

    def start(self, number: int) -> None:
        """Begins a segment whose first record will be ``number``. One that is there and has nothing
        is taken."""
        path = self._folder / f"{number:020d}.log"
        fresh = os.O_EXCL if not path.exists() or path.stat().st_size else 0
        fd = system.open_file(path, system.OPEN | os.O_APPEND | fresh, 0o600)
        with self._lock:
            self._open.append((number, fd))
        self._size = 0

    def append(self, number: int, payload: bytes, *, grows: bool = False) -> None:
        """Appends one record with one write, or leaves the journal as it was and raises OSError.

        ``grows`` says that the change needs more disk space later: it is refused when the disk is
        full, while others may use the space kept back.
        """
        self.mend()
        if self._size >= self._segment_bytes:
            self._go_on_in_new(number)
        body = SEQUENCE.pack(number) + payload
        record = LEAD.pack(len(payload), xxhash.xxh3_64_intdigest(body)) + body
        try:
            self._write(record)
        except OSError as error:
            if error.errno not in NO_ROOM or grows or not self._reserve.release():
                raise
            self._write(record)
        self._size += len(record)
        self._tally.put(number)

    def _go_on_in_new(self, number: int) -> None:
        try:
            self.start(number)
        except OSError as error:
            log.debug(
                "the journal's segment grows beyond its size, as another cannot be begun: %s", error
            )

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

    def _cut_back(self, size: int) -> None:
        """Raises OSError; then nothing more is recorded until this succeeds: what is to go would be
        followed by good records."""
        self._size, self._torn = size, True
        os.ftruncate(self._open[-1][1], size)
        self._torn = False

    def sync(self) -> None:
        """Returns when everything appended before the call is on the disk. Blocks: for a thread.
        Raises OSError, and goes on to do so until everything is in the committed index."""
        with self._lock:
            if self.has_failed_sync:
                raise OSError(errno.EIO, _NOT_ON_DISK)
            fds = [os.dup(fd) for _, fd in self._open]
        try:
            for fd in fds:
                system.sync_data(fd)
            system.sync_folder(self._folder)
        except OSError:
            self.has_failed_sync = True
            raise
        finally:
            for fd in fds:
                os.close(fd)
        # another thread was told of the failure, which the kernel tells only once
        if self.has_failed_sync:
            raise OSError(errno.EIO, _NOT_ON_DISK)

    def drop(self, committed: int) -> None:
        """Removes the segments whose records are all in the index, but the open one. ``committed``
        is the last record of all."""
        if self.has_failed_sync and self._size:
            self.start(committed + 1)
            with self._lock:
                self.has_failed_sync = False
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
        before = self.segments()
        self.start(number)
        for first, path in before:
            if first != number:
                path.unlink()
        self._tally.restart(number - 1)

    def close(self) -> None:
        with self._lock:
            while self._open:
                os.close(self._open.pop()[1])
        self._tally.close()


def _needed(segments: list[tuple[int, Path]], number: int) -> list[tuple[int, Path]]:
    """The segments from that of the record ``number`` on."""
    before = sum(first <= number for first, _ in segments)
    return segments[max(before - 1, 0) :]


def _is_harmless(piece: Damage, segments: list[tuple[int, Path]], expected: int) -> bool:
    """Whether all that is damaged there, in the first of these segments, comes before the record
    ``expected``."""
    following = piece.resumed or (segments[1][0] if len(segments) > 1 else None)
    return piece.number < expected and (following is None or following <= expected)


class Readable(NamedTuple):
    """``records`` are the intact ones that can be found whatever lies between, in order.
    ``complete``: all that must be there is. ``end`` is the number that would come next."""

    records: list[Record]
    complete: bool
    end: int


def readable(folder: Path, after: int, *, power_cut: bool = False) -> Readable:
    """What can be read behind ``after``, which the index has. An incomplete last record, as a kill
    leaves it, is not missed. Changes nothing."""
    found: list[Record] = []
    complete, end = True, 0
    last = None if power_cut else Tally(folder.parent / RECORDED).read()
    segments = list_segments(folder)
    for position, (first, path) in enumerate(segments):
        end = max(end, first)
        is_last = position == len(segments) - 1
        for piece in scan(path.read_bytes(), first):
            if isinstance(piece, Whole):
                end = piece.number + 1
                if piece.number > after:
                    found.append((piece.number, piece.payload))
            elif piece.resumed is None and is_last:
                complete = complete and (piece.torn or piece.number <= after)
            else:  # damage among what is in the index already is harmless
                complete = complete and (piece.resumed or segments[position + 1][0]) <= after + 1
    numbers = [number for number, _ in found]
    complete = complete and numbers == list(range(after + 1, after + 1 + len(numbers)))
    reached = numbers[-1] if numbers else after
    return Readable(found, complete and (last is None or last <= reached), end)


def _cut(path: Path, size: int) -> None:
    fd = system.open_file(path, system.OPEN)
    try:
        os.ftruncate(fd, size)
        os.fsync(fd)
    finally:
        os.close(fd)
