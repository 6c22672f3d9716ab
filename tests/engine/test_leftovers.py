"""What broken uploads leave on the server: taken up, finished, or removed after 48 hours; and
nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.executor.outgoing import STAGE_FROM_BYTES
from reconciler.executor.upload_cleanup import KEPT_NS, Verdict, judge
from reconciler.model import ROOT, Conflict, Direction, Leftover, Mode, Settings
from reconciler.ports import Found
from syncin_mount.devserver import CutRequest, CutResponse, Reply, Rule
from tests.engine.world import Device, World

HOUR = 3600 * 10**9
BIG = os.urandom(STAGE_FROM_BYTES // 2)
"""Still sent to its place itself."""
PARTIAL = ".sync-in."


def partials(world: World) -> dict[str, int]:
    """Path and size of whatever the server's filtered names hold."""
    found = [path for path in world.disk.rglob(f"{PARTIAL}*") if path.is_file()]
    return {str(path.relative_to(world.disk)): path.stat().st_size for path in found}


async def cut(
    world: World, device: Device, path: str, data: bytes = BIG, after: int = STAGE_FROM_BYTES // 8
) -> None:
    """The upload of a new content breaks off."""
    device.write(path, data)
    rule = Rule(effect=CutRequest(after), path=f"*{path}", count=2)
    world.faults.add(rule)
    assert not (await device.sync()).complete
    world.faults.remove(rule)
    folder, _, name = path.rpartition("/")
    assert 0 < partials(world)[f"{folder}/{PARTIAL}{name}" if folder else PARTIAL + name] <= after


def states() -> list[tuple[str, Leftover, Found | None, bool, Verdict]]:
    at, later = 1000 * HOUR, 1000 * HOUR + KEPT_NS
    fresh, seen = Leftover(ROOT, "a", 10), Leftover(ROOT, "a", 10, at, 5, 77)
    same = Found(5, 77)
    return [
        ("vanished", fresh, None, True, Verdict.FORGET),
        ("first look", fresh, same, True, Verdict.NOTE),
        ("more than was sent", fresh, Found(11, 77), True, Verdict.FORGET),
        ("under a name of ours", fresh, Found(11, 77), False, Verdict.NOTE),
        ("unchanged for 48 hours", seen, same, True, Verdict.REMOVE),
        ("gone on by somebody", seen, Found(6, 78), True, Verdict.FORGET),
        ("written anew, of the same size", seen, Found(5, 78), True, Verdict.FORGET),
        (
            "a nanosecond too early",
            Leftover(ROOT, "a", 10, at + 1, 5, 77),
            same,
            True,
            Verdict.WAIT,
        ),
        (
            "the clock was set back",
            Leftover(ROOT, "a", 10, later + 1, 5, 77),
            same,
            True,
            Verdict.NOTE,
        ),
    ]


@pytest.mark.parametrize("case", states(), ids=lambda case: case[0])
def test_the_verdicts(case: tuple[str, Leftover, Found | None, bool, Verdict]) -> None:
    _, leftover, found, partial, verdict = case
    assert judge(leftover, found, 1000 * HOUR + KEPT_NS, partial=partial) is verdict


async def test_what_is_taken_up_leaves_nothing(world: World) -> None:
    device = await world.device()
    await cut(world, device, "film")
    assert [each.name for each in device.replica.leftovers()] == ["film"]
    await device.sync()
    assert world.on_disk() == {"film": BIG}
    assert not device.replica.leftovers()
    assert not partials(world)
    assert not world.requests("DELETE")


async def test_a_big_new_file_is_taken_up_under_another_name_too(world: World) -> None:
    """It is put beside its place under a name of its content, which a rename here does not
    change."""
    device = await world.device()
    data = os.urandom(3 << 20)
    device.write("film", data)
    rule = Rule(effect=CutRequest(2 << 20), method="PUT", count=2)
    world.faults.add(rule)
    assert not (await device.sync()).complete
    world.faults.remove(rule)
    (size,) = partials(world).values()
    assert size >= 1 << 20
    device.rename("film", "movie")
    before = sum(each.bytes_in for each in world.server.requests)
    await device.sync()
    assert world.on_disk() == {"movie": data}
    assert sum(each.bytes_in for each in world.server.requests) - before <= len(data) - size + 4096
    assert not partials(world)
    assert not device.replica.leftovers()


async def test_what_nobody_takes_up_goes_after_48_hours_and_nothing_else_does(world: World) -> None:
    device = await world.device()
    (world.disk / f"{PARTIAL}other").write_bytes(b"somebody else's")
    await cut(world, device, "film")
    left = partials(world)
    device.rename("film", "movie")
    await device.sync()
    assert world.on_disk() == {"movie": BIG}
    for ahead in (0, 24 * HOUR, KEPT_NS - HOUR):
        device.clock.ahead_ns = ahead
        await device.sync()
    assert partials(world) == left
    looks = sum(each.method == "HEAD" and PARTIAL in each.path for each in world.server.requests)
    assert looks <= 3, "it is looked at once, not in every run"
    device.clock.ahead_ns = KEPT_NS + HOUR
    await device.sync()
    assert partials(world) == {f"{PARTIAL}other": 15}
    assert world.trashed()[f"Docs/{PARTIAL}film"] == BIG[: left[f"{PARTIAL}film"]]
    assert world.requests("DELETE") == 1
    assert not device.replica.leftovers()


async def test_what_somebody_else_went_on_with_is_theirs(world: World) -> None:
    device = await world.device()
    await cut(world, device, "film")
    device.unlink("film")
    await device.sync()
    theirs = world.disk / f"{PARTIAL}film"
    with theirs.open("ab") as stream:
        stream.write(b"more")
    device.clock.ahead_ns = KEPT_NS + HOUR
    for _ in range(2):
        await device.sync()
        device.clock.ahead_ns += KEPT_NS + HOUR
    assert theirs.exists()
    assert not device.replica.leftovers()


async def test_a_partial_moves_with_its_folder_and_goes_with_it(world: World) -> None:
    device = await world.device()
    for name in ("a", "b"):
        device.mkdir(name)
        await device.sync()
        await cut(world, device, f"{name}/film")
        device.unlink(f"{name}/film")
        await device.sync()
    device.rename("a", "c")
    device.rmdir("b")
    await device.sync()
    assert set(partials(world)) == {f"c/{PARTIAL}film"}
    device.clock.ahead_ns = KEPT_NS + HOUR
    await device.sync()
    await device.sync()
    assert not partials(world)
    assert not device.replica.leftovers()


async def test_a_stop_and_a_new_start_know_of_it(world: World, tmp_path: Path) -> None:
    device = await world.device()
    await cut(world, device, "film")
    device.unlink("film")
    device.replica.abandon()  # what a kill leaves: nothing was committed
    device.hydrator.want = lambda *_: None  # type: ignore[method-assign]
    after = await world.device()
    await after.sync()
    after.clock.ahead_ns = KEPT_NS + HOUR
    await after.sync()
    assert not partials(world)


async def test_a_refused_removal_is_not_asked_for_again_and_again(world: World) -> None:
    device = await world.device()
    await cut(world, device, "film")
    device.unlink("film")
    await device.sync()
    rule = Rule(effect=Reply(423), method="DELETE")
    world.faults.add(rule)
    for _ in range(3):
        device.clock.ahead_ns = KEPT_NS + HOUR
        await device.sync()
    assert world.faults.acted(rule) == 1
    world.faults.remove(rule)
    device.clock.ahead_ns = 2 * KEPT_NS + 2 * HOUR
    await device.sync()
    assert not partials(world)


async def test_a_drive_that_follows_the_server_changes_nothing_there(world: World) -> None:
    device = await world.device()
    await cut(world, device, "film")
    device.unlink("film")
    await device.sync()
    device.engine.settings = Settings(direction=Direction.DOWNLOAD, host="desk")
    device.clock.ahead_ns = KEPT_NS + HOUR
    await device.sync()
    assert partials(world)


async def both_edited(world: World) -> Device:
    device = await world.device(settings=Settings(conflict=Conflict.LOCAL, host="desk"))
    device.write("doc", b"old")
    await device.sync()
    device.write("doc", BIG)
    world.put("doc", b"somebody else's")
    return device


async def test_a_version_that_was_put_beside_is_not_sent_again(world: World) -> None:
    device = await both_edited(world)
    rule = Rule(effect=Reply(503), method="MOVE", count=2)
    world.faults.add(rule)
    assert not (await device.sync()).complete
    assert list(partials(world).values()) == [len(BIG)]
    puts = world.requests("PUT")
    world.faults.remove(rule)
    report = await device.sync()
    assert world.requests("PUT") == puts
    assert [outcome.moved_bytes for outcome in report.outcomes] == [0]
    assert world.on_disk() == {"doc": BIG}
    assert world.trashed() == {"Docs/doc": b"somebody else's"}
    assert not partials(world)
    assert not device.replica.leftovers()


@pytest.mark.parametrize("whole", [True, False])
async def test_a_version_that_was_put_beside_and_lost_afterwards_goes_after_48_hours(
    world: World, whole: bool
) -> None:
    device = await both_edited(world)
    rule = (
        Rule(effect=Reply(503), method="MOVE")
        if whole
        else Rule(effect=CutRequest(STAGE_FROM_BYTES // 8), method="PUT")
    )
    world.faults.add(rule)
    assert not (await device.sync()).complete
    world.faults.remove(rule)
    assert len(partials(world)) == 1
    device.write("doc", b"a third")
    await device.sync()
    assert world.on_disk() == {"doc": b"a third"}
    assert len(partials(world)) == 1
    device.clock.ahead_ns = KEPT_NS + HOUR
    await device.sync()
    assert not partials(world)
    assert not device.replica.leftovers()


async def test_a_name_that_is_too_long_for_an_upload_goes_beside_and_is_moved(world: World) -> None:
    device = await world.device()
    name = "n" * 250
    device.write(name, b"new")
    await device.sync()
    assert world.on_disk() == {name: b"new"}
    device.write(name, b"edited", mtime=2_000_000_000)
    await device.sync()
    assert world.on_disk() == {name: b"edited"}
    assert not partials(world)
    assert not device.replica.leftovers()


async def test_a_lost_answer_is_found_out_about_and_forgotten(world: World) -> None:
    device = await world.device()
    device.write("new", b"content")
    world.faults.add(Rule(effect=CutResponse(), method="POST", path="*/new", count=1))
    await device.sync()
    await device.sync()
    assert world.on_disk() == {"new": b"content"}
    await device.sync()
    assert not device.replica.leftovers()


async def test_a_partial_whose_content_is_copied_on_the_server_is_remembered(world: World) -> None:
    """By then it lies there elsewhere, and a copy takes up nothing."""
    device = await world.device(settings=Settings(mode=Mode.SECURE))
    data = os.urandom(2 * STAGE_FROM_BYTES)
    device.write("film", data)
    rule = Rule(effect=CutRequest(STAGE_FROM_BYTES), method="PUT", count=2)
    world.faults.add(rule)
    assert not (await device.sync()).complete
    world.faults.remove(rule)
    assert len(partials(world)) == 1
    world.put("same", data)
    await device.sync()
    assert world.requests("COPY") == 1
    assert world.on_disk() == {"film": data, "same": data}
    assert len(partials(world)) == 1
    for _ in range(2):
        device.clock.ahead_ns += KEPT_NS + HOUR
        await device.sync()
    assert not partials(world)
    assert not device.replica.leftovers()


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.expected_log("send other: ", required=False)
async def test_a_copy_of_another_version_goes_at_once_or_is_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    """Somebody saves the file that is copied just then; the server may refuse the deletion."""
    device = await world.device(settings=Settings(mode=Mode.SECURE))
    world.put("same", b"content")
    await device.sync()
    device.write("other", b"content")
    copy = device.folder.copy

    async def late(path: str, target: str, mtime: int) -> None:
        world.put("same", b"something else")
        await copy(path, target, mtime)

    monkeypatch.setattr(device.folder, "copy", late)
    rule = Rule(effect=Reply(500), method="DELETE")
    if refused:
        world.faults.add(rule)
    await device.sync()
    assert world.requests("COPY") == 1
    assert len(partials(world)) == len([*device.replica.leftovers()]) == int(refused)
    if refused:
        world.faults.remove(rule)
        device.clock.ahead_ns += HOUR
        await device.sync()
    assert world.on_disk()["other"] == b"content"
    for _ in range(2):
        device.clock.ahead_ns += KEPT_NS + HOUR
        await device.sync()
    assert not partials(world)
    assert not device.replica.leftovers()


@pytest.mark.expected_log("send other: .* for now")
async def test_what_was_put_beside_in_vain_is_remembered_when_the_version_goes_to_its_place(
    world: World,
) -> None:
    device = await world.device(settings=Settings(mode=Mode.SECURE))
    world.put("same", b"content")
    await device.sync()
    device.write("other", b"content")
    rule = Rule(effect=Reply(423), method="MOVE")
    world.faults.add(rule)
    await device.sync()
    world.faults.remove(rule)
    assert len(partials(world)) == 1
    world.put("same", b"something else")
    await device.sync()
    assert world.on_disk()["other"] == b"content"
    assert world.requests("POST", "other") == 1
    assert len(partials(world)) == 1
    for _ in range(2):
        device.clock.ahead_ns += KEPT_NS + HOUR
        await device.sync()
    assert not partials(world)
    assert not device.replica.leftovers()
