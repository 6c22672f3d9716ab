"""Connections: httpcore's pools with our own streams, TLS, and proxies."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from typing import Any

import httpcore
import httpx

from reconciler.errors import Refused
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

    __slots__ = ("_stream", "headers", "network_stream", "pieces", "status")

    def __init__(self, response: httpcore.Response) -> None:
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
        with as_httpx():
            await self._stream.aclose()


class Transport:
    """httpcore's pools with our own streams. The listing has a pool to itself, whose streams
    coalesce.

    httpx would only add what is not wanted here (redirects, cookies, decoding), and takes as long
    for it as httpcore for the rest of a small request (measured).
    """

    def __init__(self, url: str, way: Way) -> None:
        """``url`` comes from `parse_url`. Raises Refused where the way cannot be gone."""
        context = tls(way) if url.startswith("https:") else None
        proxy = proxy_for(url, way)
        self._plain = _pool(proxy, context, Stream)
        self._listing = _pool(proxy, context, CoalescingStream)
        try:
            parts = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise Refused(f"{shown(url)} is no address of a server: {shown(str(error))}") from error
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
        pool = self._listing if coalesce else self._plain
        request = httpcore.Request(
            method,
            httpcore.URL(scheme=self._scheme, host=self._host, port=self._port, target=path),
            headers=headers,
            content=content,
            extensions={"timeout": timeout},
        )
        with as_httpx():
            return Reply(await pool.handle_async_request(request))

    async def aclose(self) -> None:
        await self._plain.aclose()
        await self._listing.aclose()


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
    proxy: Proxy | None, context: ssl.SSLContext | None, kind: type[Stream]
) -> httpcore.AsyncConnectionPool:
    coalescing = kind is CoalescingStream
    connections = 4 if coalescing else CONNECTIONS
    idle = 0 if coalescing else CONNECTIONS  # a coalescing stream serves one answer
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
        proxy_ssl_context=tls(Way()) if proxy.kind == "https" else None,
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
            raise unusable("certificate and key", way.client_cert, why) from error
    return context


def _no_passphrase() -> str:
    """Nobody is there to be asked when a drive is mounted by itself."""
    raise ValueError("it is protected by a passphrase, which nobody is asked for")
