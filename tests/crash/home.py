"""A server, a drive, and kills of the drive's process one after another; after each everything is looked at.

One cycle: the drive starts (which takes up what the last kill left) and must hold what the worker's log says, nothing
more and nothing less; ``check`` has to be clean; ``sync`` must come to rest with both sides equal. Then the worker
works, somebody changes the server's ``remote/`` folder, ``sync`` runs again and again, and the process is killed.
"""

from __future__ import annotations

import os
import random
import re
import signal
import stat
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Self
from urllib.parse import unquote

import msgspec
import trio

from reconciler.errors import RemoteError
from reconciler.filters import PARTIAL_PREFIX
from syncin_mount.cli.sandbox import Sandbox
from syncin_mount.cli.trees import Thing, differences, take
from syncin_mount.config import Folders
from syncin_mount.config.folders import HOME_VARIABLE
from syncin_mount.control.client import Client, ControlError
from syncin_mount.control.messages import Report, SyncRequest
from tests.crash.daemon import CHECK, HURRY, KILL
from tests.crash.model import FILE, FOLDER, LINK, Entry, Step, Tree, unlike
from tests.crash.people import REMOTE, SHARED, is_apart
from tests.crash.points import AT_END, AT_START, POINTS, Kill
from tests.crash.worker import RENAME_EXCHANGE, Line, rename_with

TOP = Path(__file__).parents[2]
LIMIT = 60.0
"""Seconds that anything gets."""

WORKS = 0.8
"""Seconds until the process is killed anyway, should the point not be reached."""


class Broken(AssertionError):
    """Something does not hold."""


@dataclass(slots=True)
class Plan:
    """One kill. ``kill`` is None for one at a moment of its own choice: ``after`` seconds of work. ``syncs``: one run
    after the other is asked for, else they come as the drive sees fit; ``hurry``: sooner."""

    kill: Kill | None
    after: float
    steps: int
    seed: int
    hurry: bool = False
    syncs: bool = True

    def text(self) -> str:
        where = f"after {self.after:.2f} s" if self.kill is None else f"at {self.kill.point}, passage {self.kill.count}"
        return f"{where}{' of the start' if self.kill and self.kill.at_start else ''}, {self.steps} steps"


def plan(chance: random.Random, points: list[str] | None = None) -> Plan:
    """Points are drawn by their weights; a third of the kills comes at any moment. ``points``: these and no others."""
    seed, steps = chance.randrange(1 << 40), chance.randrange(5, 120)
    hurry, syncs = chance.random() < 0.75, chance.random() < 0.6
    if points is None and chance.random() < 0.33:
        return Plan(None, chance.random() * WORKS, steps, seed, hurry, syncs)
    names = points or list(POINTS)
    point = chance.choices(names, [POINTS[each] for each in names])[0]
    name = point.split("/")[0]
    count = min(int(chance.expovariate(0.3)) + 1, 40) if name in OFTEN else chance.choice((1, 1, 1, 2, 3))
    at_start = name in AT_START or (name in {"append", "commit"} and chance.random() < 0.2)
    if at_start:
        count = 1 if name in {"recovery", "strays", "segments_renewed", "interrupted_writes"} else min(count, 3)
    if name in AT_END:
        count = 1
    return Plan(Kill(point, count, seed, at_start), WORKS, steps, seed, hurry, syncs)


OFTEN = ("append", "bytes", "created", "attributes", "write_begun", "written", "renamed", "unlinked", "effect.Unlink")


@dataclass(slots=True)
class Figures:
    """What happened, for the summary."""

    kills: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    in_flight: int = 0
    taken_for_others: int = 0


class Home:
    """A context manager: a world in ``base``. Raises Broken by the first thing that does not hold."""

    def __init__(self, base: Path, chance: random.Random, figures: Figures) -> None:
        self.base = base
        self._chance = chance
        self._figures = figures
        self._sandbox = Sandbox(base)
        self._tree = Tree()
        self._step: Step | None = None  # the one that was under way
        self._process: subprocess.Popen[bytes] | None = None
        self._requests_before = 0
        self._overwritten: set[bytes] = set()  # by somebody else, on the server

    def __enter__(self) -> Self:
        self._sandbox.__enter__()
        try:
            self._sandbox.start_server(self.base / "requests.jsonl")
            self._sandbox.log_in("home", "server")
            self._sandbox.must("home", "remote", "mkdir", "personal/Docs", "--server", "server")
            for name in (REMOTE, SHARED):
                self.disk.joinpath(name).mkdir()
            words = ("--server", "server", "--remote", "personal/Docs", "--mountpoint", str(self.drive))
            self._sandbox.must("home", "add", "docs", *words)
        except BaseException:
            self._sandbox.__exit__()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        subprocess.run(["fusermount3", "-u", "-z", str(self.drive)], check=False, capture_output=True, timeout=LIMIT)
        self._sandbox.__exit__()

    @property
    def drive(self) -> Path:
        return self.base / "drive"

    @property
    def disk(self) -> Path:
        return self._sandbox.server_files / "Docs"

    @property
    def folders(self) -> Folders:
        home = self.base / "home"
        return Folders(home, home / "state", home / "run", portable=True)

    @property
    def log(self) -> str:
        path = self.folders.log("docs")
        return path.read_text(errors="replace") if path.exists() else ""

    # the process ------------------------------------------------------------------------------------------------------

    def start(self, kill: Kill | None = None, *options: str, hurry: bool = False) -> bool:
        """As ``syncin-mount mount`` does it; False when the process was killed on the way."""
        reader, writer = os.pipe()
        check = self.base / "check"
        check.unlink(missing_ok=True)
        environment = {
            **os.environ, HOME_VARIABLE: str(self.base / "home"), KILL: kill.text() if kill else "", CHECK: str(check),
            HURRY: "1" if hurry else "",
        }  # fmt: skip
        with (self.base / "daemon.log").open("ab") as log, os.fdopen(reader, "rb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.daemon", "mount", *options, "--ready-fd", str(writer), "docs"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=TOP, pass_fds=(writer,), env=environment,
                start_new_session=True,
            )  # fmt: skip
            os.close(writer)
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

    def _is_killed(self, seconds: float) -> None:
        """Waits for the end of the process, which must come by SIGKILL."""
        assert self._process is not None
        status = self._process.wait(seconds)
        self._process = None
        if status != -signal.SIGKILL:
            raise Broken(f"the drive's process ended by itself with {status}: {self._last_words()}")

    def _last_words(self) -> str:
        return ((self.base / "daemon.log").read_text(errors="replace") + self.log)[-2000:]

    # a cycle ----------------------------------------------------------------------------------------------------------

    def cycle(self, what: Plan) -> None:
        """Works and is killed; then the next start puts everything right."""
        chance = random.Random(what.seed)
        if what.kill is not None and what.kill.at_start:
            # Something must be there for the start to put right.
            self._work(Plan(None, chance.random() * 0.6, what.steps, what.seed), chance)
            self._die_in_start(what.kill)
        else:
            point = self._work(what, chance)
            self._figures.reached[point] += 1
        self._figures.kills += 1
        self.verify()

    def _die_in_start(self, kill: Kill) -> None:
        if self.start(kill):
            self._figures.missed[kill.point] += 1
            self._figures.reached["any moment"] += 1
            self._kill()
        else:
            self._figures.reached[f"{kill.point} (start)"] += 1

    def _kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._is_killed(LIMIT)

    def _work(self, what: Plan, chance: random.Random) -> str:
        """Ends with the process killed; returns where."""
        if not self.start(what.kill, hurry=what.hurry):
            raise Broken("it died before it was to")
        assert self._process is not None
        if what.kill is not None:
            self._process.send_signal(signal.SIGUSR1)
        self._requests_before = (self.base / "requests.jsonl").read_bytes().count(b"\n")
        worker = self._start_worker(what)
        syncing = threading.Thread(target=self._sync_on, args=(self._process,))
        if what.syncs:
            syncing.start()
        self._change_server(chance)
        point = "any moment" if what.kill is None else what.kill.point
        try:
            if what.kill is not None and what.kill.point.split("/")[0] in AT_END:
                worker.wait(LIMIT)
                self._process.terminate()
                self._is_killed(LIMIT)
            else:
                self._is_killed(what.after)
        except subprocess.TimeoutExpired:
            self._kill()
            if what.kill is not None:
                self._figures.missed[point] += 1
                point = "any moment"
        finally:
            worker.wait(LIMIT)
            if what.syncs:
                syncing.join(LIMIT)
        self._read_log(worker.returncode)
        return point

    def _stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        if self._process.wait(LIMIT) != 0:
            raise Broken(f"the drive does not stop: {self._last_words()}")
        self._process = None

    def _start_worker(self, what: Plan) -> subprocess.Popen[bytes]:
        (self.base / "tree").write_bytes(msgspec.msgpack.encode(self._tree.entries))
        (self.base / "steps.jsonl").unlink(missing_ok=True)
        words = [self.drive, self.base / "steps.jsonl", self.base / "tree", str(what.seed), str(what.steps)]
        return subprocess.Popen([sys.executable, "-m", "tests.crash.worker", *map(str, words)], cwd=TOP)

    def _read_log(self, status: int) -> None:
        """What was acknowledged goes into the tree; what was not, is remembered."""
        self._step = None
        for raw in (self.base / "steps.jsonl").read_bytes().splitlines():
            line = msgspec.json.decode(raw, type=Line)
            if line.step is not None:
                self._step = line.step
            elif line.done is not None:
                assert self._step is not None
                self._tree.apply(self._step, line.done.mtime)
                self._step = None
                self._figures.steps += 1
        if status not in {0, 1}:
            raise Broken(f"the worker failed (status {status})")
        self._figures.in_flight += self._step is not None

    def _change_server(self, chance: random.Random) -> None:
        """Somebody else, who has a folder of their own, and one that is shared."""
        for path in sorted((self.disk / SHARED).glob("s?")):
            if chance.random() < 0.5:
                self._overwritten.add(replace_with(path, chance.randbytes(chance.choice((10, 5000)))))
        there = self.disk / REMOTE
        for _ in range(chance.randrange(6)):
            path = there / f"r{chance.randrange(12)}"
            what = chance.random()
            if what < 0.2:
                path.unlink(missing_ok=True)
            elif what < 0.35 and path.exists():
                path.rename(there / f"r{chance.randrange(12)}")
            else:
                replace_with(path, chance.randbytes(chance.choice((0, 10, 5000, 200_000))))

    # synchronization --------------------------------------------------------------------------------------------------

    def _sync_on(self, process: subprocess.Popen[bytes]) -> None:
        """One run after the other, as long as the process lives."""

        async def go_on() -> None:
            async with Client(self.folders.socket("docs")) as daemon:
                while process.poll() is None:
                    await self._sync(daemon)

        try:
            trio.run(go_on)
        except (ControlError, RemoteError):
            pass  # killed meanwhile

    @staticmethod
    async def _sync(daemon: Client) -> Report:
        with trio.fail_after(LIMIT):
            async with daemon.sync(SyncRequest()) as events:
                reports = [event async for event in events if isinstance(event, Report)]
        if not reports:
            raise ControlError("the run ended without a report")
        return reports[0]

    # what must hold ---------------------------------------------------------------------------------------------------

    def verify(self) -> None:
        """After a kill: the next start, and all that is promised."""
        if not self.start(None, "--manual"):
            raise Broken("the drive's process was killed, and nobody did it")
        found = {path: one for path, one in entries(self.drive) if not is_apart(path)}
        own = Tree({path: entry for path, entry in self._tree.entries.items() if not is_apart(path)})
        own.held = self._tree.held
        wrong = unlike(own, None if self._step is None or is_apart(self._step.path) else self._step, found)
        if wrong:
            raise Broken(f"{'; '.join(wrong)} (under way: {self._step}; before: {self._history(wrong)})")
        wanted = on_server(self.disk / REMOTE)
        trio.run(self._come_to_rest)
        drive = {path: thing for path, thing in take(self.drive).items() if thing.kind != "link"}
        self._same(drive, on_server(self.disk), "drive and server")
        self._same(wanted, on_server(self.disk / REMOTE), "the server's own folder before and after")
        after = {path: one for path, one in entries(self.drive) if not is_apart(path)}
        in_drive = contents(self.drive)
        self._stop()  # what lost is in the bin at the latest now
        kept = in_drive | contents(self.folders.replica("docs") / "bin")
        kept |= contents(self._sandbox.server_files.parent / "trash")
        self._judge_sync(found, after, kept)
        self._judge_shared(kept | self._overwritten)
        self._tree, self._step = Tree(after), None

    def _judge_sync(self, before: dict[str, Entry], after: dict[str, Entry], kept: set[bytes]) -> None:
        """Nobody else was at work outside of REMOTE, so the drive should be as before. But what the server did for the
        process that was killed, without its knowing, it takes for somebody else's. So such a thing may come: at a place
        that a request of that process named, and with every version that was there kept.
        """
        wrong = unlike(Tree(before), None, after)
        if not wrong:
            return
        self._figures.taken_for_others += 1
        named = self._changing_requests()
        plain = [re.sub(r" \(conflict [^/]*\)", "", line.rpartition(": ")[2]) for line in wrong]
        strange = [line for line, path in zip(wrong, plain, strict=True) if named.isdisjoint(path.split("/"))]
        if strange:
            raise Broken(f"the synchronization changed the drive without a cause: {strange}: {self._history(strange)}")
        lost = [path for path, entry in before.items() if entry.kind == FILE and entry.content not in kept]
        if lost:
            raise Broken(f"the synchronization lost {lost} ({'; '.join(wrong)})")

    def _judge_shared(self, kept: set[bytes]) -> None:
        """What was saved in the shared folder is in the drive, in a bin, or was overwritten there by somebody else."""
        for path, entry in self._tree.entries.items():
            under_way = self._step is not None and self._step.path == path
            if path.startswith(f"{SHARED}/") and entry.content not in kept and not under_way:
                size = len(entry.content)
                raise Broken(f"a version of {path} of {size} bytes is nowhere: {self._history([f': {path}'])}")

    def _changing_requests(self) -> set[str]:
        """Every name in the paths of the last requests that change something; and where what they name was moved to,
        as their log does not tell targets."""
        lines = (self.base / "requests.jsonl").read_text().splitlines()
        requests = [msgspec.json.decode(line) for line in lines[self._requests_before :]]
        changing = [unquote(each["path"]) for each in requests if each["method"] not in {"GET", "HEAD"}]
        named = {name for path in changing for name in path.split("/")}
        steps = [
            msgspec.json.decode(raw, type=Line).step for raw in (self.base / "steps.jsonl").read_bytes().splitlines()
        ]
        for step in steps:
            if step is not None and step.to and named.intersection(step.path.split("/")):
                named.update(step.to.split("/"))
        return named

    def _history(self, wrong: list[str]) -> str:
        """The last steps about what is wrong, requests, and transfers."""
        names = {line.rpartition("/")[2].rpartition(": ")[2].removesuffix("~").removesuffix(".new") for line in wrong}
        lines = (self.base / "steps.jsonl").read_text().splitlines()
        steps = [pair for one, after in pairwise(lines) if any(name in one for name in names) for pair in (one, after)]
        requests = (self.base / "requests.jsonl").read_text().splitlines()[self._requests_before :]
        transfers = self._sandbox.run("home", "transfers", "docs").out.splitlines()
        told = [line for line in (*requests, *transfers) if any(name in unquote(line) for name in names)]
        return "\n".join((*steps[-30:], *told[-40:]))

    async def _come_to_rest(self) -> None:
        async with Client(self.folders.socket("docs")) as daemon:
            with trio.move_on_after(LIMIT):
                while True:
                    report = await self._sync(daemon)
                    if report.halted or report.offline or report.refused:
                        raise Broken(f"synchronization: {report}")
                    if not (report.done or report.fetched or report.problems):
                        return
            raise Broken(f"synchronization does not come to rest: {report}")

    @staticmethod
    def _same(one: dict[str, Thing], other: dict[str, Thing], what: str) -> None:
        found = differences(one, other)
        if found:
            raise Broken(f"{what} differ: {'; '.join(found[:10])}")

    def check(self) -> None:
        """Asks the command."""
        self._sandbox.must("home", "check", "docs")


def on_server(folder: Path) -> dict[str, Thing]:
    """Without what interrupted uploads leave there (docs/architecture.md)."""
    return take(folder, lambda path: path.rpartition("/")[2].startswith(PARTIAL_PREFIX))


def replace_with(path: Path, content: bytes) -> bytes:
    """At once, as the server's own uploads do it; what was there."""
    new = path.with_name(".sync-in.new")
    new.write_bytes(content)
    if not path.exists():
        new.rename(path)
        return b""
    rename_with(new, path, RENAME_EXCHANGE)
    before = new.read_bytes()
    new.unlink()
    return before


def contents(folder: Path) -> set[bytes]:
    """Of every file below."""
    return {path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def entries(top: Path, prefix: str = "") -> Iterator[tuple[str, Entry]]:
    """Everything below a folder, by path."""
    for name in sorted(os.listdir(top / prefix)):
        path = f"{prefix}{name}"
        full = top / path
        found = full.lstat()
        if stat.S_ISLNK(found.st_mode):
            yield path, Entry(LINK, target=str(full.readlink()))
        elif stat.S_ISDIR(found.st_mode):
            yield path, Entry(FOLDER)
            yield from entries(top, f"{path}/")
        else:
            xattrs = {each: os.getxattr(full, each) for each in os.listxattr(full) if each != "user.syncin.status"}
            content = full.read_bytes()
            yield path, Entry(FILE, content, "", found.st_mtime_ns, stat.S_IMODE(found.st_mode), xattrs)
