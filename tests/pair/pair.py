"""A server and two drives of real processes, both mounted, both at work by themselves on one
folder."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from syncin_mount.cli.demo.sandbox import Sandbox
from syncin_mount.cli.demo.tree_compare import take
from syncin_mount.config import Folders
from syncin_mount.mount_table import mounted_at, unmount
from tests.crash.looking import contents, on_server
from tests.crash.processes import FORKED, Process
from tests.pair import daemon
from tests.pair.people import Person, number

LIMIT = 60.0
"""Seconds that a start, a stop or a run gets."""

ROUNDS = 20
"""Runs of each drive until nothing is left to carry, at most."""

SIDES = ("a", "b")


class Broken(AssertionError):
    """Something does not hold."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A server that runs elsewhere: where it is, who logs in, an empty folder, and what of it lies
    on this computer's disk."""

    url: str
    login: str
    password: str
    remote: str
    disk: Path
    trash: Path


@dataclass(frozen=True, slots=True)
class Wanted:
    """``operations`` a side, with pauses of up to ``pause`` seconds; each request takes up to
    ``latency`` seconds longer. ``hurried``: see `tests.pair.daemon`."""

    seed: int
    operations: int
    pause: float = 0.1
    latency: float = 0.0
    hurried: bool = False
    server: Foreign | None = None


class Pair:
    """A context manager: a world in ``base``."""

    def __init__(self, base: Path, wanted: Wanted) -> None:
        self._sandbox = Sandbox(base)
        self._wanted = wanted
        self._processes: dict[str, Process] = {}
        self.people: list[Person] = []

    def __enter__(self) -> Self:
        self._sandbox.__enter__()
        try:
            self._serve()
            for side in SIDES:
                self._log_in(side)
                words = ("--server", "server", "--remote", self._remote, "--trash", "own")
                self._sandbox.must(
                    side, "add", "docs", *words, "--mountpoint", str(self.drive(side))
                )
                self._start(side)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _serve(self) -> None:
        foreign = self._wanted.server
        if foreign is not None:
            self._remote, self.disk, self._trash = foreign.remote, foreign.disk, foreign.trash
            return
        self._remote, self.disk = "personal/Docs", self._sandbox.server_files / "Docs"
        self._trash = self._sandbox.server_files.parent / "trash"
        self._faults.write_text("")
        self._sandbox.start_server(
            self._sandbox.base / "requests.jsonl", "--faults", str(self._faults)
        )
        self.disk.mkdir()

    def _log_in(self, side: str) -> None:
        foreign = self._wanted.server
        if foreign is None:
            self._sandbox.log_in(side, "server")
            return
        words = (
            "server",
            "add",
            "server",
            foreign.url,
            "--login",
            foreign.login,
            "--password-stdin",
        )
        self._sandbox.must(side, *words, stdin=foreign.password)

    def __exit__(self, *_exc: object) -> None:
        for side, process in self._processes.items():
            process.kill()
            process.wait(LIMIT)
            if mounted_at(self.drive(side)) is not None:
                unmount(self.drive(side), lazily=True)
        self._sandbox.__exit__()

    @property
    def _faults(self) -> Path:
        return self._sandbox.base / "faults.toml"

    def drive(self, side: str) -> Path:
        return self._sandbox.base / f"drive-{side}"

    def _folders(self, side: str) -> Folders:
        home = self._sandbox.base / side
        return Folders(home, home / "state", home / "run", portable=True)

    def log(self, side: str) -> str:
        path = self._folders(side).log("docs")
        return path.read_text(errors="replace") if path.exists() else ""

    def _start(self, side: str) -> None:
        reader, writer = FORKED.Pipe(duplex=False)
        said = self._sandbox.base / f"said-{side}"
        home = self._sandbox.base / side
        process = Process(daemon.run, home, said, writer, hurried=self._wanted.hurried)
        self._processes[side] = process
        writer.close()
        with os.fdopen(os.dup(reader.fileno()), "rb") as answers:
            reader.close()
            answer = answers.readline()
        if not answer or not msgspec.json.decode(answer)["ready"]:
            raise Broken(f"the drive does not start: {said.read_text()} {self.log(side)[-2000:]}")

    # at work --------------------------------------------------------------------------------------

    def work(self) -> None:
        """Both at once. Raises Broken for what no local disk would say."""
        wanted = self._wanted
        if wanted.latency and wanted.server is None:
            rule = '[[rule]]\neffect = "delay"\nseconds = {:.3f}\nwhen = "{}"\nprobability = 0.5\n'
            self._faults.write_text(
                "".join(rule.format(wanted.latency, when) for when in ("before", "after"))
            )
        self.people = [Person(self.drive(side), side, wanted.seed) for side in SIDES]
        failed: list[BaseException] = []

        def live(person: Person) -> None:
            chance = random.Random(f"{wanted.seed} pauses {person.drive.name}")
            try:
                for _ in range(wanted.operations):
                    person.step()
                    # people pause between two acts; nothing waits for a result here
                    time.sleep(chance.choice((0.0, 0.2, 1.0)) * wanted.pause)
            except BaseException as error:
                failed.append(error)
                raise

        threads = [threading.Thread(target=live, args=(person,)) for person in self.people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]
        faults = [fault for person in self.people for fault in person.faults]
        if faults:
            raise Broken(f"steps failed as on no local disk: {faults[:5]}")

    def settle(self) -> None:
        """Returns when the drives have nothing left to carry, and all three trees are equal."""
        if self._wanted.server is None:
            self._faults.write_text("")
        said, trees = [""], self.trees()
        for _ in range(ROUNDS):
            said = [self._sync(side) for side in SIDES]
            trees = self.trees()
            if not any(said) and trees["a"] == trees["b"] == trees["the server"]:
                return
        differ = {
            path
            for one in trees.values()
            for other in trees.values()
            for path in one.items() ^ other.items()
        }
        raise Broken(
            f"it does not come to rest: {said}, differing: {sorted(map(str, differ))[:10]}"
        )

    def _sync(self, side: str) -> str:
        done = self._sandbox.run(side, "sync", "docs")
        return f"{side}: {done.status} {done.out[-300:]} {done.error[-300:]}" if done.status else ""

    # what must hold -------------------------------------------------------------------------------

    def trees(self) -> dict[str, dict[str, tuple[str, str]]]:
        """Of each drive and of the server: path → kind and digest."""
        found = {side: take(self.drive(side)) for side in SIDES} | {
            "the server": on_server(self.disk)
        }
        return {
            name: {path: (thing.kind, thing.digest) for path, thing in tree.items()}
            for name, tree in found.items()
        }

    def judge(self) -> None:
        """No folder twice and none that nobody made, no content twice, and nothing lost. Raises
        Broken."""
        for name, tree in self.trees().items():
            folders = [path for path, (kind, _) in tree.items() if kind == "folder"]
            count = Counter(number(Path(path).name) for path in folders)
            twice = sorted(path for path in folders if count[number(Path(path).name)] > 1)
            if twice:
                raise Broken(f"{name} has folders twice: {', '.join(twice)}")
            if strange := [path for path in folders if not Path(path).name.startswith("d")]:
                raise Broken(f"{name} has folders that nobody made: {strange}")
            words = Counter(digest for kind, digest in tree.values() if kind == "file")
            double = sorted(path for path, (_, digest) in tree.items() if words[digest] > 1)
            if double:
                raise Broken(f"{name} has contents twice: {', '.join(double)}")
        for side in SIDES:
            if "Traceback" in self.log(side):
                raise Broken(f"a traceback in the log of {side}: {self.log(side)[-3000:]}")
        self._stop()  # what lost is in a bin at the latest now
        for side in SIDES:
            self._sandbox.must(side, "check", "docs")
        self._judge_words()

    def _judge_words(self) -> None:
        kept = contents(self.disk) | (contents(self._trash) if self._trash.exists() else set())
        for side in SIDES:
            kept |= contents(self._folders(side).replica("docs") / "bin")
        held = {content.decode(errors="replace") for content in kept}
        written = set[str]().union(*(person.written for person in self.people))
        given_up = set[str]().union(*(person.given_up for person in self.people))
        lost = sorted(written - given_up - held)
        if lost:
            raise Broken(f"{len(lost)} contents are nowhere: {[word.rstrip('x') for word in lost]}")

    def _stop(self) -> None:
        for side, process in [*self._processes.items()]:
            process.signal(signal.SIGTERM)
            if process.wait(LIMIT) != 0:
                raise Broken(f"the drive of {side} does not stop: {self.log(side)[-2000:]}")
            del self._processes[side]


def run(base: Path, wanted: Wanted) -> tuple[str | None, dict[str, int]]:
    """What was wrong, or None; and figures: steps done and refused."""
    figures: dict[str, int] = {}
    with Pair(base, wanted) as pair:
        try:
            pair.work()
            pair.settle()
            pair.judge()
        except Broken as error:
            for side in SIDES:
                with contextlib.suppress(OSError):
                    (base.parent / f"{base.name}-{side}.log").write_text(pair.log(side))
            return str(error), figures
        finally:
            for person in pair.people:
                for what in (person.done, person.refused):
                    for kind, count in what.items():
                        figures[kind] = figures.get(kind, 0) + count
    return None, figures
