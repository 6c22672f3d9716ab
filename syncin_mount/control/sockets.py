"""The Unix sockets that daemons listen on: made private, and looked at without speaking to anybody.

Nobody else can connect: the folder (0700) and the socket (0600) are checked by the kernel. And we
speak to nobody else: who listens is asked of the kernel, as the folder may be one in /tmp that
somebody else made first.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from pathlib import Path
from typing import Final

from syncin_mount.config import private_folder

_SOCKETS: Final = Path("/proc/net/unix")
_LISTENING: Final = "00010000"
"""The flag of a socket there that accepts connections (``SO_ACCEPTCON``)."""


def listen_privately(path: Path) -> socket.socket:
    """A socket of mode 0600 in a folder of mode 0700. What an ended daemon left under that name is
    replaced: the caller holds a lock that says that there is no living one."""
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
    """Whether somebody accepts connections there. A socket file alone proves nothing: a killed
    daemon leaves it."""
    return listener_of(path) is not None


def listener_of(path: Path) -> int | None:
    """The process of ours that accepts connections there (0 where the system does not tell), or
    None."""
    found = _listener(path)
    return None if found is None or found[1] != _ourselves() else found[0]


def is_ours(connection: socket.socket) -> bool:
    """Whether a process of this user is at the other end. Raises OSError."""
    return peer(connection)[1] == _ourselves()


def is_strangers(path: Path) -> bool:
    """Whether another user's process accepts connections there: nothing may be said to it."""
    found = _listener(path)
    return found is not None and found[1] != _ourselves()


def is_overrun(path: Path) -> bool:
    """Whether so many connections wait there to be accepted that no other can be made: who listens
    hangs, or is busy at this moment."""
    try:
        with _connected(path):
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def _listener(path: Path) -> tuple[int, int] | None:
    """Its process and user."""
    if sys.platform == "win32":
        return None
    try:
        with _connected(path) as probe:
            return peer(probe)
    except BlockingIOError:
        return _overrun_listener(path)
    except OSError:
        return None


def _connected(path: Path) -> socket.socket:
    """To be closed. Raises OSError, which is BlockingIOError where the queue is full (unix(7))."""
    if sys.platform == "win32":
        raise NotImplementedError("the control API on Windows is not there yet")
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(2.0)
    try:
        probe.connect(os.fspath(path))
    except BaseException:
        probe.close()
        raise
    return probe


def _overrun_listener(path: Path) -> tuple[int, int] | None:
    """The same of one that no connection can tell of: by the kernel's table of sockets. The process
    is 0 where it is not to be seen."""
    try:
        user = path.stat().st_uid
        lines = _SOCKETS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    inodes = {
        words[6]
        for words in (line.split(" ", 7) for line in map(" ".join, map(str.split, lines)))
        if len(words) > 7 and words[3] == _LISTENING and words[7] == os.fspath(path)
    }
    return _holder({f"socket:[{inode}]" for inode in inodes}), user


def _holder(links: set[str]) -> int:
    """The process of ours that has one of these open, or 0."""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if any(os.readlink(each) in links for each in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:  # another user's, or it ended
            continue
    return 0


def peer(connection: socket.socket) -> tuple[int, int]:
    """The process at the other end of a Unix socket (for who connected: that listens) and its user,
    from the kernel; 0 and ourselves where the system does not tell. Raises OSError."""
    if sys.platform != "linux":
        return 0, _ourselves()
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    pid, uid, _gid = struct.unpack("3i", credentials)
    return int(pid), int(uid)


def _ourselves() -> int:
    if sys.platform == "win32":
        return 0
    return os.getuid()
