"""The page's server in this process: what wakes it."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import pytest
import trio
import trio.testing

from syncin_mount.config import Folders
from syncin_mount.supervisor.supervisor import Supervisor
from syncin_mount.web import guard
from syncin_mount.web.server import PageServer
from tests.web.conftest import World


def deadline() -> float:
    """Seconds until a timer wakes anything in this process."""
    return trio.lowlevel.current_statistics().seconds_to_next_deadline


async def post(port: int, path: str, body: object, token: str = "") -> trio.SocketStream:
    """Sends a request of the page's own; the answer is left to be read."""
    said = json.dumps(body).encode()
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    host = f"127.0.0.1:{port}"
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\n"
        f"sec-fetch-site: same-origin\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {token}\r\ncontent-length: {len(said)}\r\n\r\n"
    )
    await stream.send_all(head.encode() + said)
    return stream


async def read_until(stream: trio.SocketStream, end: bytes) -> bytes:
    said = b""
    while end not in said:
        part = await stream.receive_some()
        assert part, said
        said += part
    return said


async def test_no_timer_wakes_the_page_s_server_as_long_as_nothing_happens(
    tmp_path: Path, nursery: trio.Nursery
):
    folders = Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)
    server = PageServer(folders, Supervisor(folders), nursery)
    address, _, ticket = (await server.address()).partition("/#ticket=")
    port = int(address.rpartition(":")[2])
    await trio.testing.wait_all_tasks_blocked()
    assert deadline() == math.inf
    async with await post(port, "/api/token", {"ticket": ticket}) as stream:
        said = await read_until(stream, b"}")
    token = json.loads(said.partition(b"\r\n\r\n")[2])["token"]
    async with await post(port, "/api/watch", {}, token) as stream:
        await read_until(stream, b'"event":"program"')
        while deadline() < math.inf:  # until what changes at the same time would be told
            await trio.lowlevel.checkpoint()
        await trio.testing.wait_all_tasks_blocked()
        assert deadline() == math.inf  # though somebody looks
    while deadline() < math.inf:  # until the end of the connection is seen
        await trio.lowlevel.checkpoint()


async def test_the_page_is_where_it_was_however_often_it_is_asked_for(
    tmp_path: Path, nursery: trio.Nursery
):
    folders = Folders(tmp_path, tmp_path, tmp_path, portable=True)
    server = PageServer(folders, Supervisor(folders), nursery)
    ports, tickets = set(), set()

    async def ask() -> None:
        address, _, ticket = (await server.address()).partition("/#ticket=")
        ports.add(address)
        tickets.add(ticket)

    async with trio.open_nursery() as asking:
        for _ in range(5):
            asking.start_soon(ask)
    assert (len(ports), len(tickets)) == (1, 5)


@pytest.mark.slow
def test_nothing_listens_until_somebody_wants_the_page(world: World):
    world.must("up")
    log = world.folders.log("@supervisor")
    assert "the page is served" not in log.read_text()
    world.open_page()
    world.open_page()
    assert log.read_text().count("the page is served") == 1


def test_files_are_sent_compressed_and_answers_to_calls_never(world: World):
    """What is compressed together with a secret tells of it by its length; files have none."""
    world.enter()
    packed = world.ask("GET", "/app.js", world.headers(accept_encoding="br, gzip;q=0.8"))
    plain = world.ask("GET", "/app.js", world.headers())
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2
    called = world.post("/api/stop", {"name": "x"}, accept_encoding="gzip")
    assert (called.status, called.json) == (200, {"but": None})
    assert "content-encoding" not in called.headers


@pytest.mark.parametrize(
    ("said", "takes"),
    [
        (None, False),
        ("gzip", True),
        ("GZIP;q=1", True),
        ("gzip, deflate, br, zstd", True),
        ("identity, gzip;q=0.001", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*", False),
        ("xgzip, br", False),
        (",;", False),
    ],
)
def test_only_who_takes_gzip_is_sent_gzip(said: str | None, takes: bool):
    headers = [] if said is None else [(b"accept-encoding", said.encode())]
    assert guard.takes_gzip({"headers": headers}) is takes
