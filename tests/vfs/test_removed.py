"""What lost its name in the mount and is still in use: a working directory, a fifo, an O_PATH
descriptor."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from reconciler.model import ROOT
from syncin_mount.store.maintenance.check import check

STALE = os.strerror(errno.ESTALE)


async def test_a_removed_folder_answers_until_it_is_forgotten(world):
    folder = world.fs.mkdir(ROOT, b"folder", 0o755, 1, 1)
    world.fs.xattrs.set(folder.ino, b"user.one", b"1")
    before = world.fs.getattr(folder.ino)
    world.fs.rmdir(ROOT, b"folder")
    after = world.fs.getattr(folder.ino)
    assert (after.nlink, after.st_mode, after.uid) == (0, stat.S_IFDIR | 0o755, 1)
    assert after.ctime_ns > before.ctime_ns
    changed = await world.fs.setattr(folder.ino, mode=0o700, mtime_ns=5)
    assert (changed.mode, changed.mtime_ns, changed.nlink) == (0o700, 5, 0)
    assert changed.ctime_ns > after.ctime_ns
    handle = world.fs.folders.open(folder.ino)
    assert list(world.fs.folders.read(handle, 0)) == []
    world.fs.folders.close(handle)
    assert world.fs.xattrs.get(folder.ino, b"user.one") == b"1"
    world.fs.mkdir(ROOT, b"folder", 0o755, 2, 2)  # the name is another's
    assert world.fs.getattr(folder.ino) == changed
    world.fs.forget([folder.ino])
    with pytest.raises(OSError, match=STALE):
        world.fs.getattr(folder.ino)
    with pytest.raises(OSError, match=STALE):
        await world.fs.setattr(folder.ino, mode=0o700)
    with pytest.raises(OSError, match=STALE):
        world.fs.folders.open(folder.ino)
    with pytest.raises(OSError, match=STALE):
        world.fs.xattrs.names(folder.ino)


async def test_what_a_rename_replaces_answers_too(world):
    one, two = (world.fs.mkdir(ROOT, name, 0o755, 1, 1) for name in (b"one", b"two"))
    world.fs.rename(ROOT, b"one", ROOT, b"two")
    assert (world.fs.getattr(one.ino).nlink, world.fs.getattr(two.ino).nlink) == (2, 0)
    first, second = await world.create(b"first", b"1"), await world.create(b"second", b"22")
    world.fs.rename(ROOT, b"first", ROOT, b"second", exchange=True)
    assert (world.fs.getattr(first).nlink, world.fs.getattr(second).nlink) == (1, 1)
    world.fs.rename(ROOT, b"first", ROOT, b"second")
    assert (world.fs.getattr(first).nlink, world.fs.getattr(first).size) == (0, 1)
    with pytest.raises(IsADirectoryError):
        world.fs.rename(ROOT, b"second", ROOT, b"two")
    assert world.fs.getattr(one.ino).nlink == 2


async def test_extended_attributes_of_an_open_file_outlive_its_name(world):
    handle, found = await world.fs.create(ROOT, b"file", 0o644, os.O_RDWR, 1, 1)
    world.fs.xattrs.set(found.ino, b"user.one", b"1")
    world.fs.unlink(ROOT, b"file")
    world.fs.xattrs.set(found.ino, b"user.two", b"2")
    assert sorted(world.fs.xattrs.names(found.ino)) == [b"user.one", b"user.two"]
    world.fs.xattrs.remove(found.ino, b"user.one")
    for act in (world.fs.xattrs.get, world.fs.xattrs.remove):
        with pytest.raises(OSError, match=os.strerror(errno.ENODATA)):
            act(found.ino, b"user.one")
    assert world.fs.xattrs.get(found.ino, b"user.two") == b"2"
    world.fs.release(handle)
    assert check(world.replica) == []


async def test_what_the_reconciler_took_is_not_found_before_the_kernel_is_told(world):
    """ESTALE leads whoever means the name to the file that has it now."""
    ino = await world.create(b"file", b"content")
    world.install_content(world.replica.by_ino(ino), b"another version")
    with pytest.raises(OSError, match=STALE):
        world.fs.getattr(ino)
    folder = world.fs.mkdir(ROOT, b"folder", 0o755, 1, 1)
    world.replica.delete_local(folder.node, keep=True, why="test")
    with pytest.raises(OSError, match=STALE):
        world.fs.getattr(folder.ino)


async def test_nothing_is_kept_of_what_is_forgotten(world):
    inodes = []
    for number in range(100):
        folder = world.fs.mkdir(ROOT, b"%d" % number, 0o755, 1, 1)
        world.fs.xattrs.set(folder.ino, b"user.one", b"1")
        world.fs.rmdir(ROOT, b"%d" % number)
        inodes.append(folder.ino)
    assert len(world.fs._orphans) == 100
    world.fs.forget([*inodes, 1, 999])
    assert len(world.fs._orphans) == 0
