"""`bin`: what lost or was deleted comes back from here and from the server, and nothing is ever
overwritten."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import trio

from syncin_mount.devserver import Delay, Rule
from tests.cli.conftest import LIMIT, World, seconds, until

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

TODAY = time.strftime("%Y-%m-%d")


async def listed(world: World, *words: str) -> dict[str, dict[str, Any]]:
    """By where and path."""
    rows = await world.json("bin", "list", "docs", *words)
    return {f"{row['where']} {row['path']}": row for row in rows}


async def start(world: World, *options: str) -> None:
    """A mounted drive with a folder and a document, which both sides have."""
    await world.log_in()
    await world.add(*options)
    await world.must("mount", "docs")
    (world.drive / "papers").mkdir()
    (world.drive / "papers/doc.txt").write_text("common")
    await world.must("sync", "docs")


async def lose(world: World) -> None:
    """The document is edited on both sides; the server's version is the more recent one."""
    await world.stop()
    (world.drive / "papers/doc.txt").write_text("edited here")
    (world.disk / "papers/doc.txt").write_text("edited there")
    os.utime(world.disk / "papers/doc.txt", (4_000_000_000, 4_000_000_000))
    await world.start()
    await world.must("sync", "docs")
    assert await world.read("papers/doc.txt") == "edited there"


@pytest.mark.parametrize("mounted", [True, False])
async def test_what_lost_here_comes_back_beside_what_won(world: World, mounted: bool):
    await start(world)
    await lose(world)
    if not mounted:
        await world.must("umount", "docs")
    (entry,) = (await listed(world, "--local")).values()
    assert (entry["path"], entry["size"], entry["folder"]) == ("papers/doc.txt", 11, False)
    assert "edited on both sides" in entry["why"]
    assert abs(seconds(entry["time"]) - time.time()) < 100
    said = await world.refused(
        "bin", "restore", "docs", entry["entry"], "--to", "papers/doc.txt", status=1
    )
    assert (
        said
        == "'papers/doc.txt' is there already, and nothing is overwritten; give another place, or"
        " none"
    )
    name = f"papers/doc (restored {TODAY}).txt"
    assert await world.must("bin", "restore", "docs", entry["entry"]) == f"{name} is back\n"
    assert await listed(world, "--local") == {}
    said = await world.refused("bin", "restore", "docs", entry["entry"], status=1)
    assert said == f"the bin has no entry '{entry['entry']}'; look with: syncin-mount bin list docs"
    if not mounted:
        assert [row["path"] for row in await world.json("journal", "docs")] == [name]
        await world.must("mount", "docs")
    assert await world.read(name) == "edited here"
    assert await world.read("papers/doc.txt") == "edited there"
    await world.must("sync", "docs")
    assert (world.disk / name).read_text() == "edited here"


async def test_a_folder_deleted_elsewhere_comes_back_with_the_folders_above_it(world: World):
    await start(world)
    (world.drive / "papers/old").mkdir()
    for number in range(300):  # more than one commit does at a time
        (world.drive / f"papers/old/{number}").write_text(str(number))
    await world.must("sync", "docs")
    await world.stop()
    (world.drive / "papers/old/7").write_text("edited")
    os.utime(world.drive / "papers/old/7", (1, 1))
    await world.start()
    await world.must("umount", "docs")
    await world.must("edit", "docs", "--conflict", "remote")
    os.rename(world.disk / "papers", world.base / "gone")
    done = await world.run("sync", "docs", "--yes")
    assert done.status == 0, done
    await world.must("mount", "docs")
    assert not (world.drive / "papers").exists()
    found = await listed(world, "--local")
    entry = found["local papers"]
    assert entry["folder"]
    assert entry["files"] >= 1
    assert list(world.drive.iterdir()) == []
    await world.must("bin", "restore", "docs", entry["entry"], "--to", "a/b/c")
    assert await world.read("a/b/c/old/7") == "edited"
    await world.must("sync", "docs")
    assert (world.disk / "a/b/c/old/7").read_text() == "edited"


async def test_the_desktop_s_trash_is_part_of_the_bin(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    trash = tmp_path / "xdg/Trash"
    await start(world, "--trash", "desktop")
    await lose(world)

    async def there() -> bool:
        return "trash papers/doc.txt" in await listed(world, "--local")

    await until(there, "the loser in the desktop's trash")
    (trash / "files/other").write_text("somebody else's")
    (trash / "info/other.trashinfo").write_text(
        f"[Trash Info]\nPath={world.drive}/other\nDeletionDate=2026-01-01T00:00:00\n"
    )
    (entry,) = (await listed(world, "--local")).values()
    assert (entry["entry"], entry["size"], entry["where"]) == ("trash:doc.txt", 11, "trash")
    assert "edited on both sides" in entry["why"]
    (world.drive / "papers/doc.txt").unlink()
    assert await world.must("bin", "restore", "docs", "trash:doc.txt") == "papers/doc.txt is back\n"
    assert await world.read("papers/doc.txt") == "edited here"
    assert sorted(os.listdir(trash / "files")) == ["other"]
    assert sorted(os.listdir(trash / "info")) == ["other.trashinfo"]
    await world.must("sync", "docs")
    await lose(world)
    await until(there, "the loser in the desktop's trash")
    await world.must("umount", "docs")
    name = f"papers/doc (restored {TODAY}).txt"
    assert await world.must("bin", "restore", "docs", "trash:doc.txt") == f"{name} is back\n"
    await world.must("sync", "docs")
    assert (world.disk / name).read_text() == "edited here"


async def test_the_desktop_s_trash_is_emptied_of_our_own_alone(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    await start(world, "--trash", "desktop")
    await lose(world)

    async def there() -> bool:
        return "trash papers/doc.txt" in await listed(world, "--local")

    await until(there, "the loser in the desktop's trash")
    other = tmp_path / "xdg/Trash/files/other"
    other.write_text("somebody else's")
    (tmp_path / "xdg/Trash/info/other.trashinfo").write_text(
        "[Trash Info]\nPath=/x\nDeletionDate=2026-01-01T00:00:00\n"
    )
    assert (
        await world.must("bin", "empty", "docs", "--local", "--yes")
        == "docs: 1 entry removed for good\n"
    )
    assert os.listdir(tmp_path / "xdg/Trash/files") == ["other"]


@pytest.mark.parametrize("mounted", [True, False])
async def test_the_server_s_trash_gives_back_what_came_from_this_folder(
    world: World, mounted: bool
):
    (world.dev.files_of("user1") / "elsewhere").mkdir()
    await start(world)
    (world.drive / "papers/.hidden").write_text("dot")
    (world.drive / "tree/deep").mkdir(parents=True)
    (world.drive / "tree/deep/leaf.txt").write_text("leaf")
    (world.drive / "hollow").mkdir()
    await world.must("sync", "docs")
    (world.drive / "papers/doc.txt").unlink()
    await world.must("sync", "docs")
    (world.drive / "papers/doc.txt").write_text("the second one")
    await world.must("sync", "docs")
    for name in ("papers/doc.txt", "papers/.hidden", "tree/deep/leaf.txt"):
        (world.drive / name).unlink()
    for name in ("tree/deep", "tree", "hollow"):
        (world.drive / name).rmdir()
    await world.must("sync", "docs")
    (world.drive / "papers/doc.txt").write_text("the third one")
    await world.must("sync", "docs")
    trash = world.dev.trash_of("user1")
    (trash / "other.txt").write_text("from elsewhere")
    if not mounted:
        await world.must("umount", "docs")
    rows = await world.json("bin", "list", "docs", "--server")
    assert sorted((row["path"], row["size"], row["why"]) for row in rows) == [
        ("hollow", 0, "deleted"),
        ("papers/.hidden", 3, "deleted"),
        ("papers/doc.txt", 6, "replaced by a newer version"),
        ("papers/doc.txt", 14, "replaced by a newer version"),
        ("tree/deep/leaf.txt", 4, "deleted"),
    ]
    name = f"papers/doc (restored {TODAY}).txt"
    (first,) = (row["entry"] for row in rows if row["size"] == 6)
    assert "papers/doc-" in first
    assert (await world.must("bin", "restore", "docs", first)).startswith(
        f"{name} is back on the server"
    )
    assert (await world.must("bin", "restore", "docs", "server:tree")).startswith(
        "tree is back on the server"
    )
    assert (world.disk / name).read_text() == "common"
    assert (world.disk / "tree/deep/leaf.txt").read_text() == "leaf"
    said = await world.refused(
        "bin", "restore", "docs", "server:papers/doc.txt", "--to", name, status=1
    )
    assert said.startswith(f"'{name}' is there already, and nothing is overwritten")
    await world.must("bin", "restore", "docs", "server:papers/doc.txt", "--to", "tree")
    assert (world.disk / "tree/doc.txt").read_text() == "the second one"
    said = await world.refused("bin", "restore", "docs", "server:papers/doc.txt", status=1)
    assert said == "the server's trash has no 'papers/doc.txt' from this folder"
    await world.must("sync", "docs")
    assert (
        await world.must("bin", "empty", "docs", "--server", "--yes")
        == "docs: 2 entries removed for good\n"
    )
    assert await listed(world, "--server") == {}
    assert sorted(os.listdir(trash)) in (["docs", "other.txt"], ["other.txt"])
    assert (world.disk / "papers/doc.txt").read_text() == "the third one"


async def test_only_what_is_old_is_removed_and_never_without_being_asked(world: World):
    await start(world)
    await lose(world)
    for name in ("young", "old"):
        (world.disk / name).write_text(name)
    await world.must("sync", "docs")
    for name in ("young", "old"):
        (world.drive / name).unlink()
    await world.must("sync", "docs")
    said = await world.refused("bin", "empty", "docs")
    assert (
        said
        == "docs: 1 entry of the bin on this computer (11 B) and 2 entries of the server's trash (8"
        " B) would be gone for good; if that is meant, say --yes"
    )
    assert (
        await world.must("bin", "empty", "docs", "--yes", "--older-than", "1h")
        == "docs: 0 entries removed for good\n"
    )
    said = await world.refused("bin", "empty", "docs", "--older-than", "old")
    assert said == "'old' is no length of time; give it as 15m, 2h or 30d"
    assert (
        await world.must("bin", "empty", "docs", "server:old", "--yes")
        == "docs: 1 entry removed for good\n"
    )
    assert set(await listed(world)) == {"local papers/doc.txt", "server young"}
    assert await world.must("bin", "empty", "docs", "--yes") == "docs: 2 entries removed for good\n"
    assert await world.must("bin", "docs") == "the bins are empty\n"
    await world.refused("bin", "empty", "docs", "server:old", "--yes", status=1)


async def test_without_the_server_the_bin_on_this_computer_is_shown_all_the_same(world: World):
    await start(world)
    await lose(world)
    await world.stop()
    done = await world.run("bin", "docs")
    assert "papers/doc.txt" in done.out
    assert done.status == 3
    assert done.error.startswith("syncin-mount: ")
    assert (await world.run("bin", "list", "docs", "--local")).status == 0


async def test_nothing_is_put_into_a_drive_that_only_follows(world: World):
    await start(world)
    await lose(world)
    await world.must("umount", "docs")
    await world.must("edit", "docs", "--direction", "download")
    (entry,) = (await listed(world, "--local")).values()
    said = await world.refused("bin", "restore", "docs", entry["entry"], status=1)
    assert (
        said
        == "'docs' only follows the server, so nothing can be put into it; copy what you need from"
        " the bin"
    )


async def test_emptying_says_how_far_it_came_when_it_is_stopped(world: World):
    await start(world)
    for number in range(45):
        (world.drive / f"papers/{number}").write_text("x")
    await world.must("sync", "docs")
    for number in range(45):
        (world.drive / f"papers/{number}").unlink()
    await world.must("sync", "docs", "--yes")
    assert len(await listed(world, "--server")) == 45
    world.dev.faults.add(Rule(Delay(0.05), method="DELETE"))
    started: list[subprocess.Popen[str]] = []
    ended: list[tuple[int, str]] = []

    def run() -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "syncin_mount", "bin", "empty", "docs", "--server", "--yes"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SYNCIN_MOUNT_HOME": str(world.home)},
        )
        started.append(process)
        _, said = process.communicate(timeout=LIMIT)
        ended.append((process.returncode, said))

    async def some_are_gone() -> bool:
        left = [path for path in world.dev.trash_of("user1").rglob("*") if path.is_file()]
        return len(left) <= 20

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, run)
        await until(some_are_gone, "more than half of it gone")
        started[0].send_signal(signal.SIGINT)
    status, said = ended[0]
    assert status == 130, said
    assert re.fullmatch(
        "syncin-mount: stopped after (20|40) of 45 entries; the others are still there\n", said
    )
    left = len(await listed(world, "--server"))
    assert 0 < left <= 25
