"""Connections: httpcore's pools with our own streams, TLS, and proxies."""

from __future__ import annotations

import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import httpcore
import httpx
import trio

from reconciler.errors import Refused
from reconciler.phrases import Phrase
from syncin_mount.remote.http.chunks import CoalescingStream
from syncin_mount.remote.http.route import Proxy, Way, proxy_for
from syncin_mount.remote.http.socks import SocksBackend
from syncin_mount.remote.http.stream import Backend, Stream
from syncin_mount.remote.remote_paths import shown
from syncin_mount.remote.trust import trusting, unusable

CONNECTIONS = 16

TARGET_BYTES = 65_536
"""Longer ones are not even tried: no server takes them."""

KEEPALIVE_SECONDS = 4.0
"""Node closes idle connections after 5 s where nothing else is configured: we leave first."""


class Reply:
    """An answer's head, and its body as it comes. ``headers`` by their names in lower case; of
    several with one name the last."""

    __slots__ = ("_free", "_stream", "headers", "network_stream", "pieces", "status")

    def __init__(self, response: httpcore.Response, free: Callable[[], None]) -> None:
        """``free`` is called once, when the connection serves this answer no more."""
        self._free: Callable[[], None] | None = free
        self.status = response.status
        self.headers = {
            name.decode("ascii").lower(): value.decode("latin-1")
            for name, value in response.headers
        }
        self.network_stream: Stream = response.extensions["network_stream"]
        stream: Any = response.stream
        self._stream = stream
        self.pieces: AsyncIterator[bytes] = aiter(stream)
        """Raises httpcore's exceptions."""

    async def aclose(self) -> None:
        free, self._free = self._free, None
        try:
            with as_httpx():
                await self._stream.aclose()
        finally:
            if free is not None:
                free()


class _Lanes:
    """Connections for one request each at a time, at most ``most``. Each is a pool of one: a pool
    of many looks through all its connections twice for each request, which is a fifth of what a
    small request costs (measured)."""

    def __init__(self, make: Callable[[], httpcore.AsyncConnectionPool], most: int) -> None:
        self._make = make
        self._room = trio.Semaphore(most)
        self._idle: deque[tuple[httpcore.AsyncConnectionPool, float]] = deque()
        """With the time (s of trio's clock) since when; the one that served last is the last."""
        self._busy: set[httpcore.AsyncConnectionPool] = set()

    async def send(self, request: httpcore.Request) -> Reply:
        """Waits for a connection. Raises httpx's exceptions."""
        try:
            self._room.acquire_nowait()
        except trio.WouldBlock:
            await self._room.acquire()
        lane = self._idle.pop()[0] if self._idle else self._make()
        self._busy.add(lane)
        try:
            await self._drop_old()
            with as_httpx():
                return Reply(await lane.handle_async_request(request), partial(self._free, lane))
        except BaseException:
            self._free(lane)
            raise

    def _free(self, lane: httpcore.AsyncConnectionPool) -> None:
        if lane in self._busy:  # not after the end
            self._busy.remove(lane)
            self._idle.append((lane, trio.current_time()))
            self._room.release()

    async def _drop_old(self) -> None:
        """Closes connections that the server is about to close."""
        while self._idle and self._idle[0][1] < trio.current_time() - KEEPALIVE_SECONDS:
            await _close(self._idle.popleft()[0])

    async def aclose(self) -> None:
        """Closes all, also those that serve."""
        lanes = [*self._busy, *(lane for lane, _ in self._idle)]
        self._busy.clear()
        self._idle.clear()
        for lane in lanes:
            await _close(lane)


async def _close(lane: httpcore.AsyncConnectionPool) -> None:
    with trio.CancelScope(shield=True):
        await lane.aclose()


class Transport:
    """httpcore's pools with our own streams. Each connection is a pool to itself; the listing has
    one for its own, whose streams coalesce.

    httpx would only add what is not wanted here (redirects, cookies, decoding), and takes as long
    for it as httpcore for the rest of a small request (measured).
    """

    def __init__(self, url: str, way: Way) -> None:
        """``url`` comes from `parse_url`. Raises Refused where the way cannot be gone."""
        context = tls(way) if url.startswith("https:") else None
        proxy = proxy_for(url, way)
        to_proxy = tls(Way()) if proxy is not None and proxy.kind == "https" else None
        self._plain = _Lanes(
            partial(_pool, proxy, context, to_proxy, Stream, connections=1, idle=1), CONNECTIONS
        )
        # a coalescing stream serves one answer
        self._listing = _pool(proxy, context, to_proxy, CoalescingStream, connections=4, idle=0)
        try:
            parts = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise Refused(
                Phrase(
                    "{url} is no address of a server: {error}",
                    url=shown(url),
                    error=shown(str(error)),
                )
            ) from error
        self._scheme, self._host, self._port = parts.raw_scheme, parts.raw_host, parts.port
        self._prefix = parts.raw_path.rstrip(b"/") + b"/"

    async def send(
        self,
        method: str,
        target: str,
        headers: list[tuple[bytes, bytes]],
        content: bytes | AsyncIterable[bytes],
        timeout: dict[str, float | None],
        *,
        coalesce: bool,
    ) -> Reply:
        """``target`` is percent-encoded and below the server's address. Raises httpx's
        exceptions."""
        path = self._prefix + target.encode("ascii")
        if len(path) > TARGET_BYTES:
            raise httpx.InvalidURL("URL too long")
        request = httpcore.Request(
            method,
            httpcore.URL(scheme=self._scheme, host=self._host, port=self._port, target=path),
            headers=headers,
            content=content,
            extensions={"timeout": timeout},
        )
        if not coalesce:
            return await self._plain.send(request)
        with as_httpx():
            return Reply(await self._listing.handle_async_request(request), _nothing)

    async def aclose(self) -> None:
        await self._plain.aclose()
        await self._listing.aclose()


def _nothing() -> None:
    """The pool frees it by itself."""


@contextlib.contextmanager
def as_httpx() -> Iterator[None]:
    """httpcore's exceptions under httpx's names, which are the same."""
    try:
        yield
    except (
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
        httpcore.ProxyError,
    ) as exc:
        raise getattr(httpx, type(exc).__name__)(str(exc)) from exc
    except httpcore.UnsupportedProtocol as exc:
        raise httpx.UnsupportedProtocol(str(exc)) from exc


def _pool(
    proxy: Proxy | None,
    context: ssl.SSLContext | None,
    to_proxy: ssl.SSLContext | None,
    kind: type[Stream],
    *,
    connections: int,
    idle: int,
) -> httpcore.AsyncConnectionPool:
    if proxy is None or proxy.kind == "socks5":
        return httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=idle,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=Backend(kind) if proxy is None else SocksBackend(proxy, kind),
        )
    return httpcore.AsyncHTTPProxy(
        httpcore.URL(scheme=proxy.kind, host=proxy.host, port=proxy.port, target="/"),
        proxy_auth=proxy.login,
        proxy_ssl_context=to_proxy,
        ssl_context=context,
        max_connections=connections,
        max_keepalive_connections=idle,
        keepalive_expiry=KEEPALIVE_SECONDS,
        network_backend=Backend(kind),
    )


def tls(way: Way) -> ssl.SSLContext:
    """Whom to trust on this way (`trust`), and the certificate to show. Raises Refused when a file
    that was set, or one that the environment names, cannot be used."""
    context = trusting(way.ca_file, insecure=way.insecure_tls)
    if way.client_cert is not None:
        try:
            context.load_cert_chain(way.client_cert, password=_no_passphrase)
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            raise unusable(Phrase("certificate and key"), way.client_cert, why) from error
    return context


def _no_passphrase() -> str:
    """Nobody is there to be asked when a drive is mounted by itself."""
    raise ValueError(Phrase("it is protected by a passphrase, which nobody is asked for"))
