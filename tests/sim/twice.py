"""``python -m tests.sim.twice``: two drives in automatic mode on one folder, and whether a folder
is ever there twice.

Each folder has a number in its name, which renames keep. People on both sides make folders, rename
and move them, and write into them, all at once; folders that were made a moment ago are the ones
that they like best.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from reconciler.model import NodeId
from syncin_mount.store import NodeType
from tests.sim.device import Device, DeviceSpec
from tests.sim.people import DEPTH, NAMES, Person
from tests.sim.scenario import Scenario, Step, Style
from tests.sim.world import Broken, Outcome, World, run

OPERATIONS = {
    "folder": 6,
    "call": 10,
    "carry": 3,
    "file": 14,
    "edit": 5,
    "save_by_rename": 2,
    "rename": 3,
    "unlink": 1,
}
"""What both sides do, and how often. ``folder`` makes one, ``call`` gives one another name,
``carry`` puts it into another one; the rest works on files."""

LATEST = 5
"""Every second time one of so many latest folders is taken."""


def number(path: str) -> str:
    """The number in a folder's name."""
    return path.rpartition("/")[2].partition(".")[0]


class Neighbour(Person):
    """Works on one of the two drives."""

    def _folders(self) -> list[tuple[str, NodeId]]:
        return [(path, attr.node) for path, attr in self._all() if attr.kind is NodeType.FOLDER]

    def _one(self) -> tuple[str, NodeId]:
        folders = self._folders()
        latest = sorted(folders, key=lambda each: each[1])[-LATEST:]
        return self._rng.choice(latest if self._rng.random() < 0.5 else folders)

    def _somewhere(self) -> tuple[str, NodeId]:
        """A folder for files, its path with a slash at its end."""
        path, node = self._one()
        return path + "/", node

    def folder(self) -> None:
        prefix, parent = self._folder()
        name = f"d{self._rng.getrandbits(40)}"
        self._world.log(self._device.name, f"mkdir {prefix}{name}")
        self._replica.create(parent, name.encode(), NodeType.FOLDER, mode=0o755, uid=0, gid=0)
        if self._rng.random() < 0.5:
            node = self._replica.lookup(parent, name.encode())
            assert node is not None
            self._write(self._make(node, b"first"), 0)

    def call(self) -> None:
        path, _ = self._one()
        parent, name = self._place(path)
        new = f"{number(path)}.{self._rng.getrandbits(16)}".encode()
        self._world.log(self._device.name, f"rename {path} to {new.decode()}")
        self._rename(parent, name, parent, new)

    def carry(self) -> None:
        path, node = self._one()
        target, parent = self._folder()
        if f"{target}/".startswith(f"{path}/") or target.count("/") + self._height(node) > DEPTH:
            raise LookupError("it would get too deep")
        name = path.rpartition("/")[2]
        self._world.log(self._device.name, f"move {path} to {target}{name}")
        self._rename(*self._place(path), parent, name.encode())

    def _height(self, node: NodeId) -> int:
        depths = [
            path.count("/")
            for path, attr in self._device.walk(node)
            if attr.kind is NodeType.FOLDER
        ]
        return max(depths, default=-1) + 2

    def rename(self) -> None:
        """A file gets another name or another folder, or replaces another file."""
        path, _ = self._pick(NodeType.FILE)
        prefix, parent = self._somewhere()
        name = self._rng.choice(NAMES).encode()
        found = self._replica.lookup(parent, name)
        attr = self._replica.attr(found) if found is not None else None
        if attr is not None and attr.kind is NodeType.FOLDER:
            raise FileExistsError(prefix)
        self._world.log(self._device.name, f"rename {path} to {prefix}{name.decode()[:9]}")
        self._rename(*self._place(path), parent, name)

    def file(self) -> None:
        prefix, parent = self._somewhere()
        names = [
            name.encode() for name in NAMES if self._replica.lookup(parent, name.encode()) is None
        ]
        name = self._rng.choice(names)
        self._world.log(self._device.name, f"new {prefix}{name.decode()[:9]}")
        self._write(self._make(parent, name), 0)


class TwoDrives(World):
    """The run, and the one thing more that must hold after it."""

    def _person(self, device: Device, rng: random.Random) -> Person:
        return Neighbour(device, rng)

    def same_size(self, rng: random.Random) -> int | None:
        """Each has its own size here: this is about folders."""
        return None

    def _check_trees(self) -> None:
        super()._check_trees()
        sides = {name: device.tree() for name, device in self.devices.items()} | {
            "the server": self.disk.tree()
        }
        for name, tree in sides.items():
            folders = [path for path, data in tree.items() if data is None]
            if any(not number(path).startswith("d") for path in folders):
                raise Broken(f"{name} has a folder that nobody made: {folders}")
            twice = [each for each, count in Counter(map(number, folders)).items() if count > 1]
            if twice:
                found = [path for path in folders if number(path) in twice]
                raise Broken(f"on {name} there are twice: {', '.join(sorted(found))}")


def make(seed: int, operations: int, pace: float | None = None) -> Scenario:
    """So many operations a side. ``pace``: seconds that a step of a request takes at most, else the
    seed's choice."""
    rng = random.Random(f"twice {seed}")
    devices = tuple(
        DeviceSpec(name, settle=rng.choice((0.0, 0.5, 2.0)), listing=rng.choice((10.0, 20.0, 60.0)))
        for name in "ab"
    )
    order = [name for name in "ab" for _ in range(operations)]
    rng.shuffle(order)
    haste = rng.choice((0.3, 1.0, 3.0))
    steps = []
    for name in order:
        op = rng.choices(list(OPERATIONS), list(OPERATIONS.values()))[0]
        delay = rng.choice((0.0, 0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 20.0)) * haste
        steps.append(Step(delay, name, op, rng.getrandbits(32)))
    start = tuple(Step(0.0, name, "folder", rng.getrandbits(32)) for name in "ab" for _ in range(3))
    chosen = rng.choice((0.0, 0.02, 0.1, 0.5))
    pace = chosen if pace is None else pace
    return Scenario(seed, Style.MIXED, devices, 0.0, pace, start, tuple(steps))


def attempt(seed: int, operations: int, pace: float | None = None) -> Outcome:
    """One run. The processor's time and the numbers of steps and requests that it may take grow
    with its length."""
    return run(make(seed, operations, pace), TwoDrives, scale=1 + operations // 50)


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev sim twice", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="how many seeds (10)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--operations", type=int, default=1000, help="operations a side (1000)")
    parser.add_argument(
        "--pace", type=float, metavar="S", help="seconds a step of a request, at most"
    )
    parser.add_argument(
        "--log",
        type=int,
        default=0,
        metavar="LINES",
        help="show so many last lines of a failing log",
    )
    options = parser.parse_args()
    failed = []
    began = time.monotonic()
    for seed in range(options.seed, options.seed + options.runs):
        outcome = attempt(seed, options.operations, options.pace)
        print(f"seed {seed}: {outcome.failure or 'passed'}; {dict(outcome.figures)}", flush=True)
        if outcome.failure is not None:
            failed.append(seed)
            print(*outcome.log[-options.log :] if options.log else (), sep="\n")
    print(f"{options.runs} runs, {len(failed)} failed, in {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
