"""What ordinary things cost: the requests are counted."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest

from reconciler.model import Mode, Op, Settings, Side
from reconciler.ports import Reader
from syncin_mount.remote import Folder
from tests.engine.world import Device, World

FILES = 10_000
OLD = 1_600_000_000


async def with_a_big_folder(world: World, *, manual: bool = True) -> Device:
    """10,000 files that both sides have: made on both, and taken for equal by the first run, so
    nothing crosses."""
    device = await world.device(manual=manual, debounce=0.05)
    for parent in ("big", "big/sub"):
        (world.disk / parent).mkdir()
        device.mkdir(parent)
    for number in range(FILES):
        path = f"big/{'sub/' if number % 10 == 0 else ''}{number:05d}"
        data = b"%d" % number
        world.put(path, data, mtime=OLD)
        device.write(path, data, mtime=OLD)
    await device.sync()
    assert not list(device.replica.dirty())
    return device


def asked(world: World, mark: int) -> Counter[str]:
    """The requests since, by method, without those that only look."""
    return Counter(
        each.method for each in list(world.server.requests)[mark:] if "/diff/" not in each.path
    )


@pytest.mark.timeout(240)
@pytest.mark.parametrize("pushed", [False, True], ids=["by a full run", "by a push"])
async def test_a_folder_of_10000_files_renamed_here_is_one_move(world: World, pushed: bool) -> None:
    device = await with_a_big_folder(world, manual=not pushed)
    if pushed:
        await world.settled(device)
    one = device.node("big/sub/00010")
    inode = (world.disk / "big" / "00001").stat().st_ino
    mark = len(world.server.requests)
    device.rename("big", "renamed")
    if pushed:
        await world.settled(device)
    else:
        report = await device.sync()
        assert [(each.action.op, each.moved_bytes) for each in report.outcomes] == [(Op.MOVE, 0)]
    # Without a listing, a look into the folder above shows that it is still this one that has the
    # name.
    assert asked(world, mark) == ({"GET": 1, "MOVE": 1} if pushed else {"MOVE": 1})
    assert not (world.disk / "big").exists()
    assert (world.disk / "renamed" / "00001").stat().st_ino == inode
    assert device.node("renamed/sub/00010") == one
    mark = len(world.server.requests)
    await device.sync()
    assert asked(world, mark) == {}


@pytest.mark.timeout(240)
async def test_a_folder_of_10000_files_renamed_on_the_server_is_one_move_here(world: World) -> None:
    device = await with_a_big_folder(world)
    one = device.node("big/sub/00010")
    versions = device.replica.local(one)
    os.rename(world.disk / "big", world.disk / "renamed")
    mark, before = len(world.server.requests), device.replica.sequence()
    report = await device.sync()
    assert [(each.action.op, each.action.side) for each in report.outcomes] == [
        (Op.MOVE, Side.LOCAL)
    ]
    assert asked(world, mark) == {}
    assert device.replica.sequence() - before < 10, "a rename is one record, whatever is below it"
    assert device.node("renamed/sub/00010") == one
    after = device.replica.local(one)
    assert versions is not None
    assert after == versions
    assert not list(device.replica.dirty())


@pytest.mark.parametrize("rewritten", [False, True], ids=["touched", "written with the same bytes"])
async def test_a_file_that_is_touched_costs_one_proppatch_in_mode_secure(
    world: World, rewritten: bool
) -> None:
    device = await world.device(settings=Settings(mode=Mode.SECURE, host="desk"))
    device.write("doc", b"content" * 1000, mtime=OLD)
    await device.sync()
    mark = len(world.server.requests)
    if rewritten:
        device.write("doc", b"content" * 1000, mtime=OLD + 100)
    else:
        device.replica.set_attr(device.node("doc"), mtime_ns=(OLD + 100) * 10**9)
    await device.sync()
    counted = asked(world, mark)
    assert counted["PROPPATCH"] == 1
    assert set(counted) <= {"PROPPATCH", "HEAD"}
    assert (world.disk / "doc").stat().st_mtime == OLD + 100
    mark = len(world.server.requests)
    await device.sync()
    assert asked(world, mark) == {}


@pytest.mark.parametrize("mode", [Mode.FAST, Mode.SECURE])
async def test_the_server_counts_what_it_receives_only_in_mode_secure(
    world: World, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes as long for that as for receiving it."""
    proved: list[bool] = []
    real = Folder.upload

    async def upload(self: Folder, path: str, reader: Reader, **how: Any) -> int:
        proved.append(how["prove"])
        return await real(self, path, reader, **how)

    monkeypatch.setattr(Folder, "upload", upload)
    device = await world.device(settings=Settings(mode=mode))
    device.write("small", b"x")
    device.write("big", os.urandom(3 << 20))
    await device.sync()
    assert proved == [mode is Mode.SECURE] * 2
