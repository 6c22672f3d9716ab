"""Unix sockets: made private, and looked at without speaking to anybody.

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
from typing import TYPE_CHECKING, Final

from syncin_mount.config import private_folder
from syncin_mount.control.transport.port import Address, StrangerListens

if sys.platform != "win32":
    from syncin_mount.system.tcp.linux import holder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import trio

    from syncin_mount.control.transport.port import App

assert sys.platform != "win32"

_SOCKETS: Final = Path("/proc/net/unix")
_LISTENING: Final = "00010000"
"""The flag of a socket there that accepts connections (``SO_ACCEPTCON``)."""


class UnixSockets:
    """The `Transport` of systems whose kernel checks who opens a socket's file."""

    def address(self, path: Path) -> Address:
        return Address("daemon", socket=os.fspath(path))

    def connect(self, path: Path, seconds: float | None) -> socket.socket:
        connection = _connected(path, seconds)
        try:
            ours = peer(connection)[1] == os.getuid()
        except BaseException:
            connection.close()
            raise
        if not ours:
            connection.close()
            raise StrangerListens
        return connection

    async def open_stream(self, path: Path) -> trio.SocketStream:
        import trio  # noqa: PLC0415 (start-up time)

        return await trio.open_unix_socket(os.fspath(path))

    def listener_of(self, path: Path) -> int | None:
        found = _listener(path)
        return None if found is None or found[1] != os.getuid() else found[0]

    def is_strangers(self, path: Path) -> bool:
        found = _listener(path)
        return found is not None and found[1] != os.getuid()

    def is_overrun(self, path: Path) -> bool:
        try:
            with _connected(path):
                return False
        except BlockingIOError:
            return True
        except OSError:
            return False

    async def serve_http(self, path: Path, app: App, task_status: trio.TaskStatus[None]) -> None:
        from syncin_mount.control.transport.http_server import (  # noqa: PLC0415 (start-up time)
            serve_socket,
        )

        try:
            await serve_socket(_listen_privately(path), app, task_status)
        finally:
            path.unlink(missing_ok=True)

    async def serve_streams(
        self,
        path: Path,
        talk: Callable[[trio.SocketStream], Awaitable[None]],
        task_status: trio.TaskStatus[None],
    ) -> None:
        import trio  # noqa: PLC0415 (start-up time)

        listener = _listen_privately(path)
        listener.listen()
        task_status.started()
        try:
            await trio.serve_listeners(
                talk, [trio.SocketListener(trio.socket.from_stdlib_socket(listener))]
            )
        finally:
            path.unlink(missing_ok=True)


def _listen_privately(path: Path) -> socket.socket:
    """A socket of mode 0600 in a folder of mode 0700. What an ended daemon left under that name is
    replaced: the caller holds a lock that says that there is no living one."""
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


def _listener(path: Path) -> tuple[int, int] | None:
    """Its process and user."""
    try:
        with _connected(path) as probe:
            return peer(probe)
    except BlockingIOError:
        return _overrun_listener(path)
    except OSError:
        return None


def _connected(path: Path, seconds: float | None = 2.0) -> socket.socket:
    """To be closed. Raises OSError, which is BlockingIOError where the queue is full (unix(7))."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(seconds)
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
    return holder(inodes), user


def peer(connection: socket.socket) -> tuple[int, int]:
    """The process at the other end of a Unix socket (for who connected: that listens) and its user,
    from the kernel; 0 and ourselves where the system does not tell. Raises OSError."""
    if sys.platform != "linux":
        return 0, os.getuid()
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    pid, uid, _gid = struct.unpack("3i", credentials)
    return int(pid), int(uid)
