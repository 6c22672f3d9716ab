"""Mode, owner and extended attributes, which are on this computer alone, stay with what others
change on the server."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.engine.world import Device, World

SCRIPT = b"#!/bin/sh\necho one\n"
EDITED = b"#!/bin/sh\necho one\necho two\n"
MODE = 0o750


def _put_anew(world: World, path: str, content: bytes) -> None:
    """As an upload does: another file, another inode, in one step."""
    beside = world.disk / (path + ".beside")
    beside.write_bytes(content)
    os.replace(beside, world.disk / path)


def _renamed_and_edited(world: World) -> str:
    os.rename(world.disk / "bin/run.sh", world.disk / "bin/start.sh")
    _put_anew(world, "bin/start.sh", EDITED)
    return "bin/start.sh"


def _moved_and_edited(world: World) -> str:
    os.rename(world.disk / "bin/run.sh", world.disk / "tools/run.sh")
    _put_anew(world, "tools/run.sh", EDITED)
    return "tools/run.sh"


def _edited(world: World) -> str:
    _put_anew(world, "bin/run.sh", EDITED)
    return "bin/run.sh"


def _deleted_and_made_anew(world: World) -> str:
    (world.disk / "bin/run.sh").unlink()
    (world.disk / "other").write_bytes(b"takes the inode")
    (world.disk / "bin/run.sh").write_bytes(EDITED)
    return "bin/run.sh"


def _saved_with_a_backup_that_stays(world: World) -> str:
    os.rename(world.disk / "bin/run.sh", world.disk / "bin/run.sh~")
    (world.disk / "bin/run.sh").write_bytes(EDITED)
    return "bin/run.sh"


def _folder_made_anew(world: World) -> str:
    os.rename(world.disk / "bin", world.disk / "old")
    (world.disk / "scripts").mkdir()
    (world.disk / "scripts/bin").mkdir()
    (world.disk / "scripts/bin/run.sh").write_bytes(EDITED)
    (world.disk / "scripts/bin/notes.txt").write_bytes(b"notes")
    for name in ("run.sh", "notes.txt"):
        (world.disk / "old" / name).unlink()
    (world.disk / "old").rmdir()
    return "scripts/bin/run.sh"


async def _script(world: World) -> Device:
    device = await world.device()
    device.mkdir("bin")
    device.mkdir("tools")
    node = device.write("bin/run.sh", SCRIPT)
    device.write("bin/notes.txt", b"notes")
    device.replica.set_attr(node, mode=MODE, uid=1234, gid=2345)
    device.replica.set_xattr(node, b"user.origin", b"here")
    device.replica.set_xattr(node, b"user.comment", b"\x00\xff")
    await device.sync()
    return device


@pytest.mark.parametrize(
    "change",
    [
        _renamed_and_edited,
        _moved_and_edited,
        _edited,
        _deleted_and_made_anew,
        _saved_with_a_backup_that_stays,
        _folder_made_anew,
    ],
)
async def test_a_script_stays_executable_whatever_others_do_with_it(
    world: World, change: Callable[[World], str]
) -> None:
    device = await _script(world)
    path = change(world)
    report = await device.sync()
    assert not report.conflicts
    assert device.read(path) == EDITED
    node = device.node(path)
    attr = device.replica.attr(node)
    assert attr is not None
    assert (attr.mode & 0o7777, attr.uid, attr.gid) == (MODE, 1234, 2345)
    found = {
        name: device.replica.get_xattr(node, name) for name in device.replica.list_xattrs(node)
    }
    assert found == {b"user.origin": b"here", b"user.comment": b"\x00\xff"}
    assert world.on_disk() == device.tree()
    assert not list(device.replica.dirty())


async def test_a_wrong_guess_costs_nothing(world: World) -> None:
    """One script was deleted there, and another one made, while the first was edited here: both are
    there in the end, and nothing is in conflict that was not."""
    device = await _script(world)
    (world.disk / "bin/run.sh").unlink()
    (world.disk / "bin/install.sh").write_bytes(b"something else")
    device.write("bin/run.sh", b"edited here")
    report = await device.sync()
    await device.sync()
    assert report.conflicts == 1, "edited here, deleted there"
    assert world.on_disk() == device.tree()
    assert device.read("bin/run.sh") == b"edited here"
    assert device.read("bin/install.sh") == b"something else"
    attr = device.replica.attr(device.node("bin/run.sh"))
    assert attr is not None
    assert attr.mode & 0o7777 == MODE
