"""How many connections there are to a server, and which of them are kept."""

from __future__ import annotations

import pytest
import trio
import trio.testing

import syncin_mount.remote.http.connection_pool
from reconciler.errors import Unreachable
from reconciler.ports import Found
from syncin_mount.remote import Folder
from syncin_mount.remote.http.connection_pool import CONNECTIONS
from tests.server.support import answer, head_of, scripted

WHOLE = answer("200 OK", b"12345", more='ETag: W/"5-3e8"\r\n')


class Server:
    """Answers each request when ``go`` is set."""

    def __init__(self) -> None:
        self.go = trio.Event()
        self.open = 0
        self.most = 0
        self.made = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        self.made += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            while True:
                await self.go.wait()
                await stream.send_all(WHOLE)
                if not await head_of(stream):
                    return
        finally:
            self.open -= 1


async def read(folder: Folder) -> None:
    async with folder.download("f", start=0, stop=5, expect=Found(5, 1000)) as pieces:
        assert b"".join([piece async for piece in pieces]) == b"12345"


async def read_at_once(folder: Folder, server: Server, count: int, opened: int) -> None:
    """``count`` requests, of which none is answered before so many connections are open."""
    server.go = trio.Event()
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            for _ in range(count):
                nursery.start_soon(read, folder)
            while server.open < opened:
                await trio.lowlevel.checkpoint()
            await trio.testing.wait_all_tasks_blocked(0.01)
            server.go.set()


async def test_there_are_never_more_connections_than_are_allowed() -> None:
    server = Server()
    async with scripted(server.serve) as folder:
        await read_at_once(folder, server, 3 * CONNECTIONS, CONNECTIONS - 1)
        assert CONNECTIONS - 1 <= server.most <= CONNECTIONS
        made = server.made
        for _ in range(5):
            await read(folder)
        assert server.made == made, "they are used again"


async def test_connections_that_nobody_used_for_long_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the server's end of them stays with us for ever."""
    server = Server()
    async with scripted(server.serve) as folder:
        await read_at_once(folder, server, 5, 4)
        open_ = server.open
        monkeypatch.setattr(syncin_mount.remote.http.connection_pool, "KEEPALIVE_SECONDS", -1.0)
        await read(folder)
        with trio.fail_after(20):
            while server.open >= open_ or server.open > 1:
                await trio.lowlevel.checkpoint()


@pytest.mark.slow
async def test_a_cancelled_request_leaves_room_for_others() -> None:
    server = Server()
    async with scripted(server.serve) as folder:
        for _ in range(CONNECTIONS + 1):
            server.go = trio.Event()
            with trio.move_on_after(0.05):
                await read(folder)
        server.go.set()
        with trio.fail_after(20):
            await read(folder)


async def test_a_connection_that_breaks_leaves_room_for_others() -> None:
    broken = 0

    async def breaks(stream: trio.SocketStream) -> None:
        nonlocal broken
        broken += 1
        if broken > CONNECTIONS + 1:
            await stream.send_all(WHOLE)

    async with scripted(breaks) as folder:
        for _ in range(CONNECTIONS + 1):
            with pytest.raises(Unreachable):
                await read(folder)
        with trio.fail_after(20):
            await read(folder)
