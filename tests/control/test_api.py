"""Client and server of the control API, over real connections."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import trio
import trio.testing
from msgspec.structs import replace

from reconciler.errors import Refused, RemoteError, Unreachable
from syncin_mount.control.client import Client
from syncin_mount.control.failures import ControlError, NotRunning, error_of
from syncin_mount.control.messages import (
    Explained,
    Explanation,
    Failure,
    JournalEntry,
    NodeState,
    Progress,
    Report,
    Status,
    Summary,
    SyncEvent,
    SyncRequest,
    Transfer,
    TransferQuery,
)
from syncin_mount.control.server import serve_control
from syncin_mount.control.state_messages import StateChange
from syncin_mount.control.status_client import read_status
from syncin_mount.control.transport import address, listens
from syncin_mount.control.watching import LONGEST_CHUNK, NotTold, follow_drive, watch_drive
from tests.control.listeners import leave, listen

STATUS = Status(
    "docs",
    "home",
    "personal/docs",
    "/mnt/docs",
    mounted=True,
    pid=7,
    online=False,
    why_offline="away",
)
REPORT = Report("docs", dry_run=False, done=3)


@dataclass
class Service:
    """Says what it is told to say, and remembers what it was asked."""

    entries: int = 3
    error: RemoteError | None = None
    asked: list[object] = field(default_factory=list)
    waiting: trio.Event = field(default_factory=trio.Event)
    cancelled: trio.Event = field(default_factory=trio.Event)
    never: bool = False

    def status(self) -> Status:
        return STATUS

    def metrics(self) -> str:
        return "# HELP a figure\n"

    async def watch(self) -> AsyncIterator[Summary]:
        yield Summary("idle")
        if self.never:
            await self.forever()
        yield Summary("offline", waiting=2)

    async def follow(self) -> AsyncIterator[Status]:
        yield STATUS
        yield replace(STATUS, online=True)

    async def state_changes(self) -> AsyncIterator[StateChange]:
        yield StateChange(everything=True)

    def journal(self, *, everything: bool) -> Iterator[JournalEntry]:
        for number in range(self.entries):
            yield JournalEntry(number, 1.5, "create", f"näme \udcff {number}")

    async def transfers(self, query: TransferQuery) -> list[Transfer]:
        self.asked.append(query)
        return [Transfer(1, 2.5, "docs", "send", "remote", "a", None, 3, 0.1, "done")]

    @contextlib.asynccontextmanager
    async def sync(self, request: SyncRequest) -> AsyncIterator[AsyncIterator[SyncEvent]]:
        self.asked.append(request)

        async def events() -> AsyncIterator[SyncEvent]:
            yield Progress("listing", entries=5)
            if self.never:
                await self.forever()
            yield REPORT

        yield events()

    async def explain(self, path: str) -> Explanation:
        self.asked.append(path)
        if self.error is not None:
            raise self.error
        return Explanation(
            "docs", path, (Explained(path, local=NodeState("file", path, 3, 5), why="it waits"),)
        )

    async def wait_synced(self) -> None:
        if self.error is not None:
            raise self.error
        if self.never:
            await self.forever()

    async def forever(self) -> None:
        self.waiting.set()
        try:
            await trio.sleep_forever()
        finally:
            self.cancelled.set()

    async def reload(self) -> None:
        self.asked.append("reload")

    def stop(self) -> None:
        self.asked.append("stop")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def path(tmp_path: Path, service: Service, nursery: trio.Nursery) -> Path:
    path = tmp_path / "run/docs.sock"
    await nursery.start(serve_control, service, path)
    return path


@pytest.fixture
async def client(path: Path) -> AsyncIterator[Client]:
    async with Client(path) as client:
        yield client


@pytest.mark.skipif(sys.platform == "win32", reason="modes say nothing there")
async def test_only_the_owner_gets_in(path: Path):
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_path_is_explained(client: Client, service: Service):
    found = await client.explain("ä/b")
    assert service.asked == ["ä/b"]
    assert found == await service.explain("ä/b")
    service.error = Unreachable("away")
    with pytest.raises(Unreachable, match="away"):
        await client.explain("a")


async def test_status(client: Client, path: Path):
    assert await client.status() == STATUS
    assert await trio.to_thread.run_sync(read_status, path) == STATUS


@pytest.mark.parametrize("entries", [0, 3, 20_000])
async def test_journals_of_any_length(client: Client, service: Service, entries: int):
    service.entries = entries
    async with client.journal() as found:
        numbers = [entry.sequence async for entry in found]
    assert numbers == list(range(entries))


async def test_names_that_are_no_text_arrive_readable(client: Client, service: Service):
    service.entries = 1
    async with client.journal() as found:
        assert [entry.path async for entry in found] == ["näme \\udcff 0"]


async def test_transfers_are_asked_for_as_given(client: Client, service: Service):
    query = TransferQuery(
        op="send", since=3.5, failed=True, limit=7, until=4.5, run=2, before=9, after=1
    )
    async with client.transfers(query) as found:
        assert [transfer.path async for transfer in found] == ["a"]
    assert service.asked == [query]


async def test_a_run_tells_its_progress_and_its_end(client: Client, service: Service):
    request = SyncRequest(dry_run=True, confirmed=True)
    async with client.sync(request) as events:
        assert [event async for event in events] == [Progress("listing", entries=5), REPORT]
    assert service.asked == [request]


async def test_who_watches_is_told_of_each_change(path: Path):
    async with watch_drive(path) as changes:
        assert [each async for each in changes] == [
            Summary("idle"),
            Summary("offline", waiting=2),
        ]


async def test_who_follows_is_told_all_of_it(path: Path):
    async with follow_drive(path) as changes:
        assert [each async for each in changes] == [STATUS, replace(STATUS, online=True)]


async def test_hanging_up_ends_watching(path: Path, service: Service):
    service.never = True
    seen: list[Summary] = []

    async def follow() -> None:
        async with watch_drive(path) as changes:
            async for each in changes:
                seen.append(each)  # noqa: PERF401 (cancelled, it keeps what it saw)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        await service.waiting.wait()
        nursery.cancel_scope.cancel()
    with trio.fail_after(60):
        await service.cancelled.wait()
    assert seen == [Summary("idle")]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "the daemon ended"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "the daemon is of another version"),
        (b"nonsense\r\n", "the daemon is of another version"),
        (b"HTTP/1.1 200 OK\r\n\r\nnonsense\r\n", "the daemon is of another version"),
        (b"HTTP/1.1 200 OK\r\n\r\n2\r\n{}\r\n", "the daemon is of another version"),
        (
            b"HTTP/1.1 200 OK\r\n\r\nffffffffff\r\n" + bytes(LONGEST_CHUNK + 1),
            "the daemon's answer makes no sense",
        ),
        (bytes(LONGEST_CHUNK + 1), "the daemon's answer makes no sense"),
    ],
)
async def test_who_watches_what_is_no_daemon_of_ours_is_told_so(
    tmp_path: Path, nursery: trio.Nursery, answer: bytes, why: str
):
    listener = trio.socket.from_stdlib_socket(listen(tmp_path / "docs.sock"))

    async def talk(stream: trio.SocketStream) -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            await stream.receive_some()
            await stream.send_all(answer)

    nursery.start_soon(trio.serve_listeners, talk, [trio.SocketListener(listener)])
    with pytest.raises(NotTold) as told:
        async with watch_drive(tmp_path / "docs.sock") as changes:
            assert [each async for each in changes] == []
    assert str(told.value) == why
    nursery.cancel_scope.cancel()


async def test_nobody_is_watched_where_nobody_listens(tmp_path: Path):
    with pytest.raises(NotTold):
        async with watch_drive(tmp_path / "docs.sock"):
            pass


async def test_hanging_up_ends_the_run(client: Client, service: Service):
    service.never = True

    async def follow() -> None:
        async with client.sync(SyncRequest()) as events:
            async for event in events:
                assert isinstance(event, Progress)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        await service.waiting.wait()
        assert not service.cancelled.is_set()
        nursery.cancel_scope.cancel()
    with trio.fail_after(60):
        await service.cancelled.wait()


async def test_hanging_up_ends_a_settling(path: Path, service: Service):
    service.never = True
    async with Client(path) as client, trio.open_nursery() as nursery:
        nursery.start_soon(client.wait_synced)
        await service.waiting.wait()
        nursery.cancel_scope.cancel()
    with trio.fail_after(60):
        await service.cancelled.wait()


@pytest.mark.parametrize("error", [Unreachable("the server is away"), Refused("not this")])
async def test_errors_arrive_as_what_they_were(
    client: Client, service: Service, error: RemoteError
):
    service.error = error
    with pytest.raises(type(error), match=str(error)):
        await client.wait_synced()


def test_failures_of_unknown_kind_are_errors_of_the_daemon():
    for kind in ("", "NoSuchError", "RemoteErrors", "annotations"):
        assert type(error_of(Failure(kind, "said"))) is ControlError


async def test_reload(client: Client, service: Service):
    assert await client.reload() == STATUS
    assert service.asked == ["reload"]


async def test_stop(client: Client, service: Service):
    assert await client.stop() == STATUS
    assert service.asked == ["stop"]


async def test_nobody_there(tmp_path: Path):
    with pytest.raises(NotRunning):
        async with Client(tmp_path / "none.sock") as client:
            await client.status()


async def test_a_file_without_a_daemon_proves_nothing(tmp_path: Path, service: Service):
    path = tmp_path / "run/docs.sock"
    path.parent.mkdir(0o700)
    leave(path)
    assert path.exists()
    assert not listens(path)
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, service, path)
        assert await trio.to_thread.run_sync(listens, path)
        nursery.cancel_scope.cancel()
    assert not path.exists()


@pytest.mark.parametrize(
    ("method", "where", "body", "status"),
    [
        ("GET", "/nope", b"", 404),
        ("POST", "/status", b"", 404),
        ("POST", "/sync", b"", 400),
        ("POST", "/sync", b"[]", 400),
        ("POST", "/sync", b'{"dry_run": 3}', 400),
        ("POST", "/transfers", b"x" * 100_000, 400),
    ],
)
async def test_bad_requests_are_refused_and_harmless(
    path: Path, method: str, where: str, body: bytes, status: int
):
    there = address(path)
    async with httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=there.socket),
        base_url=f"http://{there.host}",
        headers=there.headers,
    ) as raw:
        assert (await raw.request(method, where, content=body)).status_code == status
        assert (await raw.get("/status")).status_code == 200
