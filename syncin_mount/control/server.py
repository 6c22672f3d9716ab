"""The daemon's end of the control API: only its owner can reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from syncin_mount.control.app import ControlApp
from syncin_mount.control.transport import serve_http

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from syncin_mount.control.service import Service


async def serve_control(
    service: Service,
    path: Path,
    sentence: Callable[[object], str] = str,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answers at ``path`` until cancelled; then the file goes.

    ``sentence`` says for people what an error of the service means. Reports started once
    connections are accepted.
    """
    await serve_http(path, ControlApp(service, sentence), task_status)
