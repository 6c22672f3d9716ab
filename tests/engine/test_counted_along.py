"""Big contents are counted while they are sent: what a checksum that is known beforehand was good
for still holds."""

from __future__ import annotations

import hashlib
import os

import pytest

import reconciler.executor.counted_upload
import reconciler.executor.upload
from reconciler.executor.outgoing import Attempt
from reconciler.executor.upload_cleanup import KEPT_NS
from reconciler.model import ROOT, Leftover, Settings, Unconfirmed
from syncin_mount.app.runtime.content_patrol import Patrol
from syncin_mount.devserver import CutRequest, CutResponse, Reply, Rule
from tests.engine.test_confirming import restarted
from tests.engine.test_leftovers import HOUR, partials
from tests.engine.test_rot import UNSENT, flip
from tests.engine.world import Device, World

THEN = 1_650_000_000
SIZE = 3 << 20
BIG, OTHER = os.urandom(SIZE), os.urandom(SIZE)


@pytest.fixture(autouse=True)
def _along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler.executor.upload, "ALONG_FROM", 1 << 20)


def sum_of(data: bytes) -> str:
    return hashlib.new("sha512_256", data).hexdigest()


def base_sum(device: Device, path: str) -> str | None:
    base = device.replica.base(device.node(path))
    return None if base is None else base.checksum


@pytest.mark.parametrize("size", [1 << 20, SIZE, (512 << 10) * 3, (512 << 10) * 3 + 1])
@pytest.mark.parametrize("known", [False, True], ids=["new", "replaced"])
async def test_it_is_read_once_and_its_checksum_is_known(
    world: World, monkeypatch: pytest.MonkeyPatch, size: int, *, known: bool
) -> None:
    device = await world.device()
    if known:
        world.put("f", b"old", mtime=THEN - 5)
        await device.sync()

    async def never(fd: int, size: int) -> str | None:
        raise AssertionError("a reading of its own")

    monkeypatch.setattr("reconciler.executor.counted_upload.checksum", never)
    device.write("f", BIG[:size], mtime=THEN)
    report = await device.sync()
    assert report.complete, report.problems
    assert world.on_disk() == {"f": BIG[:size]}
    assert base_sum(device, "f") == sum_of(BIG[:size])
    assert not device.replica.leftovers()
    assert not partials(world)


@UNSENT
@pytest.mark.parametrize("known", [False, True], ids=["new", "replaced"])
@pytest.mark.parametrize("at", [3, SIZE - 1], ids=["early", "in the last byte"])
async def test_rot_never_becomes_a_whole_file_there(
    world: World, monkeypatch: pytest.MonkeyPatch, at: int, *, known: bool
) -> None:
    device = await world.device()
    if known:
        world.put("f", b"old", mtime=THEN - 5)
        await device.sync()
    device.write("f", BIG, mtime=THEN)
    later = device.replica.writer.now_ns() + 60 * 10**9
    monkeypatch.setattr(device.replica.writer, "now_ns", lambda: later)  # it is quiet
    await Patrol(device.replica, device.hydrator).count_unsent()
    flip(device, "f", at)
    for _ in range(2):
        report = await device.sync()
        assert not report.complete
        assert world.on_disk() == ({"f": b"old"} if known else {})
        assert all(size < SIZE for size in partials(world).values())


@pytest.mark.parametrize("killed", [False, True], ids=["lost answer", "killed"])
@pytest.mark.parametrize("known", [False, True], ids=["new", "replaced"])
async def test_what_arrived_though_the_answer_was_lost_is_not_sent_again(
    world: World, *, known: bool, killed: bool
) -> None:
    device = await world.device()
    if known:
        world.put("f", b"old", mtime=THEN - 5)
        await device.sync()
    device.write("f", BIG, mtime=THEN)
    rule = Rule(effect=CutResponse(), method="PUT", count=1)
    world.faults.add(rule)
    assert not (await device.sync()).complete
    world.faults.remove(rule)
    puts = world.requests("PUT")
    if killed:
        device = await restarted(world, device)
    report = await device.sync()
    assert report.complete, report.problems
    assert report.conflicts == 0
    assert world.requests("PUT") == puts
    assert world.on_disk() == device.tree() == {"f": BIG}
    assert base_sum(device, "f") == sum_of(BIG)
    assert not device.bin()
    assert not device.replica.leftovers()


def read_there(world: World) -> int:
    """How often a content on the server was looked at."""
    return sum(
        each.method == "GET" and "/operation/" in each.path for each in world.server.requests
    )


async def not_moved(world: World) -> tuple[Device, Rule]:
    """The whole version lies beside its place."""
    device = await world.device()
    device.write("f", BIG, mtime=THEN)
    rule = Rule(effect=Reply(503), method="MOVE")
    world.faults.add(rule)
    assert not (await device.sync()).complete
    assert list(partials(world).values()) == [SIZE]
    return device, rule


async def test_who_put_it_beside_only_moves_it(world: World) -> None:
    device, rule = await not_moved(world)
    puts = world.requests("PUT")
    await device.sync()
    world.faults.remove(rule)
    report = await device.sync()
    assert report.complete, report.problems
    assert world.requests("PUT") == puts
    assert read_there(world) == 0
    assert world.on_disk() == {"f": BIG}
    assert base_sum(device, "f") == sum_of(BIG)
    assert not device.replica.leftovers()


async def test_after_a_kill_it_is_proved_and_moved(world: World) -> None:
    device, rule = await not_moved(world)
    puts = world.requests("PUT")
    device = await restarted(world, device)
    world.faults.remove(rule)
    report = await device.sync()
    assert report.complete, report.problems
    assert world.requests("PUT") == puts
    assert world.on_disk() == device.tree() == {"f": BIG}
    assert not partials(world)


async def test_another_content_under_its_name_is_not_moved(world: World) -> None:
    device, rule = await not_moved(world)
    (name,) = partials(world)
    (world.disk / name).write_bytes(OTHER)
    os.utime(world.disk / name, (THEN, THEN))
    device = await restarted(world, device)
    world.faults.remove(rule)
    report = await device.sync()
    assert report.complete, report.problems
    assert world.on_disk() == device.tree() == {"f": BIG}
    assert OTHER not in world.trashed().values()


@pytest.mark.parametrize("killed", [False, True])
async def test_a_broken_upload_goes_on_where_it_broke(world: World, *, killed: bool) -> None:
    device = await world.device()
    device.write("f", BIG, mtime=THEN)
    rule = Rule(effect=CutRequest(SIZE // 2), method="PUT", count=1)
    world.faults.add(rule)
    assert not (await device.sync()).complete
    world.faults.remove(rule)
    if killed:
        device = await restarted(world, device)
    report = await device.sync()
    assert report.complete, report.problems
    assert 0 < sum(outcome.moved_bytes for outcome in report.outcomes) < SIZE
    assert world.on_disk() == {"f": BIG}
    assert base_sum(device, "f") == sum_of(BIG)


async def test_what_was_not_sent_to_its_end_did_not_arrive(world: World) -> None:
    """Somebody else's file of that size and second is there, and the process was killed in the
    middle of its try."""
    device = await world.device()
    world.put("f", b"old", mtime=THEN - 5)
    await device.sync()
    device.write("f", BIG, mtime=THEN)
    rule = Rule(effect=CutRequest(SIZE // 2), method="PUT", count=1)
    world.faults.add(rule)
    await device.sync()
    world.faults.remove(rule)
    world.put("f", OTHER, mtime=THEN)
    device = await restarted(world, device)
    report = await device.sync()
    assert report.complete, report.problems
    assert world.on_disk() == device.tree()
    kept = {*world.on_disk().values(), *device.bin().values(), *world.trashed().values()}
    assert {BIG, OTHER} <= kept


async def test_a_write_while_it_is_sent_sends_the_later_version(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await world.device()
    device.write("f", BIG, mtime=THEN)
    read = reconciler.executor.counted_upload.Counted.read

    async def and_somebody_writes(
        self: reconciler.executor.counted_upload.Counted, offset: int, length: int
    ) -> bytes:
        piece = await read(self, offset, length)
        if offset > SIZE // 2 and device.read("f") == BIG:
            device.write("f", OTHER, mtime=THEN + 5)
        return piece

    monkeypatch.setattr(reconciler.executor.counted_upload.Counted, "read", and_somebody_writes)
    report = await device.sync()
    monkeypatch.setattr(reconciler.executor.counted_upload.Counted, "read", read)
    if not report.complete:
        report = await device.sync()
    assert report.complete, report.problems
    assert world.on_disk() == device.tree() == {"f": OTHER}
    assert base_sum(device, "f") == sum_of(OTHER)
    device.clock.ahead_ns = KEPT_NS + HOUR
    await device.sync()
    device.clock.ahead_ns = 2 * (KEPT_NS + HOUR)
    await device.sync()
    assert not partials(world)


async def test_an_edit_of_the_same_size_and_second_gets_a_later_one(world: World) -> None:
    device = await world.device()
    device.write("f", BIG, mtime=THEN)
    await device.sync()
    device.write("f", OTHER, mtime=THEN)
    report = await device.sync()
    assert report.complete, report.problems
    assert world.on_disk() == {"f": OTHER}
    assert int((world.disk / "f").stat().st_mtime) == THEN + 1


async def test_two_devices_do_not_send_under_one_name(world: World) -> None:
    """Their nodes, versions, sizes and seconds are the same."""
    devices = [await world.device(name, settings=Settings(host="desk", tag=name)) for name in "ab"]
    for device, data in zip(devices, (BIG, OTHER), strict=True):
        device.write("f", data, mtime=THEN)
    rule = Rule(effect=Reply(503), method="MOVE")
    world.faults.add(rule)
    for device in devices:
        await device.sync()
    assert {(world.disk / name).read_bytes() for name in partials(world)} == {BIG, OTHER}


async def test_a_record_without_a_checksum_says_that_it_cannot_have_arrived(world: World) -> None:
    device = await world.device()
    device.write("f", BIG, mtime=THEN)
    world.put("f", OTHER, mtime=THEN)
    node = device.node("f")
    local = device.replica.local(node)
    assert local is not None
    cut_short = Unconfirmed(node, "f", THEN, local.version, "", new=True)
    device.replica.note_leftover(Leftover(ROOT, "f", SIZE, unconfirmed=cut_short))
    device.engine._parts.runner._ledger.attempted[node] = Attempt(local.version, local.place, THEN)
    await device.engine._parts.runner.recall()
    assert device.replica.base(node) is None
    assert [each.unconfirmed for each in device.replica.leftovers()] == [None]
