"""Answers that come too slowly, in whatever way: none holds anything for ever. Time is trio's mock
clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import httpcore
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from reconciler.errors import ListingBroken, Unreachable
from syncin_mount.remote.errors import Asked, Endpoint
from syncin_mount.remote.http.connection_pool import Reply
from syncin_mount.remote.http.heads import HEAD_BYTES, INTERIM_BYTES, Heads
from syncin_mount.remote.http.rate_limit import Throttle
from syncin_mount.remote.http.stall_limit import Patience
from syncin_mount.remote.http.stream import Stream
from syncin_mount.remote.http.transport import Chunks, Timeouts
from tests.server.support import answer, listed, scripted

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
FINAL = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


# Bodies ----------------------------------------


class Body:
    """A reply whose pieces take their time."""

    def __init__(self, pieces: list[tuple[float, bytes]]) -> None:
        self.pieces = self._come(pieces)

    async def _come(self, pieces: list[tuple[float, bytes]]) -> AsyncIterator[bytes]:
        for seconds, piece in pieces:
            await trio.sleep(seconds)
            yield piece


def chunks(
    pieces: list[tuple[float, bytes]], limit: Throttle | None = None, window: float = 60.0
) -> Chunks:
    asked = Asked(Endpoint.READ, "http://x", "home", "f")
    return Chunks(asked, cast(Reply, Body(pieces)), limit or Throttle(), Patience(window, 4096))


async def seconds_of(reading: Chunks) -> float:
    """How long it holds its reader, to its end or to the moment at which it is given up."""
    began = trio.current_time()
    try:
        async for _ in reading:
            pass
    except Unreachable:
        return -(trio.current_time() - began)
    return trio.current_time() - began


@pytest.mark.parametrize(
    ("pieces", "seconds"),
    [
        ([(1.0, b"x")] * 100_000, -60.0),
        ([(0.1, b"x")] * 100_000, -60.0),
        ([(29.0, b"x")] * 100_000, -60.0),
        ([(29.0, b"")] * 100_000, -60.0),
        ([(1.0, b"x" * 67)] * 1000, -60.0),  # 4,020 bytes a minute
        ([(1.0, b"x" * 70)] * 1000, 1000.0),
        ([(59.0, b"x" * 4096)] * 50, 2950.0),
        ([(61.0, b"x" * 4096)] * 50, -60.0),
        ([(0.0, b"x" * 1_000_000)] + [(1.0, b"x")] * 1000, -60.0),  # what came before is no credit
        ([(1.0, b"x")] * 50, 50.0),  # the last ones may be few
    ],
)
async def test_progress_in_a_minute_counts(
    autojump_clock: MockClock, pieces: list[tuple[float, bytes]], seconds: float
) -> None:
    assert await seconds_of(chunks(pieces)) == pytest.approx(seconds)


async def test_a_users_own_limit_is_no_slow_server(autojump_clock: MockClock) -> None:
    """1,000 bytes a second: a piece is paid for within four minutes."""
    assert await seconds_of(chunks([(0.0, b"x" * 256 * 1024)] * 3, Throttle(1000.0))) > 500


async def test_ten_transfers_share_a_limit(autojump_clock: MockClock) -> None:
    limit = Throttle(500.0)
    taken: list[float] = []

    async def one() -> None:
        taken.append(await seconds_of(chunks([(0.1, b"x" * 20_000)] * 3, limit)))

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(one)
    assert min(taken) > 0


async def test_what_a_server_hashes_is_worth_waiting(autojump_clock: MockClock) -> None:
    reading = chunks([(800.0, b"x" * 120)] * 10, window=900.0)

    async def hashed() -> None:
        async for _ in reading:
            reading.patience.credit(16 * 1024)  # 16 GiB

    await hashed()
    assert await seconds_of(chunks([(800.0, b"x" * 120)] * 10, window=900.0)) == pytest.approx(
        -900.0
    )


# Heads ----------------------------------------


class Wire(httpcore.AsyncNetworkStream):
    """The network below a `Stream`: pieces that take their time, then silence."""

    def __init__(self, pieces: list[tuple[float, bytes]], *, silent: bool = True) -> None:
        self._pieces = iter(pieces)
        self._silent = silent

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with trio.move_on_after(float("inf") if timeout is None else timeout):
            seconds, piece = next(self._pieces, (float("inf") if self._silent else 0.0, b""))
            await trio.sleep(seconds)
            return piece
        raise httpcore.ReadTimeout

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await trio.sleep(0.001)


async def head_of(stream: Stream, timeout: float = 30.0) -> bytes:
    await stream.write(b"GET / HTTP/1.1\r\n\r\n")
    data = b""
    while b"\r\n\r\n" not in data:
        data += await stream.read(65536, timeout)
    return data


@pytest.mark.parametrize(
    "pieces",
    [
        [(1.0, CONTINUE)] * 10_000,
        [(29.0, CONTINUE)] * 10_000,
        [(1.0, bytes([byte])) for byte in CONTINUE * 100],
        [(1.0, bytes([byte])) for byte in FINAL[:8] + FINAL[8:] * 100],
        [(1.0, b"HTTP/1.1 200 OK\r\n")] + [(1.0, b"x")] * 1000,
        [],
    ],
    ids=[
        "interim answers",
        "few of them",
        "their bytes",
        "a head's bytes",
        "a header's bytes",
        "silence",
    ],
)
async def test_a_head_comes_in_time(
    autojump_clock: MockClock, pieces: list[tuple[float, bytes]]
) -> None:
    began = trio.current_time()
    with pytest.raises(httpcore.ReadTimeout):
        await head_of(Stream(Wire(pieces)))
    assert trio.current_time() - began == pytest.approx(30.0, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("interim", [CONTINUE * 1000, EARLY * 500 + CONTINUE * 500, b""])
@pytest.mark.parametrize("step", [1, 7, 25, 100_000])
async def test_interim_answers_go(autojump_clock: MockClock, interim: bytes, step: int) -> None:
    stream = interim + FINAL
    pieces = [(0.0, stream[start : start + step]) for start in range(0, len(stream), step)]
    data = await head_of(Stream(Wire(pieces)))
    assert FINAL.startswith(data)
    assert data.startswith(b"HTTP/1.1 200")


async def test_interim_answers_during_an_upload_do_not_end_it(autojump_clock: MockClock) -> None:
    stream = Stream(
        Wire([(0.0, CONTINUE * 3), (0.0, CONTINUE[:9]), (0.0, CONTINUE[9:]), (3600.0, FINAL)])
    )
    for _ in range(3):
        await stream.write(b"x" * 200_000)
    with pytest.raises(httpcore.ReadTimeout):
        await stream.read(65536, 30.0)


async def test_an_early_answer_ends_an_upload(autojump_clock: MockClock) -> None:
    stream = Stream(Wire([(0.0, CONTINUE + FINAL)]))
    with pytest.raises(httpcore.WriteError):
        await stream.write(b"x" * 2_000_000)
    assert await stream.read(65536, 30.0) == FINAL


async def test_interim_answers_without_end_end_an_upload(autojump_clock: MockClock) -> None:
    stream = Stream(Wire([(0.0, CONTINUE * 1000)] * 1000))
    with pytest.raises(httpcore.RemoteProtocolError):
        await stream.write(b"x" * 200_000_000)


@given(
    st.lists(st.sampled_from([CONTINUE, EARLY]), max_size=4),
    st.lists(st.integers(0, 200), max_size=6),
)
def test_heads_are_the_same_however_they_are_cut(interim: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(interim) + FINAL
    heads, out, before = Heads(), b"", 0
    heads.begin()
    for cut in (*sorted(min(cut, len(stream)) for cut in cuts), len(stream)):
        out += heads.feed(stream[before:cut])
        before = max(before, cut)
    assert out == FINAL


def test_heads_without_end() -> None:
    heads = Heads()
    heads.begin()
    for _ in range(INTERIM_BYTES // len(CONTINUE)):
        assert heads.feed(CONTINUE) == b""
    with pytest.raises(httpcore.RemoteProtocolError):
        heads.feed(CONTINUE)
    heads = Heads()
    heads.begin()
    endless = b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * HEAD_BYTES
    assert heads.feed(endless) == endless, "the parser refuses it"
    for strange in (b"<html>", b"SSH-2.0", b"\x00", b"HTTP/2 200\r\n\r\n", b"ICY 200 OK\r\n"):
        heads = Heads()
        heads.begin()
        assert heads.feed(strange) == strange, "not for us to wait for"


def test_the_end_of_a_connection_within_a_head() -> None:
    heads = Heads()
    heads.begin()
    assert heads.feed(b"HTTP/1.1 20") == b""
    assert heads.end() == b"HTTP/1.1 20"
    assert heads.end() == b""


# Whole requests ----------------------------------------


def trickle(whole: bytes, body: bytes) -> Callable[[trio.SocketStream], Any]:
    async def handler(stream: trio.SocketStream) -> None:
        await stream.send_all(whole)
        for byte in body:
            await trio.sleep(0.02)
            await stream.send_all(bytes([byte]))

    return handler


FEW = Timeouts(connect=5.0, idle=0.5, slow=0.5, hashing=0.5, window=0.5, least=4096)
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("whole", "body"),
    [
        (CHUNKED, b"8\r\n" + b'{"a":[fa' + b"\r\n" + b"1000\r\n" + b"x" * 4096),
        (CHUNKED, b"0" * 2000),
        (CHUNKED, b"1;" + b"x" * 2000),
        (b"", CONTINUE * 2000),
        (b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"x" * 2000),
    ],
    ids=[
        "a line's bytes",
        "a chunk's size",
        "a chunk's extension",
        "interim answers",
        "a header's bytes",
    ],
)
async def test_a_listing_that_trickles_ends(whole: bytes, body: bytes) -> None:
    async with scripted(trickle(whole, body), timeouts=FEW) as folder:
        with trio.fail_after(60), pytest.raises((Unreachable, ListingBroken)):
            await listed(folder)


async def test_a_thousand_interim_answers_precede_a_listing() -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await stream.send_all(
            CONTINUE * 1000 + answer("200 OK", b'{"a":[false,1,2,3,null]}\ndone', "text/plain")
        )

    async with scripted(handler) as folder, folder.listing() as batches:
        assert [entry.path async for batch in batches for entry in batch] == ["a"]


@pytest.mark.parametrize(
    "length", ["9" * 30, "9" * 5000, "18446744073709551616", "-1", "1e3", "0x10", ""]
)
async def test_lengths_that_no_body_has(length: str) -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await stream.send_all(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode())

    async with scripted(handler, timeouts=FEW) as folder:
        with pytest.raises(Unreachable):
            await folder.find("a")
