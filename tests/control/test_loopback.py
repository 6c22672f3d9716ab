"""TCP within this computer: a real server, real clients, and whoever should not get in."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from syncin_mount import system
from syncin_mount.config import Folders
from syncin_mount.control import transport
from syncin_mount.control.client import Client
from syncin_mount.control.failures import NotRunning
from syncin_mount.control.messages import Status, Summary
from syncin_mount.control.server import serve_control
from syncin_mount.control.status_client import read_status
from syncin_mount.control.supervision import (
    NAME,
    Answer,
    Ask,
    NothingSupervised,
    What,
    ask,
    serve_supervision,
)
from syncin_mount.control.transport import loopback
from syncin_mount.control.transport.loopback import Loopback
from syncin_mount.control.watching import NotTold, watch_drive
from syncin_mount.system import tcp
from tests.control.listeners import listen, place

STATUS = Status("docs", "home", "personal/docs", "/mnt/docs", mounted=True, pid=7)


@pytest.fixture(params=["loopback"], autouse=True)
def way(monkeypatch: pytest.MonkeyPatch) -> str:
    """One way alone."""
    monkeypatch.setattr(transport, "USED", Loopback())
    return "loopback"


class Service:
    def status(self) -> Status:
        return STATUS

    async def watch(self) -> AsyncIterator[Summary]:
        yield Summary("idle")
        await trio.sleep_forever()

    follow = state_changes = watch


@pytest.fixture
async def path(tmp_path: Path, nursery: trio.Nursery) -> Path:
    path = tmp_path / "run/docs.sock"
    await nursery.start(serve_control, Service(), path)
    return path


def told(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


async def say(port: int, request: bytes) -> bytes:
    """All that is answered to these bytes, until the other end hangs up."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        answer = b""
        with trio.fail_after(30):
            try:
                await stream.send_all(request)
                while part := await stream.receive_some():
                    answer += part
            except trio.BrokenResourceError:
                pass
        return answer


def request(path: Path, **changed: str | None) -> bytes:
    """A request for the status, with some headers changed or (None) left out."""
    here = told(path)
    usual: dict[str, str | None] = {
        "host": f"127.0.0.1:{here['port']}",
        "authorization": f"Bearer {here['token']}",
        "connection": "close",
    }
    lines = [f"{name}: {value}" for name, value in (usual | changed).items() if value is not None]
    return "\r\n".join(["GET /status HTTP/1.1", *lines, "", ""]).encode()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def test_who_has_the_token_is_answered(path: Path):
    answer = await say(told(path)["port"], request(path))
    assert status_of(answer) == 200
    assert b'"docs"' in answer


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"authorization": None}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": "Bearer " + "x" * 43}, 401),
        ({"authorization": "Basic eDp4"}, 401),
        ({"host": None}, 400),
        ({"host": "127.0.0.1"}, 403),
        ({"host": "localhost:{port}"}, 403),
        ({"host": "evil.example:{port}"}, 403),
        ({"host": "127.0.0.1:{port}, 127.0.0.1:{port}"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:{port}"}, 403),
        ({"origin": "null"}, 403),
    ],
)
async def test_who_has_no_token_or_comes_from_elsewhere_is_refused(
    path: Path, changed: dict[str, str | None], status: int
):
    port = told(path)["port"]
    sent = {name: value and value.format(port=port) for name, value in changed.items()}
    answer = await say(port, request(path, **sent))
    assert status_of(answer) == status
    assert b"docs" not in answer


async def test_a_part_of_the_token_is_not_enough(path: Path):
    token = told(path)["token"]
    assert len(token) == 43  # 256 bits
    for wrong in (token[:-1], token + "x", token.swapcase()):
        answer = await say(told(path)["port"], request(path, authorization=f"Bearer {wrong}"))
        assert status_of(answer) == 401


async def test_a_second_token_or_host_does_not_help(path: Path):
    right = request(path)
    for name in (b"host", b"authorization"):
        line = next(each for each in right.split(b"\r\n") if each.startswith(name))
        answer = await say(told(path)["port"], right.replace(line, line + b"\r\n" + line))
        assert status_of(answer) in {400, 401, 403}


@pytest.mark.parametrize(
    "more",
    [
        {"upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": "eA=="},
        {"upgrade": "h2c", "http2-settings": "AAMAAABk"},
    ],
)
async def test_other_protocols_are_refused(path: Path, more: dict[str, str]):
    asked = request(path, connection="upgrade", **more)
    answer = b""
    async with await trio.open_tcp_stream("127.0.0.1", told(path)["port"]) as stream:
        await stream.send_all(asked)
        with trio.fail_after(30):
            while b"HTTP/1.1 403" not in answer and b"only HTTP/1.1" not in answer:
                part = await stream.receive_some()
                assert part
                answer += part
    assert b'"docs"' not in answer


async def test_each_daemon_has_a_token_of_its_own(tmp_path: Path, nursery: trio.Nursery):
    tokens = set()
    for number in range(3):
        path = tmp_path / f"{number}.sock"
        await nursery.start(serve_control, Service(), path)
        tokens.add(told(path)["token"])
    assert len(tokens) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="modes say nothing there")
async def test_only_the_owner_reads_the_token(path: Path):
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.expected_log("another user's process")
async def test_another_user_s_connection_is_hung_up_on(path: Path, monkeypatch: pytest.MonkeyPatch):
    """Not a byte is read, also with the right token."""
    monkeypatch.setattr(tcp, "is_ours", lambda client, server: False)
    assert await say(told(path)["port"], request(path)) == b""


# --- who is spoken to -----------------------------------------------------------------------------


async def refuses(path: Path, why: str) -> None:
    """Nobody who asks says a word to who listens there."""
    with pytest.raises(NotRunning, match=why):
        await trio.to_thread.run_sync(read_status, path)
    with pytest.raises(NotRunning, match=why):
        async with Client(path) as client:
            await client.status()
    with pytest.raises(NotTold):
        async with watch_drive(path):
            pass


@pytest.fixture
def heard() -> Iterator[tuple[int, Callable[[], bytes], int]]:
    """Another process of ours that listens: its port, all that it heard, and its number."""
    program = (
        "import socket, sys\n"
        "it = socket.create_server(('127.0.0.1', 0))\n"
        "print(it.getsockname()[1], flush=True)\n"
        "sys.stdin.read()\n"
        "it.settimeout(0.2)\n"
        "heard = b''\n"
        "try:\n"
        "    while True:\n"
        "        connection, _ = it.accept()\n"
        "        connection.settimeout(0.2)\n"
        "        while part := connection.recv(4096):\n"
        "            heard += part\n"
        "except OSError:\n"
        "    pass\n"
        "sys.stdout.buffer.write(heard)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        yield port, lambda: other.communicate()[0], other.pid
        other.communicate()


async def test_a_port_that_another_process_has_now_is_told_nothing(
    tmp_path: Path, heard: tuple[int, Callable[[], bytes], int]
):
    """The file is a killed daemon's; the port went to some other program of this user."""
    path = tmp_path / "docs.sock"
    port, words, _ = heard
    place(path, port)
    assert not transport.listens(path)
    await refuses(path, "nothing is mounted")
    assert words() == b""


async def test_a_daemon_in_another_process_is_found(
    tmp_path: Path, heard: tuple[int, Callable[[], bytes], int]
):
    """What the last test shows is not that nobody is ever spoken to."""
    path = tmp_path / "docs.sock"
    port, _, pid = heard
    place(path, port, pid=pid)
    assert transport.listener_of(path) == pid


async def test_a_port_that_another_user_has_now_is_told_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "docs.sock"
    with listen(path) as listener:
        monkeypatch.setattr(tcp, "listener", lambda address: (os.getpid(), False))
        assert transport.is_strangers(path)
        assert not transport.listens(path)
        await refuses(path, "another user")
        listener.setblocking(False)
        heard = b""
        while True:
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                break
            with connection:
                heard += connection.recv(4096)
        assert heard == b""


async def test_a_file_of_another_user_is_not_believed(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(system, "belongs_to_us", lambda fd: False)
    assert transport.is_strangers(path)
    await refuses(path, "another user")


@pytest.mark.skipif(
    sys.platform == "win32" or os.getuid() != 0, reason="only root makes files of others"
)
async def test_a_file_that_is_another_user_s_is_not_believed(path: Path):
    os.chown(path, 65534, 65534)
    assert transport.is_strangers(path)
    await refuses(path, "another user")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
async def test_a_link_to_the_file_is_not_followed(path: Path, tmp_path: Path):
    link = tmp_path / "link.sock"
    link.symlink_to(path)
    await refuses(link, "nothing is mounted")


@pytest.mark.parametrize("cut", [0, 1, 20, -1])
async def test_a_file_that_was_cut_off_is_nobody(path: Path, cut: int):
    path.write_bytes(path.read_bytes()[:cut])
    assert not transport.listens(path)
    assert not transport.is_overrun(path)
    await refuses(path, "nothing is mounted")


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b"\xff\xfe",
        b'{"port": "80", "pid": 1, "token": "t"}',
        b'{"port": -1, "pid": 1, "token": "t"}',
        b'{"port": 99999, "pid": 1, "token": "t"}',
        b'{"port": 80, "pid": 1, "token": "a\\r\\nHost: b"}',
        b"x" * 100_000,
    ],
)
async def test_a_file_that_says_something_else_is_nobody(tmp_path: Path, text: bytes):
    path = tmp_path / "docs.sock"
    path.write_bytes(text)
    assert not transport.listens(path)
    await refuses(path, "nothing is mounted")


async def test_a_folder_in_its_place_is_nobody(tmp_path: Path):
    await refuses(tmp_path, "nothing is mounted")


async def test_the_file_goes_with_the_daemon(tmp_path: Path):
    path = tmp_path / "run/docs.sock"
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, Service(), path)
        port = told(path)["port"]
        nursery.cancel_scope.cancel()
    assert not path.exists()
    with pytest.raises(OSError):  # noqa: PT011 (its number differs)
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


async def test_beyond_a_number_of_connections_others_are_hung_up_on(
    tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(loopback, "MOST", 3)
    path = tmp_path / "run/docs.sock"
    await nursery.start(serve_control, Service(), path)
    port = told(path)["port"]
    held = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(3)]
    for each in held:
        await each.send_all(request(path).replace(b"GET /status", b"POST /watch"))
        assert b"200" in await each.receive_some()
    assert await say(port, request(path)) == b""
    await held.pop().aclose()
    with trio.fail_after(30):
        while not await say(port, request(path)):  # noqa: ASYNC110 (the server tells nobody)
            await trio.sleep(0.01)
    for each in held:
        await each.aclose()


# --- the supervisor -------------------------------------------------------------------------------


@pytest.fixture
async def folders(tmp_path: Path, nursery: trio.Nursery) -> Folders:
    folders = Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)
    folders.socket(NAME).parent.mkdir(parents=True, mode=0o700, exist_ok=True)

    async def answer(_asked: Ask) -> Answer:
        return Answer(trouble="heard")

    await nursery.start(serve_supervision, folders.socket(NAME), answer)
    return folders


async def test_who_has_the_token_is_heard(folders: Folders):
    said = await trio.to_thread.run_sync(lambda: ask(folders, Ask(What.LOOK)))
    assert said.trouble == "heard"


ASKED = b'{"what": "end"}\n'


@pytest.mark.parametrize("greeting", [b"", b"\n", b"t" * 43 + b"\n", b"POST / HTTP/1.1\r\n" * 9])
async def test_the_supervisor_hears_nobody_without_the_token(folders: Folders, greeting: bytes):
    port = told(folders.socket(NAME))["port"]
    assert await say(port, greeting + ASKED + b"x" * 100) == b""
    right = told(folders.socket(NAME))["token"].encode() + b"\n"
    assert b"heard" in await say(port, right + ASKED)


async def test_who_says_nothing_is_not_waited_for(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(loopback, "GREETING_S", 0.05)
    assert await say(told(folders.socket(NAME))["port"], b"t") == b""


async def test_a_supervisor_s_port_that_somebody_else_has_is_asked_nothing(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
):
    place(folders.socket(NAME), told(folders.socket(NAME))["port"], pid=os.getpid() + 1)
    with pytest.raises(NothingSupervised):
        await trio.to_thread.run_sync(lambda: ask(folders, Ask(What.LOOK)))
