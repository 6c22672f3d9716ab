"""Connections to a daemon in GLib's main loop. Nothing waits, but who asks for it (`wait`)."""

from __future__ import annotations

import math
import os
import select
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from gi.repository import GLib

from . import http

_IN = GLib.IOCondition.IN | GLib.IOCondition.HUP | GLib.IOCondition.ERR
_OUT = GLib.IOCondition.OUT | GLib.IOCondition.HUP | GLib.IOCondition.ERR
_PIECE = 256 * 1024


def _connected(path: str) -> socket.socket:
    """To a process of ours; it does not block. Raises OSError."""
    if sys.platform == "win32":
        raise OSError("there are no such sockets")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        connection.connect(path)
        credentials = connection.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
        )
        if struct.unpack("3i", credentials)[1] != os.getuid():
            raise PermissionError("another user's process listens there")
    except OSError:
        connection.close()
        raise
    return connection


class Connection:
    """One, with what comes on it. ``take`` is given each value, ``lost`` called once when it ends:
    neither before the constructor returned."""

    def __init__(
        self,
        path: str,
        *,
        lines: bool,
        take: Callable[[Any], None],
        lost: Callable[[], None],
    ) -> None:
        """Raises OSError: nobody listens there, or nobody of ours, or very many wait to be let
        in."""
        self._take, self._lost = take, lost
        self._answers = http.Answers(lines=lines)
        self._out = b""
        self._sources: dict[int, int] = {}
        self._socket = _connected(path)
        self._add(_IN, self._readable)

    def _add(self, condition: Any, callback: Callable[..., bool]) -> None:
        source = GLib.unix_fd_add_full(
            GLib.PRIORITY_DEFAULT_IDLE, self._socket.fileno(), condition, callback, None
        )
        self._sources[int(condition)] = source

    def send(self, data: bytes) -> None:
        """Goes out as fast as the daemon takes it."""
        idle = not self._out
        self._out += data
        if idle:
            self._add(_OUT, self._writable)

    def flush(self) -> None:
        """Sends now what the daemon takes at once."""
        if self._out and self._write() and not self._out:
            GLib.source_remove(self._sources.pop(int(_OUT)))

    def wait(self, seconds: float) -> None:
        """Waits for what comes next, and takes it; not longer than this, and without the main loop:
        nothing else happens meanwhile."""
        self.flush()
        if not self._sources:  # it ended
            return
        if sys.platform == "win32":
            return  # there are no connections
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | (select.POLLOUT if self._out else 0))
        # A HUP without POLLIN is read, too: that ends the connection.
        if any(event & ~select.POLLOUT for _, event in poll.poll(math.ceil(seconds * 1000))):
            self._readable()

    def close(self) -> None:
        """Nothing comes any more, and nobody is told."""
        for source in self._sources.values():
            GLib.source_remove(source)
        self._sources.clear()
        self._socket.close()

    def _end(self) -> bool:
        lost, self._lost = self._lost, _nothing
        self.close()
        lost()
        return False

    def _write(self) -> bool:
        """Whether the connection still is one."""
        try:
            sent = self._socket.send(self._out)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return self._end()
        self._out = self._out[sent:]
        return True

    def _writable(self, *_: Any) -> bool:
        if not self._write():
            return False
        if self._out:
            return True
        del self._sources[int(_OUT)]
        return False

    def _readable(self, *_: Any) -> bool:
        try:
            data = self._socket.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return self._end()
        if not data:
            return self._end()
        try:
            values = self._answers.take(data)
        except http.Nonsense:
            return self._end()
        for value in values:
            if not self._sources:  # closed by one before
                return False
            self._take(value)
        return bool(self._sources)


def _nothing() -> None:
    pass
