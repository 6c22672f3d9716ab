"""The Unix sockets that daemons listen on: made private, and looked at without speaking to anybody."""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import TYPE_CHECKING

from syncin_mount.config import private_folder

if TYPE_CHECKING:
    from pathlib import Path


def listen_privately(path: Path) -> socket.socket:
    """A socket of mode 0600 in a folder of mode 0700. What an ended daemon left under that name is replaced: the caller
    holds a lock that says that there is no living one."""
    if sys.platform == "win32":
        raise NotImplementedError("the control API on Windows is not there yet")
    private_folder(path.parent)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(os.fspath(path))
        path.chmod(0o600)
    except BaseException:
        listener.close()
        raise
    return listener


def listens(path: Path) -> bool:
    """Whether somebody accepts connections there. A socket file alone proves nothing: a killed daemon leaves it."""
    return listener_of(path) is not None


def listener_of(path: Path) -> int | None:
    """The process that accepts connections there (0 where the system does not tell), or None."""
    if sys.platform == "win32":
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return None
        if sys.platform != "linux":
            return 0
        credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[0])
