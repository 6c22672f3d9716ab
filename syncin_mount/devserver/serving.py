"""Serving a `DevServer` over HTTP/1.1 in the caller's nursery.

hypercorn's connection handler does the protocol. Its `serve` is not used because it keeps the
sockets to itself: fault rules must be able to cut a connection before a single byte of the answer,
and hypercorn turns an application that ends without an answer into a 500. So connections are
accepted here, and the server knows each one's stream.
"""

from __future__ import annotations

import math
import socket
import ssl
from dataclasses import dataclass

import trio
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import wrap_app

from .server import DevServer

_KEEP_ALIVE = 72.0  # s, as the real server


@dataclass(frozen=True, slots=True)
class Running:
    """Where a server listens."""

    host: str
    port: int
    tls: bool = False

    @property
    def url(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.tls else ''}://{shown}:{self.port}"


def _config() -> Config:
    config = Config()
    config.keep_alive_timeout = _KEEP_ALIVE
    config.keep_alive_max_requests = 10**9
    config.h11_max_incomplete_size = 256 * 1024
    config.include_server_header = False
    config.accesslog = None
    return config


async def serve(
    server: DevServer,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tls: ssl.SSLContext | None = None,
    task_status: trio.TaskStatus[Running] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serves until cancelled; with `nursery.start` the value is where it listens (port 0 takes a
    free one).

    Raises OSError when it cannot listen. On cancellation open connections are cut; uploads leave
    their partials.
    """
    listeners = await trio.open_tcp_listeners(port, host=host)
    await serve_listeners(server, listeners, tls=tls, task_status=task_status)


async def serve_listeners(
    server: DevServer,
    listeners: list[trio.SocketListener],
    *,
    tls: ssl.SSLContext | None = None,
    task_status: trio.TaskStatus[Running] = trio.TASK_STATUS_IGNORED,
) -> None:
    """As `serve`, over listeners that are open already; they are closed at the end. With ``tls``,
    everything goes through it."""
    config = _config()
    app = wrap_app(server.app, config.wsgi_max_body_size, "asgi")  # type: ignore[arg-type]
    context = WorkerContext(None)

    async def handle(stream: trio.SocketStream) -> None:
        try:
            client = stream.socket.getpeername()[:2]
        except OSError:
            await trio.aclose_forcefully(stream)
            return
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.connection_opened(client, stream)
        try:
            channel = (
                stream
                if tls is None
                else trio.SSLStream(stream, tls, server_side=True, https_compatible=True)
            )
            await TCPServer(app, config, context, ConnectionState({}), channel)  # type: ignore[arg-type]
        finally:
            server.connection_closed(client)

    bound = listeners[0].socket.getsockname()
    async with trio.open_nursery() as connections:
        try:
            task_status.started(Running(bound[0], bound[1], tls is not None))
            await trio.serve_listeners(handle, listeners, handler_nursery=connections)
        finally:
            # hypercorn shields its sends: a client that does not read would hold the cancellation
            # up.
            await context.terminated.set()
            server.cut_connections()
            connections.cancel_scope.deadline = -math.inf
