"""`upload` and `download`: one side is made like the other, and what that takes away lies in a
bin."""

from __future__ import annotations

import pytest

from reconciler.model import Direction, Settings
from reconciler.planner.guards import Danger
from syncin_mount.devserver.faults import Reply, Rule
from tests.engine.world import World

OLD, EARLIER, LATER = 1_600_000_000, 1_650_000_000, 1_700_000_000
CHANGING = ("PUT", "MOVE", "COPY", "DELETE", "PROPPATCH")


def one_way(direction: Direction) -> Settings:
    return Settings(direction=direction, host="desk")


def changes(world: World) -> int:
    """Requests that change something on the server's side of the synchronization."""
    posts = world.requests("POST", "/operation/") - world.requests("POST", "/diff/")
    return posts + sum(world.requests(method, "/operation/") for method in CHANGING)


async def test_upload_makes_the_server_like_this_side(world: World) -> None:
    device = await world.device(settings=one_way(Direction.UPLOAD))
    for number in range(4):
        device.write(f"keep{number}", b"%d" % number, mtime=OLD)
    device.mkdir("d")
    device.write("d/edited", b"old", mtime=OLD)
    device.write("d/gone", b"gone there", mtime=OLD)
    device.write("d/moved", b"moved there", mtime=OLD)
    await device.sync()
    await device.sync()  # tells the inodes, by which a move is seen
    expected = device.tree()
    assert world.on_disk() == expected
    world.put("d/edited", b"edited there, later", mtime=LATER)
    (world.disk / "d/gone").unlink()
    (world.disk / "d/moved").rename(world.disk / "elsewhere")
    world.put("extra", b"made there")
    world.put("extras/deep", b"made there too")
    report = await device.sync()
    assert report.complete, report.problems
    assert world.on_disk() == device.tree() == expected
    assert sorted(world.trashed().values()) == [
        b"edited there, later",
        b"made there",
        b"made there too",
    ]
    assert world.requests("GET", "/operation/") == 0, "content was fetched"


async def test_upload_takes_a_folder_out_of_one_that_got_its_name_there(world: World) -> None:
    device = await world.device(settings=one_way(Direction.UPLOAD))
    device.mkdir("a")
    device.write("a/file", b"x", mtime=OLD)
    await device.sync()
    await device.sync()  # tells the inodes, by which a move is seen
    (world.disk / "a").rename(world.disk / "aside")
    (world.disk / "a").mkdir()
    (world.disk / "aside").rename(world.disk / "a/inside")
    report = await device.sync()
    assert report.complete, report.problems
    assert world.on_disk() == device.tree() == {"a": None, "a/file": b"x"}
    assert not (await device.sync()).outcomes


async def test_upload_sends_what_changes_here(world: World) -> None:
    device = await world.device(settings=one_way(Direction.UPLOAD))
    for number in range(4):
        device.write(f"keep{number}", b"%d" % number, mtime=OLD)
    device.write("a", b"old", mtime=OLD)
    device.write("b", b"b", mtime=OLD)
    await device.sync()
    device.write("a", b"edited")
    device.rename("b", "c")
    device.unlink("keep0")
    await device.sync()
    kept = {f"keep{number}": b"%d" % number for number in range(1, 4)}
    assert world.on_disk() == device.tree() == {"a": b"edited", "c": b"b", **kept}


async def test_download_makes_this_side_like_the_server(world: World) -> None:
    """The mount is read-only; what was changed before the setting was, or by a repair, is undone
    all the same."""
    device = await world.device(settings=one_way(Direction.DOWNLOAD))
    for number in range(4):
        world.put(f"keep{number}", b"%d" % number, mtime=OLD)
    world.put("d/edited", b"old", mtime=OLD)
    world.put("d/gone", b"gone here", mtime=OLD)
    world.put("d/moved", b"moved here", mtime=OLD)
    await device.sync()
    expected = world.on_disk()
    assert device.tree() == expected
    device.write("d/edited", b"edited here, later", mtime=LATER)
    device.unlink("d/gone")
    device.rename("d/moved", "elsewhere")
    device.write("extra", b"made here")
    device.mkdir("extras")
    device.write("extras/deep", b"made here too")
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk() == expected
    assert sorted(device.bin().values()) == [b"edited here, later", b"made here", b"made here too"]
    assert changes(world) == 0


async def test_download_follows_the_server(world: World) -> None:
    device = await world.device(settings=one_way(Direction.DOWNLOAD))
    for number in range(4):
        world.put(f"keep{number}", b"%d" % number, mtime=OLD)
    world.put("a", b"old", mtime=OLD)
    world.put("b", b"b", mtime=OLD)
    await device.sync()
    world.put("a", b"edited", mtime=LATER)
    (world.disk / "b").rename(world.disk / "c")
    (world.disk / "keep0").unlink()
    await device.sync()
    kept = {f"keep{number}": b"%d" % number for number in range(1, 4)}
    assert device.tree() == world.on_disk() == {"a": b"edited", "c": b"b", **kept}
    assert changes(world) == 0


@pytest.mark.expected_log("halted: first run")
@pytest.mark.parametrize("direction", [Direction.UPLOAD, Direction.DOWNLOAD])
async def test_a_first_run_that_would_delete_more_than_it_keeps_halts(
    world: World, direction: Direction
) -> None:
    up = direction is Direction.UPLOAD
    device = await world.device(settings=one_way(direction))
    for number in range(5):
        if up:
            world.put(f"theirs{number}", b"there", mtime=OLD)
        else:
            device.write(f"ours{number}", b"here", mtime=OLD)
    device.write("one", b"one", mtime=OLD)
    world.put("two", b"two", mtime=OLD)
    here, there = device.tree(), world.on_disk()
    report = await device.sync()
    assert report.halted
    assert report.halted.danger is Danger.FIRST_RUN
    assert (device.tree(), world.on_disk()) == (here, there)
    report = await device.sync(confirmed=True)
    assert report.complete
    assert device.tree() == world.on_disk() == ({"one": b"one"} if up else {"two": b"two"})
    lost = world.trashed() if up else device.bin()
    assert len(lost) == 6


@pytest.mark.parametrize("direction", [Direction.UPLOAD, Direction.DOWNLOAD])
async def test_a_change_of_direction_between_runs(world: World, direction: Direction) -> None:
    """Both ways, then one way, then both ways again: nothing is lost, and the last state is one."""
    device = await world.device()
    for number in range(6):
        world.put(f"keep{number}", b"%d" % number, mtime=OLD)
    await device.sync()
    device.engine.settings = one_way(direction)
    device.write("keep0", b"edited here", mtime=EARLIER)
    world.put("keep0", b"edited there", mtime=LATER)
    await device.sync()
    won, lost = b"edited here", b"edited there"
    if direction is Direction.DOWNLOAD:
        won, lost = lost, won
    assert device.tree() == world.on_disk()
    assert device.tree()["keep0"] == won
    assert [*world.trashed().values(), *device.bin().values()] == [lost]
    device.engine.settings = Settings(host="desk")
    assert not (await device.sync()).outcomes


async def test_download_takes_a_new_empty_folder_away(world: World) -> None:
    device = await world.device()
    for number in range(4):
        world.put(f"keep{number}", b"%d" % number, mtime=OLD)
    await device.sync()
    device.mkdir("mine")
    device.engine.settings = one_way(Direction.DOWNLOAD)
    assert (await device.sync()).complete
    assert device.tree() == world.on_disk()
    assert not list(device.replica.dirty())


async def test_upload_gives_up_a_file_that_went_from_the_server_before_it_was_fetched(
    world: World,
) -> None:
    """Its name alone is here: nothing can be sent, and whoever reads it would get an error for
    ever."""
    for number in range(4):
        world.put(f"keep{number}", b"%d" % number, mtime=OLD)
    world.put("doomed", b"never fetched", mtime=OLD)
    never = Rule(Reply(404), path="*/doomed", method="GET")
    world.faults.add(never)
    device = await world.device()
    await device.sync()
    attr = device.replica.attr(device.node("doomed"))
    assert attr is not None
    assert not attr.present
    (world.disk / "doomed").unlink()
    device.engine.settings = one_way(Direction.UPLOAD)
    assert (await device.sync()).complete
    assert (
        device.tree() == world.on_disk() == {f"keep{number}": b"%d" % number for number in range(4)}
    )


@pytest.mark.parametrize("direction", [Direction.UPLOAD, Direction.DOWNLOAD])
async def test_an_edit_that_keeps_size_and_second_is_one(
    world: World, direction: Direction
) -> None:
    """Its version tells that the content is another, whatever size and time say: it is sent, or it
    is undone."""
    device = await world.device(settings=one_way(direction))
    for path in ("a", "other"):
        world.put(path, b"one", mtime=OLD)
        device.write(path, b"one", mtime=OLD)
    await device.sync()
    device.write("a", b"two", mtime=OLD)
    report = await device.sync()
    assert report.complete, report.problems
    won = b"two" if direction is Direction.UPLOAD else b"one"
    assert device.tree() == world.on_disk() == {"a": won, "other": b"one"}
    assert list(device.bin().values()) == ([] if direction is Direction.UPLOAD else [b"two"])
    assert not (await device.sync()).outcomes


@pytest.mark.parametrize("direction", [Direction.UPLOAD, Direction.DOWNLOAD])
async def test_edited_on_both_sides_in_one_second_to_the_same_size(
    world: World, direction: Direction
) -> None:
    """Taken for equal until they are read; then the side that is followed decides, and `download`
    sends nothing."""
    device = await world.device(settings=one_way(direction))
    for path in ("a", "other"):
        world.put(path, b"old", mtime=OLD)
        device.write(path, b"old", mtime=OLD)
    await device.sync()
    before = changes(world)
    device.write("a", b"1 here", mtime=LATER)
    world.put("a", b"there2", mtime=LATER)
    report = await device.sync()
    assert report.complete, report.problems
    won, lost = (b"1 here", b"there2") if direction is Direction.UPLOAD else (b"there2", b"1 here")
    assert device.tree() == world.on_disk() == {"a": won, "other": b"old"}
    assert [*world.trashed().values(), *device.bin().values()] == [lost]
    assert direction is Direction.UPLOAD or changes(world) == before
    assert not (await device.sync()).outcomes
