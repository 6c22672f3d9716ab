"""A client that sends requests byte by byte as they were recorded: no path is tidied, no header
added."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import h11
import trio

LIMIT = 30  # s that any single exchange may take


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One connection at a time, kept alive between requests as the server allows."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.opened = 0
        self._stream: trio.SocketStream | None = None
        self._state = h11.Connection(h11.CLIENT)

    async def aclose(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()
            self._stream = None

    async def send(
        self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes = b""
    ) -> Reply | None:
        """None when the connection broke instead of an answer."""
        with trio.fail_after(LIMIT):
            try:
                return await self._exchange(method, target, headers, body)
            except (trio.BrokenResourceError, h11.RemoteProtocolError):
                await self.aclose()
                return None

    async def _exchange(
        self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> Reply:
        if self._stream is None:
            self._stream = await trio.open_tcp_stream("127.0.0.1", self.port)
            self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
            self.opened += 1
        length = [("Content-Length", str(len(body)))] if body or method in ("POST", "PUT") else []
        request = h11.Request(
            method=method, target=target, headers=[("Host", "localhost"), *headers, *length]
        )
        await self._stream.send_all(self._state.send(request) or b"")
        for at in range(0, len(body), 1 << 16):
            await self._stream.send_all(
                self._state.send(h11.Data(body[at : at + (1 << 16)])) or b""
            )
        await self._stream.send_all(self._state.send(h11.EndOfMessage()) or b"")
        return await self._answer()

    async def _answer(self) -> Reply:
        assert self._stream is not None
        status, headers, body = 0, {}, bytearray()
        while True:
            event = self._state.next_event()
            if event is h11.NEED_DATA:
                self._state.receive_data(await self._stream.receive_some())
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
        if self._state.our_state is h11.DONE and self._state.their_state is h11.DONE:
            self._state.start_next_cycle()
        else:
            await self.aclose()
        return Reply(status, headers, bytes(body))


async def begin_upload(
    port: int,
    target: str,
    token: str,
    announced: int,
    body: bytes,
    *,
    method: str = "POST",
    expect: bool = False,
) -> trio.SocketStream:
    """Sends the head of an upload and a part of its body, and leaves the connection open."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {announced}\r\n"
        f"{'Expect: 100-continue' + chr(13) + chr(10) if expect else ''}\r\n"
    )
    await stream.send_all(head.encode() + body)
    return stream


async def chunked_upload(port: int, target: str, token: str, body: bytes) -> bytes:
    """A whole upload with Transfer-Encoding: chunked; returns what comes back, raw."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        head = (
            f"POST {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer"
            f" {token}\r\nConnection: close\r\nContent-Type:"
            " application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        await stream.send_all(
            head.encode() + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        )
        answer = b""
        with trio.fail_after(LIMIT):
            while piece := await stream.receive_some():
                answer += piece
    return answer


async def reset(stream: trio.SocketStream) -> None:
    """Ends a connection with a RST."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await trio.aclose_forcefully(stream)
