"""Modes, owners, times and sizes that are set."""

from __future__ import annotations

import os

import pytest

from reconciler.model import ROOT

LAST = 2**63 - 1


@pytest.mark.parametrize("beyond", [20_000_000_000 * 10**9, 2**62 * 10**9])
async def test_times_that_no_record_holds_become_the_nearest(world, beyond):
    ino = await world.create(b"file", b"content")
    changed = await world.fs.setattr(ino, atime_ns=beyond, mtime_ns=-beyond)
    assert (changed.atime_ns, changed.mtime_ns) == (LAST, -LAST)
    handle = await world.fs.open(ino, os.O_WRONLY)
    await world.fs.write(handle, 0, b"C")
    await world.fs.setattr(ino, mtime_ns=beyond, ctime_ns=beyond)
    world.fs.release(handle)
    assert world.fs.getattr(ino).mtime_ns == LAST
    world.restart()
    assert world.fs.getattr(ino).mtime_ns == LAST


@pytest.mark.parametrize(
    ("mode", "uid", "kept"),
    [
        (0o4755, 5, 0o755),
        (0o6755, 5, 0o755),
        (0o2745, 5, 0o2745),  # without group execution it does not mean set-group-ID
        (0o1755, 5, 0o1755),
        (0o6755, 0, 0o6755),
    ],
)
@pytest.mark.parametrize("created", [False, True])
async def test_truncating_at_open_takes_the_set_id_bits(world, mode, uid, kept, created):
    ino = await world.create(b"file", b"content")
    await world.fs.setattr(ino, mode=mode)
    flags = os.O_WRONLY | os.O_TRUNC
    if created:
        handle, found = await world.fs.create(ROOT, b"file", 0o600, flags, uid, uid)
        assert (found.mode, found.size) == (kept, 0)
    else:
        handle = await world.fs.open(ino, flags, uid)
    world.fs.release(handle)
    assert world.fs.getattr(ino).mode == kept
    world.fs.release(await world.fs.open(ino, os.O_RDWR, 5))
    assert world.fs.getattr(ino).mode == kept


async def test_truncating_to_the_size_that_it_has_is_no_change(world):
    ino = await world.create(b"file", b"content")
    before = world.fs.getattr(ino)
    assert await world.fs.setattr(ino, size=7) == before
    absent = world.fs.lookup(ROOT, b"remote").ino if world.place("remote", b"12345") else 0
    await world.fs.setattr(absent, size=5)
    assert world.hydrator.asked == []
    handle = await world.fs.open(ino, os.O_RDWR)
    await world.fs.write(handle, 7, b" more")
    await world.fs.setattr(ino, size=12)
    await world.fs.setattr(ino, size=7)
    world.fs.release(handle)
    after = world.fs.getattr(ino)
    assert (after.size, await world.read(ino)) == (7, b"content")
    assert after.version > before.version
