"""Inodes whose name went, or got other content, while they are open."""

from __future__ import annotations

import errno
import os

import pytest

from reconciler.model import ROOT, Base, Kind


async def test_an_unlinked_file_stays_usable_and_nothing_is_recorded(world):
    ino = await world.create(b"file", b"content")
    handle = await world.fs.open(ino, os.O_RDWR)
    await world.fs.write(handle, 7, b" and more")
    world.fs.unlink(ROOT, b"file")
    sequence = world.replica.sequence()
    found = world.fs.getattr(ino)
    assert (found.nlink, found.size, found.mode) == (0, 16, 0o644)
    await world.fs.write(handle, 0, b"C")
    await world.fs.setattr(ino, size=9)
    await world.fs.setattr(ino, mode=0o600, mtime_ns=77, uid=5)
    found = world.fs.getattr(ino)
    assert (found.nlink, found.size, found.mode, found.mtime_ns, found.uid) == (0, 9, 0o600, 77, 5)
    assert bytes(await world.fs.read(handle, 0, 100)) == b"Content a"
    await world.fs.write(handle, 0, b"c")
    assert world.fs.getattr(ino).mtime_ns > 77
    await world.fs.fsync(handle)
    world.fs.flush(handle)
    world.fs.release(handle)
    assert world.replica.sequence() == sequence
    world.fs.forget([ino])
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        world.fs.getattr(ino)


async def test_a_rename_over_the_document_gives_it_the_other_inode(world):
    document, new = await world.create(b"document", b"old"), await world.create(b"new", b"new")
    reader, writer = (
        await world.fs.open(document, os.O_RDONLY),
        await world.fs.open(new, os.O_WRONLY),
    )
    await world.fs.write(writer, 3, b" con")
    world.fs.rename(ROOT, b"new", ROOT, b"document")
    assert world.fs.lookup(ROOT, b"document").ino == new
    assert bytes(await world.fs.read(reader, 0, 10)) == b"old"
    await world.fs.write(writer, 7, b"tent")
    local = world.replica.local(world.replica.lookup(ROOT, b"document"))
    assert local.busy
    world.fs.release(writer)
    world.fs.release(reader)
    local = world.replica.local(world.replica.lookup(ROOT, b"document"))
    assert (local.size, local.busy) == (11, False)
    assert await world.read(new) == b"new content"


async def test_the_identity_of_a_synchronized_document_passes_to_its_new_content(world):
    node = world.place("document", b"old")
    ino = world.fs.lookup(ROOT, b"document").ino
    assert await world.read(ino) == b"old"
    handle, found = await world.fs.create(ROOT, b"temporary", 0o644, os.O_WRONLY, 1, 1)
    await world.fs.write(handle, 0, b"new")
    world.fs.rename(ROOT, b"temporary", ROOT, b"document")
    await world.fs.write(handle, 3, b"er")
    world.fs.release(handle)
    assert world.replica.lookup(ROOT, b"document") == node
    assert world.fs.lookup(ROOT, b"document").ino == found.ino
    local = world.replica.local(node)
    assert (local.size, local.busy) == (5, False)
    assert await world.read(found.ino) == b"newer"


async def test_a_remote_update_leaves_old_readers_their_content(world):
    ino = await world.create(b"file", b"old content")
    reader = await world.fs.open(ino, os.O_RDONLY)
    world.install_content(world.replica.by_ino(ino), b"new")
    found = world.fs.lookup(ROOT, b"file")
    assert (found.ino != ino, found.size) == (True, 3)
    assert await world.read(found.ino) == b"new"
    assert bytes(await world.fs.read(reader, 0, 100)) == b"old content"
    assert world.fs.getattr(ino).size == 11
    world.fs.release(reader)
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        await world.fs.open(ino, os.O_RDONLY)


async def test_an_exchange_keeps_both_inodes(world):
    one, two = await world.create(b"one", b"1"), await world.create(b"two", b"2")
    handle = await world.fs.open(one, os.O_WRONLY)
    await world.fs.write(handle, 0, b"first")
    world.fs.rename(ROOT, b"one", ROOT, b"two", exchange=True)
    await world.fs.write(handle, 5, b"!")
    world.fs.release(handle)
    assert (world.fs.lookup(ROOT, b"one").ino, world.fs.lookup(ROOT, b"two").ino) == (two, one)
    assert await world.read(one) == b"first!"


@pytest.mark.parametrize("how", ["append", "truncate on opening", "truncate", "read and truncate"])
@pytest.mark.parametrize("what", ["content", "time"])
async def test_nobody_begins_to_write_to_what_was_replaced(world, how, what):
    """By a directory entry that the kernel still has: it looks the name up again when it is told
    ESTALE."""
    ino = await world.create(b"file", b"old content")
    node = world.replica.by_ino(ino)
    reader = await world.fs.open(ino, os.O_RDONLY)
    if what == "content":
        world.install_content(node, b"new")
    else:
        world.replica.touch_local(node, 7, Base(Kind.FILE, ROOT, "file", 11, 0, 0, 0))
    content = await world.read(world.fs.lookup(ROOT, b"file").ino)
    sequence = world.replica.sequence()
    acts = {
        "append": lambda: world.fs.open(ino, os.O_WRONLY),
        "truncate on opening": lambda: world.fs.open(ino, os.O_RDWR | os.O_TRUNC),
        "truncate": lambda: world.fs.setattr(ino, size=3),
        "read and truncate": lambda: world.fs.open(ino, os.O_TRUNC),
    }
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        await acts[how]()
    assert bytes(await world.fs.read(reader, 0, 100)) == b"old content"
    assert await world.read(world.fs.lookup(ROOT, b"file").ino) == content
    assert world.replica.sequence() == sequence
    assert not world.replica.local(node).open_for_writing
    world.fs.release(reader)
    assert len(world.fs._files) == 0


async def test_an_unlinked_file_that_is_open_for_writing_may_be_opened_again_and_truncated(world):
    ino = await world.create(b"file", b"content")
    handle = await world.fs.open(ino, os.O_RDWR)
    world.fs.unlink(ROOT, b"file")
    again = await world.fs.open(ino, os.O_RDWR)
    await world.fs.write(again, 7, b" and more")
    await world.fs.setattr(ino, size=9)
    assert bytes(await world.fs.read(handle, 0, 100)) == b"content a"
    await world.fs.setattr(ino, size=0)
    assert world.fs.getattr(ino).size == 0
    world.fs.release(again)
    world.fs.release(handle)


async def test_attributes_meant_by_a_remembered_name_do_not_end_in_the_old_content(world):
    """The kernel has not been told yet that the server's version took the name; ESTALE makes it
    look again."""
    ino = await world.create(b"file", b"old content")
    reader = await world.fs.open(ino, os.O_RDONLY)
    world.install_content(world.replica.by_ino(ino), b"new")
    for change in ({"mode": 0o600}, {"mtime_ns": 77}, {"uid": 5}, {"atime_ns": 7}):
        with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
            await world.fs.setattr(ino, **change)
    found = world.fs.lookup(ROOT, b"file")
    assert (await world.fs.setattr(found.ino, mode=0o600)).mode == 0o600
    world.fs.release(reader)


async def test_a_reader_of_what_was_renamed_over_or_unlinked_here_may_change_its_attributes(world):
    """As on a local disk: only somebody with a handle can mean it."""
    for name in (b"replaced", b"removed"):
        ino = await world.create(name, b"old")
        reader = await world.fs.open(ino, os.O_RDONLY)
        if name == b"replaced":
            await world.create(b"new", b"new")
            world.fs.rename(ROOT, b"new", ROOT, name)
        else:
            world.fs.unlink(ROOT, name)
        assert (await world.fs.setattr(ino, mode=0o600)).mode == 0o600
        if name == b"replaced":
            assert world.fs.lookup(ROOT, name).mode == 0o644
        world.fs.release(reader)
