"""Power cuts at random moments of random work: nothing that was on the disk is lost, and every
loser is in the bin."""

from __future__ import annotations

import functools
import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from reconciler.model import ROOT, Base, Kind, NodeId
from syncin_mount import system
from syncin_mount.store import NodeType, Replica, check
from syncin_mount.store.content import objects
from tests.store.power import Disk
from tests.store.support import arrive, at, kill, make, open_replica, read, tree

SEEDS = int(os.environ.get("SYNCIN_POWER_CUTS", "20"))
STEPS = 60
CUTS = 12
"""The power cuts of one run, each at a moment of its own."""


class Work:
    """Does random things to a replica. ``kept`` are contents that are on the disk and that nobody
    gave up."""

    def __init__(self, replica: Replica, chance: random.Random) -> None:
        self.replica = replica
        self.kept: set[bytes] = set()
        self._chance = chance
        self._count = 0
        self._settled = 0
        self._binned: dict[int, set[bytes]] = {}  # by entry

    def _data(self) -> bytes:
        self._count += 1
        return b"%d words " % self._count * self._chance.choice((1, 1, 1000))

    def step(self) -> None:
        acts = [self.make] * 5 + [self.commit] * 6 + [self.lose] * 4 + [self.replaced] * 2
        acts += [self.link] * 2
        acts += [self.make_folder, self.remove, self.fsync, self.restore, self.empty, self.copy]
        self._chance.choice(acts)()

    def _files(self) -> list[str]:
        return sorted(path for path, data in tree(self.replica) if data is not None)

    def _pick(self) -> NodeId | None:
        files = self._files()
        return at(self.replica, self._chance.choice(files)) if files else None

    def make(self) -> None:
        folders = ["", *sorted(path + "/" for path, data in tree(self.replica) if data is None)]
        self._count += 1
        make(self.replica, f"{self._chance.choice(folders)}f{self._count}", data=self._data())

    def link(self) -> None:
        node = self._pick()
        if node is not None:
            self._count += 1
            self.replica.link(node, ROOT, b"l%d" % self._count)

    def make_folder(self) -> None:
        self._count += 1
        folder = f"d{self._count}"
        make(self.replica, folder, NodeType.FOLDER)
        make(self.replica, f"{folder}/f", data=self._data())

    def remove(self) -> None:
        """The user takes something away for good."""
        node = self._pick()
        if node is not None:
            local = self.replica.local(node)
            assert local is not None
            self.kept.discard(read(self.replica, node))
            self.replica.unlink(local.parent, os.fsencode(local.name))

    def lose(self) -> None:
        """The reconciler takes something away, from the top."""
        there = self.replica.children(ROOT, None, -1)
        if there:
            name, top = self._chance.choice(there)
            below = ((path.split("/")[0], data) for path, data in tree(self.replica))
            lost = {
                data for first, data in below if data is not None and first == os.fsdecode(name)
            }
            self.replica.delete_local(top, keep=True, why="lost")
            self._binned[self.replica.sequence()] = lost

    def replaced(self) -> None:
        """Another version comes from the server, which can be fetched again."""
        node = self._pick()
        if node is not None:
            data = b"from the server %d" % self._count
            local = self.replica.local(node)
            assert local is not None
            lost = read(self.replica, node)
            base = Base(
                Kind.FILE, local.parent, local.name, len(data), self._count, 7000 + self._count, 0
            )
            arrive(self.replica, node, base, data, keep=True)
            self._binned[self.replica.sequence()] = {lost}

    def copy(self) -> None:
        """A copy of what is there goes to the bin."""
        node = self._pick()
        if node is not None:
            self.replica.copy_to_bin(node, "copied")
            self._binned[self.replica.sequence()] = set()

    def restore(self) -> None:
        entries = self.replica.bin.entries()
        if entries:
            self._count += 1
            self.replica.bin.restore(
                self._chance.choice(entries).sequence, ROOT, b"back %d" % self._count
            )

    def empty(self) -> None:
        entries = self.replica.bin.entries()
        if entries:
            entry = self._chance.choice(entries)
            self.kept -= self._binned[entry.sequence]
            self.replica.bin.empty([entry.sequence])

    def fsync(self) -> None:
        node = self._pick()
        if node is not None:
            content = self.replica.open_content(node)
            content.sync()
            content.close()
            self.replica.sync_journal()
            self._keep(read(self.replica, node))

    def commit(self) -> None:
        """As the daemon does it; a sync may have to wait."""
        if self._chance.random() < 0.7:
            until, contents = self.replica.sequence(), self.replica.durability.unsynced_contents()
            there = [data for _, data in tree(self.replica) if data is not None]
            self.replica.committer.sync_files()
            self.replica.durability.mark_synced(contents)
            self._settled = until
        else:
            there = []
        self.replica.commit(effects_until=self._settled)
        for data in there:
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        if not data.startswith(b"from the server"):
            self.kept.add(data)


def binned(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path.read_bytes()


def look(folder: Path, kept: set[bytes], seed: str) -> None:
    """The next start: everything is there, and whole."""
    replica = open_replica(folder, boot_id="boot 2", map_size=1 << 20)
    replica.commit()
    there = {data for _, data in tree(replica) if data is not None}
    for entry in replica.bin.entries():
        there |= set(binned(folder / "bin" / str(entry.sequence)))
        described = json.loads((folder / "bin" / f"{entry.sequence}.json").read_text())
        assert os.fsencode(described["name"]) == entry.name, seed
    assert kept - there == set(), seed
    assert check(replica) == [], seed
    kill(replica)
    again = open_replica(folder, boot_id="boot 2", map_size=1 << 20)
    assert check(again) == [], seed
    again.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for the real disk, whose power stays on; and four folders for the objects will
    do."""
    monkeypatch.setattr(objects, "FANOUT", 4)
    monkeypatch.setattr(lmdb, "open", functools.partial(lmdb.open, sync=False))
    monkeypatch.setattr(os, "fsync", lambda _fd: None)
    monkeypatch.setattr(system, "sync_data", lambda _fd: None)
    monkeypatch.setattr(system, "sync_file_system", lambda _folder: None)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("first", range(1, 1 + SEEDS, 10))
def test_power_cuts_lose_nothing_that_was_on_the_disk(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + 10):
        run(tmp_path / str(seed), seed)


def run(top: Path, seed: int) -> None:
    chance, apart = random.Random(seed), random.Random(-seed)
    top.mkdir()
    folder = top / "replica"
    open_replica(folder, map_size=1 << 20).close()
    disk = Disk(folder, top / "vault")
    cuts: list[tuple[Path, set[bytes], str]] = []
    with disk.watched():
        replica = open_replica(folder, map_size=1 << 20)
        work = Work(replica, chance)

        def maybe() -> None:
            if apart.random() < 0.05 and len(cuts) < CUTS:
                name = f"seed {seed}, moment {disk.moments}"
                cuts.append((disk.cut(apart, top / f"cut {len(cuts)}"), set(work.kept), name))

        disk.at_moment = maybe
        for _ in range(STEPS):
            work.step()
        disk.at_moment = lambda: None
        replica.close()
    for each in cuts:
        look(*each)
    shutil.rmtree(top)
