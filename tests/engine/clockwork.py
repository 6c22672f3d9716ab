"""One drive in simulated time: the real engine, hydrator and replica, and the simulation's server
in memory.

Both clocks are the test's: trio's is mocked, and the wall's goes with it but for the jumps that a
test makes.
"""

from __future__ import annotations

import contextlib
import os
import random
from array import array
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import trio

from reconciler.engine.engine import Engine
from reconciler.engine.parts import EngineOptions
from reconciler.engine.schedule import Schedule
from reconciler.errors import Unreachable
from reconciler.hydration.hydrator import Hydrator
from reconciler.model import ROOT, NodeId, Settings
from reconciler.requests.connectivity import Connectivity
from syncin_mount.app.runtime.turns import RememberedDeletions, RememberedRun
from syncin_mount.store import NodeType, Replica
from tests.sim.device import Diary
from tests.sim.ledger import Ledger
from tests.sim.remote import ModelFolder
from tests.sim.server import Disk

BEGAN_NS = 1_700_000_000 * 10**9


class Server(ModelFolder):
    """That of the simulation without its faults; ``listings`` holds when each began (trio's
    seconds). Without ``gives_contents`` every download breaks off."""

    def __init__(self, drive: Drive) -> None:
        super().__init__(drive, random.Random(1), 0.0, 0.2)  # type: ignore[arg-type]  # as much of a device as it asks
        self.listings = array("d")
        self.gives_contents = True
        self.given = 0

    async def is_there(self) -> bool:
        await self._wait()
        if self._device.offline:
            raise Unreachable("no connection")
        return True

    @contextlib.asynccontextmanager
    async def download(self, path: str, **options: Any) -> AsyncIterator[Any]:
        if not self.gives_contents:
            raise Unreachable("the connection broke")
        async with (
            super().download(path, **options) as pieces,
            contextlib.aclosing(self._counted(pieces)) as counted,
        ):
            yield counted

    async def _counted(self, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        async for piece in pieces:
            self.given += len(piece)
            yield piece

    @contextlib.asynccontextmanager
    async def listing(self, snapshot: Any = None) -> AsyncIterator[Any]:
        began = trio.current_time()
        async with super().listing(snapshot) as batches:
            self.listings.append(began)
            yield batches


class Drive:
    """``offline`` has every request fail. ``jump`` sets the wall's clock; ``stop`` and ``start``
    are a process's."""

    def __init__(
        self, folder: Path, nursery: trio.Nursery, *, every: float | None, **options: Any
    ) -> None:
        self.name = "desk"
        self.looks = False
        self.offline = False
        self.folder = folder
        self._nursery = nursery
        self._every = every
        self._options = options
        self._ahead_ns = 0
        self._began = trio.current_time()
        self.disk = Disk(trio.current_time, lambda: self.now_ns() // 10**6 + 1)
        self.world: Any = SimpleNamespace(
            disk=self.disk,
            devices={},
            faults_on=False,
            torn=False,
            met_fault=False,
            picked=None,
            ledger=Ledger(),
            log=lambda *_: None,
            moved=lambda *_: None,
            raced=lambda *_: None,
            count_request=lambda: None,
            is_locked=lambda path, below: False,
            lock=lambda path: None,
            unlock=lambda path: None,
            wall_ms=lambda: self.now_ns() // 10**6,
        )
        self.settings = Settings(host="desk", tag="desk")
        self.server = Server(self)
        self.remote = self.server
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._ended.set()
        self.replica: Replica
        self.link: Connectivity
        self.engine: Engine
        self.hydrator: Hydrator

    def now_ns(self) -> int:
        return BEGAN_NS + int((trio.current_time() - self._began) * 1e9) + self._ahead_ns

    def jump(self, seconds: float) -> None:
        """The wall's clock is set, or the machine has slept."""
        self._ahead_ns += int(seconds * 1e9)

    def moment(self) -> None: ...

    async def start(self) -> None:
        self.replica = Replica.open(self.folder, now_ns=self.now_ns, sync_disk=lambda _folder: None)
        self.link = Connectivity()
        self.hydrator = Hydrator(self.replica, self.remote, self.link, progress=Diary(self))  # type: ignore[arg-type]
        options = {"turn": self._options["turn"]} if "turn" in self._options else {}
        self.engine = Engine(
            self.replica,
            self.remote,
            self.hydrator,
            self.link,
            settings=self.settings,
            clock=self,
            progress=Diary(self),  # type: ignore[arg-type]  # as in Server
            schedule=Schedule(self, self._every, memory=RememberedRun(self.folder), **options),
            options=EngineOptions(
                manual=self._options.get("manual", False),
                deletions=RememberedDeletions(self.folder),
                stamp=str,
            ),
        )
        self.engine.dry = False  # type: ignore[attr-defined]  # the model server asks
        self._scope, self._ended = trio.CancelScope(), trio.Event()
        await self._nursery.start(self._live)

    async def _live(self, *, task_status: trio.TaskStatus[None]) -> None:
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    await nursery.start(self.hydrator.run)
                    await nursery.start(self.engine.run)
                    task_status.started()
                    while True:
                        await trio.sleep(300.0)
                        self.replica.commit()
                        self.replica.history.commit()
        finally:
            self.replica.close()
            self._ended.set()

    async def stop(self) -> None:
        """A clean stop; returns when nothing of it goes on."""
        self._scope.cancel()
        await self._ended.wait()

    def write(self, name: str, data: bytes) -> NodeId:
        """A program writes a file at the top."""
        found = self.replica.lookup(ROOT, os.fsencode(name))
        if found is None:
            found = self.replica.create(
                ROOT, os.fsencode(name), NodeType.FILE, mode=0o644, uid=0, gid=0
            ).node
        self.replica.begin_write(found, discard=True)
        content = self.replica.open_content(found)
        try:
            os.ftruncate(content.fd, 0)
            os.pwrite(content.fd, data, 0)
        finally:
            content.close()
        self.replica.written(found, size=len(data), mtime_ns=self.now_ns())
        return found

    def put(self, name: str, data: bytes) -> None:
        """Somebody else puts a file on the server."""
        self.disk.put(name, data, self.now_ns() // 10**6)

    def unlink(self, name: str) -> None:
        """A program deletes a file at the top."""
        self.replica.unlink(ROOT, os.fsencode(name))

    def read(self, name: str) -> bytes | None:
        """The content here; None while it is not here."""
        node = self.replica.lookup(ROOT, os.fsencode(name))
        attr = None if node is None else self.replica.attr(node)
        if node is None or attr is None or not attr.present:
            return None
        content = self.replica.open_content(node)
        try:
            return os.pread(content.fd, attr.size, 0)
        finally:
            content.close()

    def bin(self) -> set[bytes]:
        """The contents of all files in the bin."""
        self.replica.committer.commit_all()
        place = self.folder / "bin"
        return {path.read_bytes() for path in place.glob("*/**/*") if path.is_file()}
