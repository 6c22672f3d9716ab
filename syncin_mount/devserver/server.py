"""`DevServer`: the parts put together, and the ASGI application over them."""

from __future__ import annotations

import json
import logging
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import trio

from .accounts import Accounts
from .exchange import Cut, Exchange, discard, disturb, injected_reply, wait_disconnected
from .faultfile import FaultFile
from .faults import CutRequest, CutResponse, Delay, Effect, Faults, Moment, Reply, Stall
from .locks import Locks
from .model import Share, Space, User
from .operations import Operations
from .paths import Paths
from .places import Places, Root
from .quota import Quotas
from .routes import Router
from .spaces import Spaces
from .store import FILE_NAME, Store
from .tokens import hash_password
from .uploads import Uploads
from .web import Web
from .wire import (
    HEADERS_TOO_LARGE,
    Answer,
    BadUrl,
    ClientGone,
    Receive,
    Refusal,
    Request,
    Scope,
    Send,
    os_refusal,
    read_scope,
    send_answer,
)

_log = logging.getLogger(__name__)
_HEADERS_MAX = 16 * 1024  # bytes of request line and headers
_RECORDS_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request; it is there before its client sees the end of the answer.

    Byte counts are of the bodies; `status` is None when no answer was begun.
    """

    method: str
    path: str
    query: str
    status: int | None
    bytes_in: int
    bytes_out: int


class DevServer:
    """A Sync-in-compatible server over real files below `root`.

    `root` is created when missing; clients and registered paths found in it are kept. `users` are
    added to those known, or change them. Nothing listens yet: see `serve`. Raises OSError and
    `StateError`.

    The parts that a test may want to force or look at are public: `store` (everything a real server
    has in its database; call `store.save()` after changing it), `locks`, `quotas`, `faults`,
    `requests` (the last 100,000 requests, oldest first).
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
        self._request_log = (
            None if request_log is None else request_log.open("a", encoding="utf-8", buffering=1)
        )
        self._known = (self.root / FILE_NAME).exists()
        self.store = Store(self.root)
        self.places = Places(self.root, self.store)
        self.locks = Locks(clock)
        self.quotas = Quotas(clock)
        self._connections: dict[tuple[str, int], trio.SocketStream] = {}
        self._declare(users, spaces, shares)
        accounts = Accounts(self.store, clock)
        self.paths = Paths(self.store, self.places, self.quotas, clock)
        operations = Operations(self.store, self.places, self.locks, self.quotas, clock)
        team = Spaces(self.store, self.places, clock, self._make_folders)
        self._router = Router(
            accounts,
            self.places,
            self.paths,
            operations,
            Uploads(self.locks, self.quotas, clock),
            self.quotas,
            Web(self.store, self.places, operations, self.locks, self.quotas, team),
            team,
        )

    def _declare(
        self, users: Sequence[User], spaces: Sequence[Space], shares: Sequence[Share]
    ) -> None:
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
        """The top one is closed to other users, and so is all below it."""
        top = self.root / Path(root.base).relative_to(self.root).parts[0]
        try:
            top.mkdir(mode=0o700)
        except FileExistsError:
            if (
                self._known and top.stat().st_uid == (self.root / FILE_NAME).stat().st_uid
            ):  # an earlier version left it open
                top.chmod(0o700)
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
            _shut_down(stream, reset=True)

    # ASGI

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application. Never raises for what a client does or a fault rule says."""
        if scope["type"] != "http":
            return
        exchange = Exchange(receive, send, lambda: self._record(scope, exchange))
        try:
            await self._serve_request(scope, exchange)
        except Cut:
            await self._cut(scope, exchange)
        except ClientGone:
            pass
        finally:
            exchange.end()

    async def _serve_request(self, scope: Scope, exchange: Exchange) -> None:
        if (
            len(scope["raw_path"])
            + len(scope["query_string"])
            + sum(map(_header_size, scope["headers"]))
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
                answer = await disturb(effect, answer, request)
                exchange.disturb_answer(effect)
            await request.drain()
        except BaseException:
            discard(answer)
            raise
        if any(isinstance(effect, CutResponse) and not effect.after_bytes for effect in effects):
            discard(answer)
            raise Cut
        await send_answer(answer, exchange.send)

    async def _work(self, request: Request, exchange: Exchange, effects: list[Effect]) -> Answer:
        for effect in effects:
            match effect:
                case Delay(seconds, Moment.BEFORE):
                    await trio.sleep(seconds)
                case Reply(moment=Moment.BEFORE):
                    return injected_reply(effect)
                case Stall(Moment.BEFORE):
                    await wait_disconnected(request)
                case CutRequest(after_bytes):
                    exchange.cut_request_after(after_bytes)
        try:
            return await self._router.answer(request)
        except Refusal as refusal:
            return refusal.answer()
        except OSError as error:
            return os_refusal(error).answer()
        except (ClientGone, Cut):
            raise
        except Exception:  # noqa: BLE001  # a defect here must be a 500 on the wire and a traceback in the log
            _log.exception("%s %s failed", request.method, request.path)
            return Refusal(500, "Internal server error").answer()

    async def _cut(self, scope: Scope, exchange: Exchange) -> None:
        client = scope.get("client")
        stream = self._connections.get((client[0], client[1])) if client else None
        if stream is None:
            raise RuntimeError(
                "a connection can only be cut when it was accepted by devserver.serve"
            )
        exchange.end()
        _shut_down(stream, reset=not exchange.body_ended)
        await exchange.wait_gone()

    def _record(self, scope: Scope, exchange: Exchange) -> None:
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


def _shut_down(stream: trio.SocketStream, *, reset: bool) -> None:
    """``reset`` is for a client that may be sending: it is told at once, when the connection is
    closed. Else it would wait for room in a buffer that is full for ever, until the kernel forgets
    the connection after a minute."""
    try:
        if reset:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.socket.shutdown(socket.SHUT_RDWR)
    except OSError:
        _log.debug("the connection was gone already")
