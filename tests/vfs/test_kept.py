"""A file that lost its name can be opened for as long as the operating system knows its inode, as
on a local disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.model import ROOT, Base, Kind, NodeId
from syncin_mount import system
from syncin_mount.store import NodeType, Replica
from syncin_mount.store.maintenance.check import check

STALE = os.strerror(errno.ESTALE)
OLD = b"old content"


def _unlinked(world: Any, node: NodeId) -> None:
    world.fs.unlink(ROOT, b"file")


def _renamed_over(world: Any, node: NodeId) -> None:
    world.replica.create(ROOT, b"other", NodeType.FILE, mode=0o644, uid=1, gid=1)
    world.fs.rename(ROOT, b"other", ROOT, b"file")


def _saved_over(world: Any, node: NodeId) -> None:
    """The document that the server knows takes over the new content, and keeps its node."""
    world.replica.set_base(
        node, Base(Kind.FILE, ROOT, "file", len(OLD), 1, 0, world.replica.local(node).version)
    )
    _renamed_over(world, node)


def _taken_in(world: Any, node: NodeId) -> None:
    world.install_content(node, b"new")


def _touched(world: Any, node: NodeId) -> None:
    world.replica.touch_local(node, 7, Base(Kind.FILE, ROOT, "file", len(OLD), 0, 0, 0))


def _deleted_there(world: Any, node: NodeId) -> None:
    world.replica.delete_local(node, keep=False, why="test")


def _binned_there(world: Any, node: NodeId) -> None:
    world.replica.delete_local(node, keep=True, why="test")


def _discarded(world: Any, node: NodeId) -> None:
    world.replica.set_base(node, Base(Kind.FILE, ROOT, "file", 3, 1_700_000_000, 0, 0))
    world.replica.local_changes.discard(node)


HERE = [_unlinked, _renamed_over, _saved_over]
BY_THE_RECONCILER = [_taken_in, _touched, _deleted_there, _binned_there, _discarded]


def _take(world: Any, way: Callable[[Any, NodeId], None], ino: int) -> None:
    """The operating system is told at once."""
    way(world, world.replica.by_ino(ino))
    world.fs.names.told(ino)


def _settle(world: Any) -> None:
    """What is left to be done to files is done, and on the disk."""
    world.replica.commit()
    world.replica.commit()


def _kept(world: Any) -> list[str]:
    return os.listdir(world.folder / "orphans")


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("way", HERE + BY_THE_RECONCILER)
async def test_it_is_read_until_it_is_forgotten(world, way, committed):
    ino = await world.create(b"file", OLD)
    world.fs.xattrs.set(ino, b"user.a", b"1")
    world.replica.commit()
    _take(world, way, ino)
    if committed:
        _settle(world)
    assert await world.read(ino) == OLD
    assert await world.read(ino) == OLD
    found = world.fs.getattr(ino)
    assert (found.size, found.mode, found.nlink) == (len(OLD), 0o644, 0)
    assert world.fs.xattrs.get(ino, b"user.a") == b"1"
    world.fs.forget([ino])
    assert _kept(world) == []
    with pytest.raises(OSError, match=STALE):
        await world.fs.open(ino, os.O_RDONLY)
    _settle(world)
    assert check(world.replica) == []
    world.restart()
    assert check(world.replica) == []


@pytest.mark.parametrize("way", HERE)
async def test_what_lost_its_name_here_may_be_written_and_keeps_it(world, way):
    ino = await world.create(b"file", OLD)
    way(world, world.replica.by_ino(ino))
    sequence = world.replica.sequence()
    handle = await world.fs.open(ino, os.O_RDWR)
    await world.fs.write(handle, 4, b"words, and more")
    world.fs.release(handle)
    _settle(world)
    found = world.fs.getattr(ino)
    assert (found.size, found.nlink) == (19, 0)
    assert await world.read(ino) == b"old words, and more"
    assert (await world.fs.setattr(ino, size=9)).size == 9
    assert await world.read(ino) == b"old words"
    assert (await world.fs.setattr(ino, mode=0o4755)).mode == 0o4755
    handle = await world.fs.open(ino, os.O_RDWR | os.O_TRUNC, 1)
    world.fs.release(handle)
    assert (world.fs.getattr(ino).size, world.fs.getattr(ino).mode) == (0, 0o755)
    # nothing but what says that the effects are done
    assert world.replica.sequence() <= sequence + 1
    world.fs.forget([ino])
    assert _kept(world) == []


@pytest.mark.parametrize("way", BY_THE_RECONCILER)
async def test_what_the_reconciler_took_the_name_from_is_not_changed(world, way):
    """Who wants to has most likely come by the name: it is looked up again."""
    ino = await world.create(b"file", OLD)
    world.fs.xattrs.set(ino, b"user.a", b"1")
    _take(world, way, ino)
    changes: list[Callable[[], Awaitable[Any]]] = [
        lambda: world.fs.open(ino, os.O_WRONLY),
        lambda: world.fs.open(ino, os.O_RDWR | os.O_TRUNC, 1),
        lambda: world.fs.setattr(ino, size=3),
        lambda: world.fs.setattr(ino, mode=0o600),
        lambda: world.fs.setattr(ino, mtime_ns=5),
    ]
    for change in changes:
        with pytest.raises(OSError, match=STALE):
            await change()
    with pytest.raises(OSError, match=STALE):
        world.fs.xattrs.set(ino, b"user.b", b"2")
    with pytest.raises(OSError, match=STALE):
        world.fs.xattrs.remove(ino, b"user.a")
    assert await world.read(ino) == OLD


async def test_an_empty_file_that_was_never_opened(world):
    attr = world.fs.mknod(ROOT, b"file", 0o100644, 0, 1, 1)
    world.fs.unlink(ROOT, b"file")
    _settle(world)
    handle = await world.fs.open(attr.ino, os.O_RDWR)
    await world.fs.write(handle, 0, b"words")
    assert await world.read(attr.ino) == b"words"
    world.fs.release(handle)
    assert await world.read(attr.ino) == b"words"
    world.fs.forget([attr.ino])
    assert _kept(world) == []
    assert not list((world.folder / "objects").glob("*/*"))


async def test_a_file_in_a_folder_that_is_deleted_there(world):
    folder = world.fs.mkdir(ROOT, b"folder", 0o755, 1, 1)
    ino = await world.create(b"file", OLD, folder.ino)
    world.replica.delete_local(folder.node, keep=False, why="test")
    world.fs.names.told(folder.ino)
    world.fs.names.told(ino)
    _settle(world)
    assert await world.read(ino) == OLD
    handle = world.fs.folders.open(folder.ino)
    assert list(world.fs.folders.read(handle, 0)) == []
    world.fs.folders.close(handle)
    world.fs.forget([folder.ino, ino])
    assert _kept(world) == []


async def test_two_inodes_of_one_content(world):
    """The server gave it another time twice; each renewal is another inode with the same
    content."""
    ino = await world.create(b"file", OLD)
    node = world.replica.by_ino(ino)
    _take(world, _touched, ino)
    second = world.fs.lookup(ROOT, b"file").ino
    world.replica.touch_local(node, 9_000_000_000, Base(Kind.FILE, ROOT, "file", len(OLD), 9, 0, 0))
    world.fs.names.told(second)
    third = world.fs.lookup(ROOT, b"file").ino
    world.fs.unlink(ROOT, b"file")
    _settle(world)
    world.fs.forget([third, ino])
    assert await world.read(second) == OLD
    world.fs.forget([second])
    assert _kept(world) == []


async def test_a_content_that_was_not_here_is_looked_up_again(world):
    node = world.place("file", OLD)
    ino = world.fs.lookup(ROOT, b"file").ino
    world.fs.unlink(ROOT, b"file")
    with pytest.raises(OSError, match=STALE):
        await world.fs.open(ino, os.O_RDONLY)
    assert world.replica.local(node) is None


async def test_a_refused_operation_keeps_nothing(world):
    ino = await world.create(b"file", OLD)
    world.fs.mkdir(ROOT, b"folder", 0o755, 1, 1)
    refusals: list[Callable[[], None]] = [
        lambda: world.fs.rename(ROOT, b"file", ROOT, b"folder"),
        lambda: world.fs.rmdir(ROOT, b"file"),
        lambda: world.fs.rename(ROOT, b"file", ROOT, b"folder", no_replace=True),
    ]
    for refused in refusals:
        with pytest.raises(OSError, match=r"directory|exists"):
            refused()
    assert len(world.fs._orphans) == 0
    assert not world.replica._objects.kept._users
    assert await world.read(ino) == OLD


async def test_a_killed_process_leaves_nothing_behind(world):
    inos = [await world.create(b"file%d" % number, OLD) for number in range(20)]
    for number in range(20):
        world.fs.unlink(ROOT, b"file%d" % number)
    _settle(world)
    assert len(_kept(world)) == 20
    assert await world.read(inos[7]) == OLD
    world.replica.abandon()  # as a kill does: no more is written
    again = Replica.open(world.folder)
    assert _kept(world) == []
    assert not list((world.folder / "objects").glob("*/*"))
    assert check(again) == []
    again.close()


async def test_where_it_cannot_be_kept_it_is_gone(world, monkeypatch):
    """A full disk: the effect is done, and who comes by the name looks it up again."""
    ino = await world.create(b"file", OLD)

    def refuse(*_paths: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    world.fs.unlink(ROOT, b"file")
    with monkeypatch.context() as patch:
        patch.setattr(system, "replace", refuse)
        _settle(world)
    assert not list(Path(world.folder / "objects").glob("*/*"))
    with pytest.raises(OSError, match=STALE):
        await world.fs.open(ino, os.O_RDONLY)
    world.fs.forget([ino])


async def test_the_end_of_the_file_system_lets_all_go(world):
    ino = await world.create(b"file", OLD)
    world.fs.unlink(ROOT, b"file")
    _settle(world)
    assert await world.read(ino) == OLD
    world.fs.close()
    assert _kept(world) == []
    # nobody keeps it any more
    world.replica.delete_local(world.place("other", b"x"), keep=False, why="test")
    assert not world.replica._objects.kept._users
