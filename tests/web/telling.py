"""Drives that only tell how they are: the real control server, with nothing behind it. One process
can have a hundred, and have them change a thousand times a second."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import trio
from msgspec.structs import replace

from syncin_mount.config import ConfigurationFile, Folders, Server, Synchronization
from syncin_mount.control.messages import Progress, Status, Summary
from syncin_mount.control.server import serve_control

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from syncin_mount.control.state_messages import StateChange

SERVER = Server("cloud", "http://127.0.0.1:9", "user1", "0c7a0d2e-0000-4000-8000-000000000001")


@dataclass
class TellingDrive:
    """A `syncin_mount.control.service.Service` as far as the page asks while it only looks;
    ``followers`` counts who follows it now, ``asked`` how often somebody asked once."""

    name: str
    now: Status
    followers: int = 0
    told: int = 0
    asked: int = 0
    _changed: trio.Event = field(default_factory=trio.Event)

    def status(self) -> Status:
        self.asked += 1
        return self.now

    def change(self, **changes: Any) -> None:
        self.now = replace(self.now, **changes)
        self._changed.set()
        self._changed = trio.Event()

    async def follow(self) -> AsyncGenerator[Status, None]:
        """Tells each change at once: more often than a daemon does."""
        self.followers += 1
        try:
            while True:
                changed = self._changed
                self.told += 1
                yield self.now
                await changed.wait()
        finally:
            self.followers -= 1

    async def watch(self) -> AsyncGenerator[Summary, None]:
        """The same in short, for the tray icon."""
        async with aclosing(self.follow()) as states:
            async for each in states:
                yield Summary(each.state, each.waiting)

    def state_changes(self) -> AsyncGenerator[StateChange, None]:
        """The page does not ask for them."""
        raise NotImplementedError

    @asynccontextmanager
    async def up(self, folders: Folders) -> AsyncIterator[None]:
        """It is there meanwhile."""
        async with trio.open_nursery() as nursery:
            service = cast("Any", self)
            await nursery.start(serve_control, service, folders.socket(self.name))
            yield
            nursery.cancel_scope.cancel()


def configure(folders: Folders, names: list[str], place: Path) -> list[TellingDrive]:
    """Has them in the configuration, not enabled, as drives that are mounted by hand are."""
    here = [
        Synchronization(name, "cloud", f"personal/{name}", place / name, path_id=1, enabled=False)
        for name in names
    ]

    def add(now: Any) -> Any:
        now = now.with_server(SERVER)
        for each in here:
            now = now.with_synchronization(each)
        return now

    ConfigurationFile(folders).update(add)
    return [TellingDrive(each.name, status_of(each)) for each in here]


def status_of(here: Synchronization) -> Status:
    """One that has nothing to do."""
    return Status(
        here.name,
        here.server,
        here.remote,
        str(here.mountpoint),
        mounted=True,
        online=True,
        known=2000,
        state="idle",
    )


def at_work(done: int, files: int) -> Progress:
    """So far is it."""
    share = {"bytes_done": done * 50_000, "bytes": files * 50_000, "left": 3.0 * (files - done)}
    return Progress("carrying", files=files, files_done=done, speed=1e6, **cast("Any", share))
