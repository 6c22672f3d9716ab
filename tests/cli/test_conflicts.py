"""`conflicts`: which there were, what lost and where it is; acknowledged, and turned round."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from syncin_mount.store import Replica
from tests.cli.conftest import LIMIT, World
from tests.cli.test_bin import listed, lose, start

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

DOC = "papers/doc.txt"


async def count(world: World) -> int:
    return int((await world.json("status", "docs"))[0]["conflicts"])


@pytest.mark.parametrize("mounted", [True, False])
async def test_a_conflict_is_listed_acknowledged_and_counted(world: World, mounted: bool):
    await start(world)
    assert "no conflicts" in await world.must("conflicts", "docs")
    await lose(world)
    if not mounted:
        await world.must("umount", "docs")
    (entry,) = await world.json("conflicts", "docs")
    assert (entry["path"], entry["lost"], entry["kept"]) == (DOC, "local", "local")
    assert "edited on both sides: the server's version wins" in entry["why"]
    (kept,) = (await listed(world, "--local")).values()
    assert entry["entry"] == kept["entry"]
    assert await count(world) == 1
    if mounted:
        assert "1 conflict; what lost is kept: syncin-mount conflicts docs" in await world.must(
            "status"
        )
    said = await world.must("conflicts", "docs")
    assert f"in the bin as {kept['entry']}" in said
    assert "no conflict at 'other'" in await world.refused(
        "conflicts", "docs", "--acknowledge", "other", status=1
    )
    assert await world.must("conflicts", "docs", "--acknowledge", "papers") == (
        "docs: 1 conflict acknowledged\n"
    )
    assert await count(world) == 0
    assert await world.json("conflicts", "docs") == []
    (entry,) = await world.json("conflicts", "docs", "--all")
    assert entry["acknowledged"] is True


@pytest.mark.parametrize("mounted", [True, False])
async def test_a_conflict_is_turned_round_and_neither_version_is_lost(world: World, mounted: bool):
    await start(world)
    await lose(world)
    reader = (world.drive / DOC).open("rb")
    with reader:
        if not mounted:
            reader.close()
            await world.must("umount", "docs")
        said = await world.must("conflicts", "docs", "--swap", DOC)
        assert said == f"'{DOC}' is the version that had lost; the other is in the bin\n"
        if mounted:
            assert await world.read(DOC) == "edited here"
            assert reader.read() == b"edited there"  # who has it open keeps it
    await world.must("sync", "docs")
    assert (world.disk / DOC).read_text() == "edited here"
    assert [each.name for each in world.disk.rglob("*.txt")] == ["doc.txt"]
    (kept,) = (await listed(world, "--local")).values()
    assert "turned round" in kept["why"]
    assert await count(world) == 0
    await world.must("bin", "restore", "docs", kept["entry"], "--to", "won.txt")
    if not mounted:
        await world.must("mount", "docs")
    assert await world.read("won.txt") == "edited there"


@pytest.mark.parametrize("mounted", [True, False])
async def test_both_versions_are_compared_kept_and_undone(world: World, mounted: bool):
    await start(world)
    await lose(world)
    if not mounted:
        await world.must("umount", "docs")
    said = await world.must("conflicts", "docs", "--compare", DOC)
    assert "    1 - edited there" in said
    assert "    1 + edited here" in said
    [entry] = await world.json("conflicts", "docs")
    found = await world.json("conflicts", "docs", "--compare", str(entry["number"]))
    assert found["kind"] == "text"
    assert (found["versions"]["named"]["side"], found["versions"]["other"]["side"]) == (
        "remote",
        "local",
    )
    said = await world.must("conflicts", "docs", "--keep-both", DOC)
    assert said.startswith(f"'{DOC}' stays; what had lost is back as 'papers/doc (restored ")
    assert "(both kept)" in await world.must("conflicts", "docs", "--all")
    assert await count(world) == 0
    assert "counted as a conflict again" in await world.must("conflicts", "docs", "--undo", DOC)
    assert await count(world) == 1
    await world.must("sync", "docs")
    assert [each.name for each in world.disk.rglob("*.txt")] == ["doc.txt"]
    await world.must("conflicts", "docs", "--acknowledge", str(entry["number"]))
    assert await count(world) == 0


@pytest.mark.parametrize("mounted", [True, False])
async def test_a_swap_is_undone_on_both_sides(world: World, mounted: bool):
    await start(world)
    await lose(world)
    if not mounted:
        await world.must("umount", "docs")
    await world.must("conflicts", "docs", "--swap", DOC)
    await world.must("sync", "docs")
    assert (world.disk / DOC).read_text() == "edited here"
    await world.must("conflicts", "docs", "--undo", DOC)
    if mounted:
        assert await world.read(DOC) == "edited there"
    await world.must("sync", "docs")
    assert (world.disk / DOC).read_text() == "edited there"
    (kept,) = (await listed(world, "--local")).values()
    assert kept["why"].startswith("undone:")


async def test_what_lost_on_the_server_is_told_to_be_in_its_trash(world: World):
    await start(world, "--conflict", "local")
    await world.stop()
    (world.drive / DOC).write_text("edited here")
    (world.disk / DOC).write_text("edited there, and longer")
    await world.start()
    await world.must("sync", "docs")
    (entry,) = await world.json("conflicts", "docs")
    assert (entry["lost"], entry["kept"], entry["entry"]) == ("remote", "server", None)
    assert "in the server's trash" in await world.must("conflicts", "docs")
    assert "the server's trash" in await world.refused("conflicts", "docs", "--swap", DOC, status=1)
    assert await world.read(DOC) == "edited here"


async def test_a_deletion_that_won_is_turned_round(world: World):
    await start(world, "--conflict", "remote")
    await world.stop()
    (world.drive / DOC).write_text("edited here")
    (world.disk / DOC).unlink()
    await world.start()
    await world.must("sync", "docs")
    assert not (world.drive / DOC).exists()
    (entry,) = await world.json("conflicts", "docs")
    assert (entry["lost"], entry["kept"]) == ("local", "local")
    await world.must("conflicts", "docs", "--swap", DOC)
    assert await world.read(DOC) == "edited here"


async def test_what_cannot_be_said_is_refused(world: World):
    await start(world)
    for words in (
        *(("--swap",), ("--acknowledge",), ("a",), ("--swap", "--acknowledge", "a")),
        *(("--undo",), ("--compare", "a", "b"), ("--keep-both", "--all", "a")),
    ):
        await world.refused("conflicts", "docs", *words, status=2)
    said = await world.refused("conflicts", "docs", "--swap", DOC, status=1)
    assert said == f"there was no conflict at '{DOC}'"


KILLED = """
import os, sys, trio
from syncin_mount.app.drives.unmounted import UnmountedDrive
from syncin_mount.cli.ui import lookup
from syncin_mount.control.conflict_messages import ConflictRequest
from syncin_mount.store.journal.log import Journal

at, append = int(sys.argv[1]), Journal.append
done = 0

def counted(self, *words, **more):
    global done
    if done == at:
        os._exit(9)
    done += 1
    return append(self, *words, **more)

folders, configuration = lookup.load()
drive = UnmountedDrive(folders, configuration, configuration.synchronizations["docs"])
Journal.append = counted
trio.run(getattr(drive, sys.argv[2]), ConflictRequest("papers/doc.txt"))
print(done)
"""


@pytest.mark.parametrize(
    ("first", "then"),
    [(None, "swap"), ("--swap", "undo"), (None, "keep_both"), ("--keep-both", "undo")],
)
async def test_a_kill_at_any_event_loses_neither_version(
    world: World, tmp_path: Path, first: str | None, then: str
):
    """The process ends at each record of the journal that choosing makes."""
    await start(world)
    await lose(world)
    if first is not None:
        await world.must("conflicts", "docs", first, DOC)
    await world.must("umount", "docs")
    home = tmp_path / "saved"
    shutil.copytree(world.home, home, symlinks=True, ignore=_no_sockets)
    events = 0
    while await trio.to_thread.run_sync(killed, world.home, home, then, events):
        events += 1
    assert events >= (1 if then == "keep_both" else 2)


def killed(home: Path, saved: Path, what: str, events: int) -> bool:
    """Chooses in a process that ends at the event of that number, and looks for both
    versions. False when there is no such event."""
    shutil.rmtree(home)
    shutil.copytree(saved, home, symlinks=True)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(events), what],
        env={**os.environ, "SYNCIN_MOUNT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode in {0, 9}, done.stderr
    replica = Replica.open(home / "state/replicas/docs")
    replica.close()  # recovered, and its effects are done
    found = {
        path.read_text()
        for folder in ("objects", "bin")
        for path in (home / "state/replicas/docs" / folder).rglob("*")
        if path.is_file() and path.stat().st_size < 100
    }
    assert {"edited here", "edited there"} <= found, events
    return done.returncode == 9


def _no_sockets(folder: str, names: list[str]) -> list[str]:
    return [each for each in names if (Path(folder) / each).is_socket()]
