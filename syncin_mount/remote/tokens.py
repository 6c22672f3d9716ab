"""The access token of an account, which renews itself.

Three tokens (docs/reference/server-protocol.md, "Access"): the client's own (120 days), kept by a
TokenStore; from it a refresh token (4 h) and from either an access token (30 min), kept in memory
only.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import msgspec
import trio

from reconciler.errors import Unauthorized, Unreachable
from reconciler.phrases import Phrase, strerror
from syncin_mount.remote.account import ClientInfo, ServerAccount, TokenStore, this_client
from syncin_mount.remote.decoding import Token, Undecodable, decode
from syncin_mount.remote.errors import Asked, Endpoint
from syncin_mount.remote.grants import Grant, TokenReply, granted
from syncin_mount.remote.http.transport import JSON, Call, Wire
from syncin_mount.remote.refusals.answers import of_answer

_log = logging.getLogger(__name__)

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


class _Update(msgspec.Struct):
    """The part of that answer that must not be lost, whatever else is wrong with it."""

    client_token_update: Token | None = None


class _TokenRequest(msgspec.Struct, rename="camel"):
    client_id: str
    token: str
    info: ClientInfo


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
                Phrase(
                    "{url} did not renew access in time; it is tried again later",
                    url=self._account.url,
                )
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
                await self._note(refused=True)
                raise
            return await self._exchanged(latest)

    async def _note(self, *, refused: bool) -> None:
        await trio.to_thread.run_sync(lambda: self._store.note_answer(refused=refused))

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
            await self._note(refused=False)
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
                Phrase(
                    "The token for {url} is unreadable ({why}); check where it is kept",
                    url=self._account.url,
                    why=strerror(exc),
                )
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
