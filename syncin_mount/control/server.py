"""The daemon's end of the control API: a Unix socket that only its owner can open."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio
from hypercorn.config import Config
from hypercorn.trio import serve

from syncin_mount.control.app import ControlApp
from syncin_mount.control.sockets import listen_privately

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from syncin_mount.control.service import Service

_GRACE = 1.0
"""Seconds that answers under way get at the end."""


async def serve_control(
    service: Service,
    path: Path,
    sentence: Callable[[object], str] = str,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answers on the socket until cancelled; then requests under way get a second, and the socket
    file goes.

    ``sentence`` says for people what an error of the service means. Reports started once
    connections are accepted.
    """
    config = Config()
    config.bind = [f"fd://{listen_privately(path).detach()}"]
    config.graceful_timeout = _GRACE
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    end = trio.Event()

    async def run(*, task_status: trio.TaskStatus[list[str]]) -> None:
        # hypercorn types ASGI by its own names; ours is the same protocol.
        app = ControlApp(service, sentence)
        # Hypercorn's types want a status of another kind than trio gives
        await serve(app, config, shutdown_trigger=end.wait, task_status=task_status)  # type: ignore[arg-type]

    async with trio.open_nursery() as nursery:
        try:
            with trio.CancelScope(shield=True):
                await nursery.start(run)
            task_status.started()
            await trio.sleep_forever()
        finally:
            end.set()
            path.unlink(missing_ok=True)
