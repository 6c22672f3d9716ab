"""Ranges and incoming files."""

from __future__ import annotations

import errno
import os
from itertools import pairwise
from pathlib import Path

import lmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model import ROOT, Base, Kind
from syncin_mount import system
from syncin_mount.store.content.byte_ranges import BLOCK, Ranges
from syncin_mount.store.content.handles import IncomingFile
from syncin_mount.store.index.tree_walk import require_node
from tests.effort import examples
from tests.store.support import SECOND, arrive, make, open_replica, read, settle, tree, write

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)))


@given(SPANS, st.integers(0, 40), st.integers(0, 40))
def test_ranges_are_sets_of_numbers(spans: list[tuple[int, int]], start: int, stop: int) -> None:
    ranges, numbers = Ranges(), set[int]()
    for first, last in spans:
        ranges.add(first, last)
        numbers |= set(range(first, last))
    missing = [number for number in range(start, stop) if number not in numbers]
    found = ranges.first_missing(start, stop)
    assert ranges.total() == len(numbers)
    if not missing:
        assert found is None
    else:
        assert found is not None
        assert found[0] == missing[0]
        assert set(range(*found)) <= set(missing)
        assert found[1] == stop or found[1] in numbers


@settings(max_examples=examples(60))
@given(data=st.data(), size=st.integers(1, 5 * BLOCK))
def test_parts_in_any_order_make_the_whole(
    data: st.DataObject, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = os.urandom(size)
    path = tmp_path_factory.mktemp("incoming") / "1-1-1"
    cuts = sorted({0, size, *data.draw(st.lists(st.integers(0, size), max_size=8))})
    parts = data.draw(st.permutations(list(pairwise(cuts))))
    incoming = IncomingFile(path, 1, size, 1)
    incoming.users = 1
    for start, stop in parts:
        assert incoming.missing(0, size) is not None
        incoming.write(start, whole[start:stop])
        gap = incoming.missing(0, size)
        here = size if gap is None else gap[0]
        assert system.pread(incoming.fd, here, 0) == whole[:here]
    assert incoming.missing(0, size) is None
    incoming.close()
    assert path.read_bytes() == whole


def test_an_interrupted_arrival_goes_on_where_whole_blocks_end(tmp_path: Path) -> None:
    path = tmp_path / "1-1-1"
    size = 64 * BLOCK + 100
    incoming = IncomingFile(path, 1, size, 1)
    incoming.users = 1
    incoming.write(0, b"a" * (2 * BLOCK + 10))
    incoming.write(size - 100, b"z" * 100)
    assert incoming.missing(0, size) == (2 * BLOCK, 64 * BLOCK)
    incoming.close()
    again = IncomingFile(path, 1, size, 1)
    again.users = 1
    assert again.missing(0, size) == (2 * BLOCK, 64 * BLOCK)
    again.write(2 * BLOCK, bytes(62 * BLOCK))
    assert again.missing(0, size) is None
    again.restart()
    assert again.missing(0, size) == (0, size)
    with pytest.raises(ValueError, match="outside"):
        again.write(size - 1, b"12")
    again.close()


def test_holes_that_are_told_too_coarsely_are_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = system.next_data

    def coarse(fd: int, offset: int) -> tuple[int, int] | None:
        found = real(fd, offset)
        huge = 2 << 20
        return found and (found[0] // huge * huge, -(-found[1] // huge) * huge)

    assert system.knows_holes(tmp_path / "probe")  # where tests run
    monkeypatch.setattr("syncin_mount.system.posix.next_data", coarse)
    assert not system.knows_holes(tmp_path / "probe")
    assert not (tmp_path / "probe").exists()


def test_a_content_that_arrived_is_synced_with_the_folder_it_is_in_now(folder: Path) -> None:
    replica = open_replica(folder)
    node = replica.new_id()
    base = Base(Kind.FILE, ROOT, "doc", 5, 9, 0, 0)
    replica.place_file(node, base)
    content = replica.open_content(node)
    assert content.folder == str(folder / "incoming")
    arrive(replica, node, base, b"words")
    record = require_node(replica._ix, node)
    assert Path(content.folder) == Path(replica._objects.folder(record.number))
    content.sync()
    content.close()
    replica.close()


def test_a_lost_content_is_an_error_and_no_empty_file(folder: Path) -> None:
    replica = open_replica(folder)
    node, empty = make(replica, "doc", data=b"words"), make(replica, "empty")
    record = require_node(replica._ix, node)
    path = Path(replica._objects.path(record.owner, record.number))
    path.unlink()
    with pytest.raises(OSError, match="missing") as refused:
        replica.open_content(node)
    assert refused.value.errno == errno.EIO
    with pytest.raises(OSError, match="missing"):
        replica.copy_to_bin(node, "test")
    assert not path.exists()
    assert read(replica, empty) == b""
    replica.abandon()


def test_a_time_before_the_first_second_is_not_different_for_ever(folder: Path) -> None:
    replica = open_replica(folder)
    for mtime_ns in (0, -5 * SECOND, SECOND // 2):
        node = make(replica, f"{mtime_ns}")
        write(replica, node, b"old", mtime_ns)
        local = replica.local(node)
        assert local is not None
        assert local.mtime == 1
        settle(replica)
        assert list(replica.dirty()) == []
    replica.close()


def test_a_map_that_is_full_at_the_very_commit_grows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = open_replica(folder)
    make(replica, "doc", data=b"words")
    txn = replica._ix.txn

    class Full:
        """A transaction whose map is full."""

        def put(self, *_: object, **__: object) -> bool:
            raise lmdb.MapFullError("mdb_put: MDB_MAP_FULL")

        def __getattr__(self, name: str) -> object:
            return getattr(txn, name)

    monkeypatch.setattr(replica._ix, "txn", Full())
    size = replica._ix.environment._env.info()["map_size"]
    replica.commit()
    assert replica._ix.environment._env.info()["map_size"] == 2 * size
    assert dict(tree(replica)) == {"doc": b"words"}
    replica.abandon()
    again = open_replica(folder)
    assert dict(tree(again)) == {"doc": b"words"}
    again.close()


def test_what_arrived_and_nobody_asks_for_again_goes(folder: Path) -> None:
    """Not what an absent file waits for, nor what somebody has open, nor what arrived just now."""
    replica = open_replica(folder)
    made = {}
    for name in ("awaited", "refused", "open", "young"):
        node = made[name] = replica.new_id()
        replica.place_file(node, Base(Kind.FILE, ROOT, name, 3 * BLOCK, 50, 7000 + node, 0))
        if name != "awaited":
            arrive(replica, node, replica.base(node) or pytest.fail("no base"), b"x" * 3 * BLOCK)
        incoming = replica.incoming(node, 3 * BLOCK, 50 if name == "awaited" else 60)
        incoming.write(0, b"y" * BLOCK)
        if name != "open":
            incoming.close()
        if name != "young":
            os.utime(incoming.path, ns=(0, 1000 * SECOND))
    replica.drop_stale_incoming(1001 * SECOND)
    left = {path.name.split("-")[0] for path in (folder / "incoming").iterdir()}
    assert left == {str(made[name]) for name in ("awaited", "open", "young")}
    assert replica._objects.all_arriving() == [made[name] for name in ("awaited", "open", "young")]
    again = replica.incoming(made["refused"], 3 * BLOCK, 60)
    assert again.missing(0, 1) is not None
    again.close()
    replica.close()
