"""Contents that are read while they arrive."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import pytest
import trio

from reconciler.model import ROOT, Mode, NodeId
from syncin_mount.devserver import CutResponse, Reply, Rule, Stall
from syncin_mount.devserver.faults import Effect
from syncin_mount.vfs import FileSystem
from tests.engine.world import SETTINGS, Device, World

MIB = 1 << 20


async def test_readers_of_far_parts_do_not_wait_for_each_other(world: World) -> None:
    """The background fetches from the start; who reads near the end gets a request of their own,
    beside it."""
    data = bytes(range(256)) * 4096 * 12
    world.put("big", data)
    device = await world.device()
    await device.engine.sync()
    node = device.node("big")
    await device.hydrator.ensure(node, 10 * MIB, 10 * MIB + 10)
    await device.hydrator.ensure(node, 6 * MIB, 6 * MIB + 10)
    await device.hydrator.wait_drained()
    assert device.read("big") == data


async def _arrived(device: Device, node: NodeId, size: int) -> None:
    """Returns when all of the content lies in the incoming file and the node does not have it
    yet."""
    with trio.fail_after(20):
        while True:
            local = device.replica.local(node)
            assert local is not None
            assert not local.present
            download = device.hydrator._downloads.get(node)
            if download is not None and download.incoming.missing(0, size) is None:
                return
            await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("how", ["append", "truncate on opening", "truncate"])
async def test_what_arrived_and_is_not_taken_in_yet_is_written_to(
    world: World, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader's first pages had all of it sent, and the background has not come to this file
    yet."""
    data = bytes(range(256)) * 4096
    world.put("doc", data)
    device = await world.device()
    monkeypatch.setattr(device.hydrator, "want", lambda *_nodes: None)
    await device.engine.sync()
    fs, node = FileSystem(device.replica, device.hydrator), device.node("doc")
    ino = fs.lookup(ROOT, b"doc").ino
    reader = await fs.open(ino, os.O_RDONLY)
    assert bytes(await fs.read(reader, 0, 4096)) == data[:4096]
    await _arrived(device, node, len(data))
    if how == "truncate":
        await fs.setattr(ino, size=10)
        expected = data[:10]
    else:
        writer = await fs.open(ino, os.O_WRONLY | (os.O_APPEND if how == "append" else os.O_TRUNC))
        await fs.write(writer, len(data) if how == "append" else 0, b"new")
        fs.flush(writer)
        fs.release(writer)
        expected = data + b"new" if how == "append" else b"new"
    assert device.read("doc") == expected
    assert bytes(await fs.read(reader, 0, len(data) + 10)) == expected
    fs.close()


@pytest.mark.slow
async def test_what_is_still_being_proved_is_not_written_to(world: World) -> None:
    """Mode secure: the content has arrived and its checksum is being counted when somebody opens it
    for writing."""
    data = os.urandom(1 << 20) * 24
    world.put("doc", data)
    device = await world.device(settings=replace(SETTINGS, mode=Mode.SECURE))
    fs = FileSystem(device.replica, device.hydrator)
    await device.engine.sync()
    node = device.node("doc")
    await _arrived(device, node, len(data))
    with trio.fail_after(20):
        writer = await fs.open(fs.lookup(ROOT, b"doc").ino, os.O_WRONLY | os.O_APPEND)
    await fs.write(writer, len(data), b"tail")
    fs.flush(writer)
    fs.release(writer)
    assert device.read("doc") == data + b"tail"
    fs.close()


# what the server does not have any more, or fails to give for a while -----------------------------


async def opened_and_read(fs: FileSystem, name: bytes, size: int = 1 << 20) -> bytes:
    """As the kernel does it: after ESTALE from open(2) it looks the name up once more."""
    for left in (1, 0):
        try:
            handle = await fs.open(fs.lookup(ROOT, name).ino, os.O_RDONLY)
        except OSError as error:
            if error.errno != errno.ESTALE or not left:
                raise
            continue
        try:
            return bytes(await fs.read(handle, 0, size))
        finally:
            fs.release(handle)
    raise AssertionError("unreachable")


async def absent(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    data: bytes,
) -> tuple[Device, FileSystem]:
    """A drive at work by itself that has listed the file, and has not come to its content yet."""
    world.put(name, data)
    device = await world.device(manual=False)
    monkeypatch.setattr(device.hydrator, "want", lambda *_nodes: None)
    await device.engine.sync()
    local = device.replica.local(device.node(name))
    assert local is not None
    assert not local.present
    return device, FileSystem(device.replica, device.hydrator)


@pytest.mark.parametrize("what", ["longer", "shorter", "of the same size"])
@pytest.mark.parametrize("begun", [False, True])
async def test_an_edit_after_the_listing_is_what_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str, begun: bool
) -> None:
    """``begun``: a former process had fetched the first part of what was listed."""
    data = os.urandom(20_000)
    device, fs = await absent(world, monkeypatch, "doc", data)
    if begun:
        base = device.replica.base(device.node("doc"))
        assert base is not None
        incoming = device.replica.incoming(device.node("doc"), base.size, base.mtime)
        incoming.write(0, data[:4096])
        incoming.close()
    newer = os.urandom({"longer": 30_000, "shorter": 10_000, "of the same size": 20_000}[what])
    world.put("doc", newer, mtime=1_650_000_000)
    with trio.fail_after(20):
        assert await opened_and_read(fs, b"doc") == newer
    fs.close()


async def test_an_edit_after_the_listing_is_what_is_appended_to(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device, fs = await absent(world, monkeypatch, "doc", os.urandom(20_000))
    world.put("doc", b"newer", mtime=1_650_000_000)
    with trio.fail_after(20):
        with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
            await fs.open(fs.lookup(ROOT, b"doc").ino, os.O_WRONLY)
        writer = await fs.open(fs.lookup(ROOT, b"doc").ino, os.O_WRONLY | os.O_APPEND)
    await fs.write(writer, 5, b" and more")
    fs.release(writer)
    assert device.read("doc") == b"newer and more"
    fs.close()


async def test_what_was_deleted_after_the_listing_is_not_there_when_it_is_opened(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, fs = await absent(world, monkeypatch, "doc", b"data")
    world.put("other", b"so that not all is gone")
    (world.disk / "doc").unlink()
    with trio.fail_after(20), pytest.raises(OSError, match=os.strerror(errno.ENOENT)):
        await opened_and_read(fs, b"doc")
    fs.close()


async def test_what_was_moved_after_the_listing_is_read_by_who_opened_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(20_000)
    device, fs = await absent(world, monkeypatch, "doc", data)
    (world.disk / "doc").rename(world.disk / "called otherwise")
    with trio.fail_after(20):
        handle = await fs.open(fs.lookup(ROOT, b"doc").ino, os.O_RDONLY)
        assert bytes(await fs.read(handle, 0, 30_000)) == data
    fs.release(handle)
    assert device.tree_of_names() == {"called otherwise"}
    fs.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "effect",
    [Reply(503), Reply(502, "<html></html>", "text/html"), CutResponse(0), CutResponse(9000)],
    ids=str,
)
async def test_a_failure_that_passes_is_no_error_for_who_reads(
    world: World, monkeypatch: pytest.MonkeyPatch, effect: Effect
) -> None:
    data = os.urandom(40_000)
    _, fs = await absent(world, monkeypatch, "doc", data)
    world.faults.add(Rule(effect=effect, method="GET", path="*/doc", count=3))
    with trio.fail_after(30):
        assert await opened_and_read(fs, b"doc") == data
    fs.close()


@pytest.mark.slow
async def test_who_waits_for_a_request_that_is_given_up_gets_the_content_of_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on its way is given up when the file's place, version or checksum is another one."""
    data = os.urandom(20_000)
    device, fs = await absent(world, monkeypatch, "doc", data)
    node, got = device.node("doc"), []
    world.faults.add(Rule(effect=Stall(), method="GET", path="*/doc", count=2))

    async def read() -> None:
        got.append(await opened_and_read(fs, b"doc"))

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            for given_up in (1, 2):
                while world.requests("GET", "/doc") < given_up:  # noqa: ASYNC110 - not ours to signal
                    await trio.sleep(0.01)
                # The server may have it before this side knows that it is on its way.
                while world.requests("GET", "/doc") == given_up:
                    device.hydrator.forget(node)
                    await trio.sleep(0.05)
    assert got == [data]
    fs.close()
