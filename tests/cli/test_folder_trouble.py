"""Changes that wait while the server's folder is deleted, renamed, unshared or made read-only:
nothing is lost, one sentence says it, and its way out works."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.cli.conftest import World

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

ONLY_HERE = "months of work"


def team(world: World) -> Path:
    return world.base / "data/spaces/team/files"


async def waiting(world: World, remote: str, folder: Path) -> None:
    """A mounted drive of the folder, with a file on both sides and a change that waits; the server
    is away."""
    folder.mkdir(parents=True, exist_ok=True)
    await world.log_in()
    words = ("--server", "home", "--remote", remote, "--mountpoint", str(world.drive))
    await world.must("add", "docs", *words)
    await world.must("mount", "docs")
    (world.drive / "common").write_text("common")
    await world.must("sync", "docs")
    await world.stop()
    (world.drive / "only here").write_text(ONLY_HERE)


def still_here(world: World) -> None:
    assert (world.drive / "only here").read_text() == ONLY_HERE
    assert (world.drive / "common").read_text() == "common"


async def test_deleted(world: World):
    await waiting(world, "personal/docs", world.disk)
    aside = world.base / "trash"
    world.disk.rename(aside)
    await world.start()
    said = await world.refused("sync", "docs", status=4)
    assert "the folder “personal/docs” is not on the server any more. Restore it there" in said
    still_here(world)
    (told,) = await world.json("status", "docs")
    assert told["online"] is True, "it is the server that says so"
    assert not world.disk.exists()
    aside.rename(world.disk)
    await world.must("sync", "docs")
    assert (world.disk / "only here").read_text() == ONLY_HERE


async def test_deleted_for_good(world: World):
    await waiting(world, "personal/docs", world.disk)
    world.disk.rename(world.base / "trash")
    await world.start()
    await world.refused("sync", "docs", status=4)
    await world.must("umount", "docs")
    kept = world.base / "kept"
    await world.must("remove", "docs", "--keep-copy", str(kept))
    assert (kept / "only here").read_text() == ONLY_HERE
    assert (kept / "common").read_text() == "common"


async def test_renamed(world: World):
    await waiting(world, "personal/docs", world.disk)
    new = world.disk.with_name("papers")
    os.rename(world.disk, new)
    world.dev.store.moved(("users/user1", "docs", False), ("users/user1", "papers", False))
    await world.start()
    await world.must("sync", "docs")
    assert (new / "only here").read_text() == ONLY_HERE
    assert not world.disk.exists()
    assert (await world.json("show", "docs"))["remote"] == "personal/papers"


async def test_unshared(world: World):
    await waiting(world, "spaces/team/docs", team(world) / "docs")
    space = world.dev.store.space("team")
    assert space is not None
    members, space.members = space.members, {}
    await world.start()
    done = await world.run("sync", "docs")
    assert done.status in {4, 5}, done
    assert len(done.error.splitlines()) == 1, done
    assert "spaces/team/docs" in done.error
    still_here(world)
    space.members = members
    await world.must("sync", "docs")
    assert (team(world) / "docs/only here").read_text() == ONLY_HERE
    still_here(world)


async def test_made_read_only(world: World):
    await waiting(world, "spaces/team/docs", team(world) / "docs")
    space = world.dev.store.space("team")
    assert space is not None
    members, space.members = space.members, {"user1": ""}
    await world.start()
    said = await world.refused("sync", "docs", status=4)
    assert "1 change that waits" in said
    still_here(world)
    assert not (team(world) / "docs/only here").exists()
    space.members = members
    await world.must("sync", "docs")
    assert (team(world) / "docs/only here").read_text() == ONLY_HERE


async def test_made_read_only_and_followed(world: World):
    await waiting(world, "spaces/team/docs", team(world) / "docs")
    space = world.dev.store.space("team")
    assert space is not None
    space.members = {"user1": ""}
    await world.start()
    await world.refused("sync", "docs", status=4)
    await world.must("sync", "docs", "--yes")
    assert not (world.drive / "only here").exists()
    [entry] = await world.json("bin", "list", "docs")
    assert entry["path"] == "only here"
    await world.must("sync", "docs")


@pytest.mark.usefixtures("mounts")
async def test_rights_that_come_back_need_no_other_mount(world: World):
    """Mounted while it could only be read, it once stayed so for the kernel until it was mounted
    anew."""
    await world.log_in()
    (team(world) / "docs").mkdir()
    (team(world) / "docs/there").write_text("there")
    space = world.dev.store.space("team")
    assert space is not None
    members, space.members = space.members, {"user1": ""}
    words = ("--server", "home", "--remote", "spaces/team/docs", "--mountpoint", str(world.drive))
    await world.must("add", "docs", *words)
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
        (world.drive / "new").write_text("x")
    for _ in range(2):
        space.members = members
        await world.must("sync", "docs")
        (world.drive / "new").write_text("x")
        await world.must("sync", "docs")
        space.members = {"user1": ""}
        await world.must("sync", "docs")
        with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
            (world.drive / "new").unlink()
    space.members = {}
    await world.refused("sync", "docs", status=4)
    space.members = members
    await world.must("sync", "docs")
    (world.drive / "new").write_text("again")
    await world.must("sync", "docs")
    assert (team(world) / "docs/new").read_text() == "again"
