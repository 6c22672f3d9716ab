"""Both versions of a conflict, compared for people: their lines, their pictures, or what is known
of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import trio

from reconciler.phrases import Phrase
from syncin_mount.app.conflicts.line_diff import Row, line_diff, text_of_bytes
from syncin_mount.control.conflict_messages import (
    READ_MOST,
    ConflictVersions,
    ReadVersionRequest,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from syncin_mount.app.drives.drive import Drive
    from syncin_mount.control.conflict_messages import (
        ConflictRequest,
        ConflictVersion,
    )

TEXT_BYTES = 512 * 1024
"""Longer texts are not compared line by line."""

PICTURE_BYTES = 32 * 1024 * 1024
"""Larger pictures are not shown."""

_HEAD = 32


class Comparison(msgspec.Struct, frozen=True):
    """``kind`` is ``text`` (``rows`` are the lines side by side, those of the version that has the
    name on the left), ``picture``, ``same`` (byte for byte), or ``other``: then ``why`` says why
    there is nothing to see. ``more`` counts rows that are not told. ``named_picture`` and
    ``other_picture`` are the media types of what is a picture."""

    versions: ConflictVersions
    kind: Literal["text", "picture", "same", "other"]
    why: str | None = None
    rows: tuple[Row, ...] = ()
    more: int = 0
    named_picture: str | None = None
    other_picture: str | None = None


Which = Literal["named", "other"]


async def compare(drive: Drive, which: ConflictRequest) -> Comparison:
    """Raises NotDone for no such conflict, and what a `Drive` does. Cancelled, it leaves
    nothing."""
    versions = await drive.versions(which)
    named, other = versions.named, versions.other
    missing = named.why_not or other.why_not
    pictures = await _picture(drive, versions, "named"), await _picture(drive, versions, "other")

    def told(kind: Literal["picture", "same", "other"], why: str | None = None) -> Comparison:
        return Comparison(versions, kind, why, (), 0, *pictures)

    if missing is not None:
        return told(
            "picture" if any(pictures) else "other",
            Phrase("They cannot be compared: {missing}", missing=missing),
        )
    if all(pictures):
        return told("picture")
    sizes = (named.size or 0, other.size or 0)
    if max(sizes) > TEXT_BYTES:
        if sizes[0] == sizes[1] and await _are_equal(drive, versions):
            return told("same")
        return told("other", Phrase("They are too large to be compared line by line"))
    left = await read_version(drive, versions, "named", TEXT_BYTES)
    right = await read_version(drive, versions, "other", TEXT_BYTES)
    if left == right:
        return told("same")
    texts = text_of_bytes(left), text_of_bytes(right)
    if texts[0] is None or texts[1] is None:
        return told("other", Phrase("They are no text, so only size and time are compared"))
    found = await trio.to_thread.run_sync(line_diff, texts[0], texts[1], abandon_on_cancel=True)
    if found.only_ends:
        return told("other", Phrase("They differ only in how lines end, or in the encoding"))
    if found.rows is None:
        return told("other", Phrase("They differ in too many lines to be compared line by line"))
    return Comparison(versions, "text", None, found.rows, found.left_out)


async def read_version(drive: Drive, versions: ConflictVersions, which: Which, most: int) -> bytes:
    """Its bytes, ``most`` at most."""
    found = bytearray()
    async for part in version_parts(drive, versions.conflict.number, which, most):
        found += part
    return bytes(found)


async def version_parts(
    drive: Drive, number: int, which: Which, most: int
) -> AsyncGenerator[bytes, None]:
    """The bytes of a version, piece by piece, ``most`` at most. Raises NotDone."""
    offset = 0
    while offset < most:
        request = ReadVersionRequest(number, which, offset, min(READ_MOST, most - offset))
        part = await drive.read_version(request)
        if not part.data:
            return
        yield part.data
        offset += len(part.data)
        if offset >= part.size:
            return


async def _are_equal(drive: Drive, versions: ConflictVersions) -> bool:
    """Whether the bytes are the same, of two versions of one size; looks no further than a picture
    may be long."""
    size = versions.named.size or 0
    if size > PICTURE_BYTES:
        return False
    number = versions.conflict.number
    offset = 0
    while offset < size:
        parts = [
            await drive.read_version(ReadVersionRequest(number, which, offset))
            for which in ("named", "other")
        ]
        if parts[0].data != parts[1].data:
            return False
        if not parts[0].data:
            return True
        offset += len(parts[0].data)
    return True


async def picture_of(drive: Drive, number: int, which: Which) -> str | None:
    """The media type of a version that is a picture, and not too large to be shown. Raises
    NotDone."""
    part = await drive.read_version(ReadVersionRequest(number, which, 0, _HEAD))
    return picture_type(part.data) if part.size <= PICTURE_BYTES else None


async def _picture(drive: Drive, versions: ConflictVersions, which: Which) -> str | None:
    version: ConflictVersion = getattr(versions, which)
    if version.why_not is not None:
        return None
    return await picture_of(drive, versions.conflict.number, which)


def picture_type(head: bytes) -> str | None:
    """The media type of a picture that every browser shows, by its first bytes; None for anything
    else, as SVG, which can have scripts. Pure."""
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return "image/avif" if head[4:12] == b"ftypavif" else None


_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
