"""TCP within this computer, where there are no Unix sockets: a random port of 127.0.0.1, and a file
that only this user can read, with the port and a token.

- *Who asks* reads the file, and speaks to a port only where the kernel says that the process which
  the file names listens there, and is this user's: the port of a killed daemon may be somebody
  else's by now.
- *Who answers* looks at a connection before a byte of it is read: the kernel says that its other
  end is this user's. Then each request has to bring the token, and the exact address as its host: a
  page in a browser can bring neither.
"""

from __future__ import annotations

import contextlib
import errno
import hmac
import os
import secrets
import socket
from typing import TYPE_CHECKING, Final

import msgspec

from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.config import private_folder
from syncin_mount.config.files import write_atomic
from syncin_mount.control.messages import Failure, encoded
from syncin_mount.control.transport.peers import comes_from_us
from syncin_mount.control.transport.port import Address, App, StrangerListens
from syncin_mount.system import tcp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    import trio

    from syncin_mount.control.transport.port import Message, Receive, Send

_HOST: Final = "127.0.0.1"

_BEARER: Final = "Bearer "
"""How a token is brought (RFC 6750, 2.1)."""

LARGEST: Final = 4096
"""Bytes of a file that tells where somebody listens, at most."""

MOST: Final = 256
"""Connections at the same time: the page's, the tray icon's, and commands."""

IDLE_S: Final = 5.0
"""Seconds in which a connection's next request has to begin, also where it was closed meanwhile."""

GREETING_S: Final = 5.0
"""Seconds in which who does not speak HTTP has to greet."""


class _Place(msgspec.Struct, frozen=True):
    """What the file says: the ``port``, the process ``pid`` that listens there, and the token."""

    port: int
    pid: int
    token: str

    @property
    def host(self) -> str:
        return f"{_HOST}:{self.port}"

    @property
    def greeting(self) -> bytes:
        return f"{self.token}\n".encode()


class Loopback:
    """The `Transport` of systems without Unix sockets."""

    def address(self, path: Path) -> Address:
        place = _read(path)
        _expect(place)
        return Address(
            place.host, {"authorization": _BEARER + place.token}, greeting=place.greeting
        )

    def connect(self, path: Path, seconds: float | None) -> socket.socket:
        place = _read(path)
        _expect(place)
        with _refusals(place):
            connection = socket.create_connection((_HOST, place.port), timeout=seconds)
        try:
            _expect(place)
        except BaseException:
            connection.close()
            raise
        return connection

    async def open_stream(self, path: Path) -> trio.SocketStream:
        import trio  # noqa: PLC0415 (start-up time)

        place = _read(path)
        _expect(place)
        with _refusals(place):
            stream = await trio.open_tcp_stream(_HOST, place.port)
        try:
            _expect(place)
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return stream

    def listener_of(self, path: Path) -> int | None:
        try:
            place = _read(path)
            _expect(place)
        except OSError:
            return None
        return place.pid

    def is_strangers(self, path: Path) -> bool:
        try:
            _expect(_read(path))
        except StrangerListens:
            return True
        except OSError:
            return False
        return False

    def is_overrun(self, path: Path) -> bool:
        """Nobody tells beforehand: to connect takes as long as it takes."""
        return False

    async def serve_http(self, path: Path, app: App, task_status: trio.TaskStatus[None]) -> None:
        import trio  # noqa: PLC0415 (start-up time)

        from syncin_mount.control.transport.http_server import (  # noqa: PLC0415 (start-up time)
            Connections,
        )

        with _listening(path) as (listener, place):
            guarded = Guard(app, place.host, place.token)
            connections = Connections(
                guarded, comes_from_us, of="control", most=MOST, idle_s=IDLE_S
            )
            task_status.started()
            await trio.serve_listeners(
                connections.serve,
                [trio.SocketListener(trio.socket.from_stdlib_socket(listener))],
            )

    async def serve_streams(
        self,
        path: Path,
        talk: Callable[[trio.SocketStream], Awaitable[None]],
        task_status: trio.TaskStatus[None],
    ) -> None:
        import trio  # noqa: PLC0415 (start-up time)

        with _listening(path) as (listener, place):

            async def greet(stream: trio.SocketStream) -> None:
                async with stream:
                    if comes_from_us(stream) and await _greets(stream, place.greeting):
                        await talk(stream)

            task_status.started()
            await trio.serve_listeners(
                greet, [trio.SocketListener(trio.socket.from_stdlib_socket(listener))]
            )


class Guard:
    """Lets those requests through to ``app`` that bring the token, and whose host is exactly ours.
    (ASGI)"""

    def __init__(self, app: App, host: str, token: str) -> None:
        self._app = app
        self._host = host.encode()
        self._token = (_BEARER + token).encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        denied = self._look_at(scope)
        if denied is None:
            await self._app(scope, receive, send)
            return
        status, why = denied
        if scope["type"] != "http":  # before anything is accepted this refuses it
            await send({"type": "websocket.close"})
            return
        body = encoded(Failure("", why))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _look_at(self, scope: Message) -> tuple[int, str] | None:
        """Why the request is not answered, with the status; None where it may be."""
        if scope["type"] != "http" or scope["http_version"] != "1.1":
            return 400, Phrase("only HTTP/1.1 is spoken here")
        if _values(scope, b"host") != [self._host]:
            return 403, Phrase("this is not the address of the daemon")
        if _values(scope, b"origin"):  # every browser says so of what a page sends elsewhere
            return 403, Phrase("a page in a browser asks for this")
        found = _values(scope, b"authorization")
        if len(found) != 1 or not hmac.compare_digest(found[0], self._token):
            return 401, Phrase("the token is missing, or not that of the daemon")
        return None


def _values(scope: Message, name: bytes) -> list[bytes]:
    return [bytes(value) for key, value in scope["headers"] if bytes(key).lower() == name]


def _read(path: Path) -> _Place:
    """Raises OSError for a file that is not there, whole and ours; one of another user's is
    StrangerListens."""
    fd = system.open_file(path, system.READ | system.NO_FOLLOW)
    try:
        if not system.belongs_to_us(fd):
            raise StrangerListens
        told = os.read(fd, LARGEST)
    finally:
        os.close(fd)
    try:
        return msgspec.json.decode(told, type=_Place)
    except msgspec.MsgspecError as error:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), os.fspath(path)) from error


def _expect(place: _Place) -> None:
    """The process that the file names listens there, and is ours. Raises StrangerListens, or
    ConnectionRefusedError: it ended, and nobody or another program of ours has its port."""
    found = tcp.listener((_HOST, place.port))
    if found is not None and not found[1]:
        raise StrangerListens
    if found is None or found[0] != place.pid:
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))


@contextlib.contextmanager
def _refusals(place: _Place) -> Iterator[None]:
    """A refused connection to a process that listens all the same: very many wait there. Raises
    BlockingIOError."""
    try:
        yield
    except ConnectionRefusedError as error:
        _expect(place)
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error


@contextlib.contextmanager
def _listening(path: Path) -> Iterator[tuple[socket.socket, _Place]]:
    """A socket that listens, and a file that tells of it until the end."""
    private_folder(path.parent)
    system.discard(path)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        tcp.keep_port(listener)
        listener.bind((_HOST, 0))
        listener.listen(MOST)
        place = _Place(listener.getsockname()[1], os.getpid(), secrets.token_urlsafe(32))
        try:
            write_atomic(path, msgspec.json.encode(place), mode=0o600)
            yield listener, place
        finally:
            system.discard(path)


async def _greets(stream: trio.SocketStream, greeting: bytes) -> bool:
    """Whether this is what is said first. What follows is not read yet."""
    import trio  # noqa: PLC0415 (start-up time)

    said = bytearray()
    with trio.move_on_after(GREETING_S):
        while len(said) < len(greeting):
            part = await stream.receive_some(len(greeting) - len(said))
            if not part:
                break
            said += part
    return hmac.compare_digest(bytes(said), greeting)
