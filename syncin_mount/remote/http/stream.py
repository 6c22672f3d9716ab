"""Connections as the transfers need them: httpcore's trio streams, with four things added.

An answer that comes before the request is sent ends the sending: a server that refuses an upload of
gigabytes (405, 401, 507) is heard at once, whether it then reads on, stands still or closes. A body
that nobody wants to read to its end is broken off without leaving suspended generators behind. The
head of an answer comes whole and in time, however it is broken up or put off by interim answers
(`heads`). The fourth is in `chunks`.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import trio

from syncin_mount.remote.http.heads import Heads

_WATCHED = 16 * 1024
"""Smaller writes fit into any socket buffer: they cannot stall, so nobody listens meanwhile
(bytes)."""

_SLICE = 64 * 1024
"""A write is handed over in slices of so many bytes at first: its time-out is for a standstill, not
for a slow line."""

_LARGEST_SLICE = 512 * 1024
"""Where a line is quick its slices grow up to this: each costs as much as some 50 KiB of its
content (measured)."""

_QUICK, _SLOW = 0.05, 0.5
"""Seconds within which a slice passes for the next to be twice as long; after which it is half as
long."""

_READ = 64 * 1024

_GREEDY = 256 * 1024
"""Bytes that are read at once, whatever was asked for, when the read before gave all that was asked
for: a long answer costs less in large pieces, and a short one less in small."""


class Stream(httpcore.AsyncNetworkStream):
    """A connection whose writes end early when the peer speaks first."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._early = b""
        self._broken_off = False
        self._filled = False
        self._heads = Heads()
        self._head_until: float | None = None
        self._slice = _SLICE

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._broken_off:
            raise httpcore.ReadError("not wanted any more")
        if self._early:
            data, self._early = self._early[:max_bytes], self._early[max_bytes:]
            return data
        if self._heads.waiting:
            return await self._read_head(max_bytes, timeout)
        data = await self._inner.read(_GREEDY if self._filled else max_bytes, timeout)
        self._filled = len(data) >= max_bytes
        return data

    async def _read_head(self, max_bytes: int, timeout: float | None) -> bytes:
        """``timeout`` is for all of the head and what comes before it."""
        if self._head_until is None:
            self._head_until = trio.current_time() + (math.inf if timeout is None else timeout)
        while True:
            data = await self._inner.read(
                max_bytes, max(self._head_until - trio.current_time(), 0.0)
            )
            ready = self._heads.feed(data) if data else self._heads.end()
            if ready or not data:
                return ready

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Raises httpcore.WriteError also when the peer answered or closed before all was sent:
        httpcore then reads the answer."""
        self._heads.begin()
        self._head_until = None
        # the body that was broken off had arrived all the same: a new request begins
        self._broken_off = False
        if len(buffer) < _WATCHED:
            await self._inner.write(buffer, timeout)
            return
        failure: httpcore.NetworkError | httpcore.TimeoutException | None = None
        spoken: list[bytes | httpcore.RemoteProtocolError] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen, spoken, nursery.cancel_scope)
            try:
                await self._write_slices(buffer, timeout)
            except (httpcore.WriteError, httpcore.WriteTimeout) as exc:
                failure = exc
            nursery.cancel_scope.cancel()
        for said in spoken:
            if isinstance(said, httpcore.RemoteProtocolError):
                raise said
            self._early += said
        if spoken:
            raise httpcore.WriteError("the server answered before it had the whole request")
        if failure is not None:
            raise failure

    async def _write_slices(self, buffer: bytes, timeout: float | None) -> None:
        start = 0
        while start < len(buffer):
            began = trio.current_time()
            await self._inner.write(buffer[start : start + self._slice], timeout)
            start += self._slice
            took = trio.current_time() - began
            if took < _QUICK:
                self._slice = min(self._slice * 2, _LARGEST_SLICE)
            elif took > _SLOW:
                self._slice = max(self._slice // 2, _SLICE)

    async def _listen(
        self, spoken: list[bytes | httpcore.RemoteProtocolError], writing: trio.CancelScope
    ) -> None:
        """Keeps what the peer says; anything but an interim answer (1xx) ends the writing."""
        while not spoken:
            try:
                data = await self._inner.read(_READ)
                ready = self._heads.feed(data) if data else self._heads.end()
            except httpcore.ReadError:
                spoken.append(b"")  # the reader will meet the same error
            except httpcore.RemoteProtocolError as exc:
                spoken.append(exc)
            else:
                if ready or not data:
                    spoken.append(ready)
        writing.cancel()

    def break_off(self) -> None:
        """Every further read of the present answer fails: who still iterates over it ends with an
        error, at once."""
        self._broken_off = True

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return type(self)(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._early:
            return True
        return self._inner.get_extra_info(info)


class Backend(httpcore.AsyncNetworkBackend):
    """Opens connections as ``kind`` of streams."""

    def __init__(self, kind: type[Stream] = Stream) -> None:
        self._kind = kind
        self._trio = httpcore.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return self._kind(
            await self._trio.connect_tcp(host, port, timeout, local_address, socket_options)
        )

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)
