"""Content that is not here."""

from __future__ import annotations

import errno
import logging
import os
import re

import pytest
import trio

from reconciler import positioned
from reconciler.errors import Obstacle
from reconciler.model import ROOT
from syncin_mount.vfs import FileSystem, NoHydrator, files
from syncin_mount.vfs.arrivals import ERRNO, TOLD_A_MINUTE

DATA = bytes(range(256)) * 40


async def test_a_read_asks_for_its_range_only(world):
    node = world.place("file", DATA)
    ino = world.fs.lookup(ROOT, b"file").ino
    handle = await world.fs.open(ino, os.O_RDONLY)
    assert world.hydrator.asked == []
    assert bytes(await world.fs.read(handle, 1000, 100)) == DATA[1000:1100]
    assert world.hydrator.asked == [(node, 1000, 1100)]
    assert bytes(await world.fs.read(handle, 1000, 100)) == DATA[1000:1100]
    assert len(world.hydrator.asked) == 1
    assert bytes(await world.fs.read(handle, 10_000, 5000)) == DATA[10_000:]
    assert bytes(await world.fs.read(handle, 0, len(DATA))) == DATA
    assert world.fs.getattr(ino).ino == ino
    world.fs.release(handle)


async def test_opening_for_writing_fetches_all_of_it(world):
    node = world.place("file", DATA)
    ino = world.fs.lookup(ROOT, b"file").ino
    handle = await world.fs.open(ino, os.O_WRONLY)
    assert [(asked, start) for asked, start, _ in world.hydrator.asked] == [(node, 0)]
    await world.fs.write(handle, 5, b"new")
    world.fs.release(handle)
    assert await world.read(ino) == DATA[:5] + b"new" + DATA[8:]


@pytest.mark.parametrize("how", ["open", "setattr"])
async def test_truncating_to_nothing_needs_no_content(world, how):
    node = world.place("file", DATA, known=False)
    ino = world.fs.lookup(ROOT, b"file").ino
    if how == "open":
        handle = await world.fs.open(ino, os.O_WRONLY | os.O_TRUNC)
        await world.fs.write(handle, 0, b"new")
        world.fs.release(handle)
        expected = b"new"
    else:
        await world.fs.setattr(ino, size=0)
        expected = b""
    assert await world.read(ino) == expected
    local = world.replica.local(node)
    assert (local.present, local.size) == (True, len(expected))
    assert world.hydrator.asked == []
    world.restart()
    assert await world.read(world.fs.lookup(ROOT, b"file").ino) == expected


async def test_truncating_to_something_fetches_first(world):
    world.place("file", DATA)
    ino = world.fs.lookup(ROOT, b"file").ino
    await world.fs.setattr(ino, size=10)
    assert await world.read(ino) == DATA[:10]


@pytest.mark.expected_log("cannot be fetched now: offline")
async def test_unavailable_is_no_broken_disk_and_one_line_that_names_the_file(world, caplog):
    world.place("my file", DATA, known=False)
    ino = world.fs.lookup(ROOT, b"my file").ino
    handle = await world.fs.open(ino, os.O_RDONLY)
    for _ in range(3):
        with pytest.raises(OSError, match=os.strerror(errno.ENETUNREACH)):
            await world.fs.read(handle, 0, 10)
    world.fs.release(handle)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert (
        "my file: the content is not on this computer and cannot be fetched now: offline"
        in caplog.text
    )
    with pytest.raises(OSError, match=os.strerror(errno.ENETUNREACH)):
        await world.fs.open(ino, os.O_RDWR)
    assert len(world.fs._files) == 0


@pytest.mark.expected_log("cannot be fetched now: offline")
@pytest.mark.parametrize("obstacle", Obstacle)
async def test_each_obstacle_has_an_error_number_of_its_own(world, obstacle):
    world.place("file", DATA, known=False)
    world.hydrator.obstacle = obstacle
    handle = await world.fs.open(world.fs.lookup(ROOT, b"file").ino, os.O_RDONLY)
    with pytest.raises(OSError, match=re.escape(os.strerror(ERRNO[obstacle]))) as caught:
        await world.fs.read(handle, 0, 10)
    assert (caught.value.errno == errno.EIO) is (obstacle is Obstacle.OTHER)
    assert len({*ERRNO.values()}) == len(Obstacle)
    world.fs.release(handle)


@pytest.mark.expected_log("cannot be fetched now: offline")
@pytest.mark.expected_log("other contents could not be fetched")
async def test_a_search_through_many_files_fills_no_log(world, caplog, autojump_clock):
    async def read(name: str) -> None:
        world.place(name, DATA, known=False)
        handle = await world.fs.open(world.fs.lookup(ROOT, name.encode()).ino, os.O_RDONLY)
        with pytest.raises(OSError, match=os.strerror(errno.ENETUNREACH)):
            await world.fs.read(handle, 0, 10)
        world.fs.release(handle)

    for number in range(TOLD_A_MINUTE + 30):
        await read(f"file {number}")
    assert len(caplog.records) == TOLD_A_MINUTE
    await trio.sleep(61)
    await read("the next")
    assert caplog.records[-2].getMessage() == "… and 30 other contents could not be fetched"
    assert len(caplog.records) == TOLD_A_MINUTE + 2


@pytest.mark.expected_log("cannot be fetched now: not connected")
async def test_without_a_server_nothing_can_be_fetched(world):
    world.place("file", DATA)
    fs = FileSystem(world.replica, NoHydrator())
    handle = await fs.open(fs.lookup(ROOT, b"file").ino, os.O_RDONLY)
    with pytest.raises(OSError, match=os.strerror(errno.ENETUNREACH)):
        await fs.read(handle, 0, 10)
    fs.close()


async def test_a_write_never_ends_in_a_version_that_was_replaced_meanwhile(world):
    node = world.place("file", DATA)
    ino = world.fs.lookup(ROOT, b"file").ino

    async def replaced():
        world.hydrator.before = None
        await world.hydrator.ensure(node, 0, len(DATA))
        world.install_content(node, b"newer")

    world.hydrator.before = replaced
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        await world.fs.open(ino, os.O_RDWR)
    assert len(world.fs._files) == 0
    assert not world.replica.local(node).busy


@pytest.mark.expected_log("cannot be fetched now: nothing arrived")
async def test_a_hydrator_that_brings_nothing_does_not_make_it_hang(world):
    node = world.place("file", DATA)
    ino = world.fs.lookup(ROOT, b"file").ino

    async def nothing(*_range):
        world.hydrator.asked.append(node)

    world.hydrator.ensure = nothing
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        await world.read(ino)
    assert len(world.hydrator.asked) == 1


@pytest.mark.expected_log("cannot be fetched now: it arrived and could not take its place")
async def test_a_content_that_never_takes_its_place_is_not_written_to(world):
    node = world.place("file", DATA)
    ino = world.fs.lookup(ROOT, b"file").ino
    incoming = world.replica.incoming(node, len(DATA), 1_700_000_000)

    async def arrives_only(*_range):
        world.hydrator.asked.append(node)
        incoming.write(0, DATA)

    world.hydrator.ensure = arrives_only
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        await world.fs.open(ino, os.O_RDWR)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        await world.fs.setattr(ino, size=10)
    assert len(world.hydrator.asked) < 10
    assert not world.replica.local(node).open_for_writing
    assert await world.read(ino) == DATA
    incoming.close()


async def test_a_reader_does_not_see_zeros_of_a_content_that_starts_anew(world):
    """What arrived was not what the server listed: it is thrown away and fetched once more under
    who reads it."""
    node = world.place("file", DATA)
    ino = world.fs.lookup(ROOT, b"file").ino
    incoming = world.replica.incoming(node, len(DATA), 1_700_000_000)
    incoming.write(0, DATA)
    handle = await world.fs.open(ino, os.O_RDONLY)
    assert bytes(await world.fs.read(handle, 0, 10)) == DATA[:10]
    incoming.restart()
    incoming.close()
    assert bytes(await world.fs.read(handle, 5000, 100)) == DATA[5000:5100]
    world.fs.release(handle)


async def test_what_is_thrown_away_while_it_is_read_is_read_again(world, monkeypatch):
    node = world.place("file", DATA)
    incoming = world.replica.incoming(node, len(DATA), 1_700_000_000)
    incoming.write(0, DATA)
    handle = await world.fs.open(world.fs.lookup(ROOT, b"file").ino, os.O_RDONLY)
    read_into = positioned.read_into

    def thrown_away(fd: int, buffer: memoryview, offset: int) -> int:
        monkeypatch.setattr(files, "read_into", read_into)
        incoming.restart()
        return read_into(fd, buffer, offset)

    monkeypatch.setattr(files, "read_into", thrown_away)
    monkeypatch.setattr(files, "read_cached", lambda *_: 0)  # as if it were not in memory
    assert bytes(await world.fs.read(handle, 5000, 100)) == DATA[5000:5100]
    incoming.close()
    world.fs.release(handle)


async def test_opening_finds_out_whether_what_is_not_here_is_there_still(world):
    """The kernel looks the name up again after ESTALE, and comes to what it stands for then."""
    node = world.place("file", DATA)
    begun = []

    async def replaced(asked):
        begun.append(asked)
        await world.hydrator.ensure(node, 0, len(DATA))
        world.install_content(node, b"newer")

    world.hydrator.on_begin = replaced
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        await world.fs.open(world.fs.lookup(ROOT, b"file").ino, os.O_RDONLY)
    assert len(world.fs._files) == 0
    assert await world.read(world.fs.lookup(ROOT, b"file").ino) == b"newer"
    assert begun == [node], "what is here is not asked for"
