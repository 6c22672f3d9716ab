"""Positioned reading and writing on Windows: ReadFile and WriteFile with an OVERLAPPED structure.

The C runtime has no pread(2). A seek followed by a read or a write is none: the position belongs to
the descriptor, so that two threads on one descriptor read, and write, at each other's. The offset
in an OVERLAPPED structure is part of the one call, also for a handle that is not opened for
overlapped operations. (The call moves the descriptor's own position, which nobody here uses.)
"""

from __future__ import annotations

import ctypes
import msvcrt
import sys
from ctypes import wintypes
from typing import Final

assert sys.platform == "win32"

MOST_BYTES: Final = 1 << 30
"""Windows takes sizes of 32 bits."""
_ERROR_HANDLE_EOF: Final = 38


class Overlapped(ctypes.Structure):
    """OVERLAPPED: where in the file a call acts."""

    _fields_ = (
        ("internal", ctypes.c_size_t),
        ("internal_high", ctypes.c_size_t),
        ("offset_low", wintypes.DWORD),
        ("offset_high", wintypes.DWORD),
        ("event", wintypes.HANDLE),
    )


def at(offset: int) -> Overlapped:
    """The structure for an offset (bytes)."""
    return Overlapped(offset_low=offset & 0xFFFF_FFFF, offset_high=offset >> 32)


def last_error(path: str | None = None) -> OSError:
    """What the thread's last call of `KERNEL32` failed with; Python finds the errno and the class
    for it."""
    code = ctypes.get_last_error()
    return OSError(0, ctypes.FormatError(code).strip(), path, code)


KERNEL32 = ctypes.WinDLL("kernel32", use_last_error=True)
for _call in (KERNEL32.ReadFile, KERNEL32.WriteFile):
    _call.restype = wintypes.BOOL
    _call.argtypes = (
        wintypes.HANDLE,
        wintypes.LPVOID,
        wintypes.DWORD,
        ctypes.POINTER(wintypes.DWORD),
        ctypes.POINTER(Overlapped),
    )


def _read(fd: int, buffer: bytearray | memoryview, offset: int) -> int:
    size = min(len(buffer), MOST_BYTES)
    if not size:
        return 0
    target = (ctypes.c_char * size).from_buffer(buffer)
    count = wintypes.DWORD()
    handle = msvcrt.get_osfhandle(fd)
    if not KERNEL32.ReadFile(handle, target, size, ctypes.byref(count), ctypes.byref(at(offset))):
        if ctypes.get_last_error() == _ERROR_HANDLE_EOF:
            return 0
        raise last_error()
    return count.value


def pread(fd: int, size: int, offset: int) -> bytes:
    """Up to ``size`` bytes; ``b""`` at the end."""
    buffer = bytearray(size)
    count = _read(fd, buffer, offset)
    return bytes(memoryview(buffer)[:count])


def pwrite(fd: int, data: bytes | memoryview, offset: int) -> int:
    """Writes at an offset; how many bytes."""
    piece = data if isinstance(data, bytes) else bytes(data)
    size = min(len(piece), MOST_BYTES)
    count = wintypes.DWORD()
    handle = msvcrt.get_osfhandle(fd)
    if not KERNEL32.WriteFile(handle, piece, size, ctypes.byref(count), ctypes.byref(at(offset))):
        raise last_error()
    return count.value


def read_cached(fd: int, buffer: memoryview, offset: int) -> int:  # noqa: ARG001 - nothing to do with them
    """Windows cannot say what is cached: nothing is."""
    return 0


def read_into(fd: int, buffer: memoryview, offset: int) -> int:
    """Fills ``buffer`` up to the end of the file; returns the number of bytes. May block."""
    done = 0
    while done < len(buffer):
        count = _read(fd, buffer[done:], offset + done)
        if count == 0:
            break
        done += count
    return done


def is_hole(fd: int, length: int, offset: int) -> bool:  # noqa: ARG001 - nothing to do with them
    """Files here are not trusted to know their holes."""
    return False
