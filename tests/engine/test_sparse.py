"""A sparse file on its way from one computer to another."""

from __future__ import annotations

import os

import pytest

from tests.engine.world import World

MIB = 1 << 20


@pytest.mark.slow
async def test_a_sparse_file_is_sparse_on_the_other_computer(world: World) -> None:
    first, second = await world.device(), await world.device("b")
    node = first.write("disk.img", b"head")
    first.replica.begin_write(node)
    content = first.replica.open_content(node)
    os.ftruncate(content.fd, 48 * MIB)
    os.pwrite(content.fd, b"middle" * 1000, 20 * MIB)
    content.close()
    first.replica.written(node, size=48 * MIB, mtime_ns=1_700_000_000 * 10**9)
    await first.sync()
    await second.sync()
    there = second.node("disk.img")
    attr = second.replica.attr(there)
    assert attr is not None
    assert attr.present
    content = second.replica.open_content(there)
    begin, rest = b"head".ljust(20 * MIB, b"\0"), (b"middle" * 1000).ljust(28 * MIB, b"\0")
    assert os.pread(content.fd, 48 * MIB, 0) == begin + rest
    content.close()
    assert 0 < (second.replica.blocks(there) or 0) * 512 < MIB
