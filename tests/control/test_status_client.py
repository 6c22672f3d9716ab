"""A daemon's status without an event loop: the same answers, and the same errors, as of the
client that has one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio

from reconciler.errors import Unreachable
from syncin_mount.control import silence, status_client, transport
from syncin_mount.control.client import Client
from syncin_mount.control.failures import (
    AnswerCut,
    ControlError,
    NoAnswer,
    NotRunning,
    OtherVersion,
)
from syncin_mount.control.status_client import read_status
from syncin_mount.control.transport import StrangerListens
from tests.control.listeners import connect
from tests.control.listeners import listen as listening

OK = b"HTTP/1.1 200 OK\r\n"
OTHER_FAILURE = b"HTTP/1.1 500 E\r\ncontent-length: 1\r\n\r\nx"
Listen = Callable[[bytes | None], Path]


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Listen]:
    """A daemon that answers with these bytes and closes; with None it only accepts."""
    end, threads = threading.Event(), list[threading.Thread]()

    def start(answer: bytes | None) -> Path:
        path = tmp_path / "drive.sock"
        listener = listening(path)

        def serve() -> None:
            with listener, listener.accept()[0] as connection:
                if answer is None:
                    end.wait()
                else:
                    with contextlib.suppress(OSError):  # who asks may have gone
                        connection.recv(4096)
                        connection.sendall(answer)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return path

    yield start
    end.set()
    for each in threads:
        each.join()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", AnswerCut),
        (b"HTTP/1.1 200", AnswerCut),
        (b"HTTP/1.1 abc OK\r\n\r\n", AnswerCut),
        (OK + b"content-length: 9\r\n\r\n{}", AnswerCut),
        (OK + b"content-length: 2\r\n\r\n{}", OtherVersion),
        (OK + b"content-length: 1\r\n\r\n\xff", OtherVersion),
        (OTHER_FAILURE, ControlError),
        (
            b'HTTP/1.1 500 E\r\ncontent-length: 40\r\n\r\n{"kind":"Unreachable","message":"far"}  ',
            Unreachable,
        ),
    ],
)
def test_every_answer_is_one_of_the_errors(listen: Listen, answer: bytes, kind: type[Exception]):
    with pytest.raises(kind) as raised:
        read_status(listen(answer))
    assert type(raised.value) is kind
    assert str(raised.value)


def test_nobody_listens(tmp_path: Path):
    with pytest.raises(NotRunning):
        read_status(tmp_path / "none.sock")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotRunning):
        read_status(tmp_path / "file")


def test_a_daemon_that_is_silent_is_not_waited_for(listen: Listen, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(silence, "ANSWERS_S", 0.2)
    with pytest.raises(NoAnswer):
        read_status(listen(None))


def test_a_daemon_that_accepts_nobody_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "full.sock"
    monkeypatch.setattr(status_client, "CONNECT_S", 0.2)
    with listening(path, backlog=0):
        waiting = [connect(path) for _ in range(4)]
        try:
            with pytest.raises(NoAnswer):
                read_status(path)
        finally:
            for each in waiting:
                each.close()


def test_another_users_process_is_told_nothing(listen: Listen, monkeypatch: pytest.MonkeyPatch):
    path = listen(OK + b"content-length: 2\r\n\r\n{}")

    def stranger(path: Path, seconds: float) -> None:
        transport.connect(path, seconds).close()
        raise StrangerListens

    monkeypatch.setattr(status_client, "connect", stranger)
    with pytest.raises(NotRunning, match="another user"):
        read_status(path)


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Path]:
    """A daemon that fails twice, each on a connection of its own."""
    path = tmp_path / "failing.sock"
    listener = listening(path)

    def serve() -> None:
        with listener:
            answered = 0
            while answered < 2:
                with listener.accept()[0] as connection:
                    # Who only looks whether somebody listens asks nothing.
                    if connection.recv(4096):
                        connection.sendall(OTHER_FAILURE)
                        answered += 1

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield path
    thread.join(10)
    assert not thread.is_alive()


async def test_both_clients_say_the_same(failing: Path):
    with pytest.raises(ControlError) as quick:
        await trio.to_thread.run_sync(read_status, failing)
    async with Client(failing) as client:
        with pytest.raises(ControlError) as full:
            await client.status()
    assert (type(quick.value), str(quick.value)) == (type(full.value), str(full.value))
