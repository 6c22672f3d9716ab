"""What lies below httpx: httpcore's connection pools with our own streams, TLS, and the environment's proxies."""

from __future__ import annotations

import contextlib
import os
import ssl
import urllib.request
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpcore
import httpx

from syncin_mount.server.chunks import CoalescingStream
from syncin_mount.server.stream import Backend, Stream

CONNECTIONS = 16

KEEPALIVE_SECONDS = 4.0
"""Node closes idle connections after 5 s where nothing else is configured: we leave first."""


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class Transport(httpx.AsyncBaseTransport):
    """httpx over httpcore's pools with our own streams. The listing has a pool to itself, whose streams coalesce."""

    def __init__(self, url: str, insecure_tls: bool) -> None:
        context = _tls(insecure_tls) if url.startswith("https:") else None
        self._plain = _pool(url, context, Stream)
        self._listing = _pool(url, context, CoalescingStream)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        pool = self._listing if request.extensions["coalesce"] else self._plain
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        with _as_httpx():
            response = await pool.handle_async_request(
                httpcore.Request(
                    method=request.method,
                    url=url,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response.stream), extensions=response.extensions
        )

    async def aclose(self) -> None:
        await self._plain.aclose()
        await self._listing.aclose()


@contextlib.contextmanager
def _as_httpx() -> Iterator[None]:
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
