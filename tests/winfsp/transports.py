"""How the kernel of tests reaches the frontend: by the library that winfspy has loaded under Wine,
or by the stand-in for winfspy on Linux. Memory is that of ctypes on both."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any, NamedTuple, Protocol

NAMES = (
    *("get_volume_info", "set_volume_label", "get_security_by_name", "create", "open"),
    *("overwrite", "cleanup", "close", "read", "write", "flush", "get_file_info"),
    *("set_basic_info", "set_file_size", "can_delete", "rename", "get_security", "set_security"),
    *("read_directory", "resolve_reparse_points", "get_reparse_point", "set_reparse_point"),
    *("delete_reparse_point", "get_stream_info", "get_dir_info_by_name"),
)
"""In the order of FSP_FILE_SYSTEM_INTERFACE (winfsp.h)."""


class Answer(NamedTuple):
    """``transferred`` (bytes) and ``info`` are those of an answer that came later."""

    status: int
    was_pending: bool
    transferred: int
    info: bytes


class Transport(Protocol):
    def call(self, name: str, *arguments: int) -> Answer: ...

    def notices(self) -> list[bytes]:
        """What the frontend has told of since the last call, batch by batch."""
        ...

    def rename_is_under_way(self, tries: int) -> None:
        """As often the next notices are told to wait."""
        ...


class OnLinux:
    def __init__(self) -> None:
        from winfspy import driver

        self._driver: Any = driver.last()
        assert not self._driver.has_guard

    def call(self, name: str, *arguments: int) -> Answer:
        request = self._driver.call(name, *arguments)
        return Answer(request.status, request.was_pending, request.count, request.info)

    def notices(self) -> list[bytes]:
        found, self._driver.notices = self._driver.notices, []
        return list(found)

    def rename_is_under_way(self, tries: int) -> None:
        self._driver.renames_under_way = tries


class _Out(ctypes.Structure):
    _fields_ = [
        ("status", ctypes.c_uint32),
        ("was_pending", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("padding", ctypes.c_uint32),
        ("info", ctypes.c_char * 72),
    ]


class UnderWine:
    """tests/winfsp/library.c."""

    def __init__(self) -> None:
        path = os.path.join(os.environ["WINFSP_LIBRARY_PATH"], "bin", "winfsp-x64.dll")
        # typeshed has it for Windows alone
        self._library = ctypes.WinDLL(path)  # type: ignore[attr-defined,unused-ignore]
        self._library.TestCall.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        self._library.TestNotices.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        self._library.TestNotices.restype = ctypes.c_uint32
        assert not self._library.TestHasGuard()

    def call(self, name: str, *arguments: int) -> Answer:
        values = (ctypes.c_uint64 * 9)(*(each & (1 << 64) - 1 for each in arguments))
        out = _Out()
        self._library.TestCall(NAMES.index(name), values, ctypes.byref(out))
        status = out.status if name not in {"cleanup", "close"} else 0
        info = ctypes.string_at(ctypes.addressof(out) + _Out.info.offset, 72)
        return Answer(status, bool(out.was_pending), out.count, info)

    def notices(self) -> list[bytes]:
        found = []
        buffer = ctypes.create_string_buffer(1 << 16)
        while size := self._library.TestNotices(buffer, len(buffer)):
            found.append(buffer.raw[:size])
        return found

    def rename_is_under_way(self, tries: int) -> None:
        self._library.TestRenames(tries)


def transport() -> Transport:
    """To the drive that was mounted last."""
    return UnderWine() if sys.platform == "win32" else OnLinux()
