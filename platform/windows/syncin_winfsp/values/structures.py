"""WinFsp's structures as bytes, as its headers (inc/winfsp/fsctl.h) lay them out. Pure.

winfspy's binding knows some of them by name only, and has others shorter than they are.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncin_winfsp.values.attributes import FileInfo
    from syncin_winfsp.values.volume import Volume

_FILE_INFO: Final = struct.Struct("<IIQQQQQQQII")
FILE_INFO_BYTES: Final = _FILE_INFO.size
_VOLUME_INFO: Final = struct.Struct("<QQH64s6x")
_DIR_INFO: Final = struct.Struct("<H6x")
_PADDING: Final = bytes(24)
_RESPONSE: Final = struct.Struct("<HHIQII")
RESPONSE_BYTES: Final = 128
"""FSP_FSCTL_TRANSACT_RSP without its buffer: the head and the largest of the answers."""
HINT_OFFSET: Final = 8
"""Where FSP_FSCTL_TRANSACT_REQ has what the answer must have, too."""

READ_KIND: Final = 5
WRITE_KIND: Final = 6
"""FspFsctlTransact…Kind."""

_NOTIFY_INFO: Final = struct.Struct("<H2xII")
_ALIGNMENT: Final = 8
MAX_NOTIFY_BYTES: Final = (1 << 16) - 1

SMALLEST_ENTRY_BYTES: Final = _DIR_INFO.size + FILE_INFO_BYTES + len(_PADDING) + 2


def utf16(text: str) -> bytes:
    """As Windows has it, halves of pairs included."""
    return text.encode("utf-16-le", "surrogatepass")


def file_info(info: FileInfo) -> bytes:
    """FSP_FSCTL_FILE_INFO."""
    return _FILE_INFO.pack(
        info.attributes,
        0,
        info.allocation_size,
        info.file_size,
        info.created,
        info.accessed,
        info.written,
        info.changed,
        info.index,
        0,
        0,
    )


def volume_info(volume: Volume) -> bytes:
    """FSP_FSCTL_VOLUME_INFO."""
    label = utf16(volume.label)
    return _VOLUME_INFO.pack(volume.total, volume.free, len(label), label)


def entry(name: str, info: FileInfo) -> bytes:
    """FSP_FSCTL_DIR_INFO."""
    shown = utf16(name)
    size = _DIR_INFO.size + FILE_INFO_BYTES + len(_PADDING) + len(shown)
    return _DIR_INFO.pack(size) + file_info(info) + _PADDING + shown


def response(kind: int, hint: int, status: int, count: int, info: FileInfo | None) -> bytes:
    """FSP_FSCTL_TRANSACT_RSP for a read or write of ``count`` bytes."""
    head = _RESPONSE.pack(0, RESPONSE_BYTES, kind, hint, count, status)
    return (head + (b"" if info is None else file_info(info))).ljust(RESPONSE_BYTES, b"\0")


def notices(changes: Iterable[tuple[int, int, str]]) -> list[bytes]:
    """FSP_FSCTL_NOTIFY_INFO of each filter, action and path; as many together as one call takes."""
    batches, batch = [], b""
    for kind, action, path in changes:
        name = utf16(path)
        notice = _NOTIFY_INFO.pack(_NOTIFY_INFO.size + len(name), kind, action) + name
        notice = notice.ljust(-(-len(notice) // _ALIGNMENT) * _ALIGNMENT, b"\0")
        if len(batch) + len(notice) > MAX_NOTIFY_BYTES:
            batches.append(batch)
            batch = b""
        batch += notice
    return [*batches, batch] if batch else batches
