"""A synchronization with everything real: an embedded server over HTTP, a replica on disk, engine
and hydrator."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import trio

from reconciler.engine.condition import LISTING_EVERY
from reconciler.engine.engine import Engine
from reconciler.engine.parts import EngineOptions
from reconciler.hydration.hydrator import Hydrator
from reconciler.model import ROOT, Action, NodeId, Outcome, Settings
from reconciler.reporting.report import Report
from reconciler.requests.connectivity import Connectivity
from syncin_mount.app.synchronizations.registration import Registration, wire
from syncin_mount.config import Synchronization
from syncin_mount.devserver import DevServer, Faults, Space, User, serve
from syncin_mount.remote.account import ServerAccount, parse_url
from syncin_mount.remote.auth import Session, register
from syncin_mount.remote.errors import Endpoint
from syncin_mount.remote.http.transport import JSON, Call, Timeouts
from syncin_mount.remote.registrations import delete_path, register_path
from syncin_mount.remote.remote_folder import Folder
from syncin_mount.store import NodeType, Replica

LOGIN, PASSWORD = "user1", "a password of user1"
SETTINGS = Settings(host="desk")
QUICK = Timeouts(connect=2.0, idle=2.0, slow=4.0, hashing=4.0)


class RealClock:
    """``ahead_ns``: how far time has gone on at once."""

    ahead_ns = 0

    def now_ns(self) -> int:
        return time.time_ns() + self.ahead_ns


class Silent:
    """Progress that nobody watches; what ended is kept."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.compared: list[tuple[int, int, bool]] = []

    def listing(self, entries: int) -> None: ...
    def comparing(self, done: int, of: int, *, there: bool = False) -> None:
        self.compared.append((done, of, there))

    def read(self, size: int) -> None: ...
    def planned(self, actions: Sequence[Action]) -> None: ...
    def started(self, action: Action, path: str) -> None: ...
    def preparing(self, action: Action, size: int) -> None: ...
    def resumes(self, action: Action, at: int) -> None: ...
    def broke_off(self, action: Action) -> None: ...
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

    def note_answer(self, *, refused: bool) -> None: ...


class Device:
    """One replica with its reconciler, bound to the server's folder."""

    def __init__(
        self,
        replica: Replica,
        folder: Folder,
        settings: Settings,
        *,
        bin_folder: Path,
        registration: Registration | None = None,
        debounce: float,
        manual: bool,
        listing_every: float = LISTING_EVERY,
    ) -> None:
        self.replica = replica
        self.folder = folder
        self.registration = registration
        self._bin = bin_folder
        self.link = Connectivity()
        self.clock = RealClock()
        self.progress = Silent()
        self.hydrator = Hydrator(replica, folder, self.link, progress=self.progress)
        self.engine = Engine(
            replica,
            folder,
            self.hydrator,
            self.link,
            settings=settings,
            clock=self.clock,
            progress=self.progress,
            options=EngineOptions(
                fetch_settings=None if registration is None else registration.fetch_settings,
                debounce_seconds=debounce,
                manual=manual,
                listing_every=listing_every,
                stamp=lambda ns: time.strftime("%Y-%m-%d", time.gmtime(ns / 1e9)),
            ),
        )

    def bin(self) -> dict[str, bytes]:
        """What lies in the synchronization's own bin: path → content."""
        self.replica.commit()
        found: dict[str, bytes] = {}
        for entry in self._bin.iterdir():
            if entry.is_dir():
                files = [path for path in entry.rglob("*") if path.is_file()]
                found |= {str(path.relative_to(entry)): path.read_bytes() for path in files}
        return found

    async def sync(self, **options: Any) -> Report:
        """One full run and all contents."""
        report = await self.engine.sync(**options)
        if report.offline is None:
            with trio.fail_after(30):
                await self.hydrator.wait_drained()
        return report

    # the user's side ------------------------------------------------------------------------------
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
        self.replica.begin_write(node, discard=True)
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

    def tree_of_names(self) -> set[str]:
        """What is at the top, whether its content is here or not."""
        return {os.fsdecode(name) for name, _ in self.replica.children(ROOT, None, 100_000)}

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
        self._sessions: dict[str, Session] = {}
        self.saved: list[Synchronization] = []
        self.faults = Faults()
        self.server = DevServer(
            tmp / "server",
            [User(login=LOGIN, password=PASSWORD)],
            spaces=[Space(alias="team", members={LOGIN: "a:d:m"})],
            faults=self.faults,
        )
        self.team = tmp / "server" / "spaces" / "team" / "files" / "Docs"
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

    async def device(
        self,
        name: str = "a",
        *,
        settings: Settings = SETTINGS,
        remote: str = "personal/Docs",
        follow: bool = False,
        debounce: float = 0.0,
        manual: bool = True,
        listing_every: float = LISTING_EVERY,
    ) -> Device:
        """``follow``: its settings are agreed on with the server before every run."""
        client = str(uuid.uuid4())
        url = parse_url(self.url)
        token = await register(url, LOGIN, PASSWORD, None, client)
        account = ServerAccount("home", url, LOGIN, client)
        session = await self._stack.enter_async_context(
            Session(account, Memory(token), timeouts=QUICK)
        )
        synchronization = Synchronization(
            name,
            "home",
            remote,
            Path(f"/{name}"),
            direction=settings.direction,
            mode=settings.mode,
            conflict=settings.conflict,
        )
        registered = await register_path(session, wire(synchronization))
        synchronization = replace(
            synchronization, path_id=registered.id, permissions=registered.permissions
        )
        replica = Replica.open(self.tmp / f"replica-{name}")
        self._stack.callback(replica.close)
        self._sessions[name] = session
        folder = Folder(session, remote, registered.id)
        registration = Registration(
            session, folder, synchronization, host=settings.host, save=self._save
        )
        device = Device(
            replica,
            folder,
            settings,
            bin_folder=self.tmp / f"replica-{name}" / "bin",
            registration=registration if follow else None,
            debounce=debounce,
            manual=manual,
            listing_every=listing_every,
        )
        await self._nursery.start(device.hydrator.run)
        await self._nursery.start(device.engine.run)
        return device

    async def settled(self, device: Device) -> None:
        """Returns when nothing is left to send or fetch after the device's first run."""
        with trio.fail_after(60):
            while (  # noqa: ASYNC110 - what is waited for is not ours to signal
                list(device.replica.dirty())
                or device.hydrator.waiting
                or device.engine.status().running
                or device.engine.status().last_run_ns is None
            ):
                await trio.sleep(0.02)

    async def on_account_page(self, device: Device, **changes: object) -> None:
        """Somebody edits the device's settings on the server's page, in a later second than the
        last change of them: the server keeps whole seconds, and of two settings of one second
        nobody can tell the newer one."""
        assert device.registration is not None
        ours = device.registration.synchronization
        session = self._sessions[ours.name]
        settings = msgspec.json.encode(msgspec.structs.replace(wire(ours), **changes))
        where = f"api/app/sync/clients/{session.account.client_id}/paths/{ours.path_id}"
        await session.send(Call(Endpoint.PATHS, "PUT", where, headers=JSON, content=settings))
        [there] = [path for path in self.server.store.state.paths if path.id == ours.path_id]
        there.settings["timestamp"] = max(there.settings["timestamp"], ours.timestamp + 1)

    async def unregister(self, device: Device) -> None:
        """Somebody removes the synchronization on the server's page."""
        assert device.registration is not None
        ours = device.registration.synchronization
        assert ours.path_id is not None
        await delete_path(self._sessions[ours.name], ours.path_id)

    def rename_docs(self, name: str) -> None:
        """Somebody renames the synchronized folder on the server's page."""
        os.rename(self.disk, self.disk.with_name(name))
        root = f"users/{LOGIN}"
        self.server.store.moved((root, self.disk.name, False), (root, name, False))
        self.disk = self.disk.with_name(name)

    async def _save(self, before: Synchronization, after: Synchronization) -> None:
        self.saved.append(after)

    def on_disk(self) -> dict[str, bytes | None]:
        """What a user of the server sees: path → content, None for a folder; partial uploads left
        out."""
        while True:
            try:
                return {
                    str(path.relative_to(self.disk)): None if path.is_dir() else path.read_bytes()
                    for path in sorted(self.disk.rglob("*"))
                    if not path.name.startswith(".sync-in.")
                }
            except FileNotFoundError:
                assert self.disk.is_dir()  # else the server deleted something just now

    def put(self, path: str, data: bytes, *, mtime: float | None = None) -> None:
        """Somebody else changes a file on the server's disk."""
        file = self.disk / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        if mtime is not None:
            os.utime(file, (mtime, mtime))

    def trashed(self) -> dict[str, bytes]:
        """What lies in the server's trash: path → content."""
        files = [path for path in sorted(self.trash.rglob("*")) if path.is_file()]
        return {str(path.relative_to(self.trash)): path.read_bytes() for path in files}

    def requests(self, method: str, part: str = "") -> int:
        return sum(
            1 for each in self.server.requests if each.method == method and part in each.path
        )


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Returns when it is so. What is waited for is not ours to signal."""
    with trio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(0.02)


@contextlib.asynccontextmanager
async def open_world(tmp: Path) -> AsyncIterator[World]:
    # the tasks end before the replicas that they use are closed
    async with contextlib.AsyncExitStack() as stack, trio.open_nursery() as nursery:
        world = World(tmp, nursery, stack)
        await world.start_server()
        try:
            yield world
        finally:
            nursery.cancel_scope.cancel()
