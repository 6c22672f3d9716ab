"""Mode `secure`: contents are compared by checksum, counted once, copied on the server, proved when
they arrive."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import pytest

from reconciler.model import Direction, Mode, Op, Result, Settings, Side
from reconciler.trees.local_checksums import snapshot
from syncin_mount.devserver import listing
from tests.engine.world import Device, World

OLD, EARLIER, LATER = 1_600_000_000, 1_650_000_000, 1_700_000_000
SECURE = Settings(mode=Mode.SECURE, host="desk")
FAST = Settings(host="desk")


def digest(data: bytes) -> str:
    return hashlib.new("sha512_256", data).hexdigest()


def transfers(world: World) -> tuple[int, int]:
    """Contents sent and fetched."""
    sent = world.requests("PUT", "/operation/") + world.requests("POST", "/operation/personal")
    return sent, world.requests("GET", "/operation/")


async def test_a_first_union_matches_equal_contents_whatever_their_times(world: World) -> None:
    world.put("same", b"equal", mtime=OLD)
    world.put("later", b"equal too", mtime=LATER)
    world.put("differs", b"12345", mtime=OLD)
    device = await world.device(settings=SECURE)
    device.write("same", b"equal", mtime=OLD)
    device.write("later", b"equal too", mtime=EARLIER)
    device.write("differs", b"54321", mtime=OLD)
    report = await device.sync()
    assert report.complete, report.problems
    assert report.conflicts == 1, "the same size and time, and yet another content"
    assert (
        device.tree()
        == world.on_disk()
        == {"same": b"equal", "later": b"equal too", "differs": b"54321"}
    )
    assert list(world.trashed().values()) == [b"12345"]
    assert transfers(world) == (1, 0)
    local = device.replica.local(device.node("later"))
    assert local is not None
    assert local.mtime == LATER
    assert not (await device.sync()).outcomes


async def test_touching_a_file_without_changing_it_is_no_transfer(world: World) -> None:
    world.put("here", b"content" * 20_000, mtime=OLD)
    world.put("there", b"content of another", mtime=OLD)
    world.put("same second", b"written again", mtime=OLD)
    device = await world.device(settings=SECURE)
    await device.sync()
    before = transfers(world)
    device.write("here", b"content" * 20_000, mtime=LATER)
    device.write("same second", b"written again", mtime=OLD)
    os.utime(world.disk / "there", (LATER, LATER))
    report = await device.sync()
    assert {(each.action.op, each.action.side) for each in report.outcomes} == {
        (Op.TOUCH, Side.REMOTE),
        (Op.TOUCH, Side.LOCAL),
        (Op.AGREE, Side.BASE),
    }
    assert transfers(world) == before
    assert (world.disk / "here").stat().st_mtime == LATER
    assert not list(device.replica.dirty())
    assert not (await device.sync()).outcomes


async def test_a_push_compares_by_checksum_too(world: World) -> None:
    world.put("a", b"content", mtime=OLD)
    device = await world.device(settings=SECURE, debounce=0.05, manual=False)
    await world.settled(device)
    before, listings = transfers(world), world.requests("POST", "/diff/")
    device.write("a", b"content", mtime=LATER)
    await world.settled(device)
    assert transfers(world) == before
    assert world.requests("POST", "/diff/") == listings
    assert (world.disk / "a").stat().st_mtime == LATER


async def test_a_change_that_size_and_time_hide_is_seen(world: World) -> None:
    world.put("a", b"one", mtime=OLD)
    device = await world.device(settings=SECURE)
    await device.sync()
    (world.disk / "new").write_bytes(b"two")
    os.utime(world.disk / "new", (OLD, OLD))
    os.rename(world.disk / "new", world.disk / "a")
    report = await device.sync()
    assert report.conflicts == 0
    assert device.tree() == {"a": b"two"}


async def test_equal_content_is_copied_on_the_server(world: World) -> None:
    data = b"a rather long content" * 10_000
    world.put("there", data, mtime=OLD)
    device = await world.device(settings=SECURE)
    await device.sync()
    device.mkdir("d")
    device.write("d/copy", data, mtime=LATER)
    device.write("empty", b"")
    report = await device.sync()
    assert report.complete, report.problems
    assert world.on_disk() == device.tree()
    assert (world.disk / "d/copy").stat().st_mtime == LATER
    assert world.requests("COPY") == 1
    sends = {
        device.replica.local_path(each.action.node): each.moved_bytes
        for each in report.outcomes
        if _sent(each)
    }
    assert sends == {"d/copy": 0, "empty": 0}
    assert not (await device.sync()).outcomes


def _sent(outcome: Any) -> bool:
    return outcome.action.op is Op.SEND and outcome.result is Result.DONE


async def test_a_copy_replaces_an_edited_file_and_keeps_the_old_one(world: World) -> None:
    world.put("one", b"1" * 5000, mtime=OLD)
    world.put("two", b"2" * 5000, mtime=OLD)
    device = await world.device(settings=SECURE)
    await device.sync()
    device.write("two", b"1" * 5000, mtime=LATER)
    await device.sync()
    assert world.on_disk() == device.tree() == {"one": b"1" * 5000, "two": b"1" * 5000}
    assert world.requests("COPY") == 1
    assert list(world.trashed().values()) == [b"2" * 5000]


async def test_a_copy_of_what_was_replaced_meanwhile_is_not_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another content of its size, after the look at it and before the server copies it."""
    world.put("one", b"1" * 5000, mtime=OLD)
    device = await world.device(settings=SECURE)
    await device.sync()
    device.write("two", b"1" * 5000, mtime=LATER)
    real = device.folder.copy

    async def copy_late(source: str, path: str, mtime: int) -> int:
        world.put(source, b"2" * 5000, mtime=EARLIER)
        return await real(source, path, mtime)

    monkeypatch.setattr(device.folder, "copy", copy_late)
    await device.sync()
    await device.sync()
    assert world.requests("COPY") == 1
    assert world.on_disk() == device.tree() == {"one": b"2" * 5000, "two": b"1" * 5000}


async def test_a_content_that_is_not_there_any_more_is_sent(world: World) -> None:
    world.put("one", b"1" * 5000, mtime=OLD)
    device = await world.device(settings=SECURE, debounce=0.05, manual=False)
    await world.settled(device)
    world.put("one", b"other", mtime=LATER)
    device.write("two", b"1" * 5000, mtime=EARLIER)
    await world.settled(device)
    assert world.on_disk()["two"] == b"1" * 5000
    assert world.requests("COPY") == 0


async def test_the_snapshot_saves_counting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("d/a", b"one", mtime=OLD)
    world.put("b", b"two", mtime=OLD)
    device = await world.device(settings=SECURE)
    device.write("c", b"three", mtime=OLD)
    counted: list[str] = []
    count = listing.checksum

    def counting(full: str) -> tuple[str, int]:
        counted.append(os.path.relpath(full, world.disk))
        return count(full)

    monkeypatch.setattr("syncin_mount.devserver.listing.checksum", counting)
    found = []
    for _ in range(4):
        counted.clear()
        await device.sync()
        found.append(sorted(counted))
    assert found == [["b", "d/a"], [], [], []], "the answer of what was sent has told its inode"
    told = {entry.path: entry.checksum for entry in snapshot(device.replica)}
    assert told == {"d/a": digest(b"one"), "b": digest(b"two"), "c": digest(b"three")}
    device.engine.settings = FAST
    world.put("b", b"two", mtime=OLD)
    (world.disk / "other").write_bytes(b"2wo")
    os.utime(world.disk / "other", (OLD, OLD))
    os.rename(world.disk / "other", world.disk / "b")
    counted.clear()
    await device.sync()
    assert counted == ["b"], "a checksum outlived the file that it was of"
    assert device.tree()["b"] == b"2wo"
    device.engine.settings = SECURE
    counted.clear()
    await device.sync()
    assert counted == []


@pytest.mark.parametrize("there", ["untouched", "hidden change", "touched"])
async def test_from_fast_to_secure(world: World, there: str) -> None:
    """Bases of the mode `fast` have no checksum: they get that of the content here, not what the
    server says now."""
    world.put("a", b"one", mtime=OLD)
    world.put("b", b"b", mtime=OLD)
    device = await world.device(settings=FAST)
    await device.sync()
    inode = (world.disk / "a").stat().st_ino
    if there == "hidden change":
        (world.disk / "a").write_bytes(b"two")
    if there != "untouched":
        stamp = OLD if there == "hidden change" else LATER
        os.utime(world.disk / "a", (stamp, stamp))
    assert (world.disk / "a").stat().st_ino == inode
    before = transfers(world)
    device.engine.settings = SECURE
    report = await device.sync()
    assert report.conflicts == 0
    assert (
        device.tree()
        == world.on_disk()
        == {"a": b"two" if there == "hidden change" else b"one", "b": b"b"}
    )
    fetched = transfers(world)[1] - before[1]
    assert fetched == (1 if there == "hidden change" else 0)
    assert transfers(world)[0] == before[0]
    base = device.replica.base(device.node("a"))
    assert base is not None
    assert base.checksum == digest(device.read("a"))
    assert not (await device.sync()).outcomes


async def test_back_and_forth_between_the_modes(world: World) -> None:
    world.put("a", b"one", mtime=OLD)
    device = await world.device(settings=SECURE)
    await device.sync()
    for turn, settings in enumerate((FAST, SECURE, FAST, SECURE)):
        device.engine.settings = settings
        device.write("here", b"%d" % turn)
        world.put("a", b"from there %d" % turn, mtime=OLD + 1 + turn)
        report = await device.sync()
        assert report.complete, report.problems
        assert report.conflicts == 0
        assert (
            device.tree() == world.on_disk() == {"here": b"%d" % turn, "a": b"from there %d" % turn}
        )


async def test_edited_on_both_sides_alike_is_no_conflict(world: World) -> None:
    world.put("a", b"old", mtime=OLD)
    device = await world.device(settings=SECURE)
    await device.sync()
    before = transfers(world)
    device.write("a", b"new", mtime=LATER)
    world.put("a", b"new", mtime=EARLIER)
    report = await device.sync()
    assert report.conflicts == 0
    assert transfers(world) == before
    assert (world.disk / "a").stat().st_mtime == LATER


async def test_a_touched_file_in_a_folder_that_is_deleted_there(world: World) -> None:
    world.put("d/a", b"same", mtime=OLD)
    world.put("stays", b"x", mtime=OLD)
    device = await world.device(settings=SECURE)
    await device.sync()
    device.write("d/a", b"same", mtime=LATER)
    (world.disk / "d/a").unlink()
    (world.disk / "d").rmdir()
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk() == {"stays": b"x"}


@pytest.mark.parametrize("direction", [Direction.UPLOAD, Direction.DOWNLOAD])
async def test_one_way_by_checksum(world: World, direction: Direction) -> None:
    for name in ("equal", "touched", "edited"):
        world.put(name, b"old", mtime=OLD)
    device = await world.device(
        settings=Settings(direction=direction, mode=Mode.SECURE, host="desk")
    )
    for name in ("equal", "touched", "edited"):
        device.write(name, b"old", mtime=OLD if name == "equal" else EARLIER)
    await device.sync()
    assert transfers(world) == (0, 0)
    if direction is Direction.UPLOAD:
        device.write("edited", b"new", mtime=LATER)
        device.write("touched", b"old", mtime=LATER)
    else:
        world.put("edited", b"new", mtime=LATER)
        world.put("touched", b"old", mtime=LATER)
    await device.sync()
    assert (
        device.tree() == world.on_disk() == {"equal": b"old", "touched": b"old", "edited": b"new"}
    )
    assert transfers(world) == ((1, 0) if direction is Direction.UPLOAD else (0, 1))


def poisoned(device: Device, path: str, data: bytes) -> None:
    """Something of another version lies where the content is to arrive."""
    base = device.replica.base(device.node(path))
    assert base is not None
    incoming = device.replica.incoming(device.node(path), base.size, base.mtime)
    incoming.write(0, data)
    incoming.close()


async def test_what_arrives_is_proved(world: World) -> None:
    """The first block is of another version with the same size and time: it starts over, and ends
    right."""
    data = b"x" * 10_000
    world.put("a", data, mtime=OLD)
    device = await world.device(settings=SECURE)
    report = await device.engine.sync()
    assert report.complete
    poisoned(device, "a", b"y" * 4096)
    await device.hydrator.wait_drained()
    assert device.tree() == {"a": data}


@pytest.mark.expected_log("the content of a cannot be fetched")
@pytest.mark.expected_log("what the server sends as a is not what it listed")
async def test_what_stays_wrong_is_not_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("a", b"listed", mtime=OLD)
    device = await world.device(settings=SECURE)
    monkeypatch.setattr("syncin_mount.devserver.listing.checksum", lambda full: ("0" * 64, 1))
    await device.sync()
    local = device.replica.local(device.node("a"))
    assert local is not None
    assert not local.present
    [problem] = device.engine.status().problems
    assert "not what it listed" in problem.why


@pytest.mark.expected_log("the content of a cannot be fetched")
@pytest.mark.expected_log("what the server sends as a is not what it listed")
async def test_what_is_edited_in_place_before_it_is_fetched_comes_all_the_same(
    world: World,
) -> None:
    """Size, second and inode stay, so that the server takes over the checksum that it is told."""
    world.put("a", b"listed", mtime=OLD)
    device = await world.device(settings=SECURE)
    report = await device.engine.sync()
    assert report.complete
    with (world.disk / "a").open("r+b") as file:
        file.write(b"edited")
    os.utime(world.disk / "a", (OLD, OLD))
    await device.hydrator.wait_drained()
    for _ in range(2):
        await device.sync()
    assert device.tree() == world.on_disk() == {"a": b"edited"}
    assert not device.engine.status().problems


@pytest.mark.parametrize("direction", Direction)
async def test_the_first_second_after_a_time_before_1970_is_another_time(
    world: World, direction: Direction
) -> None:
    """A file from before 1970 has the first second here: when the server's gets that one, nothing
    differs but what is agreed on, and with that the server is asked for the file."""
    world.put("f", b"content", mtime=-86400)
    device = await world.device(
        settings=Settings(direction=Direction.BOTH, mode=Mode.SECURE, host="desk")
    )
    await device.sync()
    os.utime(world.disk / "f", (1, 1))
    device.engine.settings = Settings(direction=direction, mode=Mode.SECURE, host="desk")
    await device.sync()
    base = device.replica.base(device.node("f"))
    assert base is not None
    assert base.mtime == 1
    assert not (await device.sync()).outcomes
