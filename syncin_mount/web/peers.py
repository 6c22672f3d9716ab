"""Whose process is at the other end of a TCP connection within this computer, by the kernel's
word."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = tuple[str, int]
"""An IPv4 address and a port."""

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
"""A client may reach 127.0.0.1 with a socket of either family; proc(5) has the columns."""

_MAPPED = "0000000000000000FFFF0000"
"""How an IPv4 address begins in the second table."""


def is_ours(client: Address, server: Address) -> bool:
    """Whether a process of this user connected from ``client`` to our end, ``server``. Nobody
    knows: no."""
    if sys.platform != "linux":
        return False
    return uid_of(client, server) == os.getuid()


def uid_of(client: Address, server: Address) -> int | None:
    """The user whose socket is bound to ``client`` and connected to ``server``; None where there
    is none (any more). A socket that its process closed counts as none: the kernel says 0 then,
    whoever it was."""
    for table in _TABLES:
        try:
            with open(table, encoding="ascii") as lines:
                found = find(lines, client, server)
        except OSError:
            continue
        if found is not None:
            return found
    return None


def find(lines: Iterable[str], client: Address, server: Address) -> int | None:
    """The same, from a table's lines. Pure."""
    near, far = _shown(client), _shown(server)
    for line in lines:
        columns = line.split()
        if len(columns) < 10:
            continue
        local, remote = (column.removeprefix(_MAPPED) for column in columns[1:3])
        if (local, remote) == (near, far):
            uid, inode = columns[7], columns[9]
            return None if inode == "0" else int(uid)
    return None


def _shown(address: Address) -> str:
    host = int.from_bytes(socket.inet_aton(address[0]), sys.byteorder)
    return f"{host:08X}:{address[1]:04X}"
