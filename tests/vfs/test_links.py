"""Several names of one file, as the file system answers for them."""

from __future__ import annotations

import errno
import os

import pytest

from reconciler.model import ROOT


async def test_what_is_written_through_one_name_is_there_under_the_other(world):
    ino = await world.create(b"a", b"words")
    handle = await world.fs.open(ino, os.O_RDWR)
    await world.fs.write(handle, 5, b" and more")
    found = await world.fs.link(ino, ROOT, b"b")
    assert (found.ino, found.nlink, found.size) == (ino, 2, 14)
    world.fs.unlink(ROOT, b"a")  # the file under the handle has the other name now
    await world.fs.write(handle, 0, b"W")
    assert world.fs.getattr(ino).nlink == 1
    world.fs.release(handle)
    assert await world.read(world.fs.lookup(ROOT, b"b").ino) == b"Words and more"
    world.restart()
    assert await world.read(world.fs.lookup(ROOT, b"b").ino) == b"Words and more"


async def test_the_last_name_leaves_an_orphan(world):
    ino = await world.create(b"a", b"words")
    await world.fs.link(ino, ROOT, b"b")
    handle = await world.fs.open(ino, os.O_RDWR)
    world.fs.unlink(ROOT, b"a")
    world.fs.unlink(ROOT, b"b")
    assert world.fs.getattr(ino).nlink == 0
    await world.fs.write(handle, 0, b"W")
    assert bytes(await world.fs.read(handle, 0, 10)) == b"Words"
    world.fs.release(handle)


@pytest.mark.expected_log("cannot be fetched now: offline")
async def test_content_that_is_not_here_is_fetched_before_it_gets_another_name(world):
    node = world.place("far", b"far away")
    ino = world.replica.attr(node).ino
    found = await world.fs.link(ino, ROOT, b"b")
    assert found.nlink == 2
    assert await world.read(found.ino) == b"far away"
    assert world.replica.status(node).value == "changed"  # its other name waits to be sent
    lost = world.place("lost", b"offline", known=False)
    with pytest.raises(OSError, match=os.strerror(errno.ENETUNREACH)):
        await world.fs.link(world.replica.attr(lost).ino, ROOT, b"c")
    assert world.replica.lookup(ROOT, b"c") is None


async def test_a_remote_edit_of_one_name_leaves_the_handle_with_the_other(world):
    ino = await world.create(b"a", b"words")
    node = (await world.fs.link(ino, ROOT, b"b")).node
    handle = await world.fs.open(ino, os.O_RDONLY)
    world.install_content(node, b"the server's")
    assert bytes(await world.fs.read(handle, 0, 20)) == b"words"
    assert await world.read(world.fs.lookup(ROOT, b"b").ino) == b"the server's"
    assert world.fs.lookup(ROOT, b"a").ino == ino
    assert world.fs.getattr(ino).nlink == 1
    world.fs.release(handle)


async def test_a_drive_that_only_follows_makes_no_names(world):
    ino = await world.create(b"a", b"words")
    world.fs.read_only = True
    with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
        await world.fs.link(ino, ROOT, b"b")
