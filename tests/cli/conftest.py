"""Commands against an embedded server in the test's own process, so that it can be looked into."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from syncin_mount.devserver import FULL_PERMISSIONS, Application, DevServer, Space, User, serve
from tests.cli import in_process

PASSWORD = "a-password"
LIMIT = 60.0
"""Seconds that any command gets."""


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    error: str


@dataclass
class ServerClock:
    """The server's clock: seconds since the epoch, ``ahead`` of this computer's."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class World:
    """A server (``dev``, None once it is stopped), and a profile with commands to run in it."""

    base: Path
    dev: DevServer
    nursery: trio.Nursery
    dev_clock: ServerClock
    url: str = ""
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    ended: trio.Event = field(default_factory=trio.Event)

    @property
    def home(self) -> Path:
        return self.base / "home"

    @property
    def config(self) -> Path:
        return self.home / "config.toml"

    @property
    def drive(self) -> Path:
        return self.base / "drive"

    @property
    def disk(self) -> Path:
        """The synchronized folder on the server's disk."""
        return self.dev.files_of("user1") / "docs"

    async def start(self) -> None:
        self.scope, self.ended = trio.CancelScope(), trio.Event()

        async def run(*, task_status: trio.TaskStatus[Any]) -> None:
            with self.scope:
                await serve(self.dev, port=self.port, task_status=task_status)
            self.ended.set()

        running = await self.nursery.start(run)
        self.url = running.url

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2]) if self.url else 0

    async def stop(self) -> None:
        self.scope.cancel()
        await self.ended.wait()

    async def run(
        self, *words: str, stdin: str = "", home: Path | None = None, process: bool = False
    ) -> Done:
        """A command, in this process where that makes no difference (see in_process.py), unless
        ``process`` says so."""
        environment = {"SYNCIN_MOUNT_HOME": str(home or self.home)}
        if not process and in_process.suits(words):
            inside = partial(
                in_process.call, words, stdin=stdin, folder=self.base, environment=environment
            )
            return Done(*await trio.to_thread.run_sync(inside))
        call = partial(
            subprocess.run,
            [sys.executable, "-m", "syncin_mount", *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
            cwd=self.base,
            env={**os.environ, **environment},
        )
        done: subprocess.CompletedProcess[str] = await trio.to_thread.run_sync(call)
        return Done(done.returncode, done.stdout, done.stderr)

    async def must(self, *words: str, stdin: str = "", home: Path | None = None) -> str:
        done = await self.run(*words, stdin=stdin, home=home)
        assert done.status == 0, (words, done)
        return done.out

    async def json(self, *words: str) -> Any:
        return json.loads(await self.must(*words, "--json"))

    async def log_in(self, home: Path | None = None) -> None:
        words = ("server", "add", "home", self.url, "--login", "user1", "--password-stdin")
        await self.must(*words, stdin=f"{PASSWORD}\n", home=home)

    async def log_in_again(self, *options: str, home: Path | None = None) -> None:
        words = ("server", "auth", "home", "--password-stdin", *options)
        await self.must(*words, stdin=f"{PASSWORD}\n", home=home)

    async def add(self, *options: str, home: Path | None = None, drive: Path | None = None) -> None:
        words = (
            "--server",
            "home",
            "--remote",
            "personal/docs",
            "--mountpoint",
            str(drive or self.drive),
        )
        await self.must("add", "docs", *words, *options, home=home)

    async def read(self, name: str) -> str:
        """A file of the drive, in a thread: its content may have to come from the server, which is
        in this one."""
        return await trio.to_thread.run_sync((self.drive / name).read_text)

    async def refused(
        self, *words: str, stdin: str = "", status: int = 2, process: bool = False
    ) -> str:
        """The one sentence with which the command refuses."""
        done = await self.run(*words, stdin=stdin, process=process)
        assert done.status == status, done
        assert done.error.startswith("syncin-mount: "), done
        assert "Traceback" not in done.error
        sentence = done.error.removeprefix("syncin-mount: ").rstrip("\n")
        assert "\n" not in sentence
        return sentence


def seconds(moment: str) -> float:
    """Since 1970, of a time in a document."""
    return dt.datetime.fromisoformat(moment).timestamp()


@pytest.fixture
async def world(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[World]:
    users = [
        User(login="user1", password=PASSWORD),
        User(login="user2", password=PASSWORD, applications=frozenset({Application.WEBDAV})),
    ]
    spaces = [
        Space(alias="team", members={"user1": FULL_PERMISSIONS}),
        Space(alias="read", members={"user1": ""}),
    ]
    clock = ServerClock()
    dev = DevServer(tmp_path / "data", users, spaces=spaces, clock=clock)
    (dev.files_of("user1") / "docs").mkdir()
    world = World(tmp_path, dev, nursery, clock)
    await world.start()
    yield world
    with trio.CancelScope(shield=True):
        for home, drive in ((world.home, world.drive), (tmp_path / "home2", tmp_path / "drive2")):
            if home.exists():
                await world.run("umount", "--force", "docs", home=home)
            if drive.exists() and shutil.which("fusermount3"):
                # Only after a failure is there anything left to take away.
                await trio.run_process(
                    ["fusermount3", "-u", "-z", str(drive)], check=False, capture_stderr=True
                )
    dev.close()


@pytest.fixture
def mounts() -> None:
    """For tests that mount."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK) or shutil.which("fusermount3") is None:
        pytest.skip("no /dev/fuse or no fusermount3 here")


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Looks again until it holds. Fails after LIMIT seconds."""
    with trio.move_on_after(LIMIT):
        while not await condition():  # noqa: ASYNC110 (other processes: there is nothing to wait on)
            await trio.sleep(0.05)
        return
    pytest.fail(f"this never came about: {what}")
