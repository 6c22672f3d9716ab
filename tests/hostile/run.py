"""Runs cases: a real session, replica, engine and hydrator against the hostile server, then against
the honest one.

Many cases share one world, so that what one of them harms shows in the next. After each: nothing
was raised or logged with a traceback, it took its time and no longer, nothing was written outside
of replica and server, what people are shown can be printed; then, with an honest server, at most
`TRIES` runs make both sides equal, nothing is left over, every version is somewhere, and the
replica's own check finds nothing.

This file is long because what must hold after a case is one list, checked in one world.
"""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
import traceback
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import trio

from reconciler.errors import RemoteError, Unavailable, Unreachable
from reconciler.model import ROOT, Conflict, Direction, Mode, NodeId, Settings
from reconciler.planner.guards import Halted
from reconciler.reporting.report import Report
from syncin_mount.app.drives.server_trash import ServerTrash
from syncin_mount.app.drives.views import problems
from syncin_mount.app.messages import sentence
from syncin_mount.cli.ui.output import printable
from syncin_mount.remote.account import parse_url
from syncin_mount.remote.auth import Session, register
from syncin_mount.remote.browse import destroy, restore, trash_bins, tree
from syncin_mount.remote.http.transport import Timeouts
from syncin_mount.remote.registrations import SyncPath, clients, delete_path, register_path
from syncin_mount.store import Replica
from syncin_mount.store.maintenance.check import check
from tests.engine import world as worlds
from tests.engine.world import LOGIN, PASSWORD, Device, Memory, World, open_world
from tests.hostile.cases import Case
from tests.hostile.server import HostileServer

QUICK = Timeouts(connect=5.0, idle=1.5, slow=1.5, hashing=1.5, window=1.5)
PATIENT = Timeouts()
"""For the honest server, which a busy machine may keep from answering."""

LONGEST = 45.0
"""Seconds for a run under fault: some of its requests are tried again, or are waited for one after
another."""

TRIES = 4
NAMES = (
    "kept.txt",
    "edited here.txt",
    "edited there.txt",
    "moved.txt",
    "touched.txt",
    "deleted.txt",
    "copied.txt",
    "both.txt",
)
FRESH = 60
"""Cases between two worlds, and between two openings of one replica."""


class Failed(Exception):
    """The case did harm; the message says which."""


@dataclass
class Heard(logging.Handler):
    """Keeps what was logged with a traceback, or as an error of the program."""

    records: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(logging.DEBUG)

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[0] is not None:
            self.records.append(
                f"{record.getMessage()}\n{''.join(traceback.format_exception(*record.exc_info))}"
            )
        printable_or_fail(record.getMessage())


def names(device: Device, node: NodeId = ROOT, above: str = "") -> Iterator[str]:
    """The paths of all that is in the drive, contents or not."""
    for name, child in device.replica.local_children(node):
        yield above + name
        yield from names(device, child, f"{above}{name}/")


def printable_or_fail(text: str) -> None:
    """Whether it can go to a terminal and into a file."""
    try:
        text.encode()
        printable(text).encode()
    except UnicodeEncodeError as error:
        raise Failed(f"it cannot be printed: {text[:100]!a}") from error


class Ground:
    """A world with a hostile server in it."""

    def __init__(
        self, world: World, hostile: HostileServer, device: Device, session: Session, store: Memory
    ) -> None:
        self.world = world
        self.hostile = hostile
        self.device = device
        self.session = session
        self.store = store
        self.number = 0
        self.written: dict[str, bytes] = {}

    # what is done in a case -----------------------------------------------------------------------
    def change(self, case: Case) -> None:
        """What makes a run ask for this, and for little else."""
        self.number += 1
        self.written = {}
        acts = {
            "settings": (self._there, self._edited),
            "token": (self._there, self._edited),
            "listing": (self._there, self._new),
            "refresh": (self._there, self._new),
            "download": (self._there,),
            "look": (self._edited,),
            "replace": (self._edited,),
            "upload": (self._new,),
            "delete": (self._new,),
            "make": (self._folder,),
            "move": (self._moved,),
            "touch": (self._touched,),
            "copy": (self._copied,),
            "move over": (self._both,),
        }
        for act in acts[case.kind]:
            act()

    def _there(self) -> None:
        # Never two versions of one size and second: `fast` takes those for the same.
        for name in ("edited there.txt", f"new there {self.number}.txt"):
            self.written[name] = f"{name} {self.number} ".encode() * 5
            self.world.put(name, self.written[name], mtime=1_700_000_000 + self.number)
        for path in self.world.disk.glob("new there *"):
            if path.name not in self.written:
                path.unlink()

    def _edited(self) -> None:
        self._written("edited here.txt", f"edited here {self.number}".encode())

    def _new(self) -> None:
        for name in [
            name for name in names(self.device) if name.startswith(("new here ", "copy "))
        ]:
            self.device.unlink(name)
        self._written(f"new here {self.number}.txt", f"new here {self.number}".encode())

    def _written(self, name: str, data: bytes) -> None:
        self.written[name] = data
        self.device.write(name, data, mtime=1_700_000_000 + self.number)

    def _folder(self) -> None:
        for name in [name for name in names(self.device) if name.startswith("folder ")]:
            self.device.rmdir(name)
        self.device.mkdir(f"folder {self.number}")

    def _moved(self) -> None:
        here = next(name for name in names(self.device) if name.startswith("moved"))
        self.device.rename(here, f"moved {self.number}.txt")

    def _touched(self) -> None:
        self.device.replica.set_attr(
            self.device.node("touched.txt"), mtime_ns=(1_600_000_000 + self.number) * 10**9
        )

    def _copied(self) -> None:
        """Mode `secure` knows that the server has this content."""
        self.device.write(
            f"copy {self.number}.txt", b"old copied.txt", mtime=1_650_000_000 + self.number
        )

    def _both(self) -> None:
        """What loses goes to the server's trash."""
        self.world.put(
            "both.txt", f"loses {self.number}".encode(), mtime=1_600_000_000 + self.number
        )
        self._written("both.txt", f"wins {self.number}".encode())

    def wait_like(self, timeouts: Timeouts) -> None:
        self.session.timeouts = self.session.wire.timeouts = timeouts

    async def under_fault(self, case: Case) -> None:
        self.wait_like(QUICK)
        if act := ASKED.get(case.kind):
            with contextlib.suppress(RemoteError, Halted):
                await act(self)
            return
        self.change(case)
        if case.kind == "token":
            self.session.forget_access()
        if case.kind == "refresh":
            grant = self.session._tokens._grant
            if grant is not None:
                self.session._tokens._clock = lambda: grant.access_until + 1
        report = await self.device.engine.sync()
        with trio.move_on_after(3), contextlib.suppress(Unavailable):
            await self.device.hydrator.wait_drained()
        self.show(report)

    def show(self, report: Report) -> None:
        """What people are shown of it."""
        for shown in problems(report.problems, self.device.engine.settings.filters, "docs"):
            printable_or_fail(f"{shown}")
            json.dumps(shown.path).encode()
        for text in (report.offline, report.refused, report.halted):
            printable_or_fail(sentence(text))

    async def recover(self, case: Case) -> None:
        """With an honest server all is well again."""
        self.hostile.case = None
        self.wait_like(PATIENT)
        if case.what in ("value", "gone") and case.place == ("client_token_update",):
            # a server that gives a token which it does not take has logged us out
            self.store.token = self.token
        self.session.forget_access()
        if case.kind in ASKED:
            await self.patiently(ASKED[case.kind])
            return
        tries = 0
        while True:
            report = await self.run_on()
            if report.complete and self.equal() and not list(self.device.replica.dirty()):
                break
            tries += report.offline is None
            if tries == TRIES:
                raise Failed(f"it does not come right: {self.trouble(report)}")
        found = {
            *self.device.tree().values(),
            *self.device.bin().values(),
            *self.world.trashed().values(),
        }
        lost = [name for name, data in self.written.items() if data not in found]
        if lost:
            raise Failed(f"a version is nowhere: {lost}")
        if wrong := check(self.device.replica):
            raise Failed(f"check: {wrong[0]}")

    async def run_on(self) -> Report:
        """One run and all contents; on a busy machine an honest server, too, may not answer in
        time."""
        report = await self.device.engine.sync()
        with contextlib.suppress(Unavailable):
            await self.device.hydrator.wait_drained()
        return report

    async def patiently(self, act: Callable[[Ground], Awaitable[None]]) -> None:
        while True:
            with contextlib.suppress(Unreachable):
                return await act(self)

    def equal(self) -> bool:
        try:
            return self.device.tree() == self.world.on_disk()
        except AssertionError:  # a content is not here yet
            return False

    def trouble(self, report: Report) -> str:
        here, there = set(names(self.device)), set(self.world.on_disk())
        status = self.device.engine.status()
        return (
            f"{report}\n{status}\nonly here {sorted(here - there)}, only there"
            f" {sorted(there - here)}"
        )

    @property
    def token(self) -> str:
        return self._token

    def remember_token(self) -> None:
        self._token = self.store.token


async def _trash(ground: Ground) -> None:
    ground.world.put("bin/thing.txt", b"thing")
    trash = ServerTrash(ground.session, "personal/Docs")
    for entry in await trash.entries():
        printable_or_fail(f"{entry}")
        assert ".." not in entry.path.split("/")


async def _restored(ground: Ground) -> None:
    place = ground.world.trash / "Docs" / "restored.txt"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"from the trash")
    (ground.world.disk / "restored.txt").unlink(missing_ok=True)
    await restore(
        ground.session, "personal/Docs/restored.txt", "personal/Docs/restored.txt", overwrite=True
    )
    (ground.world.disk / "restored.txt").unlink(missing_ok=True)


async def _destroyed(ground: Ground) -> None:
    place = ground.world.trash / "Docs" / "gone.txt"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"gone")
    await destroy(ground.session, "personal/Docs/gone.txt")


async def _registered(ground: Ground) -> None:
    url = parse_url(ground.world.url)
    await register(url, LOGIN, PASSWORD, None, str(uuid.uuid4()), timeouts=QUICK)


async def _path(ground: Ground) -> None:
    path = SyncPath(
        name="x",
        local_path="/x",
        remote_path="personal/Docs",
        mode=Direction.BOTH,
        diff_mode=Mode.FAST,
        conflict_mode=Conflict.RECENT,
        timestamp=5,
    )
    registered = await register_path(ground.session, path)
    state = ground.world.server.store.state
    ours = min(each.id for each in state.paths)  # the drive's, which a wrong answer may name
    if registered.id != ours:
        await delete_path(ground.session, registered.id)


async def _trees(ground: Ground) -> None:
    for item in await tree(ground.session, "personal", files=True):
        printable_or_fail(f"{item.name} {item.path}")


async def _clients(ground: Ground) -> None:
    for client in await clients(ground.session):
        printable_or_fail(f"{client}")


async def _trashes(ground: Ground) -> None:
    for trash in await trash_bins(ground.session):
        printable_or_fail(f"{trash}")


ASKED: dict[str, Callable[[Ground], Awaitable[None]]] = {
    "handshake": _registered,
    "register": _registered,
    "register path": _path,
    "delete path": _path,
    "clients": _clients,
    "trashes": _trashes,
    "trash": _trash,
    "tree": _trees,
    "restore": _restored,
    "destroy": _destroyed,
}
"""What asks for these; all others are a run's."""


@contextlib.asynccontextmanager
async def ground_at(tmp: Path, secure: bool) -> AsyncIterator[Ground]:
    worlds.QUICK = PATIENT
    async with open_world(tmp) as world, trio.open_nursery() as nursery:
        hostile = HostileServer(world._port)
        port = await nursery.start(hostile.serve)
        world.url = f"http://127.0.0.1:{port}"
        world.disk.mkdir(exist_ok=True)
        for number, name in enumerate(NAMES):
            world.put(name, b"old " + name.encode(), mtime=1_600_000_000 + number)
        for number in range(30):
            world.put(f"many/{number}.txt", b"one of many", mtime=1_600_000_000 + number)
        settings = Settings(host="desk", mode=Mode.SECURE if secure else Mode.FAST)
        device = await world.device(settings=settings, follow=True)
        session = world._sessions["a"]
        store = session._tokens._store
        assert isinstance(store, Memory)
        ground = Ground(world, hostile, device, session, store)
        ground.remember_token()
        while not (await ground.run_on()).complete:
            pass
        try:
            yield ground
        finally:
            nursery.cancel_scope.cancel()


async def _one(ground: Ground, case: Case, heard: Heard) -> None:
    """Raises Failed."""
    ground.hostile.case, ground.hostile.hits = case, 0
    with trio.move_on_after(LONGEST) as hung:
        await ground.under_fault(case)
    if hung.cancelled_caught:
        raise Failed(f"it hangs ({ground.hostile.hits} answers)")
    with trio.move_on_after(LONGEST) as hung:
        await ground.recover(case)
    if hung.cancelled_caught:
        raise Failed("it hangs with an honest server")
    if heard.records:
        raise Failed(f"a traceback is logged: {heard.records.pop(0)}")


def confined(tmp: Path, beside: set[str]) -> None:
    """Nothing was written outside of replica and server. Raises Failed."""
    if more := {path.name for path in tmp.iterdir()} - beside:
        raise Failed(f"something was written outside: {more}")


async def _several(
    cases: list[Case], tmp: Path, heard: Heard, hits: Counter[str], secure: bool
) -> tuple[int, Exception | None]:
    """How many went well in one world, and what the next one did."""
    done = 0
    failure: Exception | None = None
    try:
        async with ground_at(tmp, secure) as ground:
            beside = {path.name for path in tmp.iterdir()}
            for case in cases:
                await _one(ground, case, heard)
                hits[case.kind] += min(ground.hostile.hits, 1)
                confined(tmp, beside)
                done += 1
        Replica.open(tmp / "replica-a").close()
    except* Exception as group:  # noqa: BLE001 - whatever it is, it is the case's failure
        failure = _first(group)
    return done, failure


def _first(group: BaseException) -> Exception:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group if isinstance(group, Exception) else Exception(repr(group))


async def _in_worlds(
    cases: list[Case], heard: Heard, hits: Counter[str], secure: bool
) -> list[tuple[Case, str]]:
    """What failed of these, and why. A world ends with a failure, or after some cases."""
    failed: list[tuple[Case, str]] = []
    rest = list(cases)
    while rest:
        with tempfile.TemporaryDirectory(prefix="hostile-") as tmp:
            done, failure = await _several(rest[:FRESH], Path(tmp), heard, hits, secure)
        if failure is not None:
            why = (
                str(failure)
                if isinstance(failure, Failed)
                else "".join(traceback.format_exception(failure))
            )
            failed.append((rest[min(done, len(rest) - 1)], why))
            done += 1
        del rest[:done]
    return failed


def _is_for_secure(case: Case) -> bool:
    """Only then the server is asked to copy; and another content of the right length shows by its
    checksum alone."""
    return case.kind == "copy" or (case.kind == "download" and case.what in ("value", "body"))


async def _all(cases: list[Case], heard: Heard, hits: Counter[str]) -> list[tuple[Case, str]]:
    """One world in mode `fast` and one in mode `secure`, at once."""
    secure = [case for number, case in enumerate(cases) if number % 2 or _is_for_secure(case)]
    fast = [case for case in cases if case not in secure]
    failed: list[tuple[Case, str]] = []

    async def some(part: list[Case], mode: bool) -> None:
        failed.extend(await _in_worlds(part, heard, hits, mode))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(some, secure, True)
        nursery.start_soon(some, fast, False)
    return failed


def run(cases: list[Case]) -> tuple[list[tuple[Case, str]], Counter[str]]:
    """What failed of these, and why; and in how many of each kind the server got a request to be
    hostile to."""
    heard, hits = Heard(), Counter[str]()
    root = logging.getLogger()
    level = root.level
    root.addHandler(heard)
    root.setLevel(logging.INFO)
    try:
        return trio.run(_all, cases, heard, hits), hits
    finally:
        root.removeHandler(heard)
        root.setLevel(level)
