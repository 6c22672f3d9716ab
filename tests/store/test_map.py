"""The index's map is small at first, and grows: whatever is done, whenever the process is killed,
and however small the map is that the next start begins with."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model import ROOT, NodeId
from syncin_mount.store import NodeType, Replica
from syncin_mount.store.index.environment import Environment
from syncin_mount.store.index.tables.node_table import HOT
from syncin_mount.store.records import decode_node, key
from syncin_mount.store.recovery import salvage
from tests.effort import examples
from tests.store.support import copy_of, kill, open_replica, sound

SMALLEST = 1 << 18
"""Bytes; with less there is no room for the tables."""


def names(replica: Replica) -> set[bytes]:
    return {name for name, _ in replica.children(ROOT, None, -1)}


def make(replica: Replica, name: bytes) -> NodeId:
    return replica.create(ROOT, name, NodeType.FILE, mode=0o600, uid=0, gid=0).node


def map_bytes(replica: Replica) -> int:
    return int(replica._ix.environment._env.info()["map_size"])


def used_bytes(replica: Replica) -> int:
    env = replica._ix.environment._env
    return (int(env.info()["last_pgno"]) + 1) * int(env.stat()["psize"])


@pytest.mark.slow
def test_an_index_that_is_bigger_than_the_first_map_goes_on_growing(tmp_path: Path) -> None:
    """A start that took the first map's size for the map's own asked for less than there was."""
    folder = tmp_path / "replica"
    made = {b"%0200d" % number for number in range(4000)}
    replica = open_replica(folder)
    for name in made:
        make(replica, name)
    replica.close()
    replica = open_replica(folder, map_size=SMALLEST)
    assert used_bytes(replica) > 4 * SMALLEST
    assert map_bytes(replica) >= 2 * used_bytes(replica)
    more = {b"more %0200d" % number for number in range(4000)}
    for name in more:
        make(replica, name)
    assert names(replica) == made | more
    replica.commit()
    assert map_bytes(replica) >= 2 * used_bytes(replica)
    kill(replica)
    again = sound(open_replica(folder, map_size=SMALLEST))
    assert names(again) == made | more
    again.close()


@contextlib.contextmanager
def kills(folder: Path, target: Path, known: set[bytes]) -> Iterator[list[tuple[Path, set[bytes]]]]:
    """The replica as a kill before and after each growth leaves it, with the names that it has by
    then: one that is being made may be there or not."""
    found: list[tuple[Path, set[bytes]]] = []
    grow = Environment.grow

    def killed(environment: Environment) -> None:
        found.append((copy_of(folder, target / f"{len(found)}"), set(known)))
        grow(environment)
        found.append((copy_of(folder, target / f"{len(found)}"), set(known)))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Environment, "grow", killed)
        yield found


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("make"), st.integers(1, 600)),
        st.tuples(st.just("remove"), st.integers(1, 300)),
        st.tuples(st.just("look"), st.just(0)),
        st.tuples(st.sampled_from(["commit", "kill", "close"]), st.just(0)),
    ),
    min_size=2,
    max_size=12,
)


def play(folder: Path, steps: list[tuple[str, int]], known: set[bytes]) -> None:
    """``known`` are the names that must be there at each moment."""
    replica, count = open_replica(folder, map_size=SMALLEST), 0
    for step, number in steps:
        match step:
            case "make":
                for _ in range(number):
                    count += 1
                    name = b"%0180d" % count
                    make(replica, name)
                    known.add(name)
            case "remove":
                for name in sorted(known)[:number]:
                    replica.unlink(ROOT, name)
                    known.remove(name)
            case "look":
                assert sum(1 for _ in replica._ix.items("nodes")) == len(known) + 1
                sound(replica)
            case "commit":
                replica.commit()
            case _:
                (kill if step == "kill" else Replica.close)(replica)
                replica = open_replica(folder, map_size=SMALLEST)
        assert names(replica) == known
    replica.close()


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(steps=STEPS)
def test_whatever_is_done_and_whenever_it_is_killed_everything_is_there(
    steps: list[tuple[str, int]],
) -> None:
    with tempfile.TemporaryDirectory(prefix="syncin-test-", ignore_cleanup_errors=True) as place:
        folder, known = Path(place) / "replica", set[bytes]()
        with kills(folder, Path(place), known) as left:
            play(folder, steps, known)
        for each, there in left:
            again = open_replica(each, map_size=SMALLEST)
            # What was just made or removed is recorded after the index grew, or before that.
            assert len(names(again) ^ there) <= 1
            sound(again).close()
        again = open_replica(folder, map_size=SMALLEST)
        assert names(again) == known
        sound(again).close()


@pytest.mark.parametrize(
    ("size", "zeros", "expected"),
    [
        (0, 0, 1 << 20),
        (0, 5 << 20, 1 << 20),
        (1, 0, 1 << 20),
        (1, 64 << 20, 4 << 20),
        ((1 << 20) + 1, 0, 8 << 20),
        (2 << 20, 30 << 20, 8 << 20),
    ],
)
def test_a_repair_makes_a_map_for_what_is_in_the_file(
    tmp_path: Path, size: int, zeros: int, expected: int
) -> None:
    """On Windows the file is as long as its map: each repair would have made it four times as
    long."""
    file = tmp_path / "data.mdb"
    file.write_bytes(b"x" * size)
    os.truncate(file, size + zeros)
    assert salvage.map_size(file, 1 << 20) == expected
    assert salvage.map_size(tmp_path / "none", 1 << 20) == 1 << 20


def test_reading_changes_nothing_in_a_map_that_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that was read pushed others out of memory, into the table: a look could fail."""
    replica = open_replica(tmp_path)
    nodes = [make(replica, b"%d" % number) for number in range(3 * HOT)]
    replica.commit()
    for node in nodes[: HOT // 2 - 10]:
        replica.set_attr(node, mode=0o640)
    txn = replica._ix.txn

    class Full:
        def put(self, *_: object, **__: object) -> bool:
            raise lmdb.MapFullError("mdb_put: MDB_MAP_FULL")

        def __getattr__(self, name: str) -> Any:
            return getattr(txn, name)

    monkeypatch.setattr(replica._ix, "txn", Full())
    read = [[replica._ix.peek(node) for node in nodes] for _ in range(2)]
    table = dict(replica._ix.items("nodes"))
    pages: dict[bytes, bytes] = {}
    after = b""
    while page := replica._ix.page("nodes", after, 100):
        assert len(page) <= 100
        pages |= dict(page)
        after = page[-1][0] + b"\0"
    monkeypatch.undo()
    replica._ix.node_table.write()
    assert table == pages == dict(replica._ix.txn.cursor(db=replica._ix.nodes))
    assert list(table) == sorted(table)
    assert read == 2 * [[decode_node(table[key(node)]) for node in nodes]]
    replica.close()
