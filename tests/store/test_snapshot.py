"""A snapshot stands still while the replica goes on, and never keeps it from committing for
good."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import SnapshotEnded
from reconciler.lookups import Lookups
from reconciler.model import ROOT
from syncin_mount.store import Replica
from tests.store.support import at, make, open_replica, settle, sound, write


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Replica]:
    replica = open_replica(tmp_path / "replica")
    yield replica
    replica.close()


def everything(known: Lookups) -> object:
    """All that the reconciler can look up."""
    nodes = sorted({*known.base_nodes(), *(dirty.node for dirty in known.dirty())})
    below = [ROOT, *nodes]
    return (
        [(node, known.base(node), known.local(node), known.changed_ns(node)) for node in nodes],
        [
            (node, list(known.local_children(node)), list(known.base_children(node)))
            for node in below
        ],
        [known.local_path(node) for node in nodes if known.local(node)],
        [known.base_path(node) for node in nodes if known.base(node)],
        [known.local_child(node, name) for node in below for name, _ in known.local_children(node)],
        [known.base_entry(node, name) for node in below for name, _ in known.base_children(node)],
        [known.base_by_inode(1000 + node) for node in nodes],
        known.base_count(),
        known.dirty_count(),
        sorted(known.being_written()),
    )


def change_much(replica: Replica, turn: int) -> None:
    """Some hundred events: new, edited, moved and deleted nodes, and bases."""
    folder = make(replica, f"turn{turn}")
    replica.unlink(ROOT, b"turn%d" % turn)
    assert replica.local(folder) is None
    for number in range(60):
        node = make(replica, f"new-{turn}-{number}", data=b"x" * number)
        if number % 3 == 0:
            settle(replica, node)
        if number % 4 == 0:
            replica.rename(
                ROOT, b"new-%d-%d" % (turn, number), ROOT, b"moved-%d-%d" % (turn, number)
            )
    for number in range(0, 60, 5):
        if turn and number % 4:
            replica.unlink(ROOT, b"new-%d-%d" % (turn - 1, number))


def test_it_shows_the_moment_it_was_made_while_all_changes(replica: Replica) -> None:
    for turn in range(4):  # commits between them leave free pages, which later events use again
        change_much(replica, turn)
        replica.commit()
    change_much(replica, 4)
    replica.opened_for_write(at(replica, "new-4-1"))
    before = everything(replica)
    with replica.snapshot() as snapshot:
        assert everything(snapshot) == before
        for turn in range(5, 12):
            change_much(replica, turn)
            assert everything(snapshot) == before
        replica.closed_for_write(at(replica, "new-4-1"))
        assert everything(snapshot) == before
        assert replica.has_open_snapshot()
    assert everything(replica) != before
    assert not replica.has_open_snapshot()
    sound(replica)


def test_it_is_read_in_another_thread(replica: Replica) -> None:
    change_much(replica, 0)
    before = everything(replica)
    found: list[object] = []
    snapshot = replica.snapshot()

    def read() -> None:
        with snapshot:
            found.extend(everything(snapshot) for _ in range(20))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(1, 10):
        change_much(replica, turn)
    reader.join()
    assert found == [before] * 20


def test_new_ids_are_nobody_elses(replica: Replica) -> None:
    with replica.snapshot(3) as snapshot:
        mine = [snapshot.new_id() for _ in range(3)]
        others = [make(replica, f"file{number}") for number in range(3)]
    assert len({*mine, *others}) == 6
    assert max(mine) < min(others)


@pytest.mark.parametrize("act", ["commit", "close", "grow"])
def test_what_must_not_wait_ends_it(tmp_path: Path, act: str) -> None:
    replica = open_replica(tmp_path / "replica")
    make(replica, "file")
    snapshot = replica.snapshot()
    reading, ended = threading.Event(), threading.Event()

    def read() -> None:
        try:
            with snapshot:
                while True:
                    snapshot.local(ROOT)
                    reading.set()
        except SnapshotEnded:
            ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert reading.wait(10)
    write(replica, at(replica, "file"), b"more")
    if act == "grow":
        replica._ix.abort()
        replica._ix.environment.grow()
        replica._ix.begin()
        replica.writer.replay()
    else:
        getattr(replica, act)()
    assert not replica.has_open_snapshot()
    assert ended.wait(10)
    reader.join()
    replica.close()


def test_one_that_nobody_began_to_read_ends_at_once(replica: Replica) -> None:
    snapshot = replica.snapshot()
    make(replica, "file")
    replica.commit()
    with pytest.raises(SnapshotEnded), snapshot:
        pass
    late = replica.snapshot()
    late.end()
    with pytest.raises(SnapshotEnded), late:
        pass
