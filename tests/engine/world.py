"""A synchronization with everything real: an embedded server over HTTP, a replica on disk, engine and hydrator."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import trio

from reconciler.engine import Engine
from reconciler.hydrator import Hydrator
from reconciler.link import Link
from reconciler.model import ROOT, Action, NodeId, Outcome, Settings
from reconciler.report import Report
from syncin_mount.devserver import DevServer, Faults, User, serve
from syncin_mount.server.account import ServerAccount, parse_url
from syncin_mount.server.auth import Session, register
from syncin_mount.server.folder import Folder
from syncin_mount.server.paths import SyncPath, register_path
from syncin_mount.server.transport import Timeouts
from syncin_mount.store import NodeType, Replica

LOGIN, PASSWORD = "user1", "a password of user1"
QUICK = Timeouts(connect=2.0, idle=2.0, slow=4.0, hashing=4.0)


class RealClock:
    def now_ns(self) -> int:
        return time.time_ns()


class Silent:
    """Progress that nobody watches; what ended is kept."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def listing(self, entries: int) -> None: ...
    def planned(self, actions: int, size: int) -> None: ...
    def started(self, action: Action, path: str) -> None: ...
    def advanced(self, action: Action, size: int) -> None: ...
    def ended(self, outcome: Outcome, path: str) -> None:
        self.outcomes.append(outcome)


@dataclass
class Memory:
    token: str = field(repr=False)

    def load(self) -> str:
        return self.token

    def save(self, token: str) -> None:
        self.token = token


class Device:
    """One replica with its reconciler, bound to the server's folder."""

    def __init__(self, replica: Replica, folder: Folder, *, settle: float, manual: bool) -> None:
        self.replica = replica
        self.link = Link()
        self.progress = Silent()
        self.hydrator = Hydrator(replica, folder, self.link, progress=self.progress)
        self.engine = Engine(
            replica,
            folder,
            self.hydrator,
            self.link,
            settings=Settings(host="desk"),
            clock=RealClock(),
            progress=self.progress,
            settle_seconds=settle,
            manual=manual,
            stamp=lambda ns: time.strftime("%Y-%m-%d", time.gmtime(ns / 1e9)),
        )

    async def sync(self, **options: bool) -> Report:
        """One full run and all contents."""
        report = await self.engine.sync(**options)
        if report.offline is None:
            with trio.fail_after(30):
                await self.hydrator.wait_drained()
        return report

    # the user's side -------------------------------------------------------------------------------------------------
    def node(self, path: str) -> NodeId:
        node = ROOT
        for name in path.split("/"):
            found = self.replica.lookup(node, os.fsencode(name))
            if found is None:
                raise FileNotFoundError(path)
            node = found
        return node

    def _split(self, path: str) -> tuple[NodeId, bytes]:
        parent, _, name = path.rpartition("/")
        return (self.node(parent) if parent else ROOT), os.fsencode(name)

    def mkdir(self, path: str) -> None:
        parent, name = self._split(path)
        self.replica.create(parent, name, NodeType.FOLDER, mode=0o755, uid=0, gid=0)

    def write(self, path: str, data: bytes, *, mtime: float | None = None) -> NodeId:
        parent, name = self._split(path)
        node = self.replica.lookup(parent, name)
        if node is None:
            node = self.replica.create(parent, name, NodeType.FILE, mode=0o644, uid=0, gid=0).node
        self.replica.begin_write(node)
        content = self.replica.open_content(node)
        try:
            os.ftruncate(content.fd, 0)
            os.pwrite(content.fd, data, 0)
        finally:
            content.close()
        stamp = time.time_ns() if mtime is None else int(mtime * 1e9)
        self.replica.written(node, size=len(data), mtime_ns=stamp)
        return node

    def read(self, path: str) -> bytes:
        content = self.replica.open_content(self.node(path))
        try:
            size = os.fstat(content.fd).st_size
            assert content.missing(0, size) is None, f"{path} is not here yet"
            return os.pread(content.fd, size, 0)
        finally:
            content.close()

    def rename(self, path: str, target: str) -> None:
        self.replica.rename(*self._split(path), *self._split(target))

    def unlink(self, path: str) -> None:
        self.replica.unlink(*self._split(path))

    def rmdir(self, path: str) -> None:
        self.replica.rmdir(*self._split(path))

    def tree(self) -> dict[str, bytes | None]:
        """Path → content, None for a folder."""
        found: dict[str, bytes | None] = {}

        def walk(node: NodeId, prefix: str) -> None:
            for name, child in self.replica.children(node, None, 100_000):
                path = prefix + os.fsdecode(name)
                attr = self.replica.attr(child)
                assert attr is not None
                if attr.kind is NodeType.FOLDER:
                    found[path] = None
                    walk(child, path + "/")
                else:
                    found[path] = self.read(path)

        walk(ROOT, "")
        return found


class World:
    """The server, its disk, and as many devices as a test asks for."""

    def __init__(self, tmp: Path, nursery: trio.Nursery, stack: contextlib.AsyncExitStack) -> None:
        self.tmp = tmp
        self._nursery = nursery
        self._stack = stack
        self.faults = Faults()
        self.server = DevServer(tmp / "server", [User(login=LOGIN, password=PASSWORD)], faults=self.faults)
        self.disk = tmp / "server" / "users" / LOGIN / "files" / "Docs"
        self.trash = tmp / "server" / "users" / LOGIN / "trash"
        self.disk.mkdir(parents=True)
        self._scope = trio.CancelScope()
        self.url = ""
        self._port = 0

    async def start_server(self) -> None:
        """Serves, on the same port every time."""

        async def run(task_status: trio.TaskStatus[object] = trio.TASK_STATUS_IGNORED) -> None:
            with trio.CancelScope() as self._scope:
                await serve(self.server, port=self._port, task_status=task_status)

        running = await self._nursery.start(run)
        self._port, self.url = running.port, running.url

    def stop_server(self) -> None:
        self._scope.cancel()

    async def device(self, name: str = "a", *, settle: float = 0.0, manual: bool = True) -> Device:
        client = str(uuid.uuid4())
        url = parse_url(self.url)
        token = await register(url, LOGIN, PASSWORD, None, client)
        account = ServerAccount("home", url, LOGIN, client)
        session = await self._stack.enter_async_context(Session(account, Memory(token), timeouts=QUICK))
        registered = await register_path(
            session,
            SyncPath(
                name=name,
                local_path=f"/{name}",
                remote_path="personal/Docs",
                mode="both",
                diff_mode="fast",
                conflict_mode="recent",
                timestamp=0,
            ),
        )
        replica = Replica.open(self.tmp / f"replica-{name}")
        self._stack.callback(replica.close)
        device = Device(replica, Folder(session, "personal/Docs", registered.id), settle=settle, manual=manual)
        await self._nursery.start(device.hydrator.run)
        await self._nursery.start(device.engine.run)
        return device

    def on_disk(self) -> dict[str, bytes | None]:
        """What a user of the server sees: path → content, None for a folder; partial uploads left out."""
        found: dict[str, bytes | None] = {}
        for path in sorted(self.disk.rglob("*")):
            if not path.name.startswith(".sync-in."):
                found[str(path.relative_to(self.disk))] = None if path.is_dir() else path.read_bytes()
        return found

    def put(self, path: str, data: bytes, *, mtime: float | None = None) -> None:
        """Somebody else changes a file on the server's disk."""
        file = self.disk / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        if mtime is not None:
            os.utime(file, (mtime, mtime))

    def requests(self, method: str, part: str = "") -> int:
        return sum(1 for each in self.server.requests if each.method == method and part in each.path)


@contextlib.asynccontextmanager
async def open_world(tmp: Path) -> AsyncIterator[World]:
    async with trio.open_nursery() as nursery, contextlib.AsyncExitStack() as stack:
        world = World(tmp, nursery, stack)
        await world.start_server()
        try:
            yield world
        finally:
            nursery.cancel_scope.cancel()
