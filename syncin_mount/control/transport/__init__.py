"""The way between commands and daemons: the one place that decides which one this system has.

Unix sockets, where the kernel checks who opens them; elsewhere TCP within this computer, with a
token in a private file. Who asks and who answers knows the file's path, and nothing of the way.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from syncin_mount.control.transport.port import Address, StrangerListens, Transport

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import trio

    from syncin_mount.control.transport.port import App


def _usual() -> Transport:
    if sys.platform == "win32":
        from syncin_mount.control.transport.loopback import (  # noqa: PLC0415 (only one is loaded)
            Loopback,
        )

        return Loopback()
    else:  # noqa: RET505 - what follows it is unreachable on Windows, for the type checker
        from syncin_mount.control.transport.unix import (  # noqa: PLC0415 (only one is loaded)
            UnixSockets,
        )

        return UnixSockets()


USED: Transport = _usual()
"""The way of this process; tests exchange it."""


def address(path: Path) -> Address:
    """As `Transport.address`."""
    return USED.address(path)


def connect(path: Path, seconds: float | None) -> socket.socket:
    """As `Transport.connect`."""
    return USED.connect(path, seconds)


async def open_stream(path: Path) -> trio.SocketStream:
    """As `Transport.open_stream`."""
    return await USED.open_stream(path)


def listens(path: Path) -> bool:
    """Whether a process of ours accepts connections there."""
    return listener_of(path) is not None


def listener_of(path: Path) -> int | None:
    """As `Transport.listener_of`."""
    return USED.listener_of(path)


def is_strangers(path: Path) -> bool:
    """As `Transport.is_strangers`."""
    return USED.is_strangers(path)


def is_overrun(path: Path) -> bool:
    """As `Transport.is_overrun`."""
    return USED.is_overrun(path)


async def serve_http(path: Path, app: App, task_status: trio.TaskStatus[None]) -> None:
    """As `Transport.serve_http`."""
    await USED.serve_http(path, app, task_status)


async def serve_streams(
    path: Path,
    talk: Callable[[trio.SocketStream], Awaitable[None]],
    task_status: trio.TaskStatus[None],
) -> None:
    """As `Transport.serve_streams`."""
    await USED.serve_streams(path, talk, task_status)


__all__ = [
    "Address",
    "StrangerListens",
    "Transport",
    "address",
    "connect",
    "is_overrun",
    "is_strangers",
    "listener_of",
    "listens",
    "open_stream",
    "serve_http",
    "serve_streams",
]
