"""The remote folder against the embedded server: real HTTP, real files.

This file is long because the folder is one port: each of its requests stands here.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Awaitable, Callable

import pytest
import trio

from reconciler.errors import (
    Changed,
    Exists,
    LocalChanged,
    Locked,
    Mismatch,
    Missing,
    QuotaReached,
    Refused,
    Unreachable,
)
from reconciler.ports import Found, RemoteFolder
from syncin_mount.devserver import Reply, Rule
from syncin_mount.devserver.faults import CutRequest
from syncin_mount.devserver.places import Place, Root
from syncin_mount.remote import Folder
from syncin_mount.remote import remote_folder as folder_module
from syncin_mount.remote.decoding import parse_etag
from syncin_mount.remote.remote_paths import stand_in
from tests.server.support import EPOCH, World, checksum, get, listed, put, reader

LONG = "n" * 251 + ".txt"


async def test_a_file_goes_up_and_comes_down(world: World) -> None:
    data = os.urandom(3_000_000)
    await put(world.folder, "a/b/c.bin", data)
    assert (world.disk / "a/b/c.bin").read_bytes() == data
    assert (world.disk / "a/b/c.bin").stat().st_mtime == EPOCH
    assert await world.folder.find("a/b/c.bin") == Found(3_000_000, EPOCH * 1000)
    assert await get(world.folder, "a/b/c.bin") == data
    assert await get(world.folder, "a/b/c.bin", 1_000, 2_000_001) == data[1_000:2_000_001]
    assert await get(world.folder, "a/b/c.bin", 5, 5) == b""


async def test_an_empty_file_and_the_epoch(world: World) -> None:
    await put(world.folder, "empty", b"", mtime=0)
    assert (world.disk / "empty").stat().st_mtime == 1, "0 would mean now to the server"
    assert await get(world.folder, "empty") == b""
    await world.folder.touch("empty", -5)
    assert (world.disk / "empty").stat().st_mtime == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "é",
        "e\u0301",
        "100%",
        "a%20b",
        "a#b?c&d=e+f;g",
        "~$x",
        "...",
        "a\\b",
        'q"<>|*:',
        "😀",
        "tab\tnl\n",
        "n" * 246,
        LONG,
        "é" * 127,
        "CON",
        "PRN",
        "AUX",
        "NUL",
        "COM1",
        "LPT9",
        "lpt1",
        "\u2028",
        "\x85",
        "\x7f",
    ],
)
async def test_names_arrive_as_they_are(world: World, name: str) -> None:
    folder = world.folder
    await put(folder, f"d/{name}", b"x")
    assert os.listdir(world.disk / "d") == [name]
    await put(folder, f"d/{name}", b"xy", replace=True)
    assert await get(folder, f"d/{name}") == b"xy"
    assert f"d/{name}" in await listed(folder)
    await folder.make_folder("d2", EPOCH)
    await folder.move(f"d/{name}", f"d2/{name}")
    assert os.listdir(world.disk / "d") == []
    assert os.listdir(world.disk / "d2") == [name]
    await folder.delete(f"d2/{name}")
    assert os.listdir(world.disk / "d2") == []
    await folder.make_folder(f"d/{name}", EPOCH)
    await folder.make_folder(f"d/{name}", EPOCH)
    assert os.listdir(world.disk / "d") == [name]
    assert (world.disk / "d" / name).is_dir()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "..",
        "a/../../y",
        "../y",
        "/a",
        "a//b",
        "a/",
        ".",
        "a/./b",
        "a\0b",
        "x" * 256,
        "caf\udce9",
    ],
)
async def test_nothing_leaves_the_folder(world: World, path: str) -> None:
    folder = world.folder
    found = Found(1, 1)

    async def fetch() -> None:
        async with folder.download(path, start=0, stop=1, expect=found):
            pass

    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: folder.find(path),
        lambda: folder.partial(path),
        fetch,
        lambda: put(folder, path, b"x"),
        lambda: folder.make_folder(path, 1),
        lambda: folder.move(path, "good"),
        lambda: folder.move("good", path),
        lambda: folder.move("good", path, overwrite=True),
        lambda: folder.touch(path, 1),
        lambda: folder.delete(path),
    ]
    before = len(world.dev.requests)
    for call in calls:
        with pytest.raises(Refused, match="cannot be sent"):
            await call()
    assert len(world.dev.requests) == before


@pytest.mark.parametrize("root", ["personal/../x", "elsewhere/x", "personal//x", "spaces", ""])
async def test_a_folder_is_made_for_good_paths_only(world: World, root: str) -> None:
    with pytest.raises(Refused):
        Folder(world.session, root)


async def test_nothing_is_overwritten_unasked(world: World) -> None:
    folder = world.folder
    for name in ("a", LONG):
        await put(folder, name, b"old")
        with pytest.raises(Exists):
            await put(folder, name, b"new")
        assert (world.disk / name).read_bytes() == b"old"
        await put(folder, "mine", b"mine")
        with pytest.raises(Exists):
            await folder.move("mine", name)
        assert (world.disk / name).read_bytes() == b"old"
        await folder.move("mine", name, overwrite=True)
        assert (world.disk / name).read_bytes() == b"mine"
        assert (world.trash / "x" / name).read_bytes() == b"old"
    assert sorted(os.listdir(world.disk)) == ["a", LONG]


async def test_a_stand_in_does_not_stay_when_its_place_is_taken(world: World) -> None:
    """Somebody makes the file between the look and the move."""
    folder = world.folder

    async def read(offset: int, length: int) -> bytes:
        (world.disk / LONG).write_bytes(b"theirs")
        return b"mine"[offset : offset + length]

    with pytest.raises(Exists):
        await folder.upload(
            LONG, read, size=4, mtime=EPOCH, checksum=checksum(b"mine"), replace=False
        )
    assert os.listdir(world.disk) == [LONG]
    assert (world.disk / LONG).read_bytes() == b"theirs"


async def test_devices_do_not_share_their_stand_ins(world: World) -> None:
    """Else one could move into place what the other has just uploaded."""
    for folder in (world.folder, Folder(world.session, "personal/x", 99)):
        await put(folder, LONG, b"x", replace=True)
    assert len({record.path for record in world.dev.requests if record.method == "PUT"}) == 2


@pytest.mark.parametrize("replace", [False, True])
async def test_the_lock_that_a_killed_server_left_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch, replace: bool
) -> None:
    """It stays for 8 hours on the real server, with a partial that does not grow; the upload goes
    on from there."""
    data = os.urandom(1_000_000)
    folder = world.folder
    if replace:
        await put(folder, "f", b"old")
    (world.disk / ".sync-in.f").write_bytes(data[:1000])
    held_by_killed_server(world, "f")
    for grown in (2000, 800_000):
        with pytest.raises(Locked):
            await put(folder, "f", data, replace=replace)
        with pytest.raises(Locked):
            await put(folder, "f", data, replace=replace)
        (world.disk / ".sync-in.f").write_bytes(data[:grown])
    with pytest.raises(Locked):
        await put(folder, "f", data, replace=replace)
    monkeypatch.setattr("syncin_mount.remote.uploads.STUCK_AFTER", 0.0)
    reached = await folder.partial("f")
    assert reached == 800_000
    before = sum(record.bytes_in for record in world.dev.requests)
    await put(folder, "f", data, replace=replace, start=reached)
    assert sum(record.bytes_in for record in world.dev.requests) - before < 600_000
    assert await get(folder, "f") == data
    await put(folder, "f", b"edited again", replace=True)
    await put(folder, "f", b"and again", replace=True)
    assert os.listdir(world.disk) == ["f"]
    kept = [path.read_bytes() for path in (world.trash / "x").iterdir()]
    assert (b"old" in kept) is replace


@pytest.mark.slow
async def test_the_lock_that_an_upload_of_ours_left_is_not_waited_for_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the real server, killed in an upload that replaced a file: it was waited for 10
    minutes."""
    data = os.urandom(3_000_000)
    folder = world.folder
    await put(folder, "f", b"old")
    rule = Rule(effect=CutRequest(2_000_000), method="PUT", path="*/f")
    world.dev.faults.add(rule)
    with pytest.raises(Unreachable):
        await put(folder, "f", data, replace=True)
    world.dev.faults.clear()
    held_by_killed_server(world, "f")
    with pytest.raises(Locked):
        await put(folder, "f", data, replace=True)
    monkeypatch.setattr("syncin_mount.remote.uploads.OUR_STUCK_AFTER", 0.0)
    await put(folder, "f", data, replace=True)
    assert await get(folder, "f") == data
    other = Folder(world.session, "personal/x", 99)
    (world.disk / ".sync-in.g").write_bytes(b"theirs")
    held_by_killed_server(world, "g")
    for _ in range(3):
        with pytest.raises(Locked):  # it may be somebody's who is alive
            await put(other, "g", data, replace=True)


async def test_what_another_process_has_seen_of_a_lost_lock_is_not_waited_for_again(
    world: World,
) -> None:
    """Each `sync` is a process of its own: none ever saw an upload stand still for ten minutes."""
    await put(world.folder, "f", b"old")
    left = world.disk / ".sync-in.f"
    left.write_bytes(b"new")
    held_by_killed_server(world, "f")
    with pytest.raises(Locked):
        await put(Folder(world.session, "personal/x", 1), "f", b"newest", replace=True)
    os.utime(left, (time.time() - 700, time.time() - 700))
    killed = Folder(world.session, "personal/x", 1)
    assert await killed._uploads._is_dead("f")
    for _ in range(2):  # the second one's lock is on the file that was replaced
        next_one = Folder(world.session, "personal/x", 1)
        await put(next_one, "f", b"newest", replace=True)
        assert await get(next_one, "f") == b"newest"


@pytest.mark.slow
async def test_a_long_name_is_not_held_up_by_a_killed_server_either(world: World) -> None:
    """The lock is on its stand-in then, which is a name of ours: another one is taken at once, and
    nothing stays."""
    data = os.urandom(2 << 20)
    folder = world.folder
    name = stand_in(LONG, folder._id)
    (world.disk / f".sync-in.{name}").write_bytes(data[: 1 << 20])
    held_by_killed_server(world, name)
    reached = await folder.partial(LONG)
    assert reached == 1 << 20
    await put(folder, LONG, data, start=reached)
    assert await get(folder, LONG) == data
    assert os.listdir(world.disk) == [LONG]


async def test_a_lock_without_a_standing_partial_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor on the web holds it, say."""
    monkeypatch.setattr("syncin_mount.remote.uploads.STUCK_AFTER", 0.0)
    held_by_killed_server(world, "f")
    for _ in range(4):
        with pytest.raises(Locked):
            await put(world.folder, "f", b"x")
    assert os.listdir(world.disk) == []


def held_by_killed_server(world: World, name: str) -> None:
    (owner,) = (
        account.id for account in world.dev.store.state.accounts if account.login == "user1"
    )
    root = Root("users/user1", str(world.disk.parent.parent), None)
    world.dev.locks.hold(Place(root, f"x/{name}", "personal", f"x/{name}", frozenset(), ""), owner)


async def test_a_stand_in_is_not_sent_for_nothing(world: World) -> None:
    (world.disk / LONG).write_bytes(b"theirs")

    async def never(offset: int, length: int) -> bytes:
        pytest.fail("read for nothing")

    with pytest.raises(Exists):
        await world.folder.upload(LONG, never, size=4, mtime=EPOCH, checksum="", replace=False)


async def test_folders(world: World) -> None:
    folder = world.folder
    await folder.make_folder("p/q", EPOCH)
    assert (world.disk / "p/q").stat().st_mtime == EPOCH
    with pytest.raises(Exists):
        await folder.find("p/q")
    await put(folder, "p/f", b"x")
    with pytest.raises(Exists):
        await folder.make_folder("p/f", EPOCH)
    with pytest.raises(Exists):
        await put(folder, "p/f/below", b"x")
    with pytest.raises(Exists):
        await put(folder, "p/q", b"x", replace=True)
    inode = (world.disk / "p/f").stat().st_ino
    with pytest.raises(Missing):
        await folder.move("p", "new/parent/p")
    assert os.listdir(world.disk) == ["p"], "a folder that is missing is not made"
    assert (
        await folder.make_folder("new/parent", EPOCH) == (world.disk / "new/parent").stat().st_ino
    )
    await folder.move("p", "new/parent/p")
    assert (world.disk / "new/parent/p/f").stat().st_ino == inode
    await folder.move("new/parent/p/f", "new/parent/p/F")
    assert sorted(os.listdir(world.disk / "new/parent/p")) == ["F", "q"]
    with pytest.raises(Refused):
        await folder.move("new", "new/inside")
    await folder.delete("new")
    assert os.listdir(world.disk) == []


async def test_inodes_of_what_is_in_a_folder(world: World) -> None:
    """But of what the server's database knows by a number of its own."""
    folder = world.folder
    await folder.make_folder("p/q: r", EPOCH)
    await put(folder, "p/.hidden", b"x")
    await put(folder, "p/" + LONG, b"x")
    told = {name: (world.disk / "p" / name).stat().st_ino for name in ("q: r", ".hidden", LONG)}
    assert await folder.inodes("p") == told
    assert await folder.inodes("") == {"p": (world.disk / "p").stat().st_ino}
    assert await folder.inodes("p/nothing") is None
    assert await folder.inodes("p/.hidden") is None


async def test_what_is_missing(world: World) -> None:
    folder = world.folder
    assert await folder.find("no") is None
    assert await folder.partial("no") == 0
    for call in (
        folder.delete("no"),
        folder.touch("no", 1),
        folder.move("no", "to"),
        folder.move("no", "b/to"),
    ):
        with pytest.raises(Missing):
            await call
    assert os.listdir(world.disk) == []
    for start, stop in ((0, 1), (0, 0)):
        with pytest.raises(Missing):
            async with folder.download("no", start=start, stop=stop, expect=Found(5, 5)):
                pass
    (world.disk / "sub").mkdir()
    with pytest.raises(Changed):
        async with folder.download("sub", start=0, stop=1, expect=Found(5, 5)):
            pass


@pytest.mark.parametrize(("start", "stop"), [(0, 5), (0, 2), (2, 5), (4, 4)])
async def test_another_version_is_not_mixed_in(world: World, start: int, stop: int) -> None:
    await put(world.folder, "f", b"12345")
    expect = await world.folder.find("f")
    assert expect is not None
    for other in (b"54321", b"x"):
        await put(world.folder, "f", other, replace=True, mtime=EPOCH + 1)
        with pytest.raises(Changed):
            async with world.folder.download("f", start=start, stop=stop, expect=expect):
                pass


async def unlocked(call: Callable[[], Awaitable[None]]) -> None:
    """The server notices only in its own time that an upload was broken off."""
    with trio.fail_after(60):
        while True:
            try:
                return await call()
            except Locked:
                await trio.sleep(0.01)


async def test_a_broken_upload_is_resumed(world: World) -> None:
    data = os.urandom(2_000_000)
    folder = world.folder

    async def short(offset: int, length: int) -> bytes:
        return data[offset : min(offset + length, 1_200_000)]

    for name in ("r.bin", LONG):
        with pytest.raises(LocalChanged):
            await folder.upload(
                name, short, size=len(data), mtime=EPOCH, checksum=checksum(data), replace=False
            )
        with pytest.raises(Mismatch):
            await unlocked(functools.partial(put, folder, name, data, start=999))
        reached = await folder.partial(name)
        assert 0 < reached <= 1_200_000
        before = sum(record.bytes_in for record in world.dev.requests)
        await put(folder, name, data, start=reached)
        assert sum(record.bytes_in for record in world.dev.requests) - before < len(data)
        assert await get(folder, name) == data
        assert await folder.partial(name) == 0


@pytest.mark.parametrize("replace", [False, True])
async def test_a_partial_that_vanished_means_start_over(world: World, replace: bool) -> None:
    with pytest.raises(Mismatch):
        await put(world.folder, "v", b"0123456789", start=4, replace=replace)
    await put(world.folder, "v", b"0123456789", replace=replace)
    assert await get(world.folder, "v") == b"0123456789"


async def test_a_wrong_checksum_is_a_mismatch(world: World) -> None:
    with pytest.raises(Mismatch) as caught:
        await world.folder.upload(
            "f", reader(b"x"), size=1, mtime=1, checksum="0" * 64, replace=True
        )
    assert caught.value.temporary
    assert not (world.disk / "f").exists()


@pytest.mark.parametrize("in_clear", [False, True])
async def test_the_server_counts_only_what_has_to_be_proved(
    world: World, monkeypatch: pytest.MonkeyPatch, in_clear: bool
) -> None:
    monkeypatch.setattr(folder_module, "goes_in_clear", lambda _url: in_clear)

    async def upload(*, prove: bool) -> None:
        await world.folder.upload(
            "f", reader(b"x"), size=1, mtime=1, checksum="0" * 64, replace=True, prove=prove
        )

    with pytest.raises(Mismatch):
        await upload(prove=True)
    if in_clear:  # whoever is in between could have sent something else
        with pytest.raises(Mismatch):
            await upload(prove=False)
    else:
        await upload(prove=False)
        assert (world.disk / "f").read_bytes() == b"x"


async def test_locked_and_full(world: World) -> None:
    rules = world.dev.faults.rules
    for status, error in ((423, Locked), (507, QuotaReached)):
        rule = Rule(Reply(status), method="PUT")
        rules.append(rule)
        with pytest.raises(error) as caught:
            await put(world.folder, "f", b"x" * 5_000_000, replace=True)
        assert caught.value.temporary
        rules.remove(rule)


async def test_listing(world: World) -> None:
    await put(world.folder, "a/ü.txt", b"12")
    entries = await listed(world.folder)
    assert list(entries) == ["a", "a/ü.txt"]
    file = entries["a/ü.txt"]
    assert (file.is_folder, file.size, file.mtime, file.checksum) == (False, 2, EPOCH, None)
    assert file.inode == (world.disk / "a/ü.txt").stat().st_ino
    os.rename(world.disk, world.disk.parent / "away")
    with pytest.raises(Missing, match=r"not on .* any more"):
        await listed(world.folder)


async def test_a_listing_left_early_leaves_nothing_behind(world: World) -> None:
    for number in range(3000):
        (world.disk / f"file-{number}").write_bytes(b"")
    async with world.folder.listing() as batches:
        async for _ in batches:
            break
    await put(world.folder, "big", bytes(3_000_000))
    found = await world.folder.find("big")
    assert found is not None
    async with world.folder.download("big", start=0, stop=found.size, expect=found) as pieces:
        async for _ in pieces:
            break
    assert len(await listed(world.folder)) == 3001


async def test_a_second_that_a_listing_told_is_enough_to_download(world: World) -> None:
    """Files that did not come from us have parts of a second in their etag, which no listing
    tells."""
    file = world.disk / "f"
    file.write_bytes(b"12345")
    os.utime(file, ns=(1_700_000_000_123_000_000, 1_700_000_000_123_000_000))
    async with world.folder.download(
        "f", start=0, stop=5, expect=Found(5, 1_700_000_000_000)
    ) as pieces:
        assert b"".join([piece async for piece in pieces]) == b"12345"
    with pytest.raises(Changed):
        async with world.folder.download("f", start=0, stop=5, expect=Found(5, 1_700_000_001_000)):
            pass


async def test_a_long_name_goes_to_the_trash_twice(world: World) -> None:
    """The server puts a date behind an older namesake there, for which a long name leaves no
    room."""
    name = "é" * 120
    for number in range(3):
        await put(world.folder, name, b"%d" % number)
        await world.folder.delete(name)
    assert list(world.disk.iterdir()) == []
    trashed = [
        path.read_bytes() for path in world.dev.trash_of("user1").rglob("*") if path.is_file()
    ]
    assert sorted(trashed) == [b"0", b"1", b"2"]


async def test_what_lies_in_the_trash_is_never_in_the_way(world: World) -> None:
    """A trashed file at the path of a folder: the server then cannot trash what is in a new folder
    of that name."""
    await put(world.folder, "x", b"a file first")
    await world.folder.delete("x")
    await put(world.folder, "x/deleted", b"1")
    await put(world.folder, "x/replaced", b"2")
    await world.folder.delete("x/deleted")
    await put(world.folder, "beside", b"3")
    await world.folder.move("beside", "x/replaced", overwrite=True)
    assert (world.disk / "x/replaced").read_bytes() == b"3"
    assert sorted(path.name for path in world.disk.rglob("*")) == ["replaced", "x"]
    trashed = [
        path.read_bytes() for path in world.dev.trash_of("user1").rglob("*") if path.is_file()
    ]
    assert sorted(trashed) == [b"1", b"2", b"a file first"]


@pytest.mark.parametrize(
    ("etag", "found"),
    [
        ('W/"400-18bcfe56800"', Found(0x400, 0x18BCFE56800)),
        ('"0-0"', Found(0, 0)),
        ('W/"5--186a0"', Found(5, -100_000)),
        ('W/"5--1"', Found(5, -1)),
        ('W/"7fffffffffffffff-8637bd057a0"', Found(2**63 - 1, 9_223_372_036_000)),
        ('"abc"', None),
        ('W/"-5-1"', None),
        ('W/"5---1"', None),
        ('W/"5-"', None),
        ('W/"5-1', None),
        ('W/"8000000000000000-1"', None),
        ('W/"5-7fffffffffffffff"', None),
        ('W/"5--7fffffffffffffff"', None),
        ('W/"' + "f" * 100_000 + '-1"', None),
        ('W/"٣-1"', None),
        ("", None),
    ],
)
def test_etags(etag: str, found: Found | None) -> None:
    assert parse_etag(etag) == found


async def test_the_port_is_kept(world: World) -> None:
    folder: RemoteFolder = world.folder
    assert folder is world.folder
