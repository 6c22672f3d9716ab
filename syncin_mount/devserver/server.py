"""`DevServer`: the parts put together, and the ASGI application over them."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import trio

from .accounts import Accounts
from .faultfile import FaultFile
from .faults import CutRequest, CutResponse, Delay, Effect, Faults, Moment, Reply, Stall, StopListing
from .locks import Locks
from .model import Share, Space, User
from .operations import Operations
from .paths import Paths
from .places import Places, Root
from .quota import Quotas
from .routes import Router
from .store import Store
from .tokens import hash_password
from .uploads import Uploads
from .web import Web
from .wire import (
    HEADERS_TOO_LARGE,
    Answer,
    BadUrl,
    BodySource,
    ClientGone,
    Message,
    Receive,
    Refusal,
    Request,
    Scope,
    Send,
    json_answer,
    os_refusal,
    read_scope,
    send_answer,
)

_log = logging.getLogger(__name__)
_HEADERS_MAX = 16 * 1024  # bytes of request line and headers
_RECORDS_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request that has ended. Byte counts are of the bodies; `status` is None when no answer was begun."""

    method: str
    path: str
    query: str
    status: int | None
    bytes_in: int
    bytes_out: int


class _Cut(Exception):  # an order, not a failure
    """The fault rules end this connection now."""


class DevServer:
    """A Sync-in-compatible server over real files below `root`.

    `root` is created when missing; clients and registered paths found in it are kept. `users` are added to those known,
    or change them. Nothing listens yet: see `serve`. Raises OSError and `StateError`.

    The parts that a test may want to force or look at are public: `store` (everything a real server has in its
    database; call `store.save()` after changing it), `locks`, `quotas`, `faults`, `requests` (the last
    100,000 requests, oldest first).
    """

    def __init__(
        self,
        root: Path,
        users: Sequence[User] = (),
        *,
        spaces: Sequence[Space] = (),
        shares: Sequence[Share] = (),
        clock: Callable[[], float] = time.time,
        faults: Faults | None = None,
        fault_file: Path | None = None,
        request_log: Path | None = None,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = Path(os.path.realpath(root))
        self.clock = clock
        self.faults = Faults() if faults is None else faults
        self._fault_file = None if fault_file is None else FaultFile(fault_file, self.faults)
        if self._fault_file is not None:
            self._fault_file.load()
        self.requests: deque[RequestRecord] = deque(maxlen=_RECORDS_KEPT)
        self._request_log = None if request_log is None else request_log.open("a", encoding="utf-8", buffering=1)
        self.store = Store(self.root)
        self.places = Places(self.root, self.store)
        self.locks = Locks(clock)
        self.quotas = Quotas(clock)
        self._connections: dict[tuple[str, int], trio.SocketStream] = {}
        self._declare(users, spaces, shares)
        accounts = Accounts(self.store, clock)
        self.paths = Paths(self.store, self.places, self.quotas, clock)
        operations = Operations(self.store, self.places, self.locks, self.quotas, clock)
        self._router = Router(
            accounts,
            self.places,
            self.paths,
            operations,
            Uploads(self.locks, self.quotas, clock),
            self.quotas,
            Web(self.store, self.places, operations, self.locks, self.quotas, clock, self._make_folders),
        )

    def _declare(self, users: Sequence[User], spaces: Sequence[Space], shares: Sequence[Share]) -> None:
        for user in users:
            self.store.declare_user(user, hash_password(user.password))
        now = int(self.clock())
        for space in spaces:
            self.store.declare_space(space, now)
        for share in shares:
            self.store.declare_share(share, now)
        for account in self.store.state.accounts:
            self._make_folders(self.places.user_root(account.login))
        for row in self.store.state.spaces:
            self._make_folders(self.places.space_root(row.alias))
        self.store.save()

    def _make_folders(self, root: Root) -> None:
        for name in ("files", "trash"):
            os.makedirs(os.path.join(root.base, name), exist_ok=True)

    # for tests and the demo

    def files_of(self, login: str) -> Path:
        return self.root / "users" / login / "files"

    def trash_of(self, login: str) -> Path:
        return self.root / "users" / login / "trash"

    def space_files(self, alias: str) -> Path:
        return self.root / "spaces" / alias / "files"

    def set_password(self, login: str, password: str) -> None:
        """What an administrator does; registered clients keep their tokens. Raises KeyError."""
        account = self.store.account_named(login)
        if account is None:
            raise KeyError(login)
        account.password_hash = hash_password(password)
        account.attempts = 0
        self.store.save()

    def close(self) -> None:
        """Closes the request log. The state file is always up to date."""
        if self._request_log is not None:
            self._request_log.close()
            self._request_log = None

    # connections, told by `serve`

    def connection_opened(self, client: tuple[str, int], stream: trio.SocketStream) -> None:
        self._connections[client] = stream

    def connection_closed(self, client: tuple[str, int]) -> None:
        self._connections.pop(client, None)

    def cut_connections(self) -> None:
        """Ends every open connection on the wire, whatever is under way on it."""
        for stream in list(self._connections.values()):
            _shut_down(stream)

    # ASGI

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application. Never raises for what a client does or a fault rule says."""
        if scope["type"] != "http":
            return
        exchange = _Exchange(receive, send)
        try:
            await self._serve_request(scope, exchange)
        except _Cut:
            await self._cut(scope, exchange)
        except ClientGone:
            pass
        finally:
            self._record(scope, exchange)

    async def _serve_request(self, scope: Scope, exchange: _Exchange) -> None:
        if (
            len(scope["raw_path"]) + len(scope["query_string"]) + sum(map(_header_size, scope["headers"]))
            > _HEADERS_MAX
        ):
            await exchange.drain_body()
            await send_answer(HEADERS_TOO_LARGE, exchange.send)
            return
        try:
            request = read_scope(scope, exchange.receive)
        except BadUrl as error:
            await exchange.drain_body()
            await send_answer(error.answer(), exchange.send)
            return
        if self._fault_file is not None:
            self._fault_file.reload_if_changed()
        effects = self.faults.effects_for(request.method, request.path)
        answer = await self._work(request, exchange, effects)
        try:
            for effect in effects:
                answer = await _after(effect, answer, request)
                exchange.disturb_answer(effect)
            await request.drain()
        except BaseException:
            _discard(answer)
            raise
        if any(isinstance(effect, CutResponse) and not effect.after_bytes for effect in effects):
            _discard(answer)
            raise _Cut
        await send_answer(answer, exchange.send)

    async def _work(self, request: Request, exchange: _Exchange, effects: list[Effect]) -> Answer:
        for effect in effects:
            match effect:
                case Delay(seconds, Moment.BEFORE):
                    await trio.sleep(seconds)
                case Reply(moment=Moment.BEFORE):
                    return _reply(effect)
                case Stall(Moment.BEFORE):
                    await _wait_disconnected(request)
                case CutRequest(after_bytes):
                    exchange.cut_request_after(after_bytes)
        try:
            return await self._router.answer(request)
        except Refusal as refusal:
            return refusal.answer()
        except OSError as error:
            return os_refusal(error).answer()
        except ClientGone:
            raise
        except Exception:  # noqa: BLE001  # a defect here must be a 500 on the wire and a traceback in the log
            _log.exception("%s %s failed", request.method, request.path)
            return Refusal(500, "Internal server error").answer()

    async def _cut(self, scope: Scope, exchange: _Exchange) -> None:
        client = scope.get("client")
        stream = self._connections.get((client[0], client[1])) if client else None
        if stream is None:
            raise RuntimeError("a connection can only be cut when it was accepted by devserver.serve")
        _shut_down(stream)
        await exchange.wait_gone()

    def _record(self, scope: Scope, exchange: _Exchange) -> None:
        record = RequestRecord(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            exchange.status,
            exchange.bytes_in,
            exchange.bytes_out,
        )
        self.requests.append(record)
        if self._request_log is not None:
            self._request_log.write(json.dumps(asdict(record), ensure_ascii=True) + "\n")


def _header_size(header: tuple[bytes, bytes]) -> int:
    return len(header[0]) + len(header[1]) + 4


def _shut_down(stream: trio.SocketStream) -> None:
    try:
        stream.socket.shutdown(socket.SHUT_RDWR)
    except OSError:
        _log.debug("the connection was gone already")


def _discard(answer: Answer) -> None:
    if not isinstance(answer.body, bytes):
        answer.body.close()


def _reply(effect: Reply) -> Answer:
    if effect.body is None:
        return json_answer({"statusCode": effect.status, "message": "Injected fault"}, effect.status)
    return Answer(effect.status, effect.body.encode(), ((b"content-type", effect.content_type.encode()),))


async def _after(effect: Effect, answer: Answer, request: Request) -> Answer:
    """What a rule makes of the finished work's answer."""
    match effect:
        case Delay(seconds, Moment.AFTER):
            await trio.sleep(seconds)
        case Reply(moment=Moment.AFTER):
            _discard(answer)
            return _reply(effect)
        case Stall(Moment.AFTER):
            await _wait_disconnected(request)
        case StopListing(after_lines) if not isinstance(answer.body, bytes):
            return Answer(answer.status, _Stopped(answer.body, after_lines), answer.headers)
    return answer


async def _wait_disconnected(request: Request) -> None:
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


class _Exchange:
    """One request and its answer on the wire: counts bytes, and applies the rules that act while they flow."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._gone = False
        self._cut_request: int | None = None
        self._cut_response: int | None = None
        self._stall_after: int | None = None
        self._delay = 0.0
        self.status: int | None = None
        self.bytes_in = 0
        self.bytes_out = 0

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
            raise _Cut
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._gone = True
            return message
        body = message.get("body", b"")
        if self._cut_request is not None and self.bytes_in + len(body) > self._cut_request:
            message = {**message, "body": body[: self._cut_request - self.bytes_in], "more_body": True}
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
                raise _Cut
            await self.wait_gone()
            raise ClientGone
        self.bytes_out += len(body)
        await self._send(message)

    async def drain_body(self) -> None:
        more = True
        while more and not self._gone:
            more = (await self.receive()).get("more_body", False)

    async def wait_gone(self) -> None:
        """Until the disconnect is seen the body must be read, or the connection's reader would wait for us forever."""
        while not self._gone:
            self._gone = (await self._receive())["type"] == "http.disconnect"
