"""Access to an account: logging in once, and tokens that renew themselves.

Three tokens (docs/reference/server-protocol.md, "Access"): the client's own (120 days), kept by a
TokenStore; from it a refresh token (4 h) and from either an access token (30 min), kept in memory
only.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import msgspec
import trio

from reconciler.errors import Forbidden, Refused, Unauthorized, Unreachable
from syncin_mount.remote.account import ClientInfo, ServerAccount, TokenStore, this_client
from syncin_mount.remote.answers import of_answer
from syncin_mount.remote.decoding import Seconds, Token, Undecodable, decode, each, is_time
from syncin_mount.remote.errors import Asked, Endpoint
from syncin_mount.remote.http.rate_limit import Limits
from syncin_mount.remote.http.route import Way
from syncin_mount.remote.http.transport import Answer, Call, Timeouts, Wire
from syncin_mount.remote.remote_paths import shown

_log = logging.getLogger(__name__)

T = TypeVar("T")

JSON = {"Content-Type": "application/json"}

_MARGIN = 120.0
"""Seconds before its end at which a token is renewed (at most a fifth of its life)."""

_UNKNOWN_LIFE = 300.0
"""Life of a token that does not tell it (seconds): short, and a refusal renews it in any case."""

_SHORTEST_LIFE = 10.0
"""Seconds that a token is used whatever it tells: else each request would begin with a renewal."""

_RENEWAL = 45.0
"""Seconds that a renewal may take."""

_AFTER_CANCEL = 0.5
"""Seconds that it may go on after its task was cancelled: a server that is well answers in a
fraction of it."""

_FRESH = 5.0
"""Seconds for which nobody asks for another access token only because of what this one may not
do."""

_OTHER_PROCESS = 1.0
"""Seconds after which a token that another process has just got is surely in the store."""


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


class TokenReply(msgspec.Struct):
    """The answer to auth/token and token/refresh. Expirations are seconds since the epoch by the
    server's clock."""

    access: Token
    refresh: Token
    access_expiration: Seconds | None = None
    refresh_expiration: Seconds | None = None


class _Update(msgspec.Struct):
    """The part of that answer that must not be lost, whatever else is wrong with it."""

    client_token_update: Token | None = None


class _Claims(msgspec.Struct):
    iat: float
    exp: float


class _TokenRequest(msgspec.Struct, rename="camel"):
    client_id: str
    token: str
    info: ClientInfo


@dataclass(frozen=True, slots=True)
class Grant:
    """Tokens and until when they are used, by the local monotonic clock (seconds). ``since`` is
    when they were asked for; ``ahead`` is what the server's own clock (seconds since the epoch) is
    ahead of that one; None when it was not told."""

    access: str
    access_until: float
    refresh: str
    refresh_until: float
    since: float = -math.inf
    ahead: float | None = None


def granted(reply: TokenReply, now: float) -> Grant:
    """Only differences of the server's own times count: how its clock stands to ours does not
    matter."""
    access = _claims(reply.access)
    refresh = _claims(reply.refresh)
    issued = access.iat if access else refresh.iat if refresh else None

    def until(claims: _Claims | None, expiration: int | None) -> float:
        end = claims.exp if claims else expiration
        life = (
            max(end - issued, _SHORTEST_LIFE)
            if end is not None and issued is not None
            else _UNKNOWN_LIFE
        )
        return now + life - min(_MARGIN, life / 5)

    return Grant(
        reply.access,
        until(access, reply.access_expiration),
        reply.refresh,
        until(refresh, reply.refresh_expiration),
        now,
        None if issued is None else issued - now,
    )


def _claims(token: str) -> _Claims | None:
    """The times in a JSON web token; None when it is none. Its signature is the server's
    business."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)), _Claims)
    except ValueError:
        return None
    return claims if is_time(claims.iat) and is_time(claims.exp) else None


class Tokens:
    """The access token of one account. One renewal at a time; who asks meanwhile waits for it."""

    def __init__(
        self, wire: Wire, account: ServerAccount, store: TokenStore, clock: Callable[[], float]
    ) -> None:
        self._wire = wire
        self._account = account
        self._store = store
        self._clock = clock
        self._info = this_client()
        self._lock = trio.Lock()
        self._grant: Grant | None = None
        self._unsaved: str | None = None
        """A client token that could not be saved: the stored one is dead already."""

    async def access(self, rejected: str | None = None) -> str:
        """A token that should be accepted; ``rejected`` is one that was not. Raises Unauthorized,
        Unreachable."""
        token = self._usable(rejected)
        if token is not None:
            return token
        async with self._lock:
            token = self._usable(rejected)
            if token is None:
                self._grant = await self._renew()
                token = self._grant.access
            return token

    def forget(self) -> None:
        """The next request gets its access from the client's token: who it is, and what it may do,
        is asked anew."""
        self._grant = None

    @property
    def is_fresh(self) -> bool:
        """Whether the access token is so new that the server would say the same of another."""
        return self._grant is not None and self._clock() < self._grant.since + _FRESH

    def server_time(self) -> float | None:
        """Seconds since the epoch by the server's clock, to the second; None before it told a
        time."""
        ahead = None if self._grant is None else self._grant.ahead
        return None if ahead is None else self._clock() + ahead

    def _usable(self, rejected: str | None) -> str | None:
        grant = self._grant
        if grant is None or grant.access == rejected or self._clock() >= grant.access_until:
            return None
        return grant.access

    async def _renew(self) -> Grant:
        if self._unsaved is not None:
            await self._save(self._unsaved)
        grant = self._grant
        if grant is not None and self._clock() < grant.refresh_until:
            try:
                return await self._by_refresh(grant.refresh)
            except Unauthorized:
                self._grant = None
        return await self._to_its_end(self._by_client_token)

    async def _to_its_end(self, renew: Callable[[], Awaitable[Grant]]) -> Grant:
        """Renews though the task is cancelled meanwhile, if the answer comes at once: it may hold
        the only copy of a new client token. A server that stands still holds up nobody who
        leaves."""
        ended: Grant | Exception | None = None
        shield = trio.CancelScope(shield=True, deadline=trio.current_time() + _RENEWAL)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_hurry_when_cancelled, shield)
            with shield:
                try:
                    ended = await renew()
                except Exception as exc:  # noqa: BLE001 - a nursery would wrap it
                    ended = exc
            nursery.cancel_scope.cancel()
        if isinstance(ended, Exception):
            raise ended
        if ended is None:
            raise Unreachable(
                f"{self._account.url} did not renew access in time; it is tried again later"
            )
        return ended

    async def _by_refresh(self, refresh: str) -> Grant:
        asked_at = self._clock()
        call = Call(Endpoint.TOKEN, "POST", "api/auth/token/refresh")
        async with self._wire.exchange(call, refresh) as answer:
            return granted(await answer.json(TokenReply), asked_at)

    async def _by_client_token(self) -> Grant:
        token = self._unsaved or await self._load()
        try:
            return await self._exchanged(token)
        except Unauthorized:
            # Every mounted drive of this account is a process of its own: another may just have got
            # the new token.
            await trio.sleep(_OTHER_PROCESS)
            latest = await self._load()
            if latest == token:
                raise
            return await self._exchanged(latest)

    async def _exchanged(self, token: str) -> Grant:
        body = _TokenRequest(self._account.client_id, token, self._info)
        call = Call(
            Endpoint.TOKEN,
            "POST",
            "api/app/sync/auth/token",
            headers=JSON,
            content=msgspec.json.encode(body),
        )
        asked_at = self._clock()
        async with self._wire.exchange(call) as answer:
            told = await answer.json_bytes()
            await self._take_over(told)
            return granted(answer.decoded(told, TokenReply), asked_at)

    async def _take_over(self, told: bytes) -> None:
        """The client's new token, if the answer has one. An empty or impossible one is none: what
        is stored stays."""
        try:
            new = decode(told, _Update).client_token_update
        except Undecodable:
            return
        if new is not None:
            await self._save(new)

    async def _load(self) -> str:
        try:
            return await trio.to_thread.run_sync(self._store.load)
        except LookupError as exc:
            asked = Asked(Endpoint.TOKEN, self._account.url, self._account.name)
            raise of_answer(asked, 403, "there is no token for it here") from exc
        except OSError as exc:
            raise Unauthorized(
                f"The token for {self._account.url} is unreadable ({exc.strerror or exc}); check"
                " where it is kept"
            ) from exc

    async def _save(self, token: str) -> None:
        self._unsaved = token
        try:
            await trio.to_thread.run_sync(self._store.save, token)
        except OSError as exc:
            _log.error(
                "the new token for %s could not be saved (%s): it is kept in memory and saved at"
                " the next renewal",
                self._account.url,
                exc.strerror or exc,
            )
        else:
            self._unsaved = None


async def _hurry_when_cancelled(shield: trio.CancelScope) -> None:
    try:
        await trio.sleep_forever()
    finally:
        shield.deadline = min(shield.deadline, trio.current_time() + _AFTER_CANCEL)


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
            "A name in the request is not valid UTF-8 and cannot be sent to the server; rename it"
        ) from exc
