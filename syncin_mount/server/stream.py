"""Connections as the transfers need them: httpcore's trio streams, with three things added.

An answer that comes before the request is sent ends the sending: a server that refuses an upload of gigabytes (405,
401, 507) is heard at once, whether it then reads on, stands still or closes. A body that nobody wants to read to its
end is broken off without leaving suspended generators behind. The third is in `chunks`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import trio

_WATCHED = 16 * 1024
"""Smaller writes fit into any socket buffer: they cannot stall, so nobody listens meanwhile (bytes)."""

_SLICE = 64 * 1024

_READ = 64 * 1024

_GREEDY = 256 * 1024
"""Bytes that are read at once, whatever was asked for, when the read before gave all that was asked for: a long answer
costs less in large pieces, and a short one less in small."""


class Stream(httpcore.AsyncNetworkStream):
    """A connection whose writes end early when the peer speaks first."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._early = b""
        self._broken_off = False
        self._filled = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._broken_off:
            raise httpcore.ReadError("not wanted any more")
        if self._early:
            data, self._early = self._early[:max_bytes], self._early[max_bytes:]
            return data
        data = await self._inner.read(_GREEDY if self._filled else max_bytes, timeout)
        self._filled = len(data) >= max_bytes
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Raises httpcore.WriteError also when the peer answered or closed before all was sent: httpcore then reads the
        answer."""
        self._broken_off = False  # the body that was broken off had arrived all the same: a new request begins
        if len(buffer) < _WATCHED:
            await self._inner.write(buffer, timeout)
            return
        failure: httpcore.NetworkError | httpcore.TimeoutException | None = None
        spoken: list[bytes] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen, spoken, nursery.cancel_scope)
            try:
                for start in range(0, len(buffer), _SLICE):  # the time-out is for a standstill, not for a slow line
                    await self._inner.write(buffer[start : start + _SLICE], timeout)
            except (httpcore.WriteError, httpcore.WriteTimeout) as exc:
                failure = exc
            nursery.cancel_scope.cancel()
        self._early += b"".join(spoken)
        if spoken:
            raise httpcore.WriteError("the server answered before it had the whole request")
        if failure is not None:
            raise failure

    async def _listen(self, spoken: list[bytes], writing: trio.CancelScope) -> None:
        """Keeps what the peer says; anything but an interim answer (1xx) ends the writing."""
        interim = True
        while interim:
            try:
                data = await self._inner.read(_READ)
            except httpcore.ReadError:
                data = b""  # the reader will meet the same error
            interim = data.startswith(b"HTTP/1.1 1") and b"\r\nHTTP/1.1 " not in data
            if interim:
                self._early += data
            else:
                spoken.append(data)
        writing.cancel()

    def break_off(self) -> None:
        """Every further read of the present answer fails: who still iterates over it ends with an error, at once."""
        self._broken_off = True

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
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
        return self._kind(await self._trio.connect_tcp(host, port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)
