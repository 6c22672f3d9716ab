"""The same on Linux: proc(5) has the tables of TCP, with the user of each socket."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

assert sys.platform != "win32"

Address = tuple[str, int]
"""An IPv4 address and a port."""

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
"""A client may reach 127.0.0.1 with a socket of either family; proc(5) has the columns."""

_MAPPED = "0000000000000000FFFF0000"
"""How an IPv4 address begins in the second table."""

_LISTENS = "0A"
"""The state of a socket that accepts connections (``TCP_LISTEN``)."""


def is_ours(client: Address, server: Address) -> bool:
    """Whether a process of this user connected from ``client`` to our end, ``server``. Nobody
    knows: no."""
    return sys.platform == "linux" and uid_of(client, server) == os.getuid()


def listener(address: Address) -> tuple[int, bool] | None:
    """The process that accepts connections at exactly this address (0: not to be seen), and whether
    it is this user's; None where there is none."""
    shown = _shown(address)
    for columns in _rows(_TABLES[0]):
        if columns[1] == shown and columns[3] == _LISTENS:
            return holder({columns[9]}), int(columns[7]) == os.getuid()
    return None


def keep_port(listening: socket.socket) -> None:
    """Nobody else may listen at the port of this socket, which is not bound yet: Linux sees to that
    by itself."""


def holder(inodes: set[str]) -> int:
    """The process of ours that has one of these sockets open, or 0."""
    links = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if any(os.readlink(each) in links for each in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:  # another user's, or it ended
            continue
    return 0


def uid_of(client: Address, server: Address) -> int | None:
    """The user whose socket is bound to ``client`` and connected to ``server``; None where there
    is none (any more). A socket that its process closed counts as none: the kernel says 0 then,
    whoever it was."""
    for table in _TABLES:
        found = find(_rows(table), client, server)
        if found is not None:
            return found
    return None


def find(rows: Iterable[list[str]], client: Address, server: Address) -> int | None:
    """The same, from a table's rows. Pure."""
    near, far = _shown(client), _shown(server)
    for columns in rows:
        local, remote = (column.removeprefix(_MAPPED) for column in columns[1:3])
        if (local, remote) == (near, far):
            uid, inode = columns[7], columns[9]
            return None if inode == "0" else int(uid)
    return None


def rows(lines: Iterable[str]) -> Iterable[list[str]]:
    """The columns of a table's lines, as far as they are whole. Pure."""
    return (columns for columns in map(str.split, lines) if len(columns) >= 10)


def _rows(table: str) -> Iterable[list[str]]:
    try:
        with open(table, encoding="ascii") as lines:
            yield from rows(lines)
    except OSError:
        return


def _shown(address: Address) -> str:
    host = int.from_bytes(socket.inet_aton(address[0]), sys.byteorder)
    return f"{host:08X}:{address[1]:04X}"
