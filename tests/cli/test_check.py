"""`check` and `check --repair`, as people use them: a drive whose local copy was damaged is whole
again."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import pytest
import trio

from tests.cli.conftest import World


def index(world: World) -> Path:
    return world.home / "state" / "replicas" / "docs" / "index" / "data.mdb"


async def test_nothing_was_synchronized_yet(world: World) -> None:
    await world.log_in()
    await world.add()
    assert (
        await world.must("check", "docs")
        == "nothing was synchronized yet: there is no local copy\n"
    )
    assert "no synchronization" in await world.refused("check", "unknown")


async def test_a_damaged_local_copy_is_repaired(world: World) -> None:
    for number in range(30):
        (world.disk / f"file {number}").write_text(f"content {number}")
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    assert await world.must("check", "docs") == "all is in order\n"
    assert await world.must("check", "docs", "--repair") == "all was in order\n"
    before = {path.name: path.read_text() for path in world.disk.iterdir()}

    os.truncate(index(world), index(world).stat().st_size // 2)
    for words in (("sync", "docs"), ("status", "docs")):
        said = await world.refused(*words, status=1)
        assert "nothing was changed: 'syncin-mount check docs --repair' saves what is there" in said
    done = await world.run("check", "docs")
    assert done.status == 1
    assert "the index is damaged: " in done.out
    assert "keeps all contents: syncin-mount check docs --repair" in done.error

    said = await world.must("check", "docs", "--repair")
    assert "repaired; the damaged files are in " in said
    assert said.endswith("the next synchronization unites both sides and deletes nothing\n")
    assert (await world.json("check", "docs"))["found"] == []
    await world.must("sync", "docs")
    assert {path.name: path.read_text() for path in world.disk.iterdir()} == before
    assert not [
        each
        for each in world.dev.requests
        if each.method == "DELETE" and "/operation/" in each.path
    ]
    assert await world.must("check", "docs") == "all is in order\n"


@pytest.mark.usefixtures("mounts")
async def test_a_mounted_drive_is_left_alone(world: World) -> None:
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    for words in (("check", "docs"), ("check", "docs", "--repair")):
        assert (
            await world.refused(*words, status=1)
            == "'docs' is mounted, so its local copy is in use; unmount it first: syncin-mount"
            " umount docs"
        )
    (world.drive / "unsent").write_text("only here")
    await world.must("umount", "docs")
    assert await world.must("check", "docs") == "all is in order\n"

    os.truncate(index(world), 0)
    assert "saves what is there" in await world.refused("mount", "docs", status=1)
    await world.must("check", "docs", "--repair")
    await world.must("mount", "docs")
    kept = [
        path
        for path in (world.home / "state" / "replicas" / "docs" / "bin").rglob("*")
        if path.is_file()
    ]
    assert "only here" in [path.read_text() for path in kept]


def objects(world: World) -> list[Path]:
    return [
        path
        for path in (world.home / "state" / "replicas" / "docs" / "objects").rglob("*-*")
        if path.is_file()
    ]


def flip(path: Path, at: int = 7) -> None:
    """A bit of the content becomes another one, and nothing else shows it."""
    data, before = bytearray(path.read_bytes()), path.stat()
    data[at] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def change_parts(drive: Path) -> None:
    with (drive / "appended").open("a") as file:
        file.write("!")
    os.truncate(drive / "truncated", 20)
    with (drive / "mapped").open("r+b") as whole, mmap.mmap(whole.fileno(), 0) as mapped:
        mapped[0:4] = b"WHAT"


@pytest.mark.usefixtures("mounts")
async def test_an_append_to_a_rotten_file_sends_what_was_saved(world: World) -> None:
    """Through the kernel: it finds the other inode by itself."""
    for name in ("appended", "truncated", "mapped", "read"):
        (world.disk / name).write_text(f"what was saved as {name}, and a few words more")
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    for path in objects(world):
        flip(path)
    found = await world.run("check", "docs", "--contents")
    assert found.status == 1
    assert found.out.count("its content changed on the disk by itself; the server has it") == 4
    await world.must("mount", "docs")
    await trio.to_thread.run_sync(change_parts, world.drive)  # the server answers meanwhile
    await world.must("sync", "docs", "--wait")
    assert (
        world.disk / "appended"
    ).read_text() == "what was saved as appended, and a few words more!"
    assert (world.disk / "truncated").read_text() == "what was saved as tr"
    assert (world.disk / "mapped").read_text() == "WHAT was saved as mapped, and a few words more"
    await world.must("umount", "docs")
    said = await world.must("check", "docs", "--contents", "--repair")
    assert said == "read: it changed on the disk by itself; the server's version comes back\n"
    await world.must("sync", "docs")
    assert await world.must("check", "docs", "--contents") == "all is in order\n"
    assert (world.disk / "read").read_text() == "what was saved as read, and a few words more"
