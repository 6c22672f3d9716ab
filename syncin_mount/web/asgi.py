"""Reading requests and writing answers, within limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import msgspec
import trio

from syncin_mount.control.messages import encoded

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

LARGEST_BODY = 64 * 1024
"""Bytes. Some thousand numbers of changes are the longest that the page says."""

BODY_S = 10.0
"""Seconds that a body may take: it comes from this computer."""

JSON = (b"content-type", b"application/json")
LINES = (b"content-type", b"application/x-ndjson")

_T = TypeVar("_T")


class Unanswerable(Exception):
    """A request that is not understood, or too much: the status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


async def read_body(receive: Receive, kind: type[_T]) -> _T:
    """The request's JSON as ``kind``. Raises Unanswerable for what is too long, too slow or
    something else."""
    body = bytearray()
    with trio.move_on_after(BODY_S) as limit:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Unanswerable(400, "the request ended in the middle")
            body += bytes(message.get("body", b""))
            if len(body) > LARGEST_BODY:
                raise Unanswerable(413, "the request is too long")
            if not message.get("more_body"):
                break
    if limit.cancelled_caught:
        raise Unanswerable(408, "the request takes too long")
    try:
        return msgspec.json.decode(bytes(body), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unanswerable(400, "the request is not understood") from error


async def answer(send: Send, status: int, headers: list[Header], body: bytes) -> None:
    """A whole answer."""
    length = (b"content-length", str(len(body)).encode())
    start = {"type": "http.response.start", "status": status, "headers": [*headers, length]}
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def answer_lines(
    send: Send,
    receive: Receive,
    headers: list[Header],
    opened: AbstractAsyncContextManager[AsyncIterator[object]],
    kind: Header = LINES,
) -> None:
    """An answer that goes on, a line of JSON for each that is given (bytes go out as they are),
    until they end or the browser hangs up: then what gives them is cancelled. The request's body
    must have been read."""
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, kind]})
    async with trio.open_nursery() as nursery:

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            nursery.cancel_scope.cancel()

        nursery.start_soon(watch)
        async with opened as lines:
            async for line in lines:
                part = line if isinstance(line, bytes) else encoded(line) + b"\n"
                await send({"type": "http.response.body", "body": part, "more_body": True})
        nursery.cancel_scope.cancel()
    # Not above: hypercorn tells of the end while it closes the connection, which nobody may cancel.
    await send({"type": "http.response.body", "body": b"", "more_body": False})
