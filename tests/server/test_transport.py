"""Servers that answer early, late, strangely or not at all."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import httpcore
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from reconciler.errors import (
    Exists,
    Missing,
    QuotaReached,
    Refused,
    RemoteError,
    ServerFault,
    Unreachable,
)
from reconciler.ports import Found
from syncin_mount.remote import (
    Folder,
    Timeouts,
)
from syncin_mount.remote.http.stream import Stream
from tests.server.support import (
    BIG,
    ERROR_405,
    answer,
    closes,
    head_of,
    listed,
    put,
    scripted,
)

SHORT = Timeouts(connect=0.5, idle=0.2, slow=0.2, hashing=0.2)
PARTIAL = answer("206 Partial", b"12345", more='ETag: W/"5-3e8"\r\nContent-Range: bytes 0-4/5\r\n')
ERROR_404 = answer("404 Not Found", b'{"statusCode":404,"message":"Location not found"}')


# Answers before the whole request was sent ----------------------------------------


async def stands_still(stream: trio.SocketStream) -> None:
    await stream.send_all(ERROR_405)
    await trio.sleep_forever()


async def reads_on(stream: trio.SocketStream) -> None:
    await stream.send_all(ERROR_405)
    async for _ in stream:
        pass


async def interim_first(stream: trio.SocketStream) -> None:
    await stream.send_all(b"HTTP/1.1 102 Processing\r\n\r\n")
    await trio.testing.wait_all_tasks_blocked()
    await stream.send_all(ERROR_405)
    await trio.sleep_forever()


@pytest.mark.parametrize("handler", [closes, stands_still, reads_on, interim_first])
async def test_an_early_answer_is_understood(handler) -> None:
    async with scripted(handler) as folder:
        for _ in range(3):
            with trio.fail_after(5), pytest.raises(Exists):
                await put(folder, "f", BIG)


async def test_an_early_refusal_sends_little() -> None:
    asked = 0

    async def read(offset: int, length: int) -> bytes:
        nonlocal asked
        asked += length
        return bytes(length)

    async with scripted(stands_still) as folder:
        with pytest.raises(Exists):
            await folder.upload("f", read, size=10**12, mtime=1, checksum="", replace=False)
    assert asked < 50_000_000


async def test_an_interim_answer_is_not_the_answer() -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 102 Processing\r\n\r\n")
        left = len(BIG)
        while left > 100_000:  # some came with the head
            left -= len(await stream.receive_some(65536))
        await stream.send_all(answer("201 Created", b'{"ino":1}'))
        async for _ in stream:
            pass

    async with scripted(handler) as folder:
        await put(folder, "f", BIG)


async def test_a_refused_token_during_an_upload_is_renewed_and_the_upload_repeated() -> None:
    attempts = 0

    async def handler(stream: trio.SocketStream) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            await stream.send_all(
                answer("401 Unauthorized", b'{"statusCode":401,"message":"Unauthorized"}')
            )
            await trio.sleep_forever()
        left = len(BIG)
        while left > 100_000:
            left -= len(await stream.receive_some(65536))
        await stream.send_all(answer("201 Created", b'{"ino":1}'))
        async for _ in stream:
            pass

    async with scripted(handler) as folder:
        await put(folder, "f", BIG)
    assert attempts == 2


# Broken and stalled connections ----------------------------------------


async def test_a_cut_upload_was_surely_not_done() -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await stream.receive_some(1000)

    async with scripted(handler) as folder:
        with pytest.raises(Unreachable, match="broke off") as caught:
            await put(folder, "f", BIG)
        assert caught.value.done is False


async def test_after_a_lost_answer_nobody_knows() -> None:
    async def handler(stream: trio.SocketStream) -> None:
        pass

    async with scripted(handler) as folder:
        for call in (
            put(folder, "f", b"x"),
            folder.delete("f"),
            folder.move("f", "g"),
            folder.move("f", "g", overwrite=True),
        ):
            with pytest.raises(Unreachable, match="broke off") as caught:
                await call
            assert caught.value.done is None
        with pytest.raises(Unreachable) as caught:
            await folder.find("f")
        assert caught.value.done is False


async def test_only_what_does_no_harm_is_sent_twice() -> None:
    seen = 0

    async def handler(stream: trio.SocketStream) -> None:
        nonlocal seen
        seen += 1
        if seen == 2:
            await stream.send_all(ERROR_404)

    async with scripted(handler) as folder:
        assert await folder.find("f") is None
        assert seen == 2
        with pytest.raises(Unreachable):
            await folder.delete("f")
        assert seen == 3


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used() -> None:
    connections = 0

    async def handler(stream: trio.SocketStream) -> None:
        nonlocal connections
        connections += 1
        await stream.send_all(ERROR_404)

    async with scripted(handler) as folder:
        for _ in range(3):
            with pytest.raises(Missing):
                await folder.delete("f")
            # the server's end of the connection arrives
            await trio.testing.wait_all_tasks_blocked(0.01)
    assert connections == 3


async def test_a_connection_serves_many_requests() -> None:
    connections = 0

    async def handler(stream: trio.SocketStream) -> None:
        nonlocal connections
        connections += 1
        while True:
            await stream.send_all(ERROR_404)
            await head_of(stream)
            await stream.send_all(PARTIAL)
            if not await head_of(stream):
                return

    async with scripted(handler) as folder:
        for _ in range(3):
            with pytest.raises(Missing):
                await folder.delete("f")
            async with folder.download("f", start=0, stop=5, expect=Found(5, 1000)) as pieces:
                assert b"".join([piece async for piece in pieces]) == b"12345"
    assert connections == 1


async def test_leaving_at_the_last_byte_leaves_a_good_connection() -> None:
    """All has arrived, though nobody looked whether that was all."""
    connections = 0

    async def handler(stream: trio.SocketStream) -> None:
        nonlocal connections
        connections += 1
        await stream.send_all(PARTIAL)
        while await head_of(stream):
            await stream.send_all(ERROR_404)

    async with scripted(handler) as folder:
        async with folder.download("f", start=0, stop=5, expect=Found(5, 1000)) as pieces:
            assert await anext(pieces) == b"12345"
        with pytest.raises(Missing):
            await folder.delete("f")
    assert connections == 1


@pytest.mark.parametrize("part", ["206 Partial", "200 OK"])
async def test_another_part_than_asked_for_is_refused(part: str) -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await stream.send_all(
            answer(part, b"12345", more='ETag: W/"5-3e8"\r\nContent-Range: bytes 0-4/5\r\n')
        )

    async with scripted(handler) as folder:
        with pytest.raises(Unreachable, match="not like a Sync-in server"):
            async with folder.download("f", start=2, stop=5, expect=Found(5, 1000)):
                pass


async def part_of(folder: Folder) -> bytes:
    async with folder.download("f", start=2, stop=5, expect=Found(5, 1000)) as pieces:
        return b"".join([piece async for piece in pieces])


@pytest.mark.parametrize("framing", ["length", "chunks", "late chunks"])
@pytest.mark.parametrize("body", [b"12", b"1234", b"<html>not the file</html>"])
async def test_another_length_than_asked_for_is_refused(framing: str, body: bytes) -> None:
    """Else the beginning of an error page would become a file's content."""
    more = 'ETag: W/"5-3e8"\r\nContent-Range: bytes 2-4/5\r\n'

    async def handler(stream: trio.SocketStream) -> None:
        if framing == "length":
            await stream.send_all(answer("206 Partial", body, more=more))
            return
        await stream.send_all(
            f"HTTP/1.1 206 Partial\r\nTransfer-Encoding: chunked\r\n{more}\r\n".encode()
        )
        parts = [body] if framing == "chunks" else [body[:1], body[1:]]
        await stream.send_all(
            b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        )

    async with scripted(handler) as folder:
        with pytest.raises(Unreachable):
            await part_of(folder)


@pytest.mark.slow
async def test_a_stall_ends() -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with scripted(handler, timeouts=SHORT) as folder:
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "find": lambda: folder.find("f"),
            "listing": lambda: listed(folder),
            "upload": lambda: put(folder, "f", BIG),
            "small": lambda: put(folder, "f", b"x"),
            "move": lambda: folder.move("f", "g"),
        }
        for name, call in calls.items():
            with (
                trio.fail_after(60),
                pytest.raises(Unreachable, match="stopped answering") as caught,
            ):
                await call()
            assert caught.value.done is (None if name in ("small", "move") else False), name


async def test_a_slow_line_is_no_stall(autojump_clock: MockClock) -> None:
    """The time-out is for each small part of a piece, not for the whole of it."""
    written: list[bytes] = []

    class Slow(httpcore.AsyncNetworkStream):
        async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            return await trio.sleep_forever()

        async def write(self, buffer: bytes, timeout: float | None = None) -> None:
            assert timeout == 30
            await trio.sleep(2.0)
            written.append(buffer)

    data = os.urandom(1_000_000)
    await Stream(Slow()).write(data, 30)
    assert b"".join(written) == data
    assert max(map(len, written)) <= 65536


async def test_a_stalled_download_ends() -> None:
    head = (
        'HTTP/1.1 206 Partial\r\nETag: W/"5-3e8"\r\nContent-Range: bytes 0-4/5\r\nContent-Length:'
        " 5\r\n\r\n12"
    )

    async def stalls(stream: trio.SocketStream) -> None:
        await stream.send_all(head.encode())
        await trio.sleep_forever()

    async def cuts(stream: trio.SocketStream) -> None:
        await stream.send_all(head.encode())

    for handler in (stalls, cuts):
        async with scripted(handler, timeouts=SHORT) as folder:
            got = b""
            with trio.fail_after(60):
                async with folder.download("f", start=0, stop=5, expect=Found(5, 1000)) as pieces:
                    got += await anext(pieces)
                    with pytest.raises(Unreachable):
                        await anext(pieces)
            assert got == b"12"


async def test_cancelling_is_quick_and_clean() -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with scripted(handler) as folder:
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: folder.find("f"),
            lambda: put(folder, "f", BIG),
            lambda: listed(folder),
        ]
        for call in calls:
            with trio.fail_after(5):
                with trio.move_on_after(0.05) as scope:
                    await call()
                assert scope.cancelled_caught


# Strange answers ----------------------------------------


@pytest.mark.parametrize(
    ("raw", "error", "says"),
    [
        (answer("200 OK", b"<html>", "text/html"), Unreachable, "not like a Sync-in server"),
        (answer("404 Not Found", b"<html>", "text/html"), Unreachable, "not like a Sync-in server"),
        (answer("403 Forbidden", b"<html>", "text/html"), Unreachable, "not like a Sync-in server"),
        (answer("404 Not Found", b'{"error":"x"}'), Unreachable, "not like a Sync-in server"),
        (
            answer("404 Not Found", b'{"message":"Cannot DELETE /x","statusCode":404}'),
            Unreachable,
            "not like",
        ),
        (answer("502 Bad Gateway", b"<html>", "text/html"), Unreachable, "behind"),
        (
            answer("302 Found", b"", "text/html", "Location: http://portal/\r\n"),
            Unreachable,
            "elsewhere.*portal",
        ),
        (answer("413 Too Large", b"<html>", "text/html"), Refused, "too big"),
        (answer("431 Headers", b"{}"), Refused, "too long"),
        (
            answer("500 Error", b'{"statusCode":500,"message":"a\\u001b[31mb"}'),
            ServerFault,
            "failed",
        ),
        (
            answer("507 Full", b'{"statusCode":507,"message":"Storage quota exceeded"}'),
            QuotaReached,
            "quota",
        ),
        (answer("400 Bad", b'{"statusCode":400,"message":["one","two"]}'), Refused, "one; two"),
        (
            answer("200 OK", b"x", "text/plain", "Content-Encoding: gzip\r\n"),
            Unreachable,
            "not like",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Unreachable, "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n", Unreachable, "broke off"),
    ],
)
async def test_strange_answers(raw: bytes, error: type[RemoteError], says: str) -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await stream.send_all(raw)

    async with scripted(handler) as folder:
        with pytest.raises(error, match=says) as caught:
            await folder.delete("f")
        assert "\x1b" not in str(caught.value)
        assert "\n" not in str(caught.value)


async def test_an_endless_answer_is_not_kept() -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await stream.send_all(
            b"HTTP/1.1 500 Error\r\nContent-Type: application/json\r\nContent-Length:"
            b" 9999999999\r\n\r\n"
        )
        while True:
            await stream.send_all(bytes(65536))

    async with scripted(handler) as folder:
        with trio.fail_after(5), pytest.raises(ServerFault):
            await folder.delete("f")


async def test_head_says_404_only_for_sync_in() -> None:
    kind = "text/html"

    async def handler(stream: trio.SocketStream) -> None:
        await stream.send_all(
            f"HTTP/1.1 404 Not Found\r\nContent-Type: {kind}\r\nContent-Length: 9\r\n\r\n".encode()
        )

    async with scripted(handler) as folder:
        with pytest.raises(Unreachable):
            await folder.find("f")
        kind = "application/json; charset=utf-8"
        assert await folder.find("f") is None


async def test_a_portal_does_not_pass_for_a_file() -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await stream.send_all(answer("200 OK", b"<html>", "text/html"))

    async with scripted(handler) as folder:
        with pytest.raises(Unreachable):
            await folder.find("f")
