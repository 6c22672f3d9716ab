"""Which names Windows takes for the same: it compares them in capitals, character by character.

Windows has a table for that. Where it cannot be asked, the Unicode database stands in: a
character has the capital that is one character and leads back to it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from typing import Final

_BASIC_PLANE: Final = range(1, 0x10000)
_SURROGATES: Final = range(0xD800, 0xE000)


@functools.cache
def capitals() -> Mapping[int, int]:
    """The characters of the basic plane that have another capital. Others are compared as they
    are, all pairs of surrogates among them."""
    return _of_windows() if sys.platform == "win32" else of_unicode()


def of_unicode() -> dict[int, int]:
    """The stand-in for Windows' table, and under Wine the same."""
    found = {}
    for code in _BASIC_PLANE:
        small = chr(code)
        # some Greek letters have a capital that is two, and one that begins a title
        upper = small.upper() if len(small.upper()) == 1 else small.title()
        if len(upper) == 1 and upper != small and upper.lower() == small:
            found[code] = ord(upper)
    return {small: capital for small, capital in found.items() if capital in _BASIC_PLANE}


def _of_windows() -> dict[int, int]:
    """The table itself (RtlUpcaseUnicodeChar), as the driver and NTFS use it."""
    import ctypes  # noqa: PLC0415 - not needed elsewhere

    # typeshed has it for Windows alone
    upcase = ctypes.WinDLL("ntdll").RtlUpcaseUnicodeChar  # type: ignore[attr-defined,unused-ignore]
    upcase.argtypes, upcase.restype = [ctypes.c_uint16], ctypes.c_uint16
    return {
        code: capital
        for code in _BASIC_PLANE
        if code not in _SURROGATES and (capital := upcase(code)) != code
    }


def fold(name: str) -> str:
    """The key that all names have which Windows takes for this one."""
    return name.upper() if name.isascii() else name.translate(capitals())
