"""A real server on loopback, a session with it, and raw sockets that answer with given bytes."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

from reconciler.model import Conflict, Direction, Entry, Mode
from reconciler.ports import Reader, RemoteFolder
from syncin_mount.devserver import DevServer
from syncin_mount.remote import Folder, ServerAccount, Session, Timeouts
from syncin_mount.remote.registrations import SyncPath

PASSWORD = "a-password"


@dataclass
class Memory:
    """A TokenStore that remembers every token it was given."""

    token: str = ""
    saved: list[str] = field(default_factory=list)
    broken: bool = False

    def load(self) -> str:
        if not self.token:
            raise LookupError
        return self.token

    def save(self, token: str) -> None:
        if self.broken:
            raise OSError(28, "No space left on device")
        self.token = token
        self.saved.append(token)

    def note_answer(self, *, refused: bool) -> None:
        """`tests/cli/test_accounts.py` looks at it."""


@dataclass
class World:
    """A server, an account on it, and a registered folder ``personal/x``."""

    dev: DevServer
    url: str
    session: Session
    store: Memory
    folder: Folder

    @property
    def disk(self) -> Path:
        return self.dev.files_of("user1") / "x"

    @property
    def trash(self) -> Path:
        return self.dev.trash_of("user1")


def settings(remote_path: str) -> SyncPath:
    return SyncPath(
        name="x",
        local_path="/home/user1/x",
        remote_path=remote_path,
        mode=Direction.BOTH,
        diff_mode=Mode.FAST,
        conflict_mode=Conflict.RECENT,
        timestamp=1700000000,
    )


Handler = Callable[[trio.SocketStream], Awaitable[None]]


@asynccontextmanager
async def raw_server(handler: Handler) -> AsyncIterator[str]:
    """A socket server; each connection is the handler's. Its URL."""

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            try:
                await handler(stream)
            except trio.BrokenResourceError:
                pass  # the client left, as some tests mean it to

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, handle, 0)
        yield f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


async def head_of(stream: trio.abc.ReceiveStream) -> bytes:
    """Reads a request up to the end of its headers, and a small body; of a big one some may come
    with it."""
    data = b""
    wanted = 1
    while len(data) < wanted:
        more = await stream.receive_some(65536)
        if not more:
            break
        data += more
        head, end, _ = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        body = int(length[1]) if length and int(length[1]) < 10_000 else 0
        wanted = len(head + end) + body if end else len(data) + 1
    return data


TOKENS = b'{"access":"a","refresh":"r","access_expiration":1,"refresh_expiration":2}'


def answer(status: str, body: bytes = b"", kind: str = "application/json", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


@asynccontextmanager
async def scripted(handler: Handler, *, timeouts: Timeouts | None = None) -> AsyncIterator[Folder]:
    """A folder on a raw server. Access is granted at once; every other request's head has been read
    when the handler gets the connection (as ``stream.head``)."""

    async def handle(stream: trio.SocketStream) -> None:
        while True:
            head = await head_of(stream)
            if not head:
                return
            if b"/auth/token" in head.split(b"\r\n", 1)[0]:
                await stream.send_all(answer("201 Created", TOKENS))
                continue
            await handler(stream)
            return

    async with raw_server(handle) as url:
        account = ServerAccount("home", url, "user1", str(uuid.uuid4()))
        async with Session(account, Memory("t"), timeouts=timeouts) as session:
            yield Folder(session, "personal/x", 1)


EPOCH = 1_700_000_000


def checksum(data: bytes) -> str:
    return hashlib.new("sha512_256", data).hexdigest()


def reader(data: bytes) -> Reader:
    async def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    return read


async def put(
    folder: RemoteFolder,
    path: str,
    data: bytes,
    *,
    replace: bool = False,
    start: int = 0,
    mtime: int = EPOCH,
) -> None:
    await folder.upload(
        path,
        reader(data),
        size=len(data),
        mtime=mtime,
        checksum=checksum(data),
        replace=replace,
        start=start,
    )


async def get(folder: RemoteFolder, path: str, start: int = 0, stop: int | None = None) -> bytes:
    found = await folder.find(path)
    assert found is not None
    async with folder.download(
        path, start=start, stop=found.size if stop is None else stop, expect=found
    ) as pieces:
        return b"".join([piece async for piece in pieces])


async def listed(folder: RemoteFolder) -> dict[str, Entry]:
    async with folder.listing() as batches:
        return {
            entry.path: entry for batch in [batch async for batch in batches] for entry in batch
        }


BIG = bytes(20_000_000)
ERROR_405 = answer(
    "405 Method Not Allowed", b'{"statusCode":405,"message":"Resource already exists"}'
)


async def closes(stream: trio.SocketStream) -> None:
    """Answers before the request was sent."""
    await stream.send_all(ERROR_405)  # and leaves with the body unread: the client sees a reset
