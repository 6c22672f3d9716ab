"""A server, a supervisor and the page that it serves: real processes, in a folder of their own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from syncin_mount.cli.demo.sandbox import Sandbox
from syncin_mount.config import Folders
from syncin_mount.control.supervision import NAME
from syncin_mount.control.transport import listener_of
from tests.web.buttons import PRESSES, known

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.web.browser import Tab

LIMIT = 40.0
"""Seconds that anything may take to come about."""

PROFILE = "home"


@dataclass
class Answer:
    """What came back, down to the bytes."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class World:
    """``sandbox`` has the server and runs commands; ``port`` is the page's, once it was asked
    for."""

    sandbox: Sandbox
    port: int = 0
    token: str = ""
    drives: list[str] = field(default_factory=list)

    @property
    def base(self) -> Path:
        return self.sandbox.base

    @property
    def password(self) -> str:
        return (self.base / "users").read_text().strip().partition(":")[2]

    @property
    def folders(self) -> Folders:
        home = self.base / PROFILE
        return Folders(home, home / "state", home / "run", portable=True)

    @property
    def supervisor(self) -> int:
        pid = listener_of(self.folders.socket(NAME))
        assert pid is not None
        return pid

    def must(self, *words: str, stdin: str = "") -> str:
        return self.sandbox.must(PROFILE, *words, stdin=stdin)

    def add(self, name: str, *options: str) -> Path:
        """A synchronization of a folder of that name; its folder on the server's disk."""
        there = self.sandbox.server_files / name
        there.mkdir(parents=True, exist_ok=True)
        words = ("--server", "cloud", "--remote", f"personal/{name}")
        self.must("add", name, *words, "--mountpoint", str(self.base / "drives" / name), *options)
        self.drives.append(name)
        return there

    def go_up(self) -> None:
        """Mounts all, and brings each to the state of the server."""
        self.must("up")
        for name in self.drives:
            self.must("sync", name)

    def drive(self, name: str) -> Path:
        return self.base / "drives" / name

    def open_page(self) -> str:
        """A new ticket; starts the supervisor where none runs."""
        address = self.must("ui", "--print").strip()
        start, _, ticket = address.partition("/#ticket=")
        self.port = int(start.rpartition(":")[2])
        return ticket

    def enter(self) -> None:
        """Gets a token for what follows."""
        answer = self.post("/api/token", {"ticket": self.open_page()}, token="")
        assert answer.status == 200, answer
        self.token = answer.json["token"]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def headers(self, **changed: str | None) -> dict[str, str]:
        """Those that the page's own requests have, with some ``changed`` or (None) left out;
        underscores stand for hyphens."""
        usual: dict[str, str | None] = {
            "host": self.host,
            "origin": f"http://{self.host}",
            "sec-fetch-site": "same-origin",
            "content-type": "application/json",
        }
        usual |= {name.replace("_", "-"): value for name, value in changed.items()}
        return {name: value for name, value in usual.items() if value is not None}

    def post(
        self, path: str, body: Any = None, *, token: str | None = None, **changed: str | None
    ) -> Answer:
        told = self.token if token is None else token
        if told:
            changed.setdefault("authorization", f"Bearer {told}")
        said = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        changed.setdefault("content_length", str(len(said)))
        return self.ask("POST", path, self.headers(**changed), said)

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """One request, as it is given, on a connection of its own."""
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in {**headers, "connection": "close"}.items()
        )
        with socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT) as connection:
            connection.sendall(head.encode() + b"\r\n" + body)
            return read_answer(connection)


def read_answer(connection: socket.socket) -> Answer:
    """The whole answer, to the connection's end. One without a status line has status 0."""
    said = bytearray()
    try:
        while part := connection.recv(65536):
            said += part
    except ConnectionResetError:
        pass
    head, _, body = bytes(said).partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if not lines[0].startswith("HTTP/"):
        return Answer(0, {}, bytes(said))
    pairs = (line.partition(": ") for line in lines[1:])
    headers = {name.lower(): value for name, _, value in pairs}
    return Answer(int(lines[0].split()[1]), headers, body)


def until(condition: Callable[[], bool], what: str) -> None:
    """Looks again until it holds."""
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"this never came about: {what}")
        time.sleep(0.02)  # other processes: there is nothing to wait on


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With an account and no synchronization; for all tests of a file."""
    with Sandbox(tmp_path_factory.mktemp("web") / "world") as sandbox:
        sandbox.start_server(sandbox.base / "requests.log")
        sandbox.log_in(PROFILE, "cloud")
        world = World(sandbox)
        try:
            yield world
        finally:
            sandbox.run(PROFILE, "down", "--force")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For all tests of a file. What drives it is loaded only here: the fast tests need none."""
    from tests.web.browser import chromium

    with chromium() as found:
        yield found


@pytest.fixture
def tab(browser: Browser, drives: World) -> Iterator[Tab]:
    """The first screen of the file's own ``drives``."""
    from tests.web.browser import new_tab

    with new_tab(browser, drives) as found:
        found.enter()
        yield found


@pytest.fixture(autouse=True)
def presses(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test presses the buttons that the table says it does (`tests.web.buttons`)."""
    PRESSES.keys.clear()
    failed = request.session.testsfailed
    yield
    test = f"{request.path.name}::{request.node.originalname}"
    pressed = set(PRESSES.keys)
    if folder := os.environ.get("SYNCIN_PRESSES"):
        with (Path(folder) / str(os.getpid())).open("a") as file:
            file.write("\t".join([test, *sorted(pressed)]) + "\n")
    elif request.session.testsfailed == failed:
        lacking = {key for key, by in known().items() if by == test} - pressed
        assert not lacking, f"buttons.toml says that this test presses {sorted(lacking)}"


@pytest.fixture(scope="module")
def mounts() -> None:
    """For tests that mount."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK) or shutil.which("fusermount3") is None:
        pytest.skip("no /dev/fuse or no fusermount3 here")
