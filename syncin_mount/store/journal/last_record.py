"""How far the journal was written: the number of the last record, beside the journal.

A kill leaves every byte that a call wrote, so a journal that ends before this number was damaged:
that is how a cut or emptied last segment is told from one in which nothing was recorded yet. After
a power cut the number says nothing.
"""

from __future__ import annotations

import logging
import os
import struct
from pathlib import Path
from typing import Final

import xxhash

from syncin_mount import system

log = logging.getLogger(__name__)

RECORDED: Final = "recorded"
_FORM: Final = struct.Struct("<QQ")  # the number, and xxh3-64 of its eight bytes


class Tally:
    """One file of 16 bytes, made when there is something to write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def read(self) -> int | None:
        """The number; None where there is none, or a damaged one."""
        try:
            text = self._path.read_bytes()
        except OSError:
            return None
        if len(text) != _FORM.size:
            return None
        number, checksum = _FORM.unpack(text)
        return int(number) if _checksum(number) == checksum else None

    def restart(self, number: int) -> None:
        """The journal ends with this number, which may be smaller than that before: a power cut
        took the rest."""
        if not self.put(number):
            system.discard(self._path)
            self.close()

    def put(self, number: int) -> bool:
        """The record of this number is in the journal. False where the disk refuses it; the number
        before stays, which says less and nothing wrong."""
        try:
            if self._fd < 0:
                self._fd = system.open_file(self._path, system.OPEN, 0o600)
                if os.fstat(self._fd).st_size > _FORM.size:  # damaged
                    os.ftruncate(self._fd, _FORM.size)
            system.pwrite(self._fd, _FORM.pack(number, _checksum(number)), 0)
        except OSError as error:
            log.debug("%s cannot be written: %s", self._path, error)
            return False
        return True

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _checksum(number: int) -> int:
    return xxhash.xxh3_64_intdigest(number.to_bytes(8, "little"))
