"""Names, folders and attributes."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

import pytest

from reconciler.model import ROOT, Base, Kind
from syncin_mount.vfs import FileSystem

DEVICE = 0x103
"""The number of /dev/null (1, 3) on Linux."""


def listing(
    fs: FileSystem, handle: int, position: int = 0, limit: int | None = None
) -> list[tuple[bytes, int, int]]:
    found = []
    for name, attr, after in fs.folders.read(handle, position):
        found.append((name, attr.ino, after))
        if len(found) == limit:
            break
    return found


async def test_a_folder_lists_itself_its_parent_and_its_entries(world):
    folder = world.fs.mkdir(ROOT, b"folder", 0o755, 1, 1)
    below = world.fs.mkdir(folder.ino, b"below", 0o755, 1, 1)
    file = await world.create(b"file", b"x", folder.ino)
    handle = world.fs.folders.open(folder.ino)
    assert listing(world.fs, handle) == [
        (b".", folder.ino, 1),
        (b"..", ROOT, 2),
        (b"below", below.ino, 3),
        (b"file", file, 4),
    ]
    assert world.fs.lookup(below.ino, b"..").ino == folder.ino
    assert world.fs.lookup(ROOT, b"..").ino == ROOT
    assert world.fs.lookup(ROOT, b".").ino == ROOT
    assert world.fs.names.entry_of_file(file) == (folder.ino, b"file")
    assert world.fs.names.entry_of_file(folder.ino) is None
    world.fs.folders.close(handle)


async def test_reading_goes_on_without_repeats_or_gaps_while_the_folder_changes(world):
    for number in range(1000):
        world.fs.mknod(ROOT, b"%04d" % number, stat.S_IFREG | 0o644, 0, 1, 1)
    handle = world.fs.folders.open(ROOT)
    seen, position, step = [], 0, 0
    while piece := listing(world.fs, handle, position, limit=7):
        # As the kernel does: now and then the last entries did not fit into the caller's buffer.
        taken = piece[: 4 if step % 3 == 0 else 7]
        seen += [name for name, _, _ in taken]
        position = taken[-1][2]
        if step < 50:
            world.fs.unlink(ROOT, b"%04d" % (999 - step))
            world.fs.mknod(ROOT, b"%04dx" % (step * 3), stat.S_IFREG | 0o644, 0, 1, 1)
        step += 1
    assert len(seen) == len(set(seen))
    assert {b"%04d" % number for number in range(950)} <= set(seen)
    assert not {b"%04d" % number for number in range(950, 1000)} & set(seen)


async def test_rewinding_shows_what_is_new_and_old_positions_stay(world):
    for name in (b"b", b"c", b"d"):
        await world.create(name)
    handle = world.fs.folders.open(ROOT)
    assert [name for name, _, _ in listing(world.fs, handle, 2)] == [b"b", b"c", b"d"]
    await world.create(b"a")
    world.fs.unlink(ROOT, b"c")
    assert [name for name, _, _ in listing(world.fs, handle, 3)] == [b"d"]
    assert [name for name, _, _ in listing(world.fs, handle)][2:] == [b"a", b"b", b"d"]


async def test_positions_from_before_a_rewind_lead_where_they_did(world):
    for number in range(500):
        world.fs.mknod(ROOT, b"%03d" % number, stat.S_IFREG | 0o644, 0, 1, 1)
    handle = world.fs.folders.open(ROOT)
    positions = {name: after - 1 for name, _, after in listing(world.fs, handle)}
    for name in (b"300", b"000", b"499", b"."):
        assert listing(world.fs, handle, 0, limit=1)[0][0] == b"."
        assert listing(world.fs, handle, positions[name], limit=1)[0][0] == name
    listing(world.fs, handle, 0, limit=1)
    assert listing(world.fs, handle, 502) == []
    assert listing(world.fs, handle, 9999) == []


async def test_a_big_folder_is_not_read_as_a_whole(world, monkeypatch):
    for number in range(1000):
        world.fs.mknod(ROOT, b"%04d" % number, stat.S_IFREG | 0o644, 0, 1, 1)
    asked = []
    children = world.replica.children

    def counted(parent, after, limit):
        asked.append(limit)
        return children(parent, after, limit)

    monkeypatch.setattr(world.replica, "children", counted)
    handle = world.fs.folders.open(ROOT)
    listing(world.fs, handle, 0, limit=50)
    assert asked == [200]


async def test_the_group_of_a_setgid_folder_is_inherited(world):
    folder = world.fs.mkdir(ROOT, b"shared", 0o755, 1, 1)
    await world.fs.setattr(folder.ino, mode=0o2775, gid=77)
    below = world.fs.mkdir(folder.ino, b"below", 0o755, 5, 5)
    assert (below.uid, below.gid, below.mode) == (5, 77, 0o2755)
    handle, file = await world.fs.create(folder.ino, b"file", 0o644, os.O_WRONLY, 5, 5)
    assert (file.uid, file.gid, file.mode) == (5, 77, 0o644)
    world.fs.release(handle)
    plain = world.fs.mkdir(ROOT, b"plain", 0o755, 5, 5)
    assert (plain.gid, plain.mode) == (5, 0o755)


async def test_creating_what_is_there(world):
    ino = await world.create(b"file", b"content")
    with pytest.raises(FileExistsError):
        await world.fs.create(ROOT, b"file", 0o644, os.O_EXCL, 1, 1)
    handle, found = await world.fs.create(ROOT, b"file", 0o600, os.O_WRONLY | os.O_TRUNC, 1, 1)
    assert (found.ino, found.size, found.mode) == (ino, 0, 0o644)
    world.fs.release(handle)
    world.fs.mkdir(ROOT, b"folder", 0o755, 1, 1)
    with pytest.raises(FileExistsError):
        await world.fs.create(ROOT, b"folder", 0o644, os.O_WRONLY, 1, 1)


async def test_links_and_special_files(world):
    link = world.fs.symlink(ROOT, b"link", b"to/\xff", 1, 1)
    assert world.fs.readlink(link.ino) == b"to/\xff"
    assert (stat.S_ISLNK(link.st_mode), link.size) == (True, 4)
    assert world.fs.mknod(ROOT, b"device", stat.S_IFCHR | 0o600, DEVICE, 1, 1).rdev == DEVICE
    ino = await world.create(b"file")
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        world.fs.readlink(ino)


async def test_long_names_are_refused(world):
    uses: list[Callable[[], object]] = [
        lambda: world.fs.lookup(ROOT, b"n" * 256),
        lambda: world.fs.mkdir(ROOT, b"n" * 256, 0o755, 1, 1),
        lambda: world.fs.rename(ROOT, b"n", ROOT, b"n" * 256),
    ]
    for use in uses:
        with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
            use()
    world.fs.mkdir(ROOT, b"n" * 255, 0o755, 1, 1)


async def test_the_status_cannot_be_set_and_is_not_listed(world):
    ino = await world.create(b"file")
    assert world.fs.xattrs.get(ino, b"user.syncin.status") == b"changed"
    changes: list[Callable[[], object]] = [
        lambda: world.fs.xattrs.set(ino, b"user.syncin.status", b"x"),
        lambda: world.fs.xattrs.remove(ino, b"user.syncin.status"),
    ]
    for change in changes:
        with pytest.raises(PermissionError):
            change()
    world.fs.xattrs.set(ino, b"user.own", b"x")
    assert world.fs.xattrs.names(ino) == [b"user.own"]
    world.place("remote", b"x")
    remote = world.fs.lookup(ROOT, b"remote").ino
    assert world.fs.xattrs.get(remote, b"user.syncin.status") == b"absent"
    link = world.fs.symlink(ROOT, b"link", b"x", 1, 1)
    assert world.fs.xattrs.get(link.ino, b"user.syncin.status") == b"local only"


@pytest.mark.parametrize("name", [b".Trash", b".Trash-1000", b".Trash-0"])
async def test_no_program_makes_a_trash_at_the_top_of_the_drive(world, name):
    """It would be sent to the server, and come to every other computer."""
    folder = world.fs.mkdir(ROOT, b"folder", 0o755, 1, 1)
    await world.create(b"file", b"x")
    makes: list[Callable[[], object]] = [
        lambda: world.fs.mkdir(ROOT, name, 0o700, 1, 1),
        lambda: world.fs.mknod(ROOT, name, stat.S_IFREG | 0o600, 0, 1, 1),
        lambda: world.fs.symlink(ROOT, name, b"folder", 1, 1),
        lambda: world.fs.rename(ROOT, b"folder", ROOT, name),
        lambda: world.fs.rename(ROOT, b"file", ROOT, name),
    ]
    for make in makes:
        with pytest.raises(PermissionError) as refused:
            make()
        assert refused.value.errno == errno.EPERM
    with pytest.raises(FileNotFoundError):
        world.fs.lookup(ROOT, name)
    world.fs.mkdir(folder.ino, name, 0o700, 1, 1)  # elsewhere it is no trash
    for other in (name + b"x", b".Trash-", b"x" + name, name.lower()):
        world.fs.mkdir(ROOT, other, 0o700, 1, 1)


async def test_a_trash_that_others_made_is_a_folder_like_any_other(world):
    node = world.replica.new_id()
    world.replica.place_folder(node, Base(Kind.FOLDER, ROOT, ".Trash-1000", 0, 0, 70, 0))
    found = world.fs.lookup(ROOT, b".Trash-1000")
    await world.create(b"file", b"x", found.ino)
    with pytest.raises(FileExistsError):
        world.fs.mkdir(ROOT, b".Trash-1000", 0o700, 1, 1)
    world.fs.rename(ROOT, b".Trash-1000", ROOT, b"kept")
    assert world.fs.lookup(ROOT, b"kept").ino == found.ino
    with pytest.raises(PermissionError):
        world.fs.rename(ROOT, b"kept", ROOT, b".Trash-1000")
