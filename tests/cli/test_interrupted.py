"""A transfer that is interrupted, by a cut or a kill of the drive or of the server, goes on where
it stopped.

Real processes on both sides. ``SYNCIN_INTERRUPTED_MIB=1024`` measures it with 1 GiB; the figures
are printed (``-s``).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

from reconciler.hydration.downloads import LARGEST_WRITE_BYTES
from tests.cli.conftest import PASSWORD, World

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(900)]

SIZE = int(os.environ.get("SYNCIN_INTERRUPTED_MIB", "48")) << 20
CUT = SIZE // 3 + 12_345
"""Bytes that have crossed when the connection is cut; a kill comes at the first look after a
third."""

LAST = 1 << 20
"""Bytes in the middle of their way through either process, at most."""

BESIDE = ".sync-in.mount."
"""A big new file is put beside its place under such a name, and moved there."""

WAYS = ["cut", "drive killed", "server killed"]


@dataclass
class Server:
    """The embedded server as a process of its own, which takes over from the one in the test's
    process."""

    world: World
    process: subprocess.Popen[str] | None = None

    @property
    def log(self) -> Path:
        return self.world.base / "requests.jsonl"

    @property
    def faults(self) -> Path:
        return self.world.base / "faults.toml"

    def start(self) -> None:
        words = [
            "--root",
            str(self.world.dev.root),
            "--port",
            str(self.world.port),
            "--user",
            f"user1:{PASSWORD}",
        ]
        words += ["--faults", str(self.faults), "--request-log", str(self.log)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "syncin_mount", "serve", *words],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("http")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()

    def contents(self, *methods: str) -> list[dict[str, Any]]:
        """The requests that carried the file's content."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        there = ("/big", BESIDE)
        return [
            line
            for line in lines
            if line["method"] in methods and any(part in line["path"] for part in there)
        ]


@pytest.fixture
async def server(world: World) -> AsyncIterator[Server]:
    await world.stop()
    server = Server(world)
    server.faults.write_text("")
    server.start()
    yield server
    server.kill()


def fill(path: Path) -> None:
    """Mostly holes; what is no hole differs from place to place."""
    with path.open("wb") as file:
        file.truncate(SIZE)
        for offset in (0, SIZE // 3, SIZE // 2, SIZE - LAST):
            file.seek(offset)
            file.write(os.urandom(LAST))


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


SLOW = (
    '[[rule]]\nmethod = "GET"\npath = "*/big"\neffect = "delay"\nwhen = "during"\nseconds ='
    f" {8 * 2**18 / SIZE}\n"
)
"""A download takes so long that there is time to come between."""


def fault(effect: str, method: str, path: str) -> str:
    return (
        f'[[rule]]\nmethod = "{method}"\npath = "{path}"\neffect = "{effect}"\nafter_bytes ='
        f" {CUT}\ncount = 1\n"
    )


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Looks again until it holds, for as long as a slow machine may need for so many bytes."""
    with trio.move_on_after(60 + SIZE / (4 << 20)):
        while not await condition():  # noqa: ASYNC110 - other processes' work
            await trio.sleep(0.05)
        return
    pytest.fail(f"this never came about: {what}")


async def daemon(world: World) -> int:
    return int((await world.json("status", "docs"))[0]["pid"])


async def reached(done: Callable[[], int]) -> None:
    with trio.fail_after(60 + SIZE / (4 << 20)):
        while done() < SIZE // 3:  # noqa: ASYNC110 - other processes' work
            await trio.sleep(0.001)


async def interrupt(
    world: World, server: Server, how: str, pid: int, done: Callable[[], int]
) -> int:
    """Waits for a third to have crossed, and interrupts; returns how much ``done`` tells then."""
    if how == "cut":
        return CUT
    await reached(done)
    if how == "drive killed":
        os.kill(pid, signal.SIGKILL)
    else:
        server.kill()
    await trio.sleep(0.5)  # what the survivor still has of it comes to its end
    return done()


async def go_on(world: World, server: Server, how: str) -> None:
    if how == "drive killed":
        await world.must("mount", "docs")
    elif how == "server killed":
        server.start()


def tell(what: str, how: str, at: int, again: int) -> None:
    print(f"\n{what} of {SIZE >> 20} MiB, {how} at {at}: {again} bytes carried again")


@pytest.mark.parametrize("how", WAYS)
async def test_an_interrupted_upload(world: World, server: Server, how: str) -> None:
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    pid = await daemon(world)
    there = world.disk / "big"
    if how == "cut":
        server.faults.write_text(fault("cut-request", "PUT", f"*{BESIDE}*"))

    def received() -> int:
        try:
            return max((path.stat().st_size for path in world.disk.glob(".sync-in.*")), default=0)
        except FileNotFoundError:  # it has just come to its place
            return 0

    await trio.to_thread.run_sync(fill, world.drive / "big")
    at = await interrupt(world, server, how, pid, received)
    await go_on(world, server, how)

    async def arrived() -> bool:
        return there.exists()

    await until(arrived, "the whole file on the server")
    await until_recorded(world)
    *_, last = server.contents("POST", "PUT")
    again = last["bytes_in"] - (SIZE - at)
    tell("upload", how, at, again)
    assert 0 <= again <= LAST, last
    assert await trio.to_thread.run_sync(digest, there) == await trio.to_thread.run_sync(
        digest, world.drive / "big"
    )
    assert not list(world.disk.glob(".sync-in.*"))
    assert not server.contents("DELETE")


async def until_recorded(world: World) -> None:
    async def nothing_waits() -> bool:
        return bool(await world.json("journal", "docs") == [])

    await until(nothing_waits, "an empty journal")


@pytest.mark.parametrize("how", WAYS)
async def test_an_interrupted_download(world: World, server: Server, how: str) -> None:
    await trio.to_thread.run_sync(fill, world.disk / "big")
    if how == "cut":
        server.faults.write_text(fault("cut-response", "GET", "*/big"))
    else:
        server.faults.write_text(SLOW)
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    pid = await daemon(world)

    def here() -> int:
        """Bytes that have arrived: those that take room, and the zeros that are noted."""
        arrived = 0
        for path in world.home.rglob("incoming/*-*-*"):
            with contextlib.suppress(FileNotFoundError):  # it has just become the content
                if path.suffix == ".zeros":
                    arrived += sum(
                        stop - start for start, stop in struct.iter_unpack("<QQ", path.read_bytes())
                    )
                else:
                    arrived += path.stat().st_blocks * 512
        return arrived

    at = await interrupt(world, server, how, pid, here)
    await go_on(world, server, how)

    async def arrived() -> bool:
        (state,) = await world.json("status")
        return bool(state["known"] == 1 and state["absent"] == 0)

    await until(arrived, "the whole file here")
    ended = 1 if how == "server killed" else 2  # a killed server has no line for its request

    async def logged() -> bool:
        return len(server.contents("GET")) >= ended

    await until(logged, "a line in the server's log for each request that ended")
    requests = server.contents("GET")
    last = requests[-1]
    if how == "drive killed":
        # The log has its line when a request ends, with the bytes that were on their way then; the
        # killed one's may be the last line.
        last = min(requests, key=lambda request: abs(request["bytes_out"] - (SIZE - at)))
    again = last["bytes_out"] - (SIZE - at)
    tell("download", how, at, again)
    assert -LARGEST_WRITE_BYTES <= again <= LARGEST_WRITE_BYTES, last
    assert await trio.to_thread.run_sync(
        digest, world.disk / "big"
    ) == await trio.to_thread.run_sync(digest, world.drive / "big")
    assert len(requests) <= 2, requests
