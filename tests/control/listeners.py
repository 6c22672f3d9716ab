"""Listeners that are no daemons, in the way that is used at the moment."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from syncin_mount.control import transport
from syncin_mount.control.transport.loopback import Loopback


def place(path: Path, port: int, **changed: Any) -> None:
    """The file that tells of a listener at this port, with some things ``changed``."""
    path.write_text(json.dumps({"port": port, "pid": os.getpid(), "token": "t" * 43} | changed))


def listen(path: Path, backlog: int = 50) -> socket.socket:
    """A socket that listens, and is found by the path. To be closed."""
    if isinstance(transport.USED, Loopback):
        listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        place(path, listener.getsockname()[1])
    else:
        assert sys.platform != "win32"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(os.fspath(path))
        listener.listen(backlog)
    return listener


def leave(path: Path) -> None:
    """What a killed daemon leaves."""
    listen(path).close()


def connect(path: Path) -> socket.socket:
    """A connection that is being made: it does not block. To be closed."""
    where = transport.address(path)
    if where.socket is None:
        host, _, port = where.host.partition(":")
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex((host, int(port)))
    else:
        assert sys.platform != "win32"
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.connect_ex(where.socket)
    return connection
