"""The same on Windows: GetExtendedTcpTable names the process of each connection, and a process has
a user."""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from collections.abc import Iterator
from ctypes import wintypes
from typing import Final

if sys.platform == "win32":
    from syncin_mount.system.identity import is_our_process

assert sys.platform == "win32"

Address = tuple[str, int]
"""An IPv4 address and a port."""

_LISTENERS, _CONNECTIONS = 3, 4  # TCP_TABLE_OWNER_PID_LISTENER, …_CONNECTIONS
_TOO_SMALL: Final = 122
_ROW: Final = struct.Struct("=I4sI4sII")
"""State, then address and port of the near and of the far end, then the process."""

_GET_TABLE = ctypes.WinDLL("iphlpapi").GetExtendedTcpTable
_GET_TABLE.restype = wintypes.DWORD
_GET_TABLE.argtypes = (
    ctypes.c_void_p,
    ctypes.POINTER(wintypes.DWORD),
    wintypes.BOOL,
    wintypes.ULONG,
    ctypes.c_int,
    wintypes.ULONG,
)


def is_ours(client: Address, server: Address) -> bool:
    """Whether a process of this user connected from ``client`` to our end, ``server``. Nobody
    knows: no."""
    return any(
        (near, far) == (client, server) and is_our_process(process)
        for near, far, process in _rows(_CONNECTIONS)
    )


def listener(address: Address) -> tuple[int, bool] | None:
    """The process that accepts connections at exactly this address, and whether it is this user's;
    None where there is none."""
    for near, _, process in _rows(_LISTENERS):
        if near == address:
            return process, is_our_process(process)
    return None


def keep_port(listening: socket.socket) -> None:
    """Nobody else may listen at the port of this socket, which is not bound yet: Windows would let
    whoever asks for it."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)


def _rows(kind: int) -> Iterator[tuple[Address, Address, int]]:
    """Near end, far end and process of each connection. None where Windows does not tell."""
    size = wintypes.DWORD(16 * 1024)
    while True:
        table = ctypes.create_string_buffer(size.value)
        code = _GET_TABLE(table, ctypes.byref(size), False, socket.AF_INET, kind, 0)
        if code != _TOO_SMALL:
            break
    if code:
        return
    (count,) = struct.unpack_from("=I", table)
    for row in range(count):
        _, near, near_port, far, far_port, process = _ROW.unpack_from(table, 4 + row * _ROW.size)
        yield _address(near, near_port), _address(far, far_port), process


def _address(host: bytes, port: int) -> Address:
    """The port's two bytes are in the order of networks, in the lower half of the number."""
    return socket.inet_ntoa(host), socket.ntohs(port & 0xFFFF)
