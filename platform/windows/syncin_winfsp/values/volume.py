"""What Windows is told of the drive as a whole. Pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import os

MAX_LABEL_UNITS: Final = 32
"""UTF-16 units of a drive's name (FSP_FSCTL_VOLUME_INFO)."""

FILE_SYSTEM: Final = "NTFS"
"""Installers and Office look at this word before they write."""

USUAL_LABEL: Final = "Sync-in"

IRP_TIMEOUT_MS: Final = 600_000
"""How long the driver waits for an answer: its most. Then it takes a read's buffer back."""
ANSWER_SECONDS: Final = 540.0
"""After which a read or write that still waits is answered, well before that."""

INFO_TIMEOUT_MS: Final = 1000
"""How long the driver remembers a file's attributes. Contents it does not remember."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Sizes are bytes."""

    total: int
    free: int
    label: str


def volume_of(found: os.statvfs_result, name: str) -> Volume:
    """``name`` is the synchronization's."""
    return Volume(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, label_of(name))


def label_of(name: str) -> str:
    """The drive's name in Explorer: as much of it as there is room for, whole characters only."""
    label = name or USUAL_LABEL
    while len(label.encode("utf-16-le", "surrogatepass")) > 2 * MAX_LABEL_UNITS:
        label = label[:-1]
    return label


def serial_of(name: str) -> int:
    """The drive's serial number: the same at each mount, never 0."""
    return zlib.crc32(name.encode("utf-8", "surrogateescape")) or 1


def parameters(name: str, created: int) -> dict[str, int | str]:
    """FSP_FSCTL_VOLUME_PARAMS, by winfspy's names. ``created`` is a FILETIME.

    The driver compares names without regard to case. It asks for one name at a time where a
    program does, and need not tell of handles that changed nothing.
    """
    return {
        "sector_size": 512,
        "sectors_per_allocation_unit": 8,
        "max_component_length": 255,
        "volume_creation_time": created,
        "volume_serial_number": serial_of(name),
        "irp_timeout": IRP_TIMEOUT_MS,
        "file_info_timeout": INFO_TIMEOUT_MS,
        "case_sensitive_search": 0,
        "case_preserved_names": 1,
        "unicode_on_disk": 1,
        "persistent_acls": 0,
        "reparse_points": 0,
        "named_streams": 0,
        "extended_attributes": 0,
        "read_only_volume": 0,  # it may change while the drive is mounted: operations refuse
        "post_cleanup_when_modified_only": 1,
        "pass_query_directory_file_name": 1,
        "um_file_context_is_user_context2": 1,
        "file_system_name": FILE_SYSTEM,
    }
