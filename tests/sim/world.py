"""A run: the model server, the devices and what happens to them, on a clock of its own; and what
must hold after it.

This file is long because a run and what must hold after it look at the same state.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import random
import shutil
import signal
import tempfile
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import trio
import trio.testing

import reconciler.executor.upload
import syncin_mount.store.content.objects
from reconciler.executor.upload_cleanup import KEPT_NS
from reconciler.filters import DEFAULT, Filter
from reconciler.model import ROOT, Conflict, Direction, Mode, Settings
from tests.sim.device import RULES, Device, Killed
from tests.sim.ledger import Ledger
from tests.sim.people import NAMES, Person
from tests.sim.scenario import SERVER, Scenario, Step, Style, draw_direction, draw_rule, make
from tests.sim.server import BOUND_MS, PARTIAL, TEMPORARY, Backup, Disk, Item
from tests.sim.somebody import Somebody

BEGIN_NS = 1_700_000_000 * 10**9
REQUESTS = 30_000
STEPS = 3_000_000
CYCLES = 12
SECONDS = 20
"""Of the processor's time, for a run that takes far less than one: against a task that never lets
go."""
RESUME_FROM_BYTES = 6000
"""Uploads from this many bytes on ask for partials here, so that the small contents of a run do."""


STAGE_FROM_BYTES = 20_000
"""New contents from this many bytes on are put beside their place and moved there."""
ALONG_FROM = 4000
"""Contents from this many bytes on are counted while they are sent."""
FANOUT = 2
"""A replica's folders of objects, of which a run makes many and copies them at each kill."""


class Broken(AssertionError):
    """Something that must hold does not."""


@dataclass(slots=True)
class Outcome:
    """How a run ended. ``digest`` is that of its whole log, ``failure`` None for a run that
    passed."""

    failure: str | None
    log: list[str]
    digest: str
    figures: Counter[str]


class World:
    """See the module."""

    def __init__(self, scenario: Scenario, folder: Path, scale: int = 1) -> None:
        """``scale``: how many times as much it may take as a usual one."""
        self.scenario = scenario
        self.scale = scale
        self.folder = folder
        self.lines: list[str] = []
        self.ledger = Ledger()
        self.disk = Disk(trio.current_time, self.wall_ms, lambda item: self.shown(item, item.inode))
        self.backup: Backup | None = None
        self.faults_on = False
        self.met_fault = False
        self.torn = False
        self.half_done = False  # somebody listed a swap of another device in its middle
        # a late request put something beside a place where nobody looks for it any more
        self.late_remains = False
        self.late_on_its_way = False  # a late request brought something to a temporary name again
        # versions that got another time: by which mode fast knows contents
        self.touched: set[int] = set()
        # versions that took the place of another of their size and second: what was listed there
        # is asked for twice, and is this one each time, before the next listing tells of it
        self.alike: set[int] = set()
        self.copied: set[int] = set()  # versions that are at several places
        # versions that were fetched again, as what was changed of them was discarded
        self.undone: set[int] = set()
        self.linked = False  # there are links, which the server's files have to move away
        chance = random.Random(f"{scenario.seed} picked")
        self.picked: tuple[str, str] | None = None
        """In some runs with faults: a name for which everything fails, and how."""
        if scenario.fault_rate and chance.random() < 0.3:
            self.picked = chance.choice(NAMES[:5]), chance.choice(("403", "502", "cut", "500"))
        self._ahead_ns = 0
        self.kills = 0
        self.races = 0
        self.requests = 0
        self._locked: list[str] = []
        self._sent: Counter[tuple[str, str, int]] = Counter()
        self._fetched: Counter[tuple[str, int]] = Counter()
        self.devices = {
            spec.name: Device(self, spec, folder, random.Random(f"{scenario.seed} {spec.name}"))
            for spec in scenario.devices
        }
        if scenario.style is Style.APART:
            for name, device in self.devices.items():
                device.top = f"of {name}"
        self._nursery: trio.Nursery
        self._late = 0
        self._confused: dict[int, frozenset[int]] = {}

    # time and what is written down ----------------------------------------------------------------

    def wall_ns(self) -> int:
        return BEGIN_NS + int(trio.current_time() * 1e9) + self._ahead_ns

    def wall_ms(self) -> int:
        return self.wall_ns() // 10**6 + 1

    def log(self, who: str, text: str) -> None:
        self.lines.append(f"{trio.current_time():9.3f} {who}: {text.replace('x' * 246, '…')}")

    # what the parts of the world tell and ask -----------------------------------------------------

    def count_request(self) -> None:
        self.requests += 1
        if self.requests > REQUESTS * self.scale:
            raise Broken(f"more than {REQUESTS * self.scale} requests: it does not come to an end")

    def fail(self, what: str) -> None:
        """Something happened that must not, whatever becomes of it."""
        raise Broken(what)

    def same_size(self, rng: random.Random) -> int | None:
        """The size of a version that somebody wrote before; mostly None."""
        if not self.ledger.written or rng.random() >= 0.1:
            return None
        return len(self.ledger.data(rng.choice(sorted(self.ledger.written))))

    def shown(self, item: Item, inode: int) -> None:
        """Somebody may take what is on the server for a file of this inode."""
        number = self.ledger.number(item.data)
        self.ledger.shown(number, inode, item.size, item.found.mtime)

    def release(self, numbers: Iterable[int], why: str, who: str) -> list[int]:
        """Those of them that were not released before."""
        found = [number for number in sorted(numbers) if self.ledger.release(number, why)]
        for number in found:
            self.log(who, f"{number} may go: {why}")
        return found

    def raced(self, data: bytes | None) -> None:
        self.races += 1
        self.release(
            [self.ledger.number(data)],
            "overwritten in a race that the server cannot exclude",
            SERVER,
        )

    def restore(self, backup: Backup, rng: random.Random, *, again: bool) -> None:
        """The server is as it was then. What nobody else has is gone with its disk."""
        lost = {self.ledger.number(item.data) for _, item in self.disk.walk()}
        lost |= {self.ledger.number(data) for data in self.disk.trash.values()}
        trashed = lost - {self.ledger.number(item.data) for _, item in self.disk.walk()}
        self.disk.restore(backup, rng, again=again)
        self._locked.clear()
        self.half_done = self.half_done or any(TEMPORARY in path for path, _, _ in backup.items)
        there = {self.ledger.number(item.data) for _, item in self.disk.walk()}
        there |= {self.ledger.number(data) for data in self.disk.trash.values()}
        kept: set[int] = set()
        for device in self.devices.values():
            kept |= device.keeps() if device.sees_restored() else device.keeps_alone()
        self.release(lost - there - (kept - trashed), "gone with the server's disk", SERVER)

    def lock(self, path: str) -> None:
        self._locked.append(path.casefold())

    def unlock(self, path: str) -> None:
        # a server that was put back has none of the locks of before
        if path.casefold() in self._locked:
            self._locked.remove(path.casefold())

    def is_locked(self, path: str, *, below: bool) -> bool:
        path = path.casefold()
        return any(each == path or (below and each.startswith(path + "/")) for each in self._locked)

    def moved(self, device: str, way: str, number: int, size: int) -> None:
        """Content crossed the network."""
        if way == "up":
            self._sent[device, way, number] += 1
        else:
            self._fetched[device, number] += size

    def start_late(self, work: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            try:
                await work()
            finally:
                self._late -= 1

        self._late += 1
        self._nursery.start_soon(run)

    # the run --------------------------------------------------------------------------------------

    async def run(self) -> None:
        async with trio.open_nursery() as self._nursery:
            for step in self.scenario.start:
                if step.actor == SERVER:
                    self._on_server(step)
            for device in self.devices.values():
                await self._open(device)
            for step in self.scenario.start:
                if step.actor != SERVER:
                    self._person(self.devices[step.actor], random.Random(step.salt)).do(step.op)
            for device in self.devices.values():
                await self._nursery.start(device.live)
            if self.scenario.style is Style.TURNS:
                await self._settle()
            self.faults_on = self.scenario.fault_rate > 0
            for step in self.scenario.steps:
                await trio.sleep(step.delay)
                await self._step(step)
            await self._end()
            self._nursery.cancel_scope.cancel()

    async def _open(self, device: Device) -> None:
        while not device.up:
            try:
                device.open()
            except Killed:
                await trio.lowlevel.checkpoint()

    async def _start(self, device: Device) -> None:
        await self._open(device)
        await self._nursery.start(device.live)

    def _on_server(self, step: Step) -> None:
        top = f"of {SERVER}" if self.scenario.style is Style.APART else ""
        if step.op == "new" and top and self.disk.at(top) is None:
            self.disk.make_folder(top, self.wall_ms())
        Somebody(self, random.Random(step.salt), top).do(step.op)

    async def _step(self, step: Step) -> None:
        if step.op == "settle":
            await self._settle()
        elif step.actor == SERVER:
            if step.op == "restore":
                await self._start_all()
            self._on_server(step)
            if step.op == "restore":
                for each in self.devices.values():
                    if each.up:  # somebody looks what became of it
                        each.engine.visit(ROOT)
        else:
            await self._on_device(self.devices[step.actor], step)

    async def _on_device(self, device: Device, step: Step) -> None:
        if step.op == "settings":
            self._change_settings(device, random.Random(step.salt))
            return
        if not device.up and step.op in ("sync", "restart", "kill"):
            await self._start(device)
        rng = random.Random(step.salt)
        if step.op == "sync":
            self.log(device.name, "sync")
            confirmed, dry = rng.random() < 0.3, rng.random() < 0.2

            async def run() -> None:
                await device.sync(confirmed=confirmed, dry_run=dry)

            self._nursery.start_soon(run)
        elif step.op == "kill":
            device.kill_after(rng.choice((0, 3, 10, 40)) and rng.randrange(40))
        elif step.op == "restart":
            await device.stop()
            await self._start(device)
        elif step.op in ("offline", "online"):
            device.offline = step.op == "offline"
            self.log(device.name, step.op)
        elif device.up:
            self._person(device, rng).do(step.op)

    def _person(self, device: Device, rng: random.Random) -> Person:
        return Person(device, rng)

    def _change_settings(self, device: Device, rng: random.Random) -> None:
        """Takes effect with the next run, as on the server's page."""
        old = device.settings
        changes: tuple[dict[str, Any], ...] = (
            {"direction": draw_direction(rng, device.name, self.scenario.style)},
            {"mode": rng.choice(list(Mode))},
            {"conflict": rng.choice(list(Conflict))},
            {"filters": RULES.get(draw_rule(rng) or "", DEFAULT)},
        )
        device.settings = replace(old, **rng.choice(changes))
        self.log(device.name, f"settings {_told(device.settings)}")

    # bringing it to an end ------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Everybody is well, and synchronizes until nothing happens any more. Broken when that does
        not come."""
        before, self.faults_on = self.faults_on, False
        await self._wait_late()
        for device in self.devices.values():
            device.kill_after(-1)
            device.offline = False
        await self._start_all()
        for device in self.devices.values():
            for writing in device.writings:
                writing.finish()
            device.writings.clear()
            device.replica.local_changes.hold(device.replica.local_changes.held_nodes(), held=False)
        for path, item in list(self.disk.walk()):
            if abs(item.mtime_ms) > BOUND_MS:  # what cannot be used waits until somebody mends it
                self.disk.touch(path, self.wall_ms())
        self.log("all", "settle")
        for _ in range(CYCLES):
            await self._wait_late()
            if not await self._cycle():
                break
        else:
            raise Broken(f"nothing comes to rest in {CYCLES} rounds of syncs")
        self.faults_on = before

    async def _start_all(self) -> None:
        for device in self.devices.values():
            while device.is_dead or not device.up:
                await device.wait_ended()
                await self._start(device)

    async def _wait_late(self) -> None:
        while self._late:  # noqa: ASYNC110 - the clock is ours, and what is waited for has no event of its own
            await trio.sleep(1)

    async def _cycle(self) -> bool:
        """Every device once. Whether anything happened."""
        changes = self.disk.changes
        busy = False
        for device in self.devices.values():
            sequence = device.replica.sequence()
            report = await device.sync(confirmed=True)
            busy = (
                busy or report is None or bool(report.outcomes or report.offline or report.halted)
            )
            device.replica.commit()
            busy = busy or device.replica.sequence() != sequence or device.is_downloading()
        return busy or self.disk.changes != changes

    async def _end(self) -> None:
        if not self.scenario.filters_stay:
            for device in self.devices.values():
                device.settings = replace(device.settings, filters=DEFAULT)
        await self._settle()
        for device in self.devices.values():
            found = device.unsettled()
            if found:
                raise Broken(f"{device.name} is not settled: {'; '.join(found)}")
        self._confused = self.ledger.confused()
        self._check_trees()
        self._check_versions()
        self._check_quiet()
        await self._check_remains()
        for device in self.devices.values():
            await device.stop()

    def _check_trees(self) -> None:
        tree = self.disk.tree()
        held: set[str] = set()
        for device in self.devices.values():
            here = device.tree()
            differ = _difference(device.settings.filters, here, tree, self._alike)
            waiting = {path for paths in device.held_up().values() for path in paths}
            held |= waiting
            above = tuple(f"{path}/" for path in waiting)
            # what waits to get its name there
            elsewhere = {here.get(path) for path in waiting} - {None}
            if waiting:
                differ = [
                    p
                    for p in differ
                    if not f"{p}/".startswith(above) and tree.get(p) not in elsewhere
                ]
            if differ:
                raise Broken(f"{device.name} and the server differ in {differ}")
        for path, data in tree.items():
            if data is not None and self.ledger.identify(data) is None and not self._is_mixed(data):
                raise Broken(f"{path} holds what nobody wrote: {data[:60]!r} ({len(data)} bytes)")
            leaves = path in held or self.late_on_its_way or self.half_done or self._may_leave(path)
            if TEMPORARY in path and not leaves:
                raise Broken(f"{path} was left over")

    def _alike(self, one: bytes | None, other: bytes | None) -> bool:
        """Whether no client can tell these contents apart, or one is a mixture of such."""
        if one is None or other is None or one == other:
            return one == other
        if self.ledger.is_hidden(self.ledger.number(other)) and not self.ledger.identify(one):
            return True
        group = self._confused.get(self.ledger.number(other), ())
        return self.ledger.number(one) in group or (bool(group) and self._is_mixed(one))

    def _is_mixed(self, data: bytes) -> bool:
        """Fetched in parts, while the server's file became another one in a way that no client can
        see."""
        return self.ledger.identify(data) is None and len(data) in {
            len(self.ledger.data(number)) for number in self._confused
        }

    def _may_leave(self, path: str) -> bool:
        """Whose drive only follows the server by now moves nothing there, not even what it left
        half-way."""
        return any(
            f"{TEMPORARY}{device.name}-" in path and device.settings.direction is Direction.DOWNLOAD
            for device in self.devices.values()
        )

    def _check_versions(self) -> None:
        there = [data for _, data in sorted(self.disk.tree().items()) if data is not None]
        there += self.disk.trash.values()
        for device in self.devices.values():
            there += device.bin()
            there += [data for _, data in sorted(device.tree().items()) if data is not None]
        lost = (
            self.ledger.must_be_kept()
            - {self.ledger.identify(data) for data in there}
            - self._confused.keys()
        )
        if lost:
            raise Broken(
                f"lost: {', '.join(self.ledger.describe(number) for number in sorted(lost))}"
            )

    async def _check_remains(self) -> None:
        """What uploads left behind goes when nobody took it up, but for what a drive left that only
        follows by now, or in a folder that somebody else moved away while the upload was under way.
        (It costs: in one run of four.)"""
        if self.scenario.seed % 4 or any(
            device.settings.direction is Direction.DOWNLOAD for device in self.devices.values()
        ):
            return
        # it is looked at, then removed; a folder that holds it may go only afterwards
        for _ in range(3):
            self._ahead_ns += KEPT_NS + 10**9
            await self._settle()
        settled = self.scenario.style is not Style.MIXED and not self.late_remains
        remains = [path for path, _ in self.disk.walk() if PARTIAL in path and settled]
        remains += [
            f"{each.name} of {name}"
            for name, d in self.devices.items()
            for each in d.replica.leftovers()
        ]
        if remains:
            raise Broken(f"uploads left behind: {remains}")

    def _check_quiet(self) -> None:
        """Nothing is in conflict that no two touched, and nothing is sent or fetched twice without
        cause."""
        if self.scenario.style is Style.MIXED or not self.scenario.calm or self.half_done:
            return
        conflicts = {
            device.name: device.engine._parts.conflicts.count for device in self.devices.values()
        }
        met = any(
            device.conflicts or device.engine._parts.conflicts.count
            for device in self.devices.values()
        )
        if met and not self._confused:  # what one did not see is edited on both sides in the end
            raise Broken(f"conflicts were invented: {conflicts}")
        copies = [path for path in self.disk.tree() if "(conflict" in path]
        if copies and not self.linked:
            raise Broken(f"conflict copies were invented: {copies}")
        if self.torn:
            return
        excused = self.copied | self.undone | self._confused.keys() | {0}
        if any(device.settings.mode is Mode.FAST for device in self.devices.values()):
            excused |= self.touched
        for (device, _, number), count in sorted(self._sent.items()):
            if number not in excused and count > 1:
                raise Broken(f"{device} sent {self.ledger.describe(number)} {count} times")
        for (device, number), size in sorted(self._fetched.items()):
            times = 3 if number in self.alike else 1
            if number not in excused and size > times * len(self.ledger.data(number)) + 4096:
                raise Broken(f"{device} fetched {self.ledger.describe(number)} more than once")


def _difference(
    filters: Filter,
    here: dict[str, bytes | None],
    there: dict[str, bytes | None],
    alike: Callable[[bytes | None, bytes | None], bool],
) -> list[str]:
    """The paths in which two trees differ, where contents are as good as others that are ``alike``.
    What a filter leaves out may differ, and a folder may be on one side only as long as it holds
    something of that there."""

    def holds(tree: dict[str, bytes | None], path: str) -> bool:
        return any(each.startswith(path + "/") and filters.left_out(each) for each in tree)

    return [
        path
        for path in sorted(here.keys() | there.keys())
        if not (path in here and path in there and alike(here[path], there[path]))
        and not filters.left_out(path)
        and not (here.get(path, b"") is None and holds(here, path))
        and not (there.get(path, b"") is None and holds(there, path))
    ]


def _told(settings: Settings) -> str:
    rule = next((name for name, each in RULES.items() if each is settings.filters), "no rule")
    return f"{settings.direction.value} {settings.mode.value} {settings.conflict.value} {rule}"


class _Watchdog(trio.abc.Instrument):
    """Ends a run in which time stands still."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.steps = 0
        self.scope: trio.CancelScope | None = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.steps += 1
        if self.steps == self.most and self.scope is not None:
            self.scope.cancel()


def run(scenario: Scenario, kind: type[World] = World, *, scale: int = 1) -> Outcome:
    """Runs it to its end. The same scenario gives the same log, whatever else the computer does."""
    trio._core._run._r.seed(scenario.seed)
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="syncin-sim-", dir=base))
    dog = _Watchdog(STEPS * scale)
    worlds: list[World] = []

    async def main() -> None:
        world = kind(scenario, folder, scale)
        worlds.append(world)
        with trio.CancelScope() as dog.scope:
            await world.run()
        if dog.scope.cancelled_caught:
            raise Broken(f"more than {dog.most} steps: it does not come to an end")

    failure = None
    signal.signal(signal.SIGPROF, _hung)
    signal.setitimer(signal.ITIMER_PROF, SECONDS * scale, 1.0)
    try:
        with _made_small():
            clock = trio.testing.MockClock(autojump_threshold=0)
            trio.run(main, clock=clock, instruments=[dog], strict_exception_groups=True)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        failure = _describe(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        shutil.rmtree(folder, ignore_errors=True)
    world = worlds[0]
    figures = Counter(
        requests=world.requests, kills=world.kills, races=world.races, steps=dog.steps
    )
    figures["versions"] = len(world.ledger.written)
    digest = hashlib.sha256("\n".join([*world.lines, failure or ""]).encode()).hexdigest()
    return Outcome(failure, world.lines, digest, figures)


@contextlib.contextmanager
def _made_small() -> Iterator[None]:
    """What is meant for big files and long lives fits the small contents of a run; nobody writes to
    the log. Afterwards everything is as it was."""
    log = logging.getLogger("reconciler")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with (
            mock.patch.object(reconciler.executor.upload, "RESUME_FROM_BYTES", RESUME_FROM_BYTES),
            mock.patch.object(reconciler.executor.upload, "STAGE_FROM_BYTES", STAGE_FROM_BYTES),
            mock.patch.object(reconciler.executor.upload, "ALONG_FROM", ALONG_FROM),
            mock.patch.object(syncin_mount.store.content.objects, "FANOUT", FANOUT),
            mock.patch.object(trio._core._run, "_ALLOW_DETERMINISTIC_SCHEDULING", True),
        ):
            yield
    finally:
        log.setLevel(level)


def attempt(seed: int) -> tuple[int, str | None, Counter[str]]:
    """A seed, how it failed, and its figures."""
    outcome = run(make(seed))
    return seed, outcome.failure, outcome.figures


def _hung(*_: object) -> None:
    raise RuntimeError(f"it took more than {SECONDS} s, or so many times that as it may")


def _describe(error: BaseException) -> str:
    """The innermost error, with where it came from when it is no finding of ours."""
    while isinstance(error, BaseExceptionGroup):
        broken = error.subgroup(Broken)
        error = (broken or error).exceptions[0]
    if isinstance(error, Broken):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)[-10:]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__}: {error} at {where}"
