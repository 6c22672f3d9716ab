"""The settings `local` and `remote`: that side wins where both changed, the loser lies in a bin,
and where one side alone changed, its change is kept whatever the setting says."""

from __future__ import annotations

import pytest

from reconciler.model import Conflict, Settings
from tests.engine.world import World

OLD, EARLIER, LATER = 1_600_000_000, 1_650_000_000, 1_700_000_000


def winning(side: str) -> Settings:
    return Settings(conflict=Conflict(side), host="desk")


@pytest.mark.parametrize("later", ["here", "there"])
@pytest.mark.parametrize("side", ["local", "remote"])
async def test_edited_on_both_sides(world: World, side: str, later: str) -> None:
    device = await world.device(settings=winning(side))
    world.put("a.txt", b"old", mtime=OLD)
    await device.sync()
    device.write("a.txt", b"edited here", mtime=LATER if later == "here" else EARLIER)
    world.put("a.txt", b"edited there", mtime=EARLIER if later == "here" else LATER)
    report = await device.sync()
    assert report.complete, report.problems
    assert report.conflicts == 1
    won, lost = (
        (b"edited here", b"edited there") if side == "local" else (b"edited there", b"edited here")
    )
    assert device.tree() == world.on_disk() == {"a.txt": won}
    assert list(world.trashed().values()) == ([lost] if side == "local" else [])
    assert list(device.bin().values()) == ([lost] if side == "remote" else [])


@pytest.mark.parametrize("side", ["recent", "local", "remote"])
async def test_edited_on_both_sides_in_one_second_to_the_same_size(world: World, side: str) -> None:
    """Taken for equal until they are read; then the setting picks as for any others."""
    device = await world.device(settings=winning(side))
    world.put("a.txt", b"old", mtime=OLD)
    world.put("b.txt", b"old", mtime=OLD)
    await device.sync()
    device.write("a.txt", b"1 here", mtime=LATER)
    world.put("a.txt", b"there2", mtime=LATER)
    device.write("b.txt", b"alike", mtime=LATER)
    world.put("b.txt", b"alike", mtime=LATER)
    device.write("new.txt", b"1 here", mtime=LATER)
    world.put("new.txt", b"there2", mtime=LATER)
    report = await device.sync()
    assert report.complete, report.problems
    won, lost = (b"there2", b"1 here") if side == "remote" else (b"1 here", b"there2")
    assert device.tree() == world.on_disk() == {"a.txt": won, "b.txt": b"alike", "new.txt": won}
    assert [*world.trashed().values(), *device.bin().values()] == [lost, lost]
    assert not (await device.sync()).outcomes


@pytest.mark.parametrize("side", ["local", "remote"])
async def test_created_on_both_sides(world: World, side: str) -> None:
    device = await world.device(settings=winning(side))
    device.write("a.txt", b"made here", mtime=EARLIER)
    world.put("a.txt", b"made there", mtime=LATER)
    await device.sync()
    won, lost = (b"made here", b"made there") if side == "local" else (b"made there", b"made here")
    assert device.tree() == world.on_disk() == {"a.txt": won}
    assert [*world.trashed().values(), *device.bin().values()] == [lost]


@pytest.mark.parametrize("deleted", ["here", "there"])
@pytest.mark.parametrize("side", ["local", "remote"])
async def test_deleted_here_edited_there_and_the_reverse(
    world: World, side: str, deleted: str
) -> None:
    device = await world.device(settings=winning(side))
    world.put("a.txt", b"old", mtime=OLD)
    world.put("other.txt", b"stays", mtime=OLD)
    await device.sync()
    if deleted == "here":
        device.unlink("a.txt")
        world.put("a.txt", b"edited", mtime=LATER)
    else:
        (world.disk / "a.txt").unlink()
        device.write("a.txt", b"edited", mtime=LATER)
    await device.sync()
    edit_wins = (side == "local") is (deleted == "there")
    assert (
        device.tree()
        == world.on_disk()
        == {"other.txt": b"stays"} | ({"a.txt": b"edited"} if edit_wins else {})
    )
    binned = [*world.trashed().values(), *device.bin().values()]
    assert edit_wins or b"edited" in binned, "the edit that lost is in no bin"


@pytest.mark.parametrize("side", ["local", "remote"])
async def test_moved_on_both_sides(world: World, side: str) -> None:
    device = await world.device(settings=winning(side))
    world.put("a.txt", b"old", mtime=OLD)
    await device.sync()
    device.rename("a.txt", "here.txt")
    (world.disk / "a.txt").rename(world.disk / "there.txt")
    await device.sync()
    assert (
        device.tree() == world.on_disk() == {"here.txt" if side == "local" else "there.txt": b"old"}
    )


@pytest.mark.parametrize("side", ["local", "remote"])
async def test_changes_of_one_side_alone_are_kept(world: World, side: str) -> None:
    """What the official client loses: there the setting settles every difference."""
    device = await world.device(settings=winning(side))
    for name in ("edited-here", "edited-there", "gone-here", "gone-there"):
        world.put(name, b"old", mtime=OLD)
    await device.sync()
    device.write("edited-here", b"new from here")
    device.write("made-here", b"1")
    device.unlink("gone-here")
    world.put("edited-there", b"new from there")
    world.put("made-there", b"2")
    (world.disk / "gone-there").unlink()
    report = await device.sync()
    assert report.conflicts == 0
    expected = {
        "edited-here": b"new from here",
        "edited-there": b"new from there",
        "made-here": b"1",
        "made-there": b"2",
    }
    assert device.tree() == world.on_disk() == expected
