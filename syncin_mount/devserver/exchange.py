"""One request and its answer on the wire, and what fault rules do to them there."""

from __future__ import annotations

from collections.abc import Callable

import trio

from .faults import CutResponse, Delay, Effect, Moment, Reply, Stall, StopListing
from .wire import Answer, BodySource, ClientGone, Message, Receive, Request, Send, json_answer


class Cut(Exception):  # an order, not a failure
    """The fault rules end this connection now."""


def discard(answer: Answer) -> None:
    """Closes an answer that will not be sent."""
    if not isinstance(answer.body, bytes):
        answer.body.close()


def injected_reply(effect: Reply) -> Answer:
    """The answer a rule gives."""
    if effect.body is None:
        return json_answer(
            {"statusCode": effect.status, "message": "Injected fault"}, effect.status
        )
    return Answer(
        effect.status, effect.body.encode(), ((b"content-type", effect.content_type.encode()),)
    )


async def disturb(effect: Effect, answer: Answer, request: Request) -> Answer:
    """What a rule makes of the finished work's answer."""
    match effect:
        case Delay(seconds, Moment.AFTER):
            await trio.sleep(seconds)
        case Reply(moment=Moment.AFTER):
            discard(answer)
            return injected_reply(effect)
        case Stall(Moment.AFTER):
            await wait_disconnected(request)
        case StopListing(after_lines) if not isinstance(answer.body, bytes):
            return Answer(answer.status, _Stopped(answer.body, after_lines), answer.headers)
    return answer


async def wait_disconnected(request: Request) -> None:
    """Reads and drops until the client has gone; raises ClientGone then."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    raise ClientGone


class _Stopped:
    """The first `lines` lines of a body."""

    def __init__(self, source: BodySource, lines: int) -> None:
        self._source = source
        self._lines = lines

    async def read(self) -> bytes:
        if not self._lines:
            return b""
        kept = (await self._source.read()).splitlines(keepends=True)[: self._lines]
        kept = [line for line in kept if line.endswith(b"\n")]
        self._lines -= len(kept)
        return b"".join(kept)

    def close(self) -> None:
        self._source.close()


class Exchange:
    """One request and its answer on the wire: counts bytes, and applies the rules that act while
    they flow."""

    def __init__(self, receive: Receive, send: Send, ended: Callable[[], None]) -> None:
        """`ended` is called once, just before the client can see the end of the answer."""
        self._receive = receive
        self._ended: Callable[[], None] | None = ended
        self._send = send
        self._gone = False
        self.body_ended = False  # the request's
        self._cut_request: int | None = None
        self._cut_response: int | None = None
        self._stall_after: int | None = None
        self._delay = 0.0
        self.status: int | None = None
        self.bytes_in = 0
        self.bytes_out = 0

    def end(self) -> None:
        if self._ended is not None:
            ended, self._ended = self._ended, None
            ended()

    def cut_request_after(self, size: int) -> None:
        self._cut_request = size

    def disturb_answer(self, effect: Effect) -> None:
        match effect:
            case CutResponse(after_bytes) if after_bytes:
                self._cut_response = after_bytes
            case Stall(Moment.DURING, after_bytes):
                self._stall_after = after_bytes
            case Delay(seconds, Moment.DURING):
                self._delay = seconds

    async def receive(self) -> Message:
        if self._cut_request is not None and self.bytes_in >= self._cut_request:
            raise Cut
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._gone = True
            return message
        self.body_ended = not message.get("more_body", False)
        body = message.get("body", b"")
        if self._cut_request is not None and self.bytes_in + len(body) > self._cut_request:
            message = {
                **message,
                "body": body[: self._cut_request - self.bytes_in],
                "more_body": True,
            }
        self.bytes_in += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            await self._send(message)
            return
        if self._delay:
            await trio.sleep(self._delay)
        body: bytes = message.get("body", b"")
        limit = self._cut_response if self._cut_response is not None else self._stall_after
        if limit is not None and self.bytes_out + len(body) >= limit:
            body = body[: limit - self.bytes_out]
            self.bytes_out += len(body)
            await self._send({**message, "body": body, "more_body": True})
            if self._cut_response is not None:
                raise Cut
            self.end()
            await self.wait_gone()
            raise ClientGone
        self.bytes_out += len(body)
        if not message.get("more_body", False):
            self.end()
        await self._send(message)

    async def drain_body(self) -> None:
        more = True
        while more and not self._gone:
            more = (await self.receive()).get("more_body", False)

    async def wait_gone(self) -> None:
        """Until the disconnect is seen the body must be read, or the connection's reader would wait
        for us forever."""
        while not self._gone:
            self._gone = (await self._receive())["type"] == "http.disconnect"
