"""The server copies what it has already, while somebody puts another file of the same size and time
in the place of what is copied. Such a copy must never pass for the content of here."""

from __future__ import annotations

import os

import pytest

from reconciler.errors import Unreachable
from reconciler.model import ROOT, Mode, Settings
from tests.engine.world import Device, World

OLD, LATER = 1_600_000_000, 1_700_000_000
SECURE = Settings(mode=Mode.SECURE, host="desk")
SMALL, BIG = 5000, 3 << 20
"""Below and above what is put beside its place first."""


def replace_there(world: World, path: str, data: bytes) -> None:
    """As `mv` does: another file, whose time is the former one's to the nanosecond."""
    former, new = world.disk / path, world.disk.with_name("elsewhere")
    new.write_bytes(data)
    stamp = former.stat().st_mtime_ns
    os.utime(new, ns=(stamp, stamp))
    os.rename(new, former)


def replaced_before_copy(
    world: World, device: Device, monkeypatch: pytest.MonkeyPatch, size: int, *, is_cut: bool
) -> None:
    """The source of the first copy; ``is_cut``: the answer to it is lost."""
    real, copies = device.folder.copy, list[str]()

    async def copy(source: str, path: str, mtime: int) -> int:
        if not copies:
            replace_there(world, source, b"2" * size)
        copies.append(source)
        inode = await real(source, path, mtime)
        if is_cut and len(copies) == 1:
            raise Unreachable("the answer is lost")
        return inode

    monkeypatch.setattr(device.folder, "copy", copy)


@pytest.mark.parametrize("is_cut", [False, True])
@pytest.mark.parametrize("size", [SMALL, BIG])
async def test_a_source_that_was_replaced_by_its_like_is_not_taken(
    world: World, monkeypatch: pytest.MonkeyPatch, size: int, is_cut: bool
) -> None:
    world.put("one", b"1" * size, mtime=OLD)
    device = await world.device(settings=SECURE)
    await device.sync()
    device.write("two", b"1" * size, mtime=LATER)
    replaced_before_copy(world, device, monkeypatch, size, is_cut=is_cut)
    for _ in range(3):
        await device.sync()
    assert world.requests("COPY") == 1
    assert world.on_disk() == device.tree() == {"one": b"2" * size, "two": b"1" * size}


@pytest.mark.parametrize("is_cut", [False, True])
async def test_another_name_of_the_file_is_not_copied_from_its_like(
    world: World, monkeypatch: pytest.MonkeyPatch, is_cut: bool
) -> None:
    device = await world.device()
    first = device.write("a", b"1" * BIG, mtime=OLD)
    await device.sync()
    device.replica.link(first, ROOT, b"b")
    replaced_before_copy(world, device, monkeypatch, BIG, is_cut=is_cut)
    for _ in range(3):
        await device.sync()
    assert world.requests("COPY") >= 1
    assert world.on_disk() == device.tree() == {"a": b"2" * BIG, "b": b"1" * BIG}


async def test_a_folder_that_took_the_name_of_what_was_to_be_copied_leaves_no_copy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy has a name of ours, which no listing shows: nobody else would ever remove it."""
    device = await world.device()
    first = device.write("a", b"1" * BIG, mtime=OLD)
    await device.sync()
    device.replica.link(first, ROOT, b"b")
    real, copies = device.folder.copy, list[str]()

    async def copy(source: str, path: str, mtime: int) -> int:
        if not copies:
            os.rename(world.disk / source, world.disk / "moved")
            world.put(f"{source}/much", b"2" * BIG, mtime=LATER)
        copies.append(path)
        return await real(source, path, mtime)

    monkeypatch.setattr(device.folder, "copy", copy)
    for _ in range(3):
        await device.sync()
    assert copies
    assert not [each for each in os.listdir(world.disk) if each.startswith(".sync-in.")]
    assert world.on_disk() == device.tree()
    assert world.on_disk()["b"] == world.on_disk()["moved"] == b"1" * BIG
    assert not list(device.replica.uploads.leftovers())


@pytest.mark.slow
async def test_a_push_does_not_copy_what_was_replaced_since_the_listing(world: World) -> None:
    device = await world.device(debounce=0.05, manual=False)
    first = device.write("a", b"1" * BIG, mtime=OLD)
    await world.settled(device)
    await device.sync()
    replace_there(world, "a", b"2" * BIG)
    device.replica.link(first, ROOT, b"b")
    await world.settled(device)
    for _ in range(3):
        await device.sync()
    assert world.requests("COPY") == 1
    assert world.on_disk() == device.tree() == {"a": b"2" * BIG, "b": b"1" * BIG}
