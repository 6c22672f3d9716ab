"""Requests to one server over HTTP: connections, time-outs, and answers read with bounded memory.

Everything that goes wrong leaves this module as a RemoteError. Redirects are not followed, cookies
play no part.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlencode

import httpx
import msgspec
import trio

from reconciler.errors import RemoteError, Unreachable
from syncin_mount import __version__
from syncin_mount.remote.decoding import Undecodable, decode
from syncin_mount.remote.errors import Asked, Endpoint, TooSlow
from syncin_mount.remote.http.connection_pool import Reply, Transport, as_httpx
from syncin_mount.remote.http.rate_limit import FREE_ANSWER, Limits, Throttle
from syncin_mount.remote.http.route import Way, refuse_clear
from syncin_mount.remote.http.stall_limit import LEAST, WINDOW, Patience
from syncin_mount.remote.refusals.answers import of_answer, strange
from syncin_mount.remote.refusals.failures import FOREIGN, of_failure

_log = logging.getLogger(__name__)

USER_AGENT = f"sync-in-mount/{__version__}"
"""The server greets only those who start with exactly ``sync-in``."""

_AGENT = USER_AGENT.encode("ascii")

_WITH_BODY = ("POST", "PUT")
"""Their length is told even when it is 0."""

ERROR_BYTES = 64 * 1024
"""As much of an unhappy answer is read."""

ANSWER_BYTES = 32 * 1024 * 1024
"""A JSON answer above this is refused: folders with some 100,000 entries stay below."""

_BROKEN = (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.RemoteProtocolError)
"""How it shows that the server closed a connection just when it was to be used again."""

T = TypeVar("T")

JSON = {"Content-Type": "application/json"}
"""The headers of a call with a JSON body."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``idle`` is how long a connection may pass no byte; ``slow`` the same where the
    server works before it answers (listing, move, deletion); ``hashing`` where it reads whole files
    meanwhile (secure listing). An answer that comes must bring ``least`` bytes within each
    ``window`` of waiting: see `patience`."""

    connect: float = 10.0
    idle: float = 30.0
    slow: float = 120.0
    hashing: float = 900.0
    window: float = WINDOW
    least: int = LEAST

    def after_upload(self, size: int) -> float:
        """How long the answer to an upload of ``size`` bytes may take: the server reads it again
        for the checksum."""
        return self.idle + size / 20e6


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``path`` is percent-encoded, below the server's address; ``subject`` is for
    messages.

    ``quiet`` is how long the answer may be silent in seconds (None: as usual). ``repeatable``
    requests are sent once more when a connection breaks before an answer: sending them twice does
    no harm.
    """

    endpoint: Endpoint
    method: str
    path: str
    subject: str = ""
    query: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Upload = b""
    quiet: float | None = None
    repeatable: bool = False


class Upload:
    """A body of known length that is produced while it is sent, and can be produced again.

    ``length`` is in bytes. ``sent`` counts those handed over in the present attempt.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self.sent = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        self.sent = 0
        return self

    async def __anext__(self) -> bytes:
        if self.sent >= self.length:
            raise StopAsyncIteration
        piece = await self.piece(self.sent, self.length - self.sent)
        self.sent += len(piece)
        return piece

    async def piece(self, offset: int, most: int) -> bytes:
        """At least one and at most ``most`` bytes from ``offset`` on."""
        raise NotImplementedError


class Chunks(AsyncIterator[bytes]):
    """An answer's body, in pieces of at most 256 KiB, which wait where there is a limit: not
    reading on holds up the server. Raises Unreachable when it breaks off."""

    def __init__(self, asked: Asked, reply: Reply, limit: Throttle, patience: Patience) -> None:
        self.patience = patience
        self._limit = limit
        self._free = 0 if asked.endpoint is Endpoint.READ else FREE_ANSWER
        self._asked = asked
        self._pieces = reply.pieces
        self.begun = False
        self.ended = False

    async def __anext__(self) -> bytes:
        self.begun = True
        try:
            piece = await self._next()
            if self._free >= len(piece):
                self._free -= len(piece)
                self._limit.count(len(piece))
            else:
                await self._limit.pay(len(piece))
            return piece
        except StopAsyncIteration:
            self.ended = True
            raise
        except FOREIGN as exc:
            self.ended = True
            raise of_failure(self._asked, exc) from exc
        except BaseException:
            self.ended = True
            raise

    async def _next(self) -> bytes:
        began = trio.current_time()
        with trio.move_on_after(self.patience.left), as_httpx():
            piece = await anext(self._pieces)
            self.patience.took(trio.current_time() - began, len(piece))
            return piece
        raise TooSlow("next to nothing came")


class Answer:
    """A successful answer whose body is not read yet."""

    def __init__(
        self,
        asked: Asked,
        reply: Reply,
        limit: Throttle,
        patience: Patience,
        *,
        bodiless: bool = False,
    ) -> None:
        self._reply = reply
        self.asked = asked
        self.status = reply.status
        self.headers = reply.headers
        self.bodiless = bodiless
        self.chunks = Chunks(asked, reply, limit, patience)

    @property
    def is_json(self) -> bool:
        return self.headers.get("content-type", "").startswith("application/json")

    async def read(self, limit: int) -> bytes | None:
        """The whole body, None when it is longer than ``limit`` bytes."""
        body = bytearray()
        async for chunk in self.chunks:
            body += chunk
            if len(body) > limit:
                return None
        return bytes(body)

    async def json(self, kind: type[T]) -> T:
        """The body as ``kind``. Raises Unreachable when it is anything else."""
        return self.decoded(await self.json_bytes(), kind)

    async def json_bytes(self) -> bytes:
        """The body, which may be JSON. Raises Unreachable when it is not, or endless."""
        body = await self.read(ANSWER_BYTES) if self.is_json else None
        if body is None:
            raise self.strange()
        return body

    def decoded(self, body: bytes, kind: type[T]) -> T:
        """``body`` as ``kind``. Raises Unreachable when it is anything else."""
        try:
            return decode(body, kind)
        except Undecodable as exc:
            raise self.strange() from exc

    def strange(self) -> Unreachable:
        """The error for an answer that no Sync-in server gives."""
        return strange(self.asked, self.status)

    async def close(self) -> None:
        """Gives the connection back, or breaks it off when there is more of the body than anybody
        wants."""
        with trio.CancelScope(shield=True):
            if self.chunks.begun and not self.chunks.ended:
                # The parser's generators end by an error rather than by being forgotten, which trio
                # complains about.
                self._reply.network_stream.break_off()
                with contextlib.suppress(Unreachable):
                    async for _ in self.chunks:
                        pass
            await self._reply.aclose()


def _host_of(url: str) -> bytes:
    """As the header Host has it; empty where nobody can be asked, which the first request tells."""
    try:
        return httpx.URL(url).netloc
    except httpx.InvalidURL:
        return b""


class Wire:
    """The connections to one server. Use as an async context manager; any number of tasks may share
    it."""

    def __init__(
        self,
        url: str,
        *,
        account: str = "",
        way: Way | None = None,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
    ) -> None:
        """``url`` comes from `parse_url`; ``account`` is the user's name for it, for messages. A
        ``way`` that cannot be gone is told by the first request: a drive is mounted all the
        same."""
        self.limits = limits or Limits()
        self.url = url
        self.account = account
        self.timeouts = timeouts or Timeouts()
        self._host = _host_of(url)
        self._way = way or Way()
        self._transport: Transport | None = None

    def _opened(self) -> Transport:
        """Raises Refused where the way cannot be gone, or would be in clear."""
        if self._transport is None:
            refuse_clear(self.url, self._way, self.account)
            self._transport = Transport(self.url, self._way)
        return self._transport

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._transport is not None:
            with trio.CancelScope(shield=True):
                await self._transport.aclose()

    @contextlib.asynccontextmanager
    async def exchange(self, call: Call, token: str | None = None) -> AsyncIterator[Answer]:
        """Sends one request. What comes out is a success (2xx); everything else is raised as a
        RemoteError, and what the content raises while it is produced passes through."""
        asked = Asked(call.endpoint, self.url, self.account, call.subject)
        began = trio.current_time()
        reply = await self._send(call, asked, token)
        # Neither headers nor bodies: those have the secrets.
        _log.debug(
            "%s %s: %d after %.3f s",
            call.method,
            call.path,
            reply.status,
            trio.current_time() - began,
        )
        answer = Answer(
            asked, reply, self.limits.down, self._patience(call), bodiless=call.method == "HEAD"
        )
        try:
            if not 200 <= answer.status < 300:
                raise of_answer(asked, answer.status, await _said(answer))
            if answer.headers.get("content-encoding", "identity") != "identity" or (
                call.endpoint is not Endpoint.READ
                and answer.headers.get("content-type", "").startswith("text/html")
            ):
                raise answer.strange()
            yield answer
        finally:
            await answer.close()

    def _patience(self, call: Call) -> Patience:
        """Between the lines of a listing the server may work as long as it may before the first."""
        window = self.timeouts.window
        if call.endpoint is Endpoint.LISTING and call.quiet is not None:
            window = max(window, call.quiet)
        return Patience(window, self.timeouts.least)

    async def _send(self, call: Call, asked: Asked, token: str | None) -> Reply:
        for last in (not call.repeatable, True):
            try:
                return await self._request(call, token)
            except FOREIGN as exc:
                if last or not isinstance(exc, _BROKEN):
                    raise self._failure(call, asked, exc) from exc
        raise AssertionError("the second attempt is the last one")

    @staticmethod
    def _failure(call: Call, asked: Asked, exc: Exception) -> RemoteError:
        error = of_failure(asked, exc)
        if isinstance(call.content, Upload) and call.content.sent < call.content.length:
            error.done = False  # the server cannot have finished what it has not received
        return error

    async def _request(self, call: Call, token: str | None) -> Reply:
        transport = self._opened()
        headers = [
            (b"Host", self._host),
            (b"User-Agent", _AGENT),
            (b"Accept-Encoding", b"identity"),
        ]
        headers += [
            (name.encode("ascii"), value.encode("ascii")) for name, value in call.headers.items()
        ]
        if token is not None:
            headers.append((b"Authorization", b"Bearer " + token.encode("ascii")))
        content = call.content
        length = content.length if isinstance(content, Upload) else len(content)
        if length or call.method in _WITH_BODY:
            headers.append((b"Content-Length", b"%d" % length))
        quiet = self.timeouts.idle if call.quiet is None else call.quiet
        timeout = {
            "connect": self.timeouts.connect,
            "read": quiet,
            "write": self.timeouts.idle,
            "pool": None,
        }
        target = call.path + (f"?{urlencode(call.query)}" if call.query else "")
        coalesce = call.endpoint is Endpoint.LISTING
        limit = self.limits.up
        if limit.rate is not None:
            small = 0 if isinstance(content, Upload) else len(content)
            limit.count(
                len(target) + sum(len(name) + len(value) + 4 for name, value in headers) + small
            )
        if isinstance(content, Upload):
            async with contextlib.aclosing(limit.slices(aiter(content))) as slices:
                return await transport.send(
                    call.method, target, headers, slices, timeout, coalesce=coalesce
                )
        return await transport.send(
            call.method, target, headers, content, timeout, coalesce=coalesce
        )


class _ServerMessage(msgspec.Struct):
    message: str | list[str]


async def _said(answer: Answer) -> str | None:
    """The server's own words about an unhappy answer; where a redirect leads; None for what is not
    Sync-in's own."""
    if 300 <= answer.status < 400:
        return str(answer.headers.get("location", "nowhere"))
    if answer.bodiless:
        return "" if answer.is_json or "content-type" not in answer.headers else None
    if not answer.is_json:
        return None
    body = await answer.read(ERROR_BYTES)
    try:
        message = decode(body or b"", _ServerMessage).message
    except Undecodable:
        return None
    return message if isinstance(message, str) else "; ".join(message)
