"""HTTP on a socket that listens: hypercorn, as a whole or connection by connection."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio import serve
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from syncin_mount.control.transport.port import App

log = logging.getLogger(__name__)

_GRACE = 1.0
"""Seconds that answers under way get at the end."""


def _config() -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    return config


async def serve_socket(
    listener: socket.socket, app: App, task_status: trio.TaskStatus[None]
) -> None:
    """Answers everybody who can connect to the socket, which is taken over, until cancelled; then
    requests under way get a second. Reports started once connections are accepted."""
    config = _config()
    config.bind = [f"fd://{listener.detach()}"]
    config.graceful_timeout = _GRACE
    end = trio.Event()

    async def run(*, task_status: trio.TaskStatus[list[str]]) -> None:
        # hypercorn types ASGI by its own names; ours is the same protocol.
        # Hypercorn's types want a status of another kind than trio gives
        await serve(app, config, shutdown_trigger=end.wait, task_status=task_status)

    async with trio.open_nursery() as nursery:
        try:
            with trio.CancelScope(shield=True):
                await nursery.start(run)
            task_status.started()
            await trio.sleep_forever()
        finally:
            end.set()


class Connections:
    """Hands connections to hypercorn, which speaks HTTP, once ``may_enter`` says so: others get no
    byte, and can keep nothing busy. ``most`` of them at the same time; each has ``idle_s`` seconds
    to begin its next request, headers and all. ``of`` what they are is for the log."""

    def __init__(
        self,
        app: App,
        may_enter: Callable[[trio.SocketStream], bool],
        *,
        of: str,
        most: int,
        idle_s: float,
    ) -> None:
        self._config = _config()
        self._config.include_server_header = False
        self._config.keep_alive_timeout = idle_s
        # hypercorn names its own types of scope and messages; ours are plain dictionaries
        self._app = ASGIWrapper(app)
        self._context = WorkerContext(None)
        self._may_enter = may_enter
        self._of = of
        self._most = most
        self._count = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        """One connection, to its end."""
        if self._count >= self._most or not self._may_enter(stream):
            await trio.aclose_forcefully(stream)
            return
        self._count += 1
        try:
            # Its types know connections with TLS only.
            state: Any = ConnectionState({})
            await TCPServer(self._app, self._config, self._context, state, cast("Any", stream))
        except Exception:
            log.exception("a connection failed (%s)", self._of)
        finally:
            self._count -= 1
