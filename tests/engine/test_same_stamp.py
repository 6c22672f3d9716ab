"""Edits that keep a file's size and second: another inode on the server tells of them, and its
milliseconds do."""

from __future__ import annotations

import os

import pytest

import reconciler.executor.doubtful_files
from reconciler.errors import ServerFault
from reconciler.model import Conflict, Settings
from syncin_mount.devserver import CutResponse, Reply, Rule
from tests.engine.world import Device, World

OLD, LATER = 1_600_000_000, 1_700_000_000
FAST = Settings(host="desk")


def transfers(world: World) -> tuple[int, int]:
    """Contents sent and fetched."""
    sent = world.requests("PUT", "/operation/") + world.requests("POST", "/operation/personal")
    return sent, world.requests("GET", "/operation/")


def replace_there(world: World, path: str, data: bytes, mtime: float) -> None:
    """Another file comes over one on the server, as `cp -p`, `mv`, `tar x` and `rsync -a` bring
    it."""
    world.put("coming", data, mtime=mtime)
    os.rename(world.disk / "coming", world.disk / path)


def everywhere(world: World, *devices: Device) -> list[bytes]:
    """All contents that are in a tree, a bin or the trash."""
    found = [*world.on_disk().values(), *world.trashed().values()]
    for device in devices:
        found += [*device.tree().values(), *device.bin().values()]
    return [each for each in found if each is not None]


async def test_what_is_edited_with_its_time_put_back_is_not_lost(world: World) -> None:
    a, b = await world.device("a"), await world.device("b")
    a.write("f", b"v1aa", mtime=OLD)
    await a.sync()
    await b.sync()
    a.write("f", b"v2bb", mtime=OLD)
    await a.sync()
    b.write("f", b"v3ccc", mtime=LATER)
    report = await b.sync()
    assert report.conflicts == 1
    await a.sync()
    assert a.tree() == b.tree() == world.on_disk() == {"f": b"v3ccc"}
    assert b"v2bb" in everywhere(world, a, b)


async def test_another_file_of_that_size_and_second_over_one_is_fetched(world: World) -> None:
    world.put("f", b"v1aa", mtime=OLD)
    device = await world.device()
    await device.sync()
    replace_there(world, "f", b"v2bb", OLD)
    report = await device.sync()
    assert not report.conflicts
    assert device.tree() == {"f": b"v2bb"}
    assert not (await device.sync()).outcomes


@pytest.mark.parametrize("winner", list(Conflict))
async def test_an_edit_here_and_such_a_one_there_are_a_conflict(
    world: World, winner: Conflict
) -> None:
    world.put("f", b"v1aa", mtime=OLD)
    device = await world.device(settings=Settings(host="desk", conflict=winner))
    await device.sync()
    replace_there(world, "f", b"v2bb", OLD)
    device.write("f", b"v3cc", mtime=LATER)
    report = await device.sync()
    assert report.conflicts == 1
    stays = b"v2bb" if winner is Conflict.REMOTE else b"v3cc"
    assert device.tree() == world.on_disk() == {"f": stays}
    assert {b"v2bb", b"v3cc"} <= set(everywhere(world, device))


async def test_a_copy_of_the_same_content_costs_no_transfer(world: World) -> None:
    for number in range(40):
        world.put(f"d/{number}", b"%d" % number * 1000, mtime=OLD)
    device = await world.device()
    await device.sync()
    before = transfers(world)[0]
    fetched = world.requests("GET", "/operation/")
    os.rename(world.disk / "d", world.disk.parent / "former")
    os.mkdir(world.disk / "d")
    for number in range(40):
        world.put(f"d/{number}", b"%d" % number * 1000, mtime=OLD)
    device.write("d/7", b"edited", mtime=LATER)
    report = await device.sync()
    assert report.conflicts == 0
    assert (transfers(world)[0] - before, world.requests("GET", "/operation/") - fetched) == (1, 0)
    assert device.tree() == world.on_disk()
    assert not (await device.sync()).outcomes


def stamp(device: Device, path: str) -> int:
    """The second that a file has here."""
    local = device.replica.local(device.node(path))
    assert local is not None
    return local.mtime


async def test_an_edit_that_keeps_size_and_second_is_sent_with_a_later_one(world: World) -> None:
    device = await world.device()
    device.write("f", b"v1aa", mtime=OLD)
    await device.sync()
    seen: set[float] = set()
    for content in (b"v2bb", b"v3cc", b"v4dd"):
        device.write("f", content, mtime=OLD)
        await device.sync()
        found = (world.disk / "f").stat()
        assert found.st_mtime not in {OLD, *seen}, "a client that compares size and second sees it"
        seen.add(found.st_mtime)
        assert world.on_disk() == {"f": content}
        assert stamp(device, "f") == OLD, "here the time stays as it was set"
        assert not list(device.replica.dirty())
        assert not (await device.sync()).outcomes
    other = await world.device("b")
    await other.sync()
    assert stamp(other, "f") == max(seen)


async def test_a_time_that_is_put_back_later_leaves_a_difference(world: World) -> None:
    device = await world.device()
    device.write("f", b"v1aa", mtime=OLD)
    await device.sync()
    device.write("f", b"v2bb", mtime=LATER)
    await device.sync()
    device.replica.set_attr(device.node("f"), mtime_ns=OLD * 10**9)
    await device.sync()
    assert (world.disk / "f").stat().st_mtime != OLD
    assert stamp(device, "f") == OLD
    assert not list(device.replica.dirty())
    assert not (await device.sync()).outcomes
    device.replica.set_attr(device.node("f"), mtime_ns=(OLD + 5) * 10**9)
    await device.sync()
    assert (world.disk / "f").stat().st_mtime == OLD + 5


async def test_the_milliseconds_tell_of_an_edit_that_the_listing_hides(world: World) -> None:
    device = await world.device()
    device.write("f", b"v1aa", mtime=OLD)
    await device.sync()
    with (world.disk / "f").open("r+b") as file:  # in place: the inode stays
        file.write(b"v2bb")
    os.utime(world.disk / "f", (OLD + 0.5, OLD + 0.5))
    device.write("f", b"v3ccc", mtime=LATER)
    report = await device.sync()
    assert report.conflicts == 1
    assert world.on_disk() == device.tree() == {"f": b"v3ccc"}
    assert b"v2bb" in everywhere(world, device)


async def test_two_edits_that_keep_size_and_second_are_a_conflict(world: World) -> None:
    """In place on the server, so that its inode stays, too: its milliseconds tell, when ours is
    about to be sent."""
    device = await world.device()
    device.write("f", b"v1aa", mtime=OLD)
    await device.sync()
    with (world.disk / "f").open("r+b") as file:
        file.write(b"v2bb")
    os.utime(world.disk / "f", (OLD + 0.5, OLD + 0.5))
    device.write("f", b"v3cc", mtime=OLD)
    for _ in range(3):
        await device.sync()
    assert device.tree() == world.on_disk() == {"f": b"v3cc"}
    assert b"v2bb" in everywhere(world, device)


async def test_milliseconds_alone_hold_nothing_up(world: World) -> None:
    device = await world.device()
    device.write("f", b"v1aa", mtime=OLD)
    await device.sync()
    os.utime(world.disk / "f", (OLD + 0.5, OLD + 0.5))
    device.write("f", b"v3ccc", mtime=LATER)
    report = await device.sync()
    assert report.conflicts == 0
    assert world.on_disk() == {"f": b"v3ccc"}


async def test_what_is_deleted_here_and_in_doubt_there_comes_back_only_if_it_differs(
    world: World,
) -> None:
    for name in ("same", "other", "a third"):
        world.put(name, b"v1aa", mtime=OLD)
    device = await world.device()
    await device.sync()
    replace_there(world, "same", b"v1aa", OLD)
    replace_there(world, "other", b"v2bb", OLD)
    device.unlink("same")
    device.unlink("other")
    await device.sync()
    assert device.tree() == world.on_disk() == {"other": b"v2bb", "a third": b"v1aa"}


@pytest.mark.expected_log("does not tell the checksums of what is in doubt")
async def test_nothing_is_sent_while_the_server_does_not_tell(world: World) -> None:
    world.put("f", b"v1aa", mtime=OLD)
    world.put("g", b"g", mtime=OLD)
    device = await world.device()
    await device.sync()
    replace_there(world, "f", b"v2bb", OLD)
    asked = device.folder.checksums

    async def refused(paths: object) -> dict[str, object]:
        raise ServerFault("500", status=500)

    # one request is replaced: the embedded server cannot refuse this one alone
    device.folder.checksums = refused  # type: ignore[assignment,method-assign]
    device.write("f", b"v3ccc", mtime=LATER)
    device.write("g", b"edited", mtime=LATER)
    report = await device.sync()
    assert [each.path for each in report.problems] == ["f"]
    assert world.on_disk() == {"f": b"v2bb", "g": b"edited"}, "the others go on"
    device.folder.checksums = asked  # type: ignore[method-assign]
    report = await device.sync()
    assert report.conflicts == 1
    assert b"v2bb" in everywhere(world, device)


async def test_a_restored_backup_is_proved_without_a_transfer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler.executor.doubtful_files, "PORTION", 20)
    for number in range(60):
        world.put(f"{number}", b"%02d" % number * (10 + number), mtime=OLD)
    device = await world.device()
    await device.sync()
    fetched = world.requests("GET", "/operation/")
    # all are there before one takes another's place, so that no inode comes back
    for number in range(60):
        world.put(
            f"new {number}", b"%02d" % (number if number != 7 else 77) * (10 + number), mtime=OLD
        )
    for number in range(60):
        os.rename(world.disk / f"new {number}", world.disk / f"{number}")
    device.write("59", b"edited", mtime=LATER)
    await device.sync()
    assert device.engine._parts.prover.waiting, "in portions"
    for _ in range(3):
        await device.sync()
    assert not device.engine._parts.prover.waiting
    assert world.requests("GET", "/operation/") - fetched == 1, "the one that is another"
    assert device.read("7") == b"77" * 17
    assert b"07" * 17 in device.bin().values()
    assert device.tree() == world.on_disk()


def keep_inode(world: World, path: str, name: str) -> None:
    """What has the inode of a file that is replaced is at hand under another name (as the server's
    file system gives inodes out again)."""
    os.link(world.disk / path, world.disk.parent / name)


def come_with(world: World, name: str, path: str, data: bytes, mtime: float) -> None:
    """A file with a kept inode, and this content, comes to that path."""
    with (world.disk.parent / name).open("r+b") as file:
        file.write(data)
    os.utime(world.disk.parent / name, (mtime, mtime))
    os.rename(world.disk.parent / name, world.disk / path)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["g", "sub/g", "fresh", "sub/fresh", "sub/f"])
@pytest.mark.parametrize("place", ["replaced", "deleted"])
async def test_an_inode_that_comes_back_brings_no_content(
    world: World, target: str, place: str
) -> None:
    """The server's file system gave the inode of f to another file of its size and second."""
    for name in ("f", "g", "sub/g", "sub/h"):
        world.put(name, name.rjust(5, "-").encode(), mtime=OLD)
    device = await world.device()
    await device.sync()
    keep_inode(world, "f", "former")
    if place == "replaced":
        replace_there(world, "f", b"new-f", OLD)
    else:
        os.unlink(world.disk / "f")
    come_with(world, "former", target, b"other", OLD)
    await device.sync()
    await device.sync()
    assert device.tree() == world.on_disk()
    assert device.read(target) == b"other"
    assert not (await device.sync()).outcomes


async def test_inodes_that_go_round_among_files_that_look_alike(world: World) -> None:
    names = [f"{number:02}" for number in range(12)]
    for name in names:
        world.put(name, b"old " + name.encode(), mtime=OLD)
    device = await world.device()
    await device.sync()
    device.write("03", b"an edit", mtime=LATER)
    for name in names:
        keep_inode(world, name, f"kept {name}")
    for name, after in zip(names, names[1:] + names[:1], strict=True):
        come_with(world, f"kept {name}", after, b"new " + after.encode(), OLD)
    await device.sync()
    await device.sync()
    expected = {name: b"new " + name.encode() for name in names} | {"03": b"an edit"}
    assert device.tree() == world.on_disk() == expected
    assert b"new 03" in everywhere(world, device)


async def test_a_file_that_was_moved_there_costs_no_transfer(world: World) -> None:
    """Also where another has its place, and where others look like it."""
    for name in ("f", "twin", "sub/h"):
        world.put(name, name.rjust(5, "-").encode(), mtime=OLD)
    device = await world.device()
    await device.sync()
    fetched = world.requests("GET", "/operation/")
    os.rename(world.disk / "f", world.disk / "sub/renamed")
    world.put("f", b"another", mtime=LATER)
    await device.sync()
    assert world.requests("GET", "/operation/") - fetched == 1
    assert device.tree() == world.on_disk()
    node = device.node("sub/renamed")
    os.rename(world.disk / "sub/renamed", world.disk / "sub/again")
    await device.sync()
    assert device.node("sub/again") == node
    assert world.requests("GET", "/operation/") - fetched == 1


@pytest.mark.expected_log("does not tell the checksums of what is in doubt")
async def test_such_a_move_waits_while_the_server_does_not_tell(world: World) -> None:
    for name in ("f", "twin"):
        world.put(name, name.rjust(5, "-").encode(), mtime=OLD)
    device = await world.device()
    await device.sync()
    asked = device.folder.checksums

    async def refused(paths: object) -> dict[str, object]:
        raise ServerFault("500", status=500)

    # one request is replaced: the embedded server cannot refuse this one alone
    device.folder.checksums = refused  # type: ignore[assignment,method-assign]
    keep_inode(world, "f", "former")
    replace_there(world, "f", b"new-f", OLD)
    come_with(world, "former", "fresh", b"other", OLD)
    await device.sync()
    assert b"other" not in device.tree().values()
    device.folder.checksums = asked  # type: ignore[method-assign]
    await device.sync()
    await device.sync()
    assert device.tree() == world.on_disk() == {"f": b"new-f", "fresh": b"other", "twin": b"-twin"}


@pytest.mark.parametrize("folder", ["", "d/"])
async def test_another_file_that_comes_between_listing_and_push_is_not_overwritten(
    world: World, folder: str
) -> None:
    """To the millisecond of the former one, so that only its inode tells, which a push does not
    list."""
    world.put(f"{folder}f", b"v1aa", mtime=OLD)
    device = await world.device(manual=False)
    await world.settled(device)
    replace_there(world, f"{folder}f", b"v2bb", OLD)
    device.write(f"{folder}f", b"v3ccc", mtime=LATER)
    await world.settled(device)
    assert world.on_disk()[f"{folder}f"] == b"v3ccc"
    assert b"v2bb" in everywhere(world, device)


@pytest.mark.parametrize("manual", [False, True])
async def test_where_the_folder_cannot_be_looked_into_the_replaced_file_is_in_the_trash(
    world: World, *, manual: bool
) -> None:
    world.put("f", b"v1aa", mtime=OLD)
    device = await world.device(manual=manual)
    await device.sync()
    real = device.folder.inodes

    async def refused(path: str) -> dict[str, int]:
        raise ServerFault("500", status=500)

    # as above
    device.folder.inodes = refused  # type: ignore[method-assign]
    device.write("f", b"v3ccc", mtime=LATER)
    await world.settled(device) if not manual else await device.sync()
    device.folder.inodes = real  # type: ignore[method-assign]
    assert world.on_disk() == {"f": b"v3ccc"}
    assert b"v1aa" in world.trashed().values()


async def test_a_download_that_broke_off_goes_on_with_that_file_alone(world: World) -> None:
    """Another file of its size and second, which the next listing tells by its inode."""
    world.put("f", b"first", mtime=OLD)
    device = await world.device()
    await device.sync()
    size = 64 << 10
    world.put("f", b"a" * size, mtime=LATER)
    world.faults.add(Rule(effect=CutResponse(size // 2), method="GET", path="*/f", count=1))
    assert not (await device.sync()).complete
    assert device.tree() == {"f": b"first"}
    replace_there(world, "f", b"b" * size, LATER)
    assert (await device.sync()).complete
    assert device.tree() == world.on_disk() == {"f": b"b" * size}


@pytest.mark.expected_log("failed at the download of 'g'")
async def test_one_that_changes_places_before_it_is_fetched_is_fetched_later(world: World) -> None:
    """Its inode is all that tells of its content. It is looked for under the name that it has in
    the middle of the exchange, and must not pass for agreed on with that."""
    world.put("f", b"v1aa", mtime=OLD)
    world.put("g", b"g", mtime=OLD)
    device = await world.device()
    await device.sync()
    replace_there(world, "f", b"v2bb", OLD)
    for source, target in (("f", "x"), ("g", "f"), ("x", "g")):
        device.rename(source, target)
    world.faults.add(Rule(effect=Reply(500), method="GET", path="*/g", count=1))
    report = await device.sync()
    assert [each.path for each in report.problems] == ["g"]
    assert device.tree() == {"f": b"g", "g": b"v1aa"}
    await device.sync()
    assert device.tree() == world.on_disk() == {"f": b"g", "g": b"v2bb"}
