"""A server, a drive, and kills of the drive's process one after another; after each everything is
looked at.

One cycle: the drive starts (which takes up what the last kill left) and must hold what the worker's
log says, nothing more and nothing less; ``check`` has to be clean; ``sync`` must come to rest with
both sides equal. Then the worker works, somebody changes the server's ``remote/`` folder, ``sync``
runs again and again, and the process is killed.

This file is long because a kill concerns all of it: what was acknowledged, what is looked at, and
the processes themselves.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import threading
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Self
from urllib.parse import unquote

import msgspec
import trio

from reconciler.errors import RemoteError
from syncin_mount.cli.demo.sandbox import Sandbox
from syncin_mount.cli.demo.tree_compare import TreeEntry, differences, take
from syncin_mount.config import Folders
from syncin_mount.control.client import Client
from syncin_mount.control.failures import ControlError
from syncin_mount.control.messages import Report, SyncRequest
from syncin_mount.mount_table import mounted_at, unmount
from tests.crash import daemon, worker
from tests.crash.looking import contents, entries, is_here, on_server
from tests.crash.model import FILE, Entry, Step, Tree, unlike
from tests.crash.people import REMOTE, SHARED, is_apart
from tests.crash.plans import Plan
from tests.crash.points import AT_END, Kill
from tests.crash.processes import FORKED, Process
from tests.crash.scenes import Stage, somebody
from tests.crash.versions import Versions, version

LIMIT = 60.0
"""Seconds that anything gets."""


class Broken(AssertionError):
    """Something does not hold."""


@dataclass(slots=True)
class Figures:
    """What happened, for the summary. Both counters are by point."""

    kills: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    in_flight: int = 0
    taken_for_others: list[str] = field(default_factory=list)


class Home:
    """A context manager: a world in ``base``. Raises Broken by the first thing that does not
    hold."""

    def __init__(
        self, base: Path, chance: random.Random, figures: Figures, *, conflict: str = "recent"
    ) -> None:
        self.base = base
        self._conflict = conflict
        self._chance = chance
        self._figures = figures
        self._sandbox = Sandbox(base)
        self._tree = Tree()
        self._step: Step | None = None  # the one that was under way
        self._process: Process | None = None
        self._requests_before = 0
        self._overwritten: set[bytes] = set()  # by somebody else, on the server
        self._versions = Versions()

    def __enter__(self) -> Self:
        self._sandbox.__enter__()
        try:
            self.faults.write_text("")
            self._sandbox.start_server(self.base / "requests.jsonl", "--faults", str(self.faults))
            self._sandbox.log_in("home", "server")
            self.disk.mkdir()
            for name in (REMOTE, SHARED):
                self.disk.joinpath(name).mkdir()
            words = (
                "--server",
                "server",
                "--remote",
                "personal/Docs",
                "--mountpoint",
                str(self.drive),
            )
            options = ("--conflict", self._conflict, "--trash", "desktop")
            self._sandbox.must("home", "add", "docs", *words, *options)
            self._live_a_day()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _live_a_day(self) -> None:
        """So that there is something to work with before the first kill."""
        if not self.start(hurried=True):
            raise Broken("the drive's process was killed, and nobody did it")
        trio.run(self._come_to_rest)
        self._read_log(
            self._start_worker(Plan(None, 0, 40, self._chance.randrange(1 << 40))).wait(LIMIT)
        )
        self._stop()
        self.verify()

    def __exit__(self, *_exc: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(LIMIT)
        if mounted_at(self.drive) is not None:
            unmount(self.drive, lazily=True)
        self._sandbox.__exit__()

    @property
    def drive(self) -> Path:
        return self.base / "drive"

    @property
    def disk(self) -> Path:
        return self._sandbox.server_files / "Docs"

    @property
    def faults(self) -> Path:
        """The server's rules of what goes wrong there: none, unless somebody writes some."""
        return self.base / "faults.toml"

    @property
    def folders(self) -> Folders:
        home = self.base / "home"
        return Folders(home, home / "state", home / "run", portable=True)

    @property
    def log(self) -> str:
        path = self.folders.log("docs")
        return path.read_text(errors="replace") if path.exists() else ""

    # the process ----------------------------------------------------------------------------------

    def start(self, kill: Kill | None = None, *options: str, hurried: bool = False) -> bool:
        """As ``syncin-mount mount`` does it; False when the process was killed on the way."""
        check = self.base / "check"
        check.unlink(missing_ok=True)
        reader, writer = FORKED.Pipe(duplex=False)
        self._process = Process(daemon.run, self.base, writer, kill, *options, hurried=hurried)
        writer.close()
        with os.fdopen(os.dup(reader.fileno()), "rb") as said:
            reader.close()
            word = said.readline()
        if not word:
            self._is_killed(LIMIT)
            return False
        answer = msgspec.json.decode(word)
        if not answer["ready"]:
            raise Broken(f"the drive does not start: {answer['sentence']}")
        found = check.read_text()
        if found:
            raise Broken(f"check after the start: {found}")
        return True

    def _is_killed(self, seconds: float) -> bool:
        """Waits for the end of the process, which must come by SIGKILL; False when it has not come
        by then."""
        assert self._process is not None
        status = self._process.wait(seconds)
        if status is None:
            return False
        self._process = None
        if status != -signal.SIGKILL:
            raise Broken(f"the drive's process ended by itself with {status}: {self._last_words()}")
        return True

    def _last_words(self) -> str:
        return ((self.base / "daemon.log").read_text(errors="replace") + self.log)[-2000:]

    # a cycle --------------------------------------------------------------------------------------

    def cycle(self, what: Plan) -> None:
        """Works and is killed; then the next start puts everything right."""
        chance = random.Random(what.seed)
        at_start = what.kill is not None and what.kill.at_start
        point = (
            "any moment"
            if what.kill is None
            else f"{what.kill.point}{' (start)' if at_start else ''}"
        )
        if what.kill is not None and at_start:
            # Something must be there for the start to put right.
            self._work(Plan(None, chance.random() * 0.6, what.steps, what.seed), chance)
            reached = self._dies_in_start(what.kill)
        else:
            reached = self._work(what, chance)
        self._figures.kills += 1
        self._figures.asked[point] += 1
        self._figures.reached[point if reached else "any moment, as the point was not passed"] += 1
        self.verify()

    def _dies_in_start(self, kill: Kill) -> bool:
        if self.start(kill):
            self._kill()
            return False
        return True

    def _kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        if not self._is_killed(LIMIT):
            raise Broken("the drive's process does not end, though it was killed")

    def _work(self, what: Plan, chance: random.Random) -> bool:
        """Ends with the process killed; whether it was where it was to be."""
        if not self.start(what.kill, hurried=what.hurry):
            raise Broken("it died before it was to")
        assert self._process is not None
        stage = Stage(self.drive, self.disk, self._tree, self._overwritten, chance)
        if what.scene.before is not None:
            what.scene.before(stage)
            trio.run(self._come_to_rest)
        if what.kill is not None:
            self._process.signal(signal.SIGUSR1)
        self._requests_before = (self.base / "requests.jsonl").read_bytes().count(b"\n")
        working = self._start_worker(what)
        if what.scene.then is not None:
            with contextlib.suppress(OSError):  # killed meanwhile
                what.scene.then(stage)
        killed = threading.Event()
        syncing = threading.Thread(target=self._sync_on, args=(killed,))
        if what.syncs:
            syncing.start()
        somebody(stage)
        try:
            if what.kill is not None and what.kill.point.split("/")[0] in AT_END:
                working.wait(LIMIT)
                self._process.signal(signal.SIGTERM)
            reached = self._is_killed(what.after)
            if not reached:
                self._kill()
        finally:
            killed.set()
            status = working.wait(LIMIT)
            if what.syncs:
                syncing.join(LIMIT)
        self._read_log(status)
        return reached or what.kill is None

    def _stop(self) -> None:
        assert self._process is not None
        self._process.signal(signal.SIGTERM)
        if self._process.wait(LIMIT) != 0:
            raise Broken(f"the drive does not stop: {self._last_words()}")
        self._process = None

    def _start_worker(self, what: Plan) -> Process:
        log = self.base / "steps.jsonl"
        log.write_bytes(b"")
        return Process(
            worker.work, self.drive, log, self._tree, what.seed, what.steps, what.scene.favours
        )

    def _read_log(self, status: int | None) -> None:
        """What was acknowledged goes into the tree; what was not, is remembered."""
        self._step = None
        for raw in (self.base / "steps.jsonl").read_bytes().splitlines():
            line = msgspec.json.decode(raw, type=worker.Line)
            if line.step is not None:
                self._step = line.step
            elif line.done is not None:
                assert self._step is not None
                self._tree.apply(self._step, line.done.mtime)
                self._note_version(self._step, line.done.mtime)
                self._step = None
                self._figures.steps += 1
            elif line.failed is not None and line.failed.alive:
                raise Broken(f"a step of the user failed: {line.failed.why} ({self._step})")
        ends = {0, worker.FAILED}
        if self._step is not None and self._step.op == "mapped":
            # what a page of a mapping without a file system behind it gives, mmap(2)
            ends.add(-signal.SIGBUS)
        if status not in ends:
            raise Broken(f"the worker failed (status {status})")
        self._figures.in_flight += self._step is not None

    def _note_version(self, step: Step, mtime: int | None) -> None:
        entry = self._tree.held.get(step.held) or self._tree.entries.get(step.path)
        if entry is not None and mtime is not None:
            self._versions.note(version(entry.content, mtime))

    # synchronization ------------------------------------------------------------------------------

    def _sync_on(self, killed: threading.Event) -> None:
        """One run after the other, as long as the process lives."""

        async def go_on() -> None:
            async with Client(self.folders.socket("docs")) as daemon:
                while not killed.is_set():
                    await self._sync(daemon)

        try:
            trio.run(go_on)
        except (ControlError, RemoteError):
            pass  # killed meanwhile

    @staticmethod
    async def _sync(daemon: Client, *, confirmed: bool = False) -> Report:
        with trio.fail_after(LIMIT):
            async with daemon.sync(SyncRequest(confirmed=confirmed)) as events:
                reports = [event async for event in events if isinstance(event, Report)]
        if not reports:
            raise ControlError("the run ended without a report")
        return reports[0]

    # what must hold -------------------------------------------------------------------------------

    def verify(self) -> None:
        """After a kill: the next start, and all that is promised."""
        if not self.start(None, "--manual"):
            raise Broken("the drive's process was killed, and nobody did it")
        found = dict(entries(self.drive, left_out=is_apart))
        own = Tree(
            {path: entry for path, entry in self._tree.entries.items() if not is_apart(path)}
        )
        own.held = self._tree.held
        wrong = unlike(
            own, None if self._step is None or is_apart(self._step.path) else self._step, found
        )
        if wrong:
            raise Broken(
                f"{'; '.join(wrong)} (under way: {self._step}; before: {self._history(wrong)})"
            )
        here = take(self.drive, lambda path: is_apart(path) and not is_here(self.drive / path))
        for thing in (*here.values(), *on_server(self.disk).values()):
            self._versions.note(thing)
        wanted = on_server(self.disk / REMOTE)
        trio.run(self._come_to_rest)
        drive = {path: thing for path, thing in take(self.drive).items() if thing.kind != "link"}
        self._same(
            self._with_times_of(there := on_server(self.disk), drive), there, "drive and server"
        )
        self._same(
            wanted, on_server(self.disk / REMOTE), "the server's own folder before and after"
        )
        after = dict(entries(self.drive, left_out=is_apart))
        in_drive = contents(self.drive)
        self._stop()  # what lost is in the bin at the latest now
        kept = in_drive | contents(self.folders.replica("docs") / "bin")
        kept |= contents(self._sandbox.server_files.parent / "trash") | contents(
            self.base / "desktop"
        )
        self._judge_sync(found, after, kept)
        self._judge_shared(kept | self._overwritten)
        self._tree, self._step = Tree(after), None

    def _judge_sync(
        self, before: dict[str, Entry], after: dict[str, Entry], kept: set[bytes]
    ) -> None:
        """Nobody else was at work outside of REMOTE, so the drive should be as before. But what the
        server did for the process that was killed, without its knowing, it takes for somebody
        else's. So such a thing may come: at a place that a request of that process named, and with
        every version that was there kept.
        """
        wrong = unlike(Tree(before), None, after)
        if not wrong:
            return
        named = self._changing_requests()
        plain = [re.sub(r" \(conflict [^/]*\)", "", line.rpartition(": ")[2]) for line in wrong]
        strange = [
            line
            for line, path in zip(wrong, plain, strict=True)
            if named.isdisjoint(path.split("/"))
        ]
        if strange:
            raise Broken(
                f"the synchronization changed the drive without a cause: {strange}:"
                f" {self._history(strange)}"
            )
        lost = [
            path
            for path, entry in before.items()
            if entry.kind == FILE and entry.content not in kept
        ]
        if lost:
            raise Broken(f"the synchronization lost {lost} ({'; '.join(wrong)})")
        self._figures.taken_for_others.append("; ".join(wrong))

    def _judge_shared(self, kept: set[bytes]) -> None:
        """What was saved in the shared folder is in the drive, in a bin, or was overwritten there
        by somebody else."""
        for path, entry in self._tree.entries.items():
            under_way = self._step is not None and self._step.path == path
            if path.startswith(f"{SHARED}/") and entry.content not in kept and not under_way:
                size = len(entry.content)
                raise Broken(
                    f"a version of {path} of {size} bytes is nowhere:"
                    f" {self._history([f': {path}'])}"
                )

    def _changing_requests(self) -> set[str]:
        """Every name in the paths of the last requests that change something; and where what they
        name was moved to, as their log does not tell targets."""
        lines = (self.base / "requests.jsonl").read_text().splitlines()
        requests = [msgspec.json.decode(line) for line in lines[self._requests_before :]]
        changing = [
            unquote(each["path"]) for each in requests if each["method"] not in {"GET", "HEAD"}
        ]
        named = {name for path in changing for name in path.split("/")}
        steps = [
            msgspec.json.decode(raw, type=worker.Line).step
            for raw in (self.base / "steps.jsonl").read_bytes().splitlines()
        ]
        for step in steps:
            if step is not None and step.to and named.intersection(step.path.split("/")):
                named.update(step.to.split("/"))
        return named

    def _history(self, wrong: list[str]) -> str:
        """The last steps about what is wrong, requests, and transfers."""
        names = {
            line.rpartition("/")[2].rpartition(": ")[2].removesuffix("~").removesuffix(".new")
            for line in wrong
        }
        lines = (self.base / "steps.jsonl").read_text().splitlines()
        steps = [
            pair
            for one, after in pairwise(lines)
            if any(name in one for name in names)
            for pair in (one, after)
        ]
        requests = (self.base / "requests.jsonl").read_text().splitlines()[self._requests_before :]
        transfers = self._sandbox.run("home", "transfers", "docs").out.splitlines()
        told = [
            line for line in (*requests, *transfers) if any(name in unquote(line) for name in names)
        ]
        return "\n".join((*steps[-30:], *told[-40:]))

    async def _come_to_rest(self) -> None:
        async with Client(self.folders.socket("docs")) as daemon:
            with trio.move_on_after(LIMIT):
                while True:
                    # so much deleted: it was the one who works here
                    report = await self._sync(daemon, confirmed=True)
                    if report.halted or report.offline or report.refused:
                        raise Broken(f"synchronization: {report}")
                    if not (report.done or report.fetched or report.problems):
                        return
            raise Broken(f"synchronization does not come to rest: {report}")

    def _with_times_of(
        self, there: dict[str, TreeEntry], drive: dict[str, TreeEntry]
    ) -> dict[str, TreeEntry]:
        """The drive's tree, with the server's time where that may be a later one."""
        return {
            path: (
                there[path]
                if path in there and self._versions.explain(thing, there[path])
                else thing
            )
            for path, thing in drive.items()
        }

    @staticmethod
    def _same(one: dict[str, TreeEntry], other: dict[str, TreeEntry], what: str) -> None:
        found = differences(one, other)
        if found:
            raise Broken(f"{what} differ: {'; '.join(found[:10])}")

    def check(self) -> None:
        """Asks the command."""
        self._sandbox.must("home", "check", "docs")
