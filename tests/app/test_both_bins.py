"""Both bins of a synchronization as one list, and what is brought back from either."""

from __future__ import annotations

import os

import pytest
import trio

from reconciler.errors import RemoteError
from reconciler.model import ROOT
from syncin_mount.app.drives import both_bins
from syncin_mount.app.drives.both_bins import BothBins
from syncin_mount.app.drives.unmounted import open_replica
from syncin_mount.app.errors import InvalidRequest
from syncin_mount.config import ConfigurationFile, Folders
from tests.cli.conftest import World
from tests.store.support import at, make


async def bins_with_one_each(world: World) -> BothBins:
    """'lost' lost a conflict here when it was imported, 'ours' was deleted here."""
    for name in ("lost", "ours", "c", "d", "e"):
        (world.disk / name).write_text(f"the server's {name}")
    world.drive.mkdir()
    (world.drive / "lost").write_text("older")
    os.utime(world.drive / "lost", (1_000_000_000, 1_000_000_000))
    await world.log_in()
    await world.add("--trash", "own", "--import", "--yes")
    await world.must("sync", "docs")
    folders = Folders(world.home, world.home / "state", world.home / "run", portable=True)
    with open_replica(folders, "docs") as replica:
        assert replica is not None
        replica.unlink(ROOT, b"ours")
    await world.must("sync", "docs")
    configuration = ConfigurationFile(folders).read()
    return BothBins(folders, configuration, configuration.synchronizations["docs"])


@pytest.mark.slow
async def test_both_are_listed_and_restored(world: World):
    bins = await bins_with_one_each(world)
    contents = await bins.contents()
    assert {each.path: each.where for each in contents.entries} == {
        "lost": "local",
        "ours": "server",
    }
    assert (contents.left_out, contents.not_told) == (0, None)
    assert [each.path for each in (await bins.contents(on_server=False)).entries] == ["lost"]
    assert [each.path for each in (await bins.contents(here=False)).entries] == ["ours"]
    assert (await bins.contents(before=0.0)).entries == ()
    for each in contents.entries:
        back = await bins.restore(each.entry)
        assert back.on_server is (each.where == "server")
        assert back.path.startswith(each.path), "what won has its place"
    assert (world.disk / "ours").read_text() == "the server's ours"
    assert (await bins.contents()).entries == ()


@pytest.mark.slow
async def test_they_are_emptied_for_good(world: World):
    bins = await bins_with_one_each(world)
    told: list[int] = []
    assert await bins.empty((await bins.contents()).entries, told.append) == 2
    assert told == [1, 2]
    assert (await bins.contents()).entries == ()


@pytest.mark.slow
async def test_an_emptying_that_is_stopped_leaves_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(both_bins, "AT_ONCE", 1)
    bins = await bins_with_one_each(world)
    with open_replica(bins.folders, "docs") as replica:
        assert replica is not None
        for name in ("x", "y", "z"):
            make(replica, name, data=b"x")
            replica.delete_local(at(replica, name), keep=True, why="deleted")
    entries = (await bins.contents()).entries
    with trio.CancelScope() as scope:

        def told(handled: int) -> None:
            if handled == 2:
                scope.cancel()

        await bins.empty(entries, told)
    assert scope.cancelled_caught
    assert len((await bins.contents()).entries) == len(entries) - 2


async def test_a_server_that_is_away_hides_nothing_that_is_here(world: World):
    bins = await bins_with_one_each(world)
    await world.stop()
    contents = await bins.contents()
    assert [each.path for each in contents.entries] == ["lost"]
    assert isinstance(contents.not_told, RemoteError)
    with pytest.raises(RemoteError):
        await bins.contents(here=False)


@pytest.mark.slow
@pytest.mark.parametrize("entry", ["server:", "server:..", "server:a/../../b"])
async def test_nothing_outside_the_folder_is_restored(world: World, entry: str):
    bins = await bins_with_one_each(world)
    with pytest.raises(InvalidRequest, match="is no entry of the server's trash"):
        await bins.restore(entry)
