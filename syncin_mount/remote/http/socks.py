"""SOCKS 5 (RFC 1928, RFC 1929): a connection through a proxy that looks up the server's name
itself."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpcore
import trio
from socksio import ProtocolError, socks5

from reconciler.phrases import Phrase
from syncin_mount.remote.http.stream import Backend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncin_mount.remote.http.route import Proxy
    from syncin_mount.remote.http.stream import Stream

_PATIENCE = 30.0
"""Seconds for all that is said before the connection stands, where nobody says how long."""

_ADDRESS = {1: 4, 4: 16}
"""Bytes of an address by its type; a name (3) tells its own length."""


class SocksBackend(Backend):
    """Opens connections to any server through this proxy."""

    def __init__(self, proxy: Proxy, kind: type[Stream]) -> None:
        super().__init__(kind)
        self._proxy = proxy

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises httpcore.ProxyError for what the proxy refuses or does not understand,
        ConnectTimeout."""
        seconds = _PATIENCE if timeout is None else timeout
        stream = await self._trio.connect_tcp(
            self._proxy.host, self._proxy.port, timeout, local_address, socket_options
        )
        try:
            with trio.fail_after(seconds), _told():
                await _agree(stream, self._proxy.login, host, port)
        except trio.TooSlowError:
            await trio.aclose_forcefully(_Closing(stream))
            raise httpcore.ConnectTimeout(
                Phrase("the proxy {proxy} did not answer", proxy=self._proxy)
            ) from None
        except BaseException:
            await trio.aclose_forcefully(_Closing(stream))
            raise
        return self._kind(stream)


class _Closing(trio.abc.AsyncResource):
    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def aclose(self) -> None:
        await self._stream.aclose()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (ProtocolError, httpcore.ReadError, httpcore.WriteError, UnicodeError) as exc:
        raise httpcore.ProxyError(
            Phrase("the proxy does not speak SOCKS 5 as it should: {exc}", exc=exc)
        ) from exc


async def _agree(
    stream: httpcore.AsyncNetworkStream, login: tuple[bytes, bytes] | None, host: str, port: int
) -> None:
    talk = socks5.SOCKS5Connection()
    password = socks5.SOCKS5AuthMethod.USERNAME_PASSWORD
    methods = [socks5.SOCKS5AuthMethod.NO_AUTH_REQUIRED, *([password] if login is not None else [])]
    talk.send(socks5.SOCKS5AuthMethodsRequest(methods))
    await stream.write(talk.data_to_send())
    chosen = talk.receive_data(await _exactly(stream, 2))
    method = getattr(chosen, "method", None)
    if method not in methods:
        raise httpcore.ProxyError(
            Phrase("the proxy wants a log-in")
            if login is None
            else Phrase("the proxy takes no such log-in")
        )
    if method is password and login is not None:
        talk.send(socks5.SOCKS5UsernamePasswordRequest(*login))
        await stream.write(talk.data_to_send())
        if not getattr(talk.receive_data(await _exactly(stream, 2)), "success", False):
            raise httpcore.ProxyError(Phrase("the proxy refused user name or password"))
    talk.send(socks5.SOCKS5CommandRequest.from_address(socks5.SOCKS5Command.CONNECT, (host, port)))
    await stream.write(talk.data_to_send())
    answer = talk.receive_data(await _reply(stream))
    code = getattr(answer, "reply_code", None)
    if code is not socks5.SOCKS5ReplyCode.SUCCEEDED:
        why = getattr(code, "name", str(code)).lower().replace("_", " ")
        raise httpcore.ProxyError(Phrase("the proxy made no connection: {why}", why=why))


async def _reply(stream: httpcore.AsyncNetworkStream) -> bytes:
    """One answer to a command: its head tells how long it is."""
    head = await _exactly(stream, 4)
    if head[3] == 3:
        length = await _exactly(stream, 1)
        return head + length + await _exactly(stream, length[0] + 2)
    if head[3] not in _ADDRESS:
        raise ProtocolError(Phrase("its answer has an address of no known type"))
    return head + await _exactly(stream, _ADDRESS[head[3]] + 2)


async def _exactly(stream: httpcore.AsyncNetworkStream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = await stream.read(count - len(data))
        if not piece:
            raise ProtocolError(Phrase("it ended the connection"))
        data += piece
    return data
