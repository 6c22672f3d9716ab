"""Access to an account: logging in once, and requests with access taken care of."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from reconciler.errors import Forbidden, Refused, Unauthorized
from reconciler.phrases import Phrase
from syncin_mount.remote.account import ClientInfo, ServerAccount, TokenStore, this_client
from syncin_mount.remote.decoding import Token, each
from syncin_mount.remote.errors import Endpoint
from syncin_mount.remote.http.rate_limit import Limits
from syncin_mount.remote.http.route import Way
from syncin_mount.remote.http.transport import JSON, Answer, Call, Timeouts, Wire
from syncin_mount.remote.remote_paths import shown
from syncin_mount.remote.tokens import Tokens

_log = logging.getLogger(__name__)

T = TypeVar("T")

# Logging in ----------------------------------------


class _Greeting(msgspec.Struct):
    server: str


class _Registration(msgspec.Struct, rename="camel"):
    login: str
    password: str
    client_id: str
    info: ClientInfo
    code: str | msgspec.UnsetType = msgspec.UNSET


class _Registered(msgspec.Struct, rename="camel"):
    client_token: Token


async def register(
    url: str,
    login: str,
    password: str,
    code: str | None,
    client_id: str,
    info: ClientInfo | None = None,
    *,
    way: Way | None = None,
    timeouts: Timeouts | None = None,
) -> str:
    """Makes this client known to the account; returns its token, which belongs into a TokenStore at
    once.

    ``url`` comes from `parse_url`; ``client_id`` is a UUID (the same one again renews a token and
    keeps what is registered under it); ``code`` is the two-factor or recovery code. Raises
    Unauthorized (password, code, locked), Forbidden (no permission), Unreachable, Untrusted, or
    Refused where no Sync-in server answers. A cancelled call may have registered the client all the
    same; the next one gets the same token.
    """
    body = _Registration(login, password, client_id, info or this_client(), code or msgspec.UNSET)
    async with Wire(url, way=way, timeouts=timeouts) as wire:
        await greet(wire)
        call = Call(
            Endpoint.REGISTER,
            "POST",
            "api/app/sync/register",
            headers=JSON,
            content=msgspec.json.encode(body),
        )
        async with wire.exchange(call) as answer:
            return (await answer.json(_Registered)).client_token


async def probe(url: str, *, way: Way | None = None, timeouts: Timeouts | None = None) -> None:
    """Returns when a Sync-in server answers at ``url`` (of `parse_url`). Nobody's login is sent.
    Raises Unreachable, Untrusted, or Refused where something else answers."""
    async with Wire(url, way=way, timeouts=timeouts) as wire:
        await greet(wire)


async def greet(wire: Wire) -> None:
    """Raises Refused or Unreachable when what answers is no Sync-in server."""
    call = Call(Endpoint.HANDSHAKE, "GET", "api/app/sync/handshake", repeatable=True)
    async with wire.exchange(call) as answer:
        if (await answer.json(_Greeting)).server != "sync-in":
            raise answer.strange()


# Tokens ----------------------------------------


class Session:
    """Requests to one account, with access taken care of. Use as an async context manager; tasks
    may share it."""

    def __init__(
        self,
        account: ServerAccount,
        store: TokenStore,
        *,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``clock`` is monotonic, in seconds. Nothing is sent before the first request."""
        self.account = account
        self.wire = Wire(
            account.url, account=account.name, way=account.way, timeouts=timeouts, limits=limits
        )
        self.timeouts = self.wire.timeouts
        self._tokens = Tokens(self.wire, account, store, clock)

    async def __aenter__(self) -> Self:
        await self.wire.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.wire.__aexit__(kind, exc, trace)

    def forget_access(self) -> None:
        """Permissions come with the access token: what changed on the server is known from the next
        request on."""
        self._tokens.forget()

    def server_time(self) -> float | None:
        """Now by the server's clock, in seconds since the epoch; None when it is not known (nothing
        was sent yet)."""
        return self._tokens.server_time()

    async def check(self) -> None:
        """Raises what the first request would raise: Unreachable, Untrusted, Unauthorized."""
        await self._tokens.access()

    @contextlib.asynccontextmanager
    async def exchange(self, call: Call) -> AsyncIterator[Answer]:
        """`Wire.exchange` with an access token; one that is refused is renewed and the call
        repeated, once. So is one that may not synchronize, when it is some seconds old: only a new
        one tells why."""
        async with contextlib.AsyncExitStack() as stack:
            token = await self._tokens.access()
            try:
                answer = await stack.enter_async_context(self.wire.exchange(call, token))
            except (Unauthorized, Forbidden) as exc:
                if isinstance(exc, Unauthorized):
                    if exc.status != 401:
                        raise
                elif call.endpoint is not Endpoint.PATHS or self._tokens.is_fresh:
                    raise
                # a permission may have come since, or the client may be gone: the token was given
                # before
                else:
                    self._tokens.forget()
                token = await self._tokens.access(rejected=token)
                answer = await stack.enter_async_context(self.wire.exchange(call, token))
            yield answer

    async def send(self, call: Call) -> bytes:
        """For calls whose answer says no more than that it was done, if not an inode. Its body;
        ``b""`` for one of more than 1 MiB."""
        async with self.exchange(call) as answer:
            return await answer.read(1024 * 1024) or b""

    async def ask(self, call: Call, kind: type[T]) -> T:
        """For calls that are answered with JSON of that ``kind``."""
        async with self.exchange(call) as answer:
            return await answer.json(kind)

    async def ask_each(self, call: Call, kind: type[T]) -> list[T]:
        """For calls that are answered with a JSON array of that ``kind``; what is none is left out,
        and told."""
        return self.each(call, await self.ask(call, list[msgspec.Raw]), kind)

    def each(self, call: Call, items: list[msgspec.Raw], kind: type[T]) -> list[T]:
        """Those items of an answer to ``call`` that are of that ``kind``; how many are not goes to
        the log."""
        good, bad = each(items, kind)
        if bad:
            what = f"of {shown(call.subject)} " if call.subject else ""
            _log.warning(
                "%s: %d of %d entries %scannot be understood",
                self.account.url,
                bad,
                len(items),
                what,
            )
        return good


def body(value: object) -> bytes:
    """``value`` as a JSON body. Raises Refused for names that are not UTF-8."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError as exc:
        raise Refused(
            Phrase(
                "A name in the request is not valid UTF-8 and cannot be sent to the server;"
                " rename it"
            )
        ) from exc
