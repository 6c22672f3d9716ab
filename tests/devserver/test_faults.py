"""Fault rules, over real sockets: what the client sees, and what the server has done meanwhile."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import httpx
import pytest
import trio

from syncin_mount.devserver import (
    CutRequest,
    CutResponse,
    Delay,
    DevServer,
    FaultFileError,
    Faults,
    Moment,
    Reply,
    Rule,
    Stall,
    StopListing,
)
from tests.devserver.wire import begin_upload
from tests.devserver.world import World, until, write

UPLOAD = "/api/app/sync/operation/personal/docs/a.bin"
DIFF = "/api/app/sync/operation/diff/1"
LISTING = {"secureDiff": False, "firstSync": True, "defaultFilters": []}
MEGABYTE = bytes(1 << 20)

# httpx leaves the generator over a request's body to the garbage collector when the connection
# breaks.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*httpx._content.ByteStream", "ignore:Async generator 'httpx"
)


def http(world: World, *, read_timeout: float | None = 10) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{world.wire.port}",
        headers={
            "Authorization": f"Bearer {world.sessions['main'].access}",
            "User-Agent": "sync-in-cli/2",
        },
        timeout=httpx.Timeout(60, read=read_timeout),
    )


async def upload(
    client: httpx.AsyncClient, data: bytes = b"abc", method: str = "POST"
) -> httpx.Response:
    query: dict[str, int] = {"size": len(data), "mtime": 1700000000}
    headers = {"Content-Type": "application/octet-stream"}
    return await client.request(method, UPLOAD, params=query, content=data, headers=headers)


async def read_all(response: httpx.Response, received: bytearray) -> None:
    async for piece in response.aiter_raw():
        received += piece


async def test_answer_is_lost_although_the_work_is_done(world: World) -> None:
    world.server.faults.add(Rule(CutResponse(), "POST", path="*/operation/personal/*", count=1))
    async with http(world) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await upload(client)
        assert world.personal("docs/a.bin").read_bytes() == b"abc"
        assert (await upload(client)).status_code == 405
    assert [record.status for record in world.server.requests][-2:] == [None, 405]


async def test_answer_is_cut_after_some_bytes(world: World) -> None:
    write(world.personal("docs/a.bin"), MEGABYTE)
    world.server.faults.add(Rule(CutResponse(300_000), "GET"))
    received = bytearray()
    async with http(world) as client, client.stream("GET", UPLOAD) as response:
        assert response.headers["content-length"] == str(len(MEGABYTE))
        with pytest.raises(httpx.RemoteProtocolError):
            await read_all(response, received)
    assert len(received) == 300_000
    assert world.server.requests[-1].bytes_out == 300_000


async def test_upload_is_cut_and_leaves_exactly_what_arrived(world: World) -> None:
    world.server.faults.add(Rule(CutRequest(123_456), "POST", count=1))
    async with http(world) as client:
        with pytest.raises((httpx.RemoteProtocolError, httpx.WriteError, httpx.ReadError)):
            await upload(client, MEGABYTE)
        partial = world.personal("docs/.sync-in.a.bin")
        await until(lambda: not world.server.locks.held())
        assert partial.stat().st_size == 123_456
        assert not world.personal("docs/a.bin").exists()
        assert (await upload(client, MEGABYTE)).status_code == 201
    assert not partial.exists()


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 404, 423, 500, 503, 507])
async def test_reply_before_the_work(world: World, status: int) -> None:
    world.server.faults.add(Rule(Reply(status), path="*/a.bin", count=2))
    async with http(world) as client:
        for _ in range(2):
            response = await upload(client, MEGABYTE)
            assert (response.status_code, response.json()["statusCode"]) == (status, status)
        assert not world.personal("docs/a.bin").exists()
        assert (await upload(client, MEGABYTE)).status_code == 201


async def test_reply_after_the_work_hides_that_it_is_done(world: World) -> None:
    world.server.faults.add(Rule(Reply(500, moment=Moment.AFTER), "POST", count=1))
    async with http(world) as client:
        assert (await upload(client)).status_code == 500
    assert world.personal("docs/a.bin").exists()


async def test_html_instead_of_json(world: World) -> None:
    world.server.faults.add(
        Rule(Reply(200, "<html>proxy</html>", "text/html"), pattern="^/api/app/sync/clients$")
    )
    async with http(world) as client:
        response = await client.get("/api/app/sync/clients")
    assert (response.headers["content-type"], response.text) == ("text/html", "<html>proxy</html>")


async def test_stall_lasts_until_the_client_gives_up(world: World) -> None:
    world.server.faults.add(Rule(Stall(), "POST", count=1))
    async with http(world, read_timeout=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            await upload(client, MEGABYTE)
    await until(lambda: bool(world.server.requests) and world.server.requests[-1].path == UPLOAD)
    assert world.server.requests[-1].status is None
    assert not world.personal("docs/a.bin").exists()


async def test_stall_in_the_middle_of_an_answer(world: World) -> None:
    write(world.personal("docs/a.bin"), MEGABYTE)
    world.server.faults.add(Rule(Stall(Moment.DURING, 1000), "GET"))
    async with http(world, read_timeout=0.2) as client, client.stream("GET", UPLOAD) as response:
        received = bytearray()
        with pytest.raises(httpx.ReadTimeout):
            await read_all(response, received)
    assert len(received) == 1000


async def test_listing_that_stops(world: World) -> None:
    for name in "abcde":
        write(world.personal("docs", name))
    world.server.faults.add(Rule(StopListing(3), path="*/diff/*"))
    async with http(world) as client:
        response = await client.post(DIFF, json=LISTING)
    assert response.status_code == 200
    assert [next(iter(json.loads(line))) for line in response.text.splitlines()] == ["a", "b", "c"]


async def test_delays_add_up_with_another_rule(world: World) -> None:
    world.server.faults.add(
        Rule(Delay(0.03)), Rule(Delay(0.05, Moment.AFTER)), Rule(Reply(503), path="*/clients")
    )
    before = time.perf_counter()
    async with http(world) as client:
        assert (await client.get("/api/app/sync/clients")).status_code == 503
    assert time.perf_counter() - before >= 0.08


def test_nth_count_and_order() -> None:
    faults = Faults()
    late = Rule(Reply(503), "GET", nth=3, count=2)
    other = Rule(Reply(500), "GET")
    faults.add(late, other)
    seen = [faults.effects_for("GET", "/x") for _ in range(6)]
    assert seen == [[other.effect]] * 2 + [[late.effect]] * 2 + [[other.effect]] * 2
    assert faults.effects_for("PUT", "/x") == []
    assert (faults.acted(late), faults.acted(other)) == (2, 4)


def test_probability_repeats_with_its_seed() -> None:
    def run() -> list[bool]:
        faults = Faults([Rule(Reply(500), probability=0.3)])
        return [bool(faults.effects_for("GET", "/")) for _ in range(200)]

    assert run() == run()
    assert 30 < sum(run()) < 90


@pytest.mark.parametrize("bad", [{"nth": 0}, {"probability": 2.0}, {"pattern": "("}])
def test_rules_that_make_no_sense(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"nth|probability|pattern"):
        Rule(Reply(500), **bad)  # type: ignore[arg-type]


TOML = """
seed = 5
[[rule]]
method = "GET"
path = "*/clients"
effect = "reply"
status = 503
[[rule]]
effect = "html"
path = "*/app-store"
"""


async def test_fault_file_is_read_again_when_it_changes(
    world: World, tmp_path: Path, nursery: trio.Nursery
) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(TOML)
    world.server._fault_file = DevServer(tmp_path / "other", fault_file=file)._fault_file
    assert world.server._fault_file is not None
    world.server._fault_file._faults = world.server.faults
    world.server._fault_file.load()
    token = world.sessions["main"].access
    assert (await world.call("GET", "/api/app/sync/clients", token=token)).status == 503
    assert (await world.call("GET", "/api/app/sync/app-store", token=token)).body.startswith(
        b"<!doctype"
    )
    file.write_text("[]")
    file.rename(tmp_path / "faults.json")
    (tmp_path / "faults.toml").write_text("")
    assert (await world.call("GET", "/api/app/sync/clients", token=token)).status == 200


@pytest.mark.expected_log("fault rules stay as they were")
async def test_broken_change_leaves_the_rules(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps([{"effect": "stall"}]))
    server = DevServer(tmp_path / "data", fault_file=file)
    file.write_text("{")
    assert server._fault_file is not None
    server._fault_file.reload_if_changed()
    assert [rule.effect for rule in server.faults.rules] == [Stall()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "no valid TOML"),
        ("[[rule]]\neffect='melt'", "rule 1: effect must be one of"),
        ("[[rule]]\neffect='reply'", "rule 1: status is missing"),
        ("[[rule]]\neffect='stall'\nstatus=3", "rule 1: stall does not know status"),
        ("[[rule]]\neffect='stall'\nwhen='never'", "rule 1: 'never' is not a valid Moment"),
        ("rule = 3", "must be a list"),
    ],
)
def test_fault_file_that_makes_no_sense(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(text)
    with pytest.raises(FaultFileError, match=said):
        DevServer(tmp_path / "data", fault_file=file)


@pytest.mark.parametrize("how", ["a rule", "the server's end"])
async def test_a_client_that_still_sends_is_told_of_the_cut_at_once(world: World, how: str) -> None:
    """An end of the connection alone would not do: who sends waits for room in the server's buffer,
    which nobody makes any more, until the kernel forgets the connection after a minute."""
    if how == "a rule":
        world.server.faults.add(Rule(CutRequest(1000), "POST"))
    token, before = world.sessions["main"].access, set(world.server._connections)
    query = f"?size={len(MEGABYTE)}&mtime=1700000000"
    stream = await begin_upload(
        world.wire.port, UPLOAD + query, token, len(MEGABYTE), MEGABYTE[:2000]
    )
    async with stream:
        client = stream.socket.getsockname()
        if how != "a rule":
            await until(lambda: world.personal("docs/.sync-in.a.bin").exists())
            world.server.cut_connections()
        await until(lambda: client not in world.server._connections)
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            await stream.socket.send(b"x")
    assert set(world.server._connections) <= before


@pytest.mark.slow
async def test_cut_connections_leave_nothing_behind(world: World) -> None:
    """Neither tasks nor descriptors grow with the number of cut connections."""

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    world.server.faults.add(Rule(CutRequest(1000), "POST"), Rule(CutResponse(5), "GET"))
    write(world.personal("docs/b.bin"), MEGABYTE)
    counts = []
    for _ in range(2):
        for _ in range(10):
            async with http(world) as client:
                with pytest.raises(httpx.TransportError):
                    await upload(client, MEGABYTE)
                with pytest.raises(httpx.TransportError):
                    await client.get("/api/app/sync/operation/personal/docs/b.bin")
        await until(lambda: len(world.server._connections) <= 1)
        counts.append(descriptors())
    assert counts[1] <= counts[0]
