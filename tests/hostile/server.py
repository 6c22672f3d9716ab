"""A server between the program and an honest one: it passes on all answers but those that it gets
wrong."""

from __future__ import annotations

import contextlib
import re
import socket
import struct

import trio

from tests.hostile.cases import Case, Honest, Told, kind_of, told

SECONDS_A_BYTE = 0.02
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")


class HostileServer:
    """``case`` is what goes wrong from now on, ``hits`` how often it did."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self.case: Case | None = None
        self.hits = 0

    async def serve(self, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        """Serves on loopback until it is cancelled; the value is the port."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        task_status.started(listeners[0].socket.getsockname()[1])
        await trio.serve_listeners(self._handle, listeners)

    async def _handle(self, client: trio.SocketStream) -> None:
        async with client:
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError):
                while await self._exchange(client):
                    pass

    async def _exchange(self, client: trio.SocketStream) -> bool:
        """One request and its answer; whether another may follow."""
        head, rest = await _head(client)
        if not head:
            return False
        method, target = head.split(b" ", 2)[:2]
        length = _LENGTH.search(head)
        body = await _exactly(client, int(length[1]) if length else 0, rest)
        async with await trio.open_tcp_stream("127.0.0.1", self._upstream) as server:
            await server.send_all(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + body)
            answer_head, rest = await _head(server)
            answer = await _rest(server, answer_head, rest, head_only=method == b"HEAD")
        kind = kind_of(method.decode(), target.decode().partition("?")[0])
        if self.case is not None and self.case.kind == kind:
            self.hits += 1
            await _tell(
                client, told(self.case, _honest(answer_head, answer, head_only=method == b"HEAD"))
            )
            return False
        await client.send_all(_framed(answer_head, answer))
        return b"connection: close" not in head.lower()


async def _tell(client: trio.SocketStream, telling: Told) -> None:
    for number, (seconds, part) in enumerate(telling.parts):
        last = number == len(telling.parts) - 1
        await trio.sleep(seconds)
        if telling.slow and last:
            for byte in part:
                await client.send_all(bytes([byte]))
                await trio.sleep(SECONDS_A_BYTE)
        else:
            await client.send_all(part)
    while telling.endless:
        await client.send_all(telling.parts[-1][1])
    if telling.reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif telling.stays:
        while await client.receive_some(65536):
            pass


async def _head(stream: trio.SocketStream) -> tuple[bytes, bytes]:
    """A head, and what came with it; nothing at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = await stream.receive_some(65536)
        if not more:
            return b"", b""
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


async def _exactly(stream: trio.SocketStream, length: int, data: bytes) -> bytes:
    parts = [data]
    left = length - len(data)
    while left > 0:
        more = await stream.receive_some(min(left, 262_144))
        if not more:
            raise trio.BrokenResourceError
        parts.append(more)
        left -= len(more)
    return b"".join(parts)


async def _rest(stream: trio.SocketStream, head: bytes, data: bytes, *, head_only: bool) -> bytes:
    """The body of an answer on a connection that closes behind it, without its chunks' sizes."""
    parts = [data]
    while more := await stream.receive_some(262_144):
        parts.append(more)
    body = b"".join(parts)
    if head_only or not _CHUNKED.search(head):
        return body
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        count = int(size, 16)
        whole += body[:count]
        body = body[count + 2 :]
    return whole


def _honest(head: bytes, body: bytes, *, head_only: bool) -> Honest:
    line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = [each.partition(": ") for each in lines]
    kept = {
        name.lower(): value for name, _, value in headers if name.lower() not in ("date", "server")
    }
    return Honest(int(line.split(" ")[1]), kept, body, head_only)


def _framed(head: bytes, body: bytes) -> bytes:
    """An honest answer with its length, on a connection that goes on."""
    if not _CHUNKED.search(head):
        return head.replace(b"\r\nconnection: close", b"") + body
    head = re.sub(
        rb"(?i)\r\ntransfer-encoding: *chunked", b"\r\ncontent-length: %d" % len(body), head
    )
    return head.replace(b"\r\nconnection: close", b"") + body
