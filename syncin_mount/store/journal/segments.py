"""Reading a segment of the journal, a damaged one too.

A record is ``<IQQ`` (length of the payload, xxh3-64 of what follows, number) and the payload;
numbers have no gaps. So behind damage the next intact record is found by its number and its
checksum, whatever the length before it says. And a record whose length alone is damaged is whole
all the same: its checksum proves where it ends.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import xxhash

FRAME: Final = struct.Struct("<IQQ")
LEAD: Final = struct.Struct("<IQ")
SEQUENCE: Final = struct.Struct("<Q")


class Whole(NamedTuple):
    """The record ``number``."""

    number: int
    payload: bytes


class Damage(NamedTuple):
    """At byte ``offset``, where the record ``number`` should begin, is something else. ``resumed``
    is the number of the next intact record, None when none follows in the segment. ``torn`` says
    that it can be what a kill leaves within an append: the beginning of that one record, and
    nothing else."""

    number: int
    offset: int
    resumed: int | None
    torn: bool


def list_segments(folder: Path) -> list[tuple[int, Path]]:
    """First number and path of every segment, in order."""
    return sorted((int(path.stem), path) for path in folder.glob("*.log") if path.stem.isdecimal())


def scan(data: bytes, number: int) -> Iterator[Whole | Damage]:
    """What is in a segment whose first record should be ``number``, in order. Changes nothing."""
    offset = 0
    while offset < len(data):
        end = _end(data, offset, number)
        if end is not None:
            yield Whole(number, data[offset + FRAME.size : end])
            number, offset = number + 1, end
            continue
        following = _next_intact(data, offset, number)
        end = following[1] if following is not None and following[0] == number + 1 else len(data)
        if _is_proved(data, offset, end, number):
            yield Whole(number, data[offset + FRAME.size : end])
            number, offset = number + 1, end
        elif following is None:
            yield Damage(number, offset, None, _is_torn(data, offset, number))
            return
        else:
            yield Damage(number, offset, following[0], torn=False)
            number, offset = following


def _end(data: bytes, offset: int, number: int) -> int | None:
    """Where the intact record ``number`` at ``offset`` ends, or None."""
    if offset + FRAME.size > len(data):
        return None
    length, _, found = FRAME.unpack_from(data, offset)
    end: int = offset + FRAME.size + length
    return (
        end
        if found == number and end <= len(data) and _is_proved(data, offset, end, number)
        else None
    )


def _is_proved(data: bytes, offset: int, end: int, number: int) -> bool:
    """Whether the record ``number`` lies there, by its checksum."""
    if offset + FRAME.size > end:
        return False
    _, checksum, found = FRAME.unpack_from(data, offset)
    return bool(
        found == number and xxhash.xxh3_64_intdigest(data[offset + LEAD.size : end]) == checksum
    )


def _next_intact(data: bytes, offset: int, number: int) -> tuple[int, int] | None:
    """Number and place of the next intact record behind damage in which some records went."""
    most = number + 1 + (len(data) - offset) // FRAME.size
    for found in _like_numbers(number + 1, most).finditer(data, offset + LEAD.size):
        start = found.start() - LEAD.size
        (later,) = SEQUENCE.unpack_from(data, found.start())
        if number < later <= most and start > offset and _end(data, start, later) is not None:
            return later, start
    return None


def _like_numbers(first: int, last: int) -> re.Pattern[bytes]:
    """Where one of these numbers may stand, little-endian: by its upper six bytes. (Zero is no
    number: else every byte of a range of zeros would have to be looked at.)"""
    uppers = [
        re.escape(SEQUENCE.pack(upper << 16)[2:]) for upper in range(first >> 16, (last >> 16) + 1)
    ]
    return re.compile(rb"(?s)(?=(?!\0{8})..(?:" + b"|".join(uppers) + rb"))")


def _is_torn(data: bytes, offset: int, number: int) -> bool:
    rest = len(data) - offset
    if rest < FRAME.size:
        return data[offset + LEAD.size :] == SEQUENCE.pack(number)[: max(rest - LEAD.size, 0)]
    length, _, found = FRAME.unpack_from(data, offset)
    return bool(found == number and rest < FRAME.size + length)
