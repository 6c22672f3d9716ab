"""Sparse contents stay sparse on every way through the store: arriving, in the bin, copied out,
read to be sent."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.checksum import checksum
from reconciler.model import ROOT, Base, Kind, NodeId
from reconciler.positioned import pread
from reconciler.ranged_read import HOLES_FROM, ZEROS, read_sparse
from syncin_mount import system
from syncin_mount.sparse_ranges import data_pieces
from syncin_mount.store import Replica
from syncin_mount.store.content.byte_ranges import BLOCK, runs
from syncin_mount.store.content.handles import IncomingFile, zeros_of
from syncin_mount.store.import_export.export import copy_out
from tests.effort import examples
from tests.store.support import kill, make, open_replica, pick_bin

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no holes to rely on")

MIB = 1 << 20


@pytest.fixture
def replica(folder: Path) -> Iterator[Replica]:
    opened = open_replica(folder)
    yield opened
    opened.close()


def read(replica: Replica, node: NodeId) -> bytes:
    content = replica.open_content(node)
    try:
        return system.pread(content.fd, os.fstat(content.fd).st_size, 0)
    finally:
        content.close()


def blocks(path: Path | str) -> int:
    return os.stat(path).st_blocks * 512


def absent(replica: Replica, name: str, size: int) -> tuple[NodeId, Base]:
    node, base = replica.new_id(), Base(Kind.FILE, ROOT, name, size, 9, 7, 0)
    replica.place_file(node, base)
    return node, base


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 2 * BLOCK)), max_size=6))
def test_runs_are_the_data_and_zeros_are_zeros(parts: list[tuple[bool, int]]) -> None:
    data = b"".join(bytes(size) if empty else b"x" * size for empty, size in parts)
    at = 0
    for empty, start, stop in runs(memoryview(data)):
        assert start == at < stop
        assert start % BLOCK == 0
        at = stop
        lone = [data[place : place + BLOCK] for place in range(start, stop, BLOCK)]
        assert all((not any(block)) == empty for block in lone)
    assert at == len(data)


def test_zeros_that_arrive_are_not_written(replica: Replica) -> None:
    data = b"a" * BLOCK + bytes(8 * MIB) + b"b" * BLOCK + bytes(4 * MIB + 100)
    node, base = absent(replica, "disk", len(data))
    incoming = replica.incoming(node, len(data), 9)
    for offset in range(0, len(data), MIB):
        incoming.write(offset, data[offset : offset + MIB])
    assert incoming.missing(0, len(data)) is None
    local = replica.local(node)
    assert local is not None
    replica.install_content(node, incoming, base, local.version, keep=False, why="test")
    incoming.close()
    assert read(replica, node) == data
    assert 2 * BLOCK <= (replica.blocks(node) or 0) * 512 <= 16 * BLOCK
    assert list((replica.folder / "incoming").iterdir()) == []


def test_zeros_that_arrived_are_known_after_a_kill(folder: Path) -> None:
    replica = open_replica(folder)
    size = 64 * BLOCK
    node, _ = absent(replica, "disk", size)
    incoming = replica.incoming(node, size, 9)
    incoming.write(0, bytes(32 * BLOCK))
    incoming.write(40 * BLOCK, b"x" * BLOCK)
    torn = zeros_of(incoming.path)
    with torn.open("ab") as file:
        file.write(b"\x07\x07\x07")  # a record that was not finished
    kill(replica)
    again = open_replica(folder)
    incoming = again.incoming(node, size, 9)
    assert incoming.missing(0, size) == (32 * BLOCK, 40 * BLOCK)
    incoming.write(32 * BLOCK, bytes(8 * BLOCK))
    incoming.write(41 * BLOCK, bytes(23 * BLOCK))
    assert incoming.missing(0, size) is None
    incoming.close()
    kill(again)
    last = open_replica(folder)
    incoming = last.incoming(node, size, 9)
    assert incoming.missing(0, size) is None
    incoming.restart()
    assert incoming.missing(0, size) == (0, size)
    assert not torn.exists()
    incoming.close()
    last.close()


def test_a_power_cut_trusts_no_zeros_that_arrived(folder: Path) -> None:
    replica = open_replica(folder)
    node, _ = absent(replica, "disk", 64 * BLOCK)
    replica.incoming(node, 64 * BLOCK, 9).write(0, bytes(32 * BLOCK))
    kill(replica)
    again = open_replica(folder, boot_id="boot 2")
    assert list((folder / "incoming").iterdir()) == []
    again.close()


def test_another_version_knows_nothing_of_these_zeros(replica: Replica) -> None:
    node, _ = absent(replica, "disk", 64 * BLOCK)
    first = replica.incoming(node, 64 * BLOCK, 9)
    first.write(0, bytes(32 * BLOCK))
    first.close()
    other = replica.incoming(node, 64 * BLOCK, 10)
    assert other.missing(0, 64 * BLOCK) == (0, 64 * BLOCK)
    other.close()
    assert {path.suffix for path in (replica.folder / "incoming").iterdir()} == {""}


@settings(max_examples=examples(40))
@given(
    order=st.permutations(range(6)),
    zeros=st.sets(st.integers(0, 5)),
    tail=st.integers(0, BLOCK - 1),
)
def test_zeros_and_data_in_any_order_make_the_whole(
    order: list[int], zeros: set[int], tail: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    parts = [bytes(BLOCK) if index in zeros else bytes([65 + index]) * BLOCK for index in range(6)]
    whole = b"".join(parts) + bytes(tail)
    incoming = IncomingFile(tmp_path_factory.mktemp("incoming") / "1-1-1", 1, len(whole), 1)
    incoming.users = 1
    for index in order:
        incoming.write(index * BLOCK, parts[index])
    incoming.write(6 * BLOCK, bytes(tail))
    assert incoming.missing(0, len(whole)) is None
    assert system.pread(incoming.fd, len(whole), 0) == whole
    incoming.close()


def sparse(replica: Replica, name: str) -> NodeId:
    """A file of 32 MiB with three blocks of data."""
    node = make(replica, name)
    replica.begin_write(node)
    content = replica.open_content(node)
    os.ftruncate(content.fd, 32 * MIB)
    for offset in (0, 16 * MIB, 32 * MIB - BLOCK):
        system.pwrite(content.fd, b"d" * BLOCK, offset)
    content.close()
    replica.written(node, size=32 * MIB, mtime_ns=10**18)
    return node


def test_a_copy_in_the_bin_is_sparse(replica: Replica) -> None:
    node = sparse(replica, "disk")
    replica.copy_to_bin(node, "test")
    [(_, data)] = pick_bin(replica)
    assert data == read(replica, node)
    [path] = [path for path in (replica.folder / "bin").rglob("disk") if path.is_file()]
    assert blocks(path) < MIB


def test_what_is_copied_out_is_sparse(replica: Replica, tmp_path: Path) -> None:
    node = sparse(replica, "disk")
    copy_out(replica, tmp_path / "kept")
    assert (tmp_path / "kept" / "disk").read_bytes() == read(replica, node)
    assert blocks(tmp_path / "kept" / "disk") < MIB


async def test_holes_are_not_read_to_be_sent(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = sparse(replica, "disk")
    content = replica.open_content(node)
    expected = await checksum(content.fd, 32 * MIB)
    count = []

    def counted(fd: int, length: int, offset: int) -> bytes:
        count.append(length)
        return pread(fd, length, offset)

    monkeypatch.setattr("reconciler.ranged_read.pread", counted)
    assert await checksum(content.fd, 32 * MIB) == expected
    assert sum(count) <= 3 * MIB
    assert read_sparse(content.fd, MIB, 4 * MIB) is ZEROS
    assert read_sparse(content.fd, HOLES_FROM, 4 * MIB) == bytes(HOLES_FROM)
    assert len(read_sparse(content.fd, MIB, 32 * MIB - 100)) == 100
    assert read_sparse(content.fd, MIB, 33 * MIB) == b""
    assert list(data_pieces(content.fd, 32 * MIB)) == [
        (0, BLOCK),
        (16 * MIB, 16 * MIB + BLOCK),
        (32 * MIB - BLOCK, 32 * MIB),
    ]
    content.close()
