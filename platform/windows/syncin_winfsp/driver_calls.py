"""Calls of WinFsp's library that winfspy's binding lacks, by ctypes on the library as it is
loaded."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any

from winfspy.plumbing import ffi, get_winfsp_library_name, lib

if TYPE_CHECKING:
    from syncin_winfsp.notifications import Driver


class Notices:
    """``syncin_winfsp.notifications.Driver`` for one FSP_FILE_SYSTEM, at this address."""

    def __init__(self, library: Any, file_system: int) -> None:
        self._library = library
        self._file_system = file_system

    def begin(self, timeout_ms: int) -> int:
        """No file is renamed from now on."""
        return int(self._library.FspFileSystemNotifyBegin(self._file_system, timeout_ms))

    def notify(self, notices: bytes) -> int:
        """Tells of changes."""
        return int(self._library.FspFileSystemNotify(self._file_system, notices, len(notices)))

    def end(self) -> int:
        """Files may be renamed again."""
        return int(self._library.FspFileSystemNotifyEnd(self._file_system))


def of(file_system: Any) -> Driver:
    """``file_system`` is winfspy's pointer."""
    # the stand-in of tests has all calls in one place
    library = _library() if sys.platform == "win32" else lib
    return Notices(library, int(ffi.cast("uintptr_t", file_system)))


def _library() -> Any:
    name = f"{get_winfsp_library_name()}.dll"
    # typeshed has it for Windows alone
    library = ctypes.WinDLL(name)  # type: ignore[attr-defined,unused-ignore]
    pointer, ulong = ctypes.c_void_p, ctypes.c_ulong
    library.FspFileSystemNotifyBegin.argtypes = [pointer, ulong]
    library.FspFileSystemNotify.argtypes = [pointer, ctypes.c_char_p, ctypes.c_size_t]
    library.FspFileSystemNotifyEnd.argtypes = [pointer]
    return library
