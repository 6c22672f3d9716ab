"""Pictures of one colour, for tests and for the pictures of the documentation."""

from __future__ import annotations

import struct
import zlib


def png(red: int, green: int, blue: int, width: int = 320, height: int = 200) -> bytes:
    """A PNG with a darker band across it."""
    rows = bytearray()
    for y in range(height):
        part = 2 if height // 3 < y < height // 2 else 1
        rows += b"\0" + bytes((red // part, green // part, blue // part)) * width
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
