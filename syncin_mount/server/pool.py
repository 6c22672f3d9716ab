"""Connections: httpcore's pools with our own streams, TLS, and the environment's proxies."""

from __future__ import annotations

import contextlib
import os
import ssl
import urllib.request
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpcore
import httpx

from syncin_mount.server.chunks import CoalescingStream
from syncin_mount.server.stream import Backend, Stream

CONNECTIONS = 16

TARGET_BYTES = 65_536
"""Longer ones are not even tried: no server takes them."""

KEEPALIVE_SECONDS = 4.0
"""Node closes idle connections after 5 s where nothing else is configured: we leave first."""


class Reply:
    """An answer's head, and its body as it comes. ``headers`` by their names in lower case; of several with one name
    the last."""

    __slots__ = ("_stream", "headers", "network_stream", "pieces", "status")

    def __init__(self, response: httpcore.Response) -> None:
        self.status = response.status
        self.headers = {name.decode("ascii").lower(): value.decode("latin-1") for name, value in response.headers}
        self.network_stream: Stream = response.extensions["network_stream"]
        stream: Any = response.stream
        self._stream = stream
        self.pieces: AsyncIterator[bytes] = aiter(stream)
        """Raises httpcore's exceptions."""

    async def aclose(self) -> None:
        with as_httpx():
            await self._stream.aclose()


class Transport:
    """httpcore's pools with our own streams. The listing has a pool to itself, whose streams coalesce.

    httpx would only add what is not wanted here (redirects, cookies, decoding), and takes as long for it as httpcore
    for the rest of a small request (measured).
    """

    def __init__(self, url: str, insecure_tls: bool) -> None:
        """``url`` comes from `parse_url`."""
        context = _tls(insecure_tls) if url.startswith("https:") else None
        self._plain = _pool(url, context, Stream)
        self._listing = _pool(url, context, CoalescingStream)
        parts = httpx.URL(url)
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
        """``target`` is percent-encoded and below the server's address. Raises httpx's exceptions."""
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
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.ProxyError) as exc:
        raise getattr(httpx, type(exc).__name__)(str(exc)) from exc
    except httpcore.UnsupportedProtocol as exc:
        raise httpx.UnsupportedProtocol(str(exc)) from exc


def _pool(url: str, context: ssl.SSLContext | None, kind: type[Stream]) -> httpcore.AsyncConnectionPool:
    coalescing = kind is CoalescingStream
    connections = 4 if coalescing else CONNECTIONS
    idle = 0 if coalescing else CONNECTIONS  # a coalescing stream serves one answer
    proxy = _proxy(url)
    if proxy is None:
        return httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=idle,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=Backend(kind),
        )
    parts = urlsplit(proxy)
    login = (parts.username or "", parts.password or "") if parts.username else None
    bare = f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    return httpcore.AsyncHTTPProxy(
        bare,
        proxy_auth=login,
        ssl_context=context,
        max_connections=connections,
        max_keepalive_connections=idle,
        keepalive_expiry=KEEPALIVE_SECONDS,
        network_backend=Backend(kind),
    )


def _proxy(url: str) -> str | None:
    """The environment's proxy for this server, never one for this machine itself. Only http proxies are known."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    known = urllib.request.getproxies()
    proxy = known.get(parts.scheme) or known.get("all")
    if proxy is None:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    return proxy if proxy.startswith(("http://", "https://")) else None


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _tls(insecure: bool) -> ssl.SSLContext:
    """The system's certificates (SSL_CERT_FILE and SSL_CERT_DIR too), or certifi's where the system has none."""
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    paths = ssl.get_default_verify_paths()
    if not any(path and os.path.exists(path) for path in (paths.cafile, paths.capath)):
        context.load_verify_locations(certifi.where())
    return context
