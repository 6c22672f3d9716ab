"""The daemon's end of the control API: a Unix socket that only its owner can open."""

from __future__ import annotations

import logging
import os
import socket
import sys
from typing import TYPE_CHECKING

import trio
from hypercorn.config import Config
from hypercorn.trio import serve

from syncin_mount.config import private_folder
from syncin_mount.control.app import ControlApp

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.control.service import Service

_GRACE = 1.0
"""Seconds that answers under way get at the end."""


def _listen(path: Path) -> socket.socket:
    """A socket of mode 0600 in a folder of mode 0700. What an ended daemon left under that name is replaced: the caller
    holds the replica's lock, so there is no living one."""
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


async def serve_control(
    service: Service, path: Path, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Answers on the socket until cancelled; then requests under way get a second, and the socket file goes.

    Reports started once connections are accepted.
    """
    config = Config()
    config.bind = [f"fd://{_listen(path).detach()}"]
    config.graceful_timeout = _GRACE
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    end = trio.Event()

    async def run(*, task_status: trio.TaskStatus[list[str]]) -> None:
        # hypercorn types ASGI by its own names; ours is the same protocol.
        await serve(ControlApp(service), config, shutdown_trigger=end.wait, task_status=task_status)  # type: ignore[arg-type]

    async with trio.open_nursery() as nursery:
        try:
            with trio.CancelScope(shield=True):
                await nursery.start(run)
            task_status.started()
            await trio.sleep_forever()
        finally:
            end.set()
            path.unlink(missing_ok=True)
