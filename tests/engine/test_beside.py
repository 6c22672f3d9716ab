"""Versions that are put beside the one they replace: what becomes of them when they cannot take its
place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.executor.outgoing import STAGE_FROM_BYTES
from reconciler.model import Conflict, Mode, Settings
from tests.engine.world import Device, World

OLD, EARLIER, LATER, LATEST = 1_600_000_000, 1_650_000_000, 1_700_000_000, 1_750_000_000
RECENT = Settings(conflict=Conflict.RECENT, host="desk")


def once_beside(
    device: Device, monkeypatch: pytest.MonkeyPatch, method: str, then: Callable[[], None]
) -> None:
    """``then`` happens on the server as soon as the first version lies beside the one that it will
    replace."""
    original: Callable[..., Awaitable[Any]] = getattr(device.folder, method)
    done: list[str] = []

    async def act(*args: Any, **more: Any) -> Any:
        result = await original(*args, **more)
        path = args[1] if method == "copy" else args[0]
        if ".sync-in.mount." in path and not done:
            done.append(path)
            then()
        return result

    monkeypatch.setattr(device.folder, method, act)


def unresolved_count(world: World) -> list[str]:
    return [path.name for path in world.disk.rglob(".sync-in.*")]


async def test_a_version_that_does_not_fit_any_more_does_not_stay_beside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen on the real server: whole files stayed there under names that no listing shows."""
    device = await world.device(settings=RECENT)
    world.put("a.txt", b"old", mtime=OLD)
    await device.sync()
    device.write("a.txt", b"edited here", mtime=LATER)
    world.put("a.txt", b"edited there", mtime=EARLIER)
    once_beside(
        device,
        monkeypatch,
        "upload",
        lambda: world.put("a.txt", b"edited there again", mtime=LATEST),
    )
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk() == {"a.txt": b"edited there again"}
    assert b"edited here" in device.bin().values()
    assert unresolved_count(world) == []


@pytest.mark.parametrize("replaced", [True, False])
async def test_a_copy_that_does_not_fit_any_more_does_not_stay_beside(
    world: World, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    device = await world.device(settings=replace(RECENT, mode=Mode.SECURE))
    world.put("source", b"content " * 100, mtime=OLD)
    if replaced:
        world.put("a.txt", b"old", mtime=OLD)
    await device.sync()
    device.write("a.txt", b"content " * 100, mtime=EARLIER)
    once_beside(device, monkeypatch, "copy", lambda: world.put("a.txt", b"theirs", mtime=LATER))
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk() == {"source": b"content " * 100, "a.txt": b"theirs"}
    assert b"content " * 100 in device.bin().values()
    assert unresolved_count(world) == []


async def test_a_version_that_was_just_sent_is_kept_when_another_takes_its_place(
    world: World,
) -> None:
    """The other device looked at the server before ours arrived, and wrote after: lost on the real
    server, now and then, as neither side nor the trash had it any more."""
    device = await world.device(settings=RECENT)
    world.put("a.txt", b"old", mtime=OLD)
    world.put("stays.txt", b"tells that no backup was put back", mtime=OLD)
    await device.sync()
    device.write("a.txt", b"sent", mtime=LATER)
    await device.sync()
    world.put("a.txt", b"had not seen it", mtime=LATER)
    await device.sync()
    assert device.read("a.txt") == b"had not seen it"
    assert list(device.bin().values()) == [b"sent"]
    world.put("a.txt", b"next", mtime=LATEST)
    await device.sync()
    assert list(device.bin().values()) == [b"sent"], "what others wrote is on their side"


async def test_two_devices_never_put_different_versions_under_one_name(world: World) -> None:
    """Their nodes and versions have the same numbers, as both saw the same things happen."""
    world.put("a.txt", b"old", mtime=OLD)
    devices = [await world.device(name, settings=RECENT) for name in "ab"]
    for device in devices:
        await device.sync()
    for device in devices:
        device.write("a.txt", f"edited on {id(device)}".encode(), mtime=LATEST)
    first, second = (device.replica.local(device.node("a.txt")) for device in devices)
    assert first is not None
    assert second is not None
    assert first.version == second.version
    assert devices[0].node("a.txt") == devices[1].node("a.txt")
    for number, device in enumerate(devices):
        world.put("a.txt", b"edited there" * (number + 1), mtime=EARLIER + number)
        await device.sync()
    names = {
        each.path
        for each in world.server.requests
        if each.method == "PUT" and ".sync-in.mount." in each.path
    }
    assert len(names) == 2, names


async def test_a_big_new_file_overwrites_nothing_that_came_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's POST looks when it begins only: on the real one a file that another device moved
    there while a long upload was under way was gone without a trace."""
    device = await world.device(settings=RECENT)
    ours = b"ours" * (STAGE_FROM_BYTES // 4)
    device.write("big", ours, mtime=LATER)
    once_beside(device, monkeypatch, "upload", lambda: world.put("big", b"theirs", mtime=LATEST))
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk() == {"big": b"theirs"}
    assert ours in device.bin().values()
    assert unresolved_count(world) == []
