"""One replica with its engine, as a process that may be killed at any step, and the people and
programs that use it.

This file is long because one process has one state: what a kill loses stands beside what it keeps.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from reconciler.engine.engine import Engine
from reconciler.engine.next_step import Step
from reconciler.engine.parts import EngineOptions
from reconciler.errors import Unavailable
from reconciler.filters import DEFAULT, Filter
from reconciler.hydration.hydrator import Hydrator
from reconciler.model import (
    ROOT,
    Action,
    Conflict,
    Direction,
    Mode,
    NodeId,
    Op,
    Outcome,
    Result,
    Settings,
    Side,
)
from reconciler.reporting.report import Report
from reconciler.requests.connectivity import Connectivity
from syncin_mount.store import Attr, NodeType, Replica
from syncin_mount.store.maintenance.check import check
from syncin_mount.system import next_data
from tests.sim.remote import ModelFolder

if TYPE_CHECKING:
    from tests.sim.people import Writing
    from tests.sim.world import World


class Killed(BaseException):
    """The process is gone: nothing of it goes on. Its folder was copied as it was at this
    moment."""


RULES = {
    "a file": Filter(rule=lambda path: path.endswith("n.txt")),
    "a folder": Filter(rule=lambda path: path.rpartition("/")[2] == "d"),
    "a path": Filter(rule=lambda path: path.startswith("a/")),
}
"""What a filter may leave out here: files by their name wherever they are, folders, and all that is
in one."""


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """``skew`` is how wrong its clock is (s), ``commit`` the seconds between commits of its index.
    The settings are those that it begins with; ``rule`` names one of ``RULES``."""

    name: str
    conflict: Conflict = Conflict.RECENT
    direction: Direction = Direction.BOTH
    mode: Mode = Mode.FAST
    rule: str | None = None
    manual: bool = False
    settle: float = 2.0
    listing: float = 20.0
    skew: float = 0.0
    commit: float = 1.0


class Watched(Replica):
    """The real replica; ``moment`` is told of each step after which a kill leaves something else on
    the disk."""

    moment: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._moment = type(self).moment
        for owner, name in (
            (self._journal, "append"),
            (self._objects, "take"),
            (self._objects, "do"),
            (self._ix, "commit"),
        ):
            self._watch(owner, name)

    def _watch(self, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def watched(*args: Any, **options: Any) -> Any:
            self._moment()
            result = real(*args, **options)
            self._moment()
            return result

        setattr(owner, name, watched)


class WatchedEngine(Engine):
    """The real engine; ``dry`` while a run only simulates, ``step`` what is being done."""

    dry = False
    step = Step.REST

    async def _take(self, step: Step) -> None:
        self.step = step
        try:
            await super()._take(step)
        finally:
            self.step = Step.REST

    async def _full(self, report: Report, **options: Any) -> None:
        self.dry = report.dry_run
        try:
            await super()._full(report, **options)
        finally:
            self.dry = False


class Remembered:
    """A memory of deletions that outlives the process, as the file beside the replica does."""

    text = ""

    def load(self) -> str:
        return self.text

    def save(self, text: str) -> None:
        self.text = text


class Device:
    """See the module. ``up`` while its process runs."""

    def __init__(self, world: World, spec: DeviceSpec, folder: Path, rng: random.Random) -> None:
        self.world = world
        self.spec = spec
        self.name = spec.name
        self.settings = Settings(
            spec.direction,
            spec.mode,
            spec.conflict,
            host=spec.name,
            filters=RULES.get(spec.rule or "", DEFAULT),
            tag=spec.name,
        )
        self.top = ""
        self.offline = False
        self.up = False
        self.conflicts = 0
        self._rng = rng
        self._visits = random.Random(f"{world.scenario.seed} {spec.name}")
        self._place = folder
        self._lives = 0
        self._moments_left = -1
        self._dead = False
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self.writings: list[Writing] = []
        self._deletions = Remembered()
        self._nursery: trio.Nursery
        self.replica: Watched
        self.remote: ModelFolder
        self.engine: WatchedEngine
        self.hydrator: Hydrator

    @property
    def looks(self) -> bool:
        """Whether a look into a folder is under way, or what follows from one."""
        return self.engine.step is Step.LOOK

    @property
    def is_dead(self) -> bool:
        return self._dead

    # the process ----------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        return self._place / f"{self.name}{self._lives}"

    def now_ns(self) -> int:
        return self.world.wall_ns() + int(self.spec.skew * 1e9)

    def moment(self) -> None:
        """A step was done or is about to be; the process may end here."""
        if self._dead:
            raise Killed
        if self._moments_left >= 0:
            self._moments_left -= 1
            if self._moments_left < 0:
                self.kill()
                raise Killed

    def kill_after(self, moments: int) -> None:
        self._moments_left = moments

    def kill(self) -> None:
        """Copies what is on the disk and ends everything."""
        if self._dead or not self.up:
            return
        self._dead = True
        self._moments_left = -1
        self.remote.forget()
        old = self.folder
        self._lives += 1
        shutil.copytree(
            old,
            self.folder,
            symlinks=True,
            ignore=shutil.ignore_patterns("*-shm"),
            copy_function=_copy,
        )
        self.world.log(self.name, "KILLED")
        self.world.kills += 1
        self._scope.cancel()

    def open(self) -> None:
        """The process starts, and takes up what is on the disk. Killed: it ended again at once."""
        self.world.log(self.name, "start")
        self._dead = False
        self.up = True
        Watched.moment = staticmethod(self.moment)
        try:
            self.replica = Watched.open(
                self.folder,
                now_ns=self.now_ns,
                reserve_bytes=4096,
                boot_id="one",
                sync_disk=lambda _folder: None,
            )
        except Killed:
            self.up = False
            shutil.rmtree(self._place / f"{self.name}{self._lives - 1}")
            raise
        link = Connectivity()
        remote = self.remote = ModelFolder(
            self, self._rng, self.world.scenario.fault_rate, self.world.scenario.pace
        )
        self.hydrator = Hydrator(self.replica, remote, link, progress=Diary(self), workers=2)
        self.engine = WatchedEngine(
            self.replica,
            remote,
            self.hydrator,
            link,
            settings=self.settings,
            clock=self,
            progress=Diary(self),
            options=EngineOptions(
                fetch_settings=self._fetch_settings,
                debounce_seconds=self.spec.settle,
                listing_every=self.spec.listing,
                manual=self.spec.manual,
                deletions=self._deletions,
                stamp=lambda ns: str(ns // 10**9),
            ),
        )

    async def _fetch_settings(self) -> Settings:
        await trio.lowlevel.checkpoint()
        return self.settings

    async def live(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Runs its tasks until it is stopped or killed."""
        self._ended = trio.Event()
        started = False
        try:
            with trio.CancelScope() as self._scope:
                async with trio.open_nursery() as self._nursery:
                    await self._nursery.start(self.hydrator.run)
                    await self._nursery.start(self.engine.run)
                    self._nursery.start_soon(self._commit)
                    self._nursery.start_soon(self._visit)
                    started = True
                    task_status.started()
        except* Killed:
            pass
        finally:
            self._end()
        if not started:
            task_status.started()

    async def _commit(self) -> None:
        while True:
            await trio.sleep(self.spec.commit)
            self.replica.commit()

    async def _visit(self) -> None:
        """Somebody looks into folders, so that the server's are looked into."""
        while True:
            await trio.sleep(self._visits.choice((0.5, 3.0, 20.0, 200.0)))
            folders = [attr.node for _, attr in self.walk() if attr.kind is NodeType.FOLDER]
            self.engine.visit(self._visits.choice([ROOT, *folders]))

    def _end(self) -> None:
        for each in self.writings:
            each.abandon()
        self.writings.clear()
        if self._dead:
            self._bury()
        self.conflicts += self.engine._parts.conflicts.count
        self.up = False
        self._ended.set()

    def _bury(self) -> None:
        """What is left of a killed process goes."""
        if not self.replica._closed:
            self.replica.abandon()
        shutil.rmtree(self._place / f"{self.name}{self._lives - 1}")

    async def stop(self) -> None:
        """A clean stop."""
        if not self.up:
            return
        try:
            for writing in self.writings:
                writing.finish()
        except Killed:
            pass
        self.writings.clear()
        self._scope.cancel()
        await self._ended.wait()
        if not self._dead:
            self.world.log(self.name, "stop")
            self.up = True
            try:
                self.replica.close()
            except Killed:
                self._bury()
            self.up = False

    async def wait_ended(self) -> None:
        await self._ended.wait()

    async def run_inside(self, work: Callable[[], Awaitable[None]]) -> None:
        """Runs as a part of the process: returns when it is done or the process has ended."""
        if not self.up or self._dead:
            return
        done = trio.Event()

        async def guest() -> None:
            try:
                await work()
            finally:
                done.set()

        try:
            self._nursery.start_soon(guest)
        # it is being started, and what is known is the nursery of its former life
        except RuntimeError:
            await trio.lowlevel.checkpoint()
            return
        await done.wait()

    async def sync(self, *, confirmed: bool = False, dry_run: bool = False) -> Report | None:
        """One run and all contents, as the command does it; None when the process ended before."""
        reports: list[Report] = []

        async def run() -> None:
            report = await self.engine.sync(confirmed=confirmed, dry_run=dry_run)
            if report.offline is None and not dry_run:
                try:
                    await self.hydrator.wait_drained()
                except Unavailable as error:
                    report.offline = str(error)
            reports.append(report)

        await self.run_inside(run)
        return reports[0] if reports else None

    def is_downloading(self) -> bool:
        """Whether a content is still under way, or is fetched again later."""
        absent = set(self.replica.absent())
        again = (each for each in self.engine.status().problems if not each.lasting)
        return bool(self.hydrator.downloads().waiting) or any(each.node in absent for each in again)

    # what is here ---------------------------------------------------------------------------------

    def walk(self, top: NodeId = ROOT, prefix: str = "") -> Iterator[tuple[str, Attr]]:
        """Everything below a folder, parents first, by name."""
        for name, node in self.replica.children(top, None, 10_000):
            attr = self.replica.attr(node)
            assert attr is not None
            path = prefix + os.fsdecode(name)
            yield path, attr
            if attr.kind is NodeType.FOLDER:
                yield from self.walk(node, path + "/")

    def read(self, node: NodeId) -> bytes:
        content = self.replica.open_content(node)
        try:
            return os.pread(content.fd, 1 << 20, 0)
        finally:
            content.close()

    def versions(self, attr: Attr) -> set[int]:
        """The version that a file is here; where its content is not, all that the server has had as
        it was listed."""
        if not attr.size:
            return set()
        ledger = self.world.ledger
        if attr.present:
            return {ledger.number(self.read(attr.node))} - {0}
        base = self.replica.base(attr.node)
        if base is None:
            return ledger.known_as(0, attr.size, attr.mtime_ns // 10**9)
        return ledger.known_as(base.inode, base.size, base.mtime)

    def keeps(self) -> set[int]:
        """The versions that are in the tree here, and in the bin."""
        files = (attr for _, attr in self.walk() if attr.kind is NodeType.FILE and attr.present)
        return self.keeps_alone().union(*map(self.versions, files))

    def keeps_alone(self) -> set[int]:
        """Of these, those that the server never had. (Whoever sets a time alone, or moves a file,
        does not always keep what the server deletes.)"""
        left, self._moments_left = self._moments_left, -1
        try:
            found = {*map(self.world.ledger.number, self.bin())}
        finally:
            self._moments_left = left
        for dirty in self.replica.dirty():
            attr, base = self.replica.attr(dirty.node), self.replica.base(dirty.node)
            if attr is not None and base is not None and attr.version == base.version:
                continue
            if attr is not None and attr.kind is NodeType.FILE and attr.present:
                found |= self.versions(attr)
        return found

    def sees_restored(self) -> bool:
        """Whether the next listing tells for sure that a backup was put back
        (docs/reference/conflict-table.md, "What has no copy in the local trash"): nothing has by
        chance an inode that something had before, nor can anything get one until the listing. Where
        something has, the rest tells, if nobody changes that before the listing."""
        by_chance = {item.inode for _, item in self.world.disk.walk()}
        by_chance |= self.world.disk.free_inodes()
        bases = (self.replica.base(node) for node in self.replica.base_nodes())
        return not any(base.inode in by_chance for base in bases if base is not None)

    def tree(self) -> dict[str, bytes | None]:
        """Path and content, None for a folder; what the server cannot hold is left out. Everything
        must be here."""
        found: dict[str, bytes | None] = {}
        for path, attr in self.walk():
            if attr.kind is NodeType.FOLDER:
                found[path] = None
            elif attr.kind is NodeType.FILE:
                if not attr.present and self.settings.filters.left_out(path):
                    # its content is the server's alone, and behind a filter nobody fetches it
                    continue
                assert attr.present, f"{path} was never fetched"
                found[path] = self.read(attr.node)
        return found

    def bin(self) -> list[bytes]:
        """Every file in the bin's folder."""
        self.replica.committer.commit_all()
        place = self.folder / "bin"
        return [
            path.read_bytes()
            for path in sorted(place.glob("*/**/*"))
            if path.is_file() and not path.is_symlink()
        ]

    def held_up(self) -> dict[NodeId, set[str]]:
        """What waits because a folder cannot go in which a filter leaves something out, and where
        that is here, was when it was agreed on, and is on the server."""
        if self.settings.filters is DEFAULT:
            return {}
        reasons = ("It holds something that", "Its place is still taken", "Its folder waits")
        found = {
            each.node: {each.path}
            for each in self.engine.status().problems
            if each.why.startswith(reasons)
        }
        # what differs in there, its folder still lying where the filter reaches it
        for each in self.replica.dirty():
            if any(node in found for node in self._above(each.node)):
                found.setdefault(each.node, {self.replica.base_path(each.node)})
        for node, paths in found.items():
            base = self.replica.base(node)
            if base is not None:
                paths.add(self.replica.base_path(node))
                paths.update(
                    path for path, item in self.world.disk.walk() if item.inode == base.inode
                )
        return found

    def _above(self, node: NodeId) -> Iterator[NodeId]:
        """The folders of a node, as they were when they were agreed on."""
        while (base := self.replica.base(node)) is not None and node != ROOT:
            node = base.parent
            yield node

    def unsettled(self) -> list[str]:
        """What a replica that agrees with the server must not have, but for what a filter leaves
        out and the folders that it keeps."""
        replica, status = self.replica, self.engine.status()
        kept = self.held_up()

        def is_settled(node: NodeId) -> bool:
            return node not in kept and not self.settings.filters.left_out(
                self.engine._parts.backlog.path(node)
            )

        found = [f"dirty {each.node}" for each in replica.dirty() if is_settled(each.node)]
        found += [
            f"pending {each.kind.value} {each.path}"
            for each in replica.local_changes.pending()
            if is_settled(each.node)
        ]
        found += [f"absent {node}" for node in replica.absent() if is_settled(node)]
        found += [
            f"problem {each.path}: {each.why}" for each in status.problems if is_settled(each.node)
        ]
        found += [f"halted: {status.halted}"] if status.halted else []
        return found + [f"check: node {each.node}: {each.what}" for each in check(replica)]


class Diary:
    """What ended, in the world's log. A kill may come at the beginning and at the end of each
    action."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def listing(self, entries: int) -> None: ...
    def comparing(self, done: int, of: int, *, there: bool = False) -> None: ...
    def read(self, size: int) -> None: ...
    def planned(self, actions: Sequence[Action]) -> None: ...
    def preparing(self, action: Action, size: int) -> None: ...
    def resumes(self, action: Action, at: int) -> None: ...
    def broke_off(self, action: Action) -> None: ...
    def advanced(self, action: Action, size: int) -> None: ...
    def started(self, action: Action, path: str) -> None:
        if action.side is Side.REMOTE and self._device.replica.is_held(action.node):
            self._device.world.fail(f"{self._device.name} began to send {path}, which is held")
        self._device.moment()

    def ended(self, outcome: Outcome, path: str) -> None:
        action = outcome.action
        text = (
            f"{outcome.result.value}: {action.op.value} {action.side.value} {path} [{action.node}]"
        )
        if action.target is not None and action.op is Op.MOVE:
            text += f" → [{action.target.parent}]/{action.target.name}"
        why = f": {outcome.why}" if outcome.why else ""
        self._device.world.log(
            self._device.name, f" {text}{' keep' if action.keep else ''} ({action.reason}){why}"
        )
        if (action.op, action.side, outcome.result) == (
            Op.DELETE,
            Side.LOCAL,
            Result.DONE,
        ) and action.base is not None:
            self._device.remote.must_be_gone(path, action.base)
            if self._device.looks:
                self._device.world.fail(f"{self._device.name} removed {path} after a look")
        self._device.moment()


def _copy(source: str, target: str) -> None:
    """Copies a file with its holes: the store tells by them what has arrived."""
    with open(source, "rb") as old, open(target, "wb") as new:
        size = os.fstat(old.fileno()).st_size
        os.ftruncate(new.fileno(), size)
        found = next_data(old.fileno(), 0) if size else None
        while found is not None:
            start, stop = found
            os.pwrite(new.fileno(), os.pread(old.fileno(), stop - start, start), start)
            found = next_data(old.fileno(), stop) if stop < size else None
    shutil.copystat(source, target)
