"""Whose process connected to a port of this computer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from syncin_mount.system import tcp

if TYPE_CHECKING:
    import trio

log = logging.getLogger(__name__)


def comes_from_us(stream: trio.SocketStream) -> bool:
    """Whether a process of this user is at the other end, by the kernel's word; one of another user
    is logged. Nothing is read."""
    try:
        client, server = stream.socket.getpeername(), stream.socket.getsockname()
    except OSError:
        return False  # it is gone
    if tcp.is_ours(client, server):
        return True
    log.warning("a connection from another user's process was refused")
    return False
