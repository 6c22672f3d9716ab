"""The file system directly over a real replica, without FUSE."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from reconciler.errors import Obstacle, Unavailable
from reconciler.model import ROOT, Base, Kind, NodeId
from syncin_mount.store import Replica
from syncin_mount.vfs import FileSystem

BLOCK = 4096
"""An incoming content takes note of whole blocks only."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class MemoryHydrator:
    """Fetches from ``contents`` (by node) into the replica; ``before`` runs first, for what happens
    meanwhile."""

    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self.contents: dict[NodeId, bytes] = {}
        self.asked: list[tuple[NodeId, int, int]] = []
        self.before: Callable[[], Awaitable[None]] | None = None
        self.obstacle = Obstacle.OFFLINE
        self.on_begin: Callable[[NodeId], Awaitable[None]] | None = None

    async def ensure(self, node: NodeId, start: int, stop: int) -> None:
        self.asked.append((node, start, stop))
        if self.before is not None:
            await self.before()
        if node not in self.contents:
            raise Unavailable("offline", self.obstacle)
        base, local = self.replica.base(node), self.replica.local(node)
        assert base is not None
        assert local is not None
        incoming = self.replica.incoming(node, base.size, base.mtime)
        try:
            while (gap := incoming.missing(start, stop)) is not None:
                first, last = gap[0] // BLOCK * BLOCK, min(-(-gap[1] // BLOCK) * BLOCK, base.size)
                incoming.write(first, self.contents[node][first:last])
            if incoming.missing(0, base.size) is None:
                self.replica.install_content(
                    node, incoming, base, local.version, keep=False, why="fetched"
                )
        finally:
            incoming.close()

    async def begin(self, node: NodeId) -> None:
        """Where a test says so, something becomes of the content that is opened."""
        if self.on_begin is not None:
            await self.on_begin(node)

    async def prove(self, node: NodeId, *, broken: bool = False) -> bool:
        return True


class World:
    """A replica, the file system over it, and short ways to use both."""

    def __init__(self, folder: Path) -> None:
        self.start(folder)

    def start(self, folder: Path) -> None:
        self.folder = folder
        self.replica = Replica.open(folder)
        self.clock = Clock()
        self.hydrator = MemoryHydrator(self.replica)
        self.fs = FileSystem(self.replica, self.hydrator, clock=self.clock)

    async def create(self, name: bytes, data: bytes = b"", parent: int = ROOT) -> int:
        """A closed file with this content; returns its inode."""
        handle, found = await self.fs.create(parent, name, 0o644, 0, 1, 1)
        if data:
            await self.fs.write(handle, 0, data)
        self.fs.flush(handle)
        self.fs.release(handle)
        return found.ino

    def place(self, name: str, data: bytes, *, known: bool = True) -> NodeId:
        """A remote file whose content is not here; returns its node."""
        node = self.replica.new_id()
        self.replica.place_file(node, Base(Kind.FILE, ROOT, name, len(data), 1_700_000_000, 0, 0))
        if known:
            self.hydrator.contents[node] = data
        return node

    def install_content(self, node: NodeId, data: bytes) -> None:
        """A remote edit arrives."""
        local = self.replica.local(node)
        assert local is not None
        incoming = self.replica.incoming(node, len(data), 1_700_000_001)
        incoming.write(0, data)
        base = Base(Kind.FILE, local.parent, local.name, len(data), 1_700_000_001, 0, 0)
        self.replica.install_content(node, incoming, base, local.version, keep=False, why="test")
        incoming.close()

    async def read(self, ino: int, offset: int = 0, size: int = 1_000_000) -> bytes:
        handle = await self.fs.open(ino, 0)
        try:
            return bytes(await self.fs.read(handle, offset, size))
        finally:
            self.fs.release(handle)

    def restart(self) -> None:
        """The next process, after an orderly end."""
        self.fs.close()
        self.replica.close()
        self.start(self.folder)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "replica")
    yield world
    world.fs.close()
    world.replica.close()
