"""Times: nanoseconds since 1970, and hundreds of nanoseconds since 1601 (FILETIME). Pure."""

from __future__ import annotations

from typing import Final

EPOCH: Final = 116_444_736_000_000_000
"""1970 as a FILETIME (Microsoft's article 167296)."""

UNIT_NS: Final = 100
LAST: Final = (1 << 63) - 1
"""The last FILETIME; later ones would be negative."""

UNCHANGED: Final = frozenset({0, (1 << 64) - 1, (1 << 64) - 2})
"""In FILE_BASIC_INFORMATION 0 leaves a time as it is; -1 and -2 are for the driver alone."""


def to_filetime(time_ns: int) -> int:
    """What Windows is shown: never 0, which would mean that there is no time."""
    return max(1, min(time_ns // UNIT_NS + EPOCH, LAST))


def from_filetime(filetime: int) -> int | None:
    """Nanoseconds since 1970; None for what leaves a time as it is."""
    return None if filetime in UNCHANGED else (filetime - EPOCH) * UNIT_NS
