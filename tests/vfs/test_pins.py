"""What a frontend pins is not exchanged, and what it may know of names."""

from __future__ import annotations

import errno
import os

import pytest

from reconciler.model import ROOT


def pinned(world, name: bytes) -> bool:
    node = world.replica.lookup(ROOT, name)
    found = world.replica.local(node)
    assert found.may_be_exchanged is not found.pinned
    return bool(found.pinned)


async def test_a_pin_lasts_as_long_as_somebody_has_it(world):
    ino = await world.create(b"file", b"content")
    for _ in range(2):
        world.fs.pins.add(ino)
    assert pinned(world, b"file")
    world.fs.pins.drop(ino)
    assert pinned(world, b"file")
    world.fs.pins.drop(ino)
    assert not pinned(world, b"file")
    assert len(world.fs.pins) == 0
    assert not world.replica.being_written()


async def test_a_pin_waits_for_no_content(world):
    node = world.place("absent", b"content")
    world.fs.pins.add(world.replica.attr(node).ino)
    assert world.hydrator.asked == []
    assert pinned(world, b"absent")
    assert await world.read(world.replica.attr(node).ino) == b"content"
    assert pinned(world, b"absent")
    assert world.replica.being_written() == [node]


async def test_a_pin_goes_with_the_inode_when_an_editor_saves(world):
    """The saved file takes the document's node."""
    old = await world.create(b"doc", b"old")
    document = world.replica.by_ino(old)
    ino = await world.create(b"doc~", b"new")
    world.fs.pins.add(ino)
    world.fs.rename(ROOT, b"doc~", ROOT, b"doc")
    assert world.replica.lookup(ROOT, b"doc") == world.replica.by_ino(ino)
    assert pinned(world, b"doc")
    world.fs.pins.drop(ino)
    assert not pinned(world, b"doc")
    assert document is not None
    assert not world.replica.being_written()


async def test_a_removed_file_has_no_pin(world):
    ino = await world.create(b"file", b"content")
    node = world.replica.by_ino(ino)
    world.fs.pins.add(ino)
    world.fs.unlink(ROOT, b"file")
    assert node not in world.replica.being_written()
    world.fs.pins.drop(ino)
    assert len(world.fs.pins) == 0


async def test_a_snapshot_knows_of_pins(world):
    ino = await world.create(b"file", b"content")
    node = world.replica.by_ino(ino)
    world.fs.pins.add(ino)
    with world.replica.snapshot() as known:
        assert known.local(node).pinned
    world.fs.pins.drop(ino)


async def test_where_something_is(world):
    folder = world.fs.mkdir(ROOT, b"folder", 0o755, 1, 1).ino
    ino = await world.create(b"file", b"", parent=folder)
    place_of = world.fs.names.place_of
    assert place_of(ino) == (folder, b"file")
    assert place_of(folder) == (ROOT, b"folder")
    assert place_of(ROOT) == (ROOT, b"")
    world.fs.unlink(folder, b"file")
    assert place_of(ino) is None


async def test_names_are_found_by_a_key(world):
    find = world.fs.names.use_keys(lambda name: name.decode().upper())
    ino = await world.create(b"Name")
    [(name, node)] = find(ROOT, "NAME")
    assert (name, node) == (b"Name", world.replica.by_ino(ino))
    assert find(ROOT, "OTHER") == []
    folder = world.fs.mkdir(ROOT, b"folder", 0o755, 1, 1).ino
    world.fs.rmdir(ROOT, b"folder")
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        find(folder, "NAME")
