"""Who is who on the server, as the answers of uploads and of MAKE tell it: folders that others
rename at once.

This file is long because each moment in which somebody else renames has a test of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from reconciler.errors import Locked
from reconciler.model import Entry, NodeId, Op
from tests.engine.world import Device, World


def _inode(device: Device, path: str) -> int:
    base = device.replica.base(device.node(path))
    assert base is not None
    return base.inode


async def test_a_new_folder_that_another_renamed_before_our_next_listing_is_the_same(
    world: World,
) -> None:
    a, b = await world.device("a"), await world.device("b")
    a.mkdir("d0")
    a.write("d0/one", b"1")
    a.write("d0/two", b"2")
    await a.sync()
    await b.sync()
    b.rename("d0", "D0")
    await b.sync()
    a.write("d0/new", b"3")
    await a.sync()
    await b.sync()
    expected = {"D0": None, "D0/one": b"1", "D0/two": b"2", "D0/new": b"3"}
    assert world.on_disk() == a.tree() == b.tree() == expected


async def test_what_was_sent_has_its_inode_before_any_listing(world: World) -> None:
    a = await world.device("a")
    a.mkdir("d")
    a.write("d/small", b"1")
    a.write("d/big", b"2" * (2 << 20))  # goes up beside its place, and is moved there
    a.write("d/" + "n" * 250, b"3")  # a name that cannot be received
    a.mkdir("d/with: colon")  # a name that MAKE refuses
    await a.sync()
    for path in ("d", "d/small", "d/big", "d/" + "n" * 250, "d/with: colon"):
        assert _inode(a, path) == os.stat(world.disk / path).st_ino, path
    a.write("d/small", b"4")
    await a.sync()
    assert _inode(a, "d/small") == os.stat(world.disk / "d/small").st_ino


async def test_the_run_after_the_first_one_writes_no_base_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = await world.device("a")
    a.mkdir("d")
    for number in range(20):
        a.write(f"d/{number}", b"x")
    await a.sync()
    written: list[object] = []
    monkeypatch.setattr(a.replica, "set_base", lambda *each: written.append(each))
    monkeypatch.setattr(a.replica, "set_bases", written.extend)
    report = await a.sync()
    assert not report.outcomes
    assert not written


async def test_a_file_that_another_moved_and_renamed_before_our_next_listing_is_the_same(
    world: World,
) -> None:
    a, b = await world.device("a"), await world.device("b")
    a.mkdir("x")
    a.write("f", b"content", mtime=1_600_000_000)
    await a.sync()
    node: NodeId = a.node("f")
    await b.sync()
    b.rename("f", "x/g")
    await b.sync()
    report = await a.sync()
    assert a.node("x/g") == node
    assert {outcome.action.op for outcome in report.outcomes} == {Op.MOVE}


async def test_nothing_is_sent_into_a_folder_that_another_has_just_renamed(world: World) -> None:
    a, b = await world.device("a", manual=False, debounce=0.05), await world.device("b")
    a.mkdir("d0")
    a.write("d0/one", b"1")
    await world.settled(a)
    await b.sync()
    b.rename("d0", "D0")
    await b.sync()
    a.write("d0/new", b"2")
    a.mkdir("d0/sub")
    a.write("d0/sub/deep", b"3")
    await world.settled(a)
    assert world.on_disk() == a.tree()
    assert world.on_disk() == {
        "D0": None,
        "D0/one": b"1",
        "D0/new": b"2",
        "D0/sub": None,
        "D0/sub/deep": b"3",
    }
    assert not world.requests("POST", "Docs/d0/new") + world.requests("POST", "Docs/d0/sub")


async def test_a_new_folder_under_the_former_name_is_left_alone(world: World) -> None:
    a, b = await world.device("a", manual=False, debounce=0.05), await world.device("b")
    a.mkdir("d0")
    a.write("d0/one", b"1")
    await world.settled(a)
    await b.sync()
    b.rename("d0", "D0")
    b.mkdir("d0")
    await b.sync()
    a.write("d0/new", b"2")
    await world.settled(a)
    assert world.on_disk() == a.tree() == {"D0": None, "D0/one": b"1", "D0/new": b"2", "d0": None}


def _renaming(
    world: World, device: Device, monkeypatch: pytest.MonkeyPatch, folder: str = "d0"
) -> list[str]:
    """The folder is renamed to D0 on the server's disk in the moment in which the device begins to
    send something new."""
    renamed: list[str] = []
    upload, make = device.folder.upload, device.folder.make_folder

    def rename() -> None:
        if not renamed:
            renamed.append(folder)
            os.rename(world.disk / folder, (world.disk / folder).with_name("D0"))

    async def sends(path: str, *args: Any, **options: Any) -> int:
        rename()
        return await upload(path, *args, **options)

    async def makes(path: str, mtime: int) -> int:
        rename()
        return await make(path, mtime)

    monkeypatch.setattr(device.folder, "upload", sends)
    monkeypatch.setattr(device.folder, "make_folder", makes)
    return renamed


@pytest.mark.parametrize("what", ["file", "big file", "folder", "deep folder", "edit"])
async def test_what_comes_back_as_something_was_just_on_its_way_goes_again(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    a = await world.device("a")
    a.mkdir("d0")
    a.mkdir("d0/x")
    a.mkdir("d0/x/y")
    a.write("d0/one", b"1")
    await a.sync()
    expected: dict[str, bytes | None] = {"D0": None, "D0/x": None, "D0/x/y": None, "D0/one": b"1"}
    renamed = _renaming(world, a, monkeypatch)
    if what == "file":
        a.write("d0/new", b"2")
        expected["D0/new"] = b"2"
    elif what == "big file":
        a.write("d0/new", b"2" * (2 << 20))
        expected["D0/new"] = b"2" * (2 << 20)
    elif what == "folder":
        a.mkdir("d0/new")
        a.write("d0/new/f", b"2")
        expected |= {"D0/new": None, "D0/new/f": b"2"}
    elif what == "deep folder":
        a.write("d0/x/y/new", b"2")
        expected["D0/x/y/new"] = b"2"
    else:
        a.write("d0/one", b"22")
        expected["D0/one"] = b"22"
    await a.sync()
    await a.sync()
    assert renamed
    assert world.on_disk() == a.tree() == expected
    if what == "edit":
        assert b"1" in world.trashed().values(), "the replaced version went to the trash"


async def test_what_another_put_into_a_folder_that_came_back_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = await world.device("a")
    a.mkdir("d0")
    a.write("d0/one", b"1")
    await a.sync()
    _renaming(world, a, monkeypatch)
    upload = a.folder.upload

    async def and_then(path: str, *args: Any, **options: Any) -> int:
        inode = await upload(path, *args, **options)
        (world.disk / "d0/other").write_bytes(b"3")
        return inode

    monkeypatch.setattr(a.folder, "upload", and_then)
    a.write("d0/new", b"2")
    await a.sync()
    await a.sync()
    found = world.on_disk()
    assert found == a.tree()
    assert (found["D0/one"], found["d0/other"]) == (b"1", b"3")
    assert sorted(path.rpartition("/")[2] for path, data in found.items() if data == b"2") == [
        "new"
    ]


@pytest.mark.parametrize("answer", ["told", "lost"])
async def test_what_came_back_goes_when_the_folder_above_it_was_renamed_since(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Found by the simulation: the place was looked for by its path of then."""
    a = await world.device("a")
    a.mkdir("p")
    a.mkdir("p/d0")
    a.write("p/d0/one", b"1")
    await a.sync()
    _renaming(world, a, monkeypatch, "p/d0")
    upload = a.folder.upload

    async def and_then(path: str, *args: Any, **options: Any) -> int:
        inode = await upload(path, *args, **options)
        if path == "p/d0/new":
            os.rename(world.disk / "p", world.disk / "P")
        return inode if answer == "told" else 0

    monkeypatch.setattr(a.folder, "upload", and_then)
    a.write("p/d0/new", b"2")
    await a.sync()
    await a.sync()
    expected = {"P": None, "P/D0": None, "P/D0/one": b"1", "P/D0/new": b"2"}
    assert world.on_disk() == a.tree() == expected


@pytest.mark.parametrize("before", ["look", "removal"])
async def test_what_came_back_goes_though_the_folder_above_it_was_renamed_as_it_was_to_go(
    world: World, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    """Found by the simulation: nothing of ours was in it any more that told whose it was."""
    a = await world.device("a")
    a.mkdir("p")
    a.mkdir("p/d0")
    a.write("p/d0/one", b"1")
    await a.sync()
    _renaming(world, a, monkeypatch, "p/d0")
    move, delete = a.folder.move, a.folder.delete
    renamed: list[str] = []

    def rename(path: str) -> None:
        if not renamed:
            renamed.append(path)
            os.rename(world.disk / "p", world.disk / "P")

    async def moves(path: str, target: str, *, overwrite: bool = False) -> None:
        await move(path, target, overwrite=overwrite)
        if before == "look":
            rename(path)

    async def deletes(path: str) -> None:
        rename(path)
        await delete(path)

    monkeypatch.setattr(a.folder, "move", moves)
    monkeypatch.setattr(a.folder, "delete", deletes)
    a.write("p/d0/new", b"2")
    await a.sync()
    await a.sync()
    assert renamed == ["p/d0/new" if before == "look" else "p/d0"]
    expected = {"P": None, "P/D0": None, "P/D0/one": b"1", "P/D0/new": b"2"}
    assert world.on_disk() == a.tree() == expected


async def test_a_folder_that_came_back_and_that_the_server_does_not_tell_of_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked into twice, and then taken for what it is: no listing follows another."""
    a = await world.device("a")
    a.mkdir("d0")
    a.write("d0/one", b"1")
    await a.sync()
    _renaming(world, a, monkeypatch)
    inodes, looked = a.folder.inodes, list[str]()

    async def tells(path: str) -> dict[str, int] | None:
        looked.append(path)
        return None if path == "d0" else await inodes(path)

    monkeypatch.setattr(a.folder, "inodes", tells)
    a.write("d0/new", b"2")
    await a.sync()
    await a.sync()
    assert looked.count("d0") == 2
    expected = {"d0": None, "D0": None, "D0/one": b"1", "D0/new": b"2"}
    assert world.on_disk() == a.tree() == expected


async def test_what_was_moved_into_a_folder_that_came_back_goes_home_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A move makes no folder, but it leads into one that something else has just made."""
    a = await world.device("a")
    a.mkdir("d0")
    a.write("d0/one", b"1")
    a.write("other", b"2")
    await a.sync()
    _renaming(world, a, monkeypatch)
    made = trio.Event()
    make, move = a.folder.make_folder, a.folder.move

    async def makes(path: str, mtime: int) -> int:
        inode = await make(path, mtime)
        made.set()
        return inode

    async def moves(path: str, target: str, *, overwrite: bool = False) -> None:
        await made.wait()
        await move(path, target, overwrite=overwrite)

    monkeypatch.setattr(a.folder, "make_folder", makes)
    monkeypatch.setattr(a.folder, "move", moves)
    a.mkdir("d0/sub")
    a.rename("other", "d0/other")
    await a.sync()
    await a.sync()
    expected = {"D0": None, "D0/one": b"1", "D0/sub": None, "D0/other": b"2"}
    assert world.on_disk() == a.tree() == expected


async def test_a_folder_that_came_back_and_cannot_be_emptied_yet_is_not_followed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = await world.device("a")
    a.mkdir("d0")
    a.write("d0/one", b"1")
    await a.sync()
    _renaming(world, a, monkeypatch)
    move, failed = a.folder.move, list[str]()

    async def moves(path: str, target: str, *, overwrite: bool = False) -> None:
        if not failed:
            failed.append(path)
            raise Locked("423: an upload holds it", status=423)
        await move(path, target, overwrite=overwrite)

    monkeypatch.setattr(a.folder, "move", moves)
    a.write("d0/new", b"2")
    await a.sync()
    assert failed == ["d0/new"]
    assert a.tree_of_names() == {"D0"}
    await a.sync()
    assert world.on_disk() == a.tree() == {"D0": None, "D0/one": b"1", "D0/new": b"2"}


async def test_a_listing_that_does_not_show_what_was_sent_forgets_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody moves what is above while the listing walks there."""
    a = await world.device("a")
    a.mkdir("d0")
    a.write("d0/one", b"1")
    await a.sync()
    _renaming(world, a, monkeypatch)
    listing, torn = a.folder.listing, list[str]()

    @contextlib.asynccontextmanager
    async def lists(*args: Any) -> AsyncIterator[Any]:
        async with listing(*args) as batches:

            async def without() -> AsyncIterator[list[Entry]]:
                async for batch in batches:
                    missing = [each for each in batch if each.path == "d0/new"]
                    yield [each for each in batch if len(torn) or each not in missing]
                    torn.extend(each.path for each in missing)

            yield without()

    monkeypatch.setattr(a.folder, "listing", lists)
    a.write("d0/new", b"2")
    await a.sync()
    await a.sync()
    assert torn
    assert world.on_disk() == a.tree() == {"D0": None, "D0/one": b"1", "D0/new": b"2"}


async def test_another_folder_in_a_place_is_believed_after_a_listing_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody renames the folder, and makes another one, between our listing and our look."""
    a = await world.device("a")
    a.mkdir("d0")
    a.write("d0/one", b"1")
    await a.sync()
    inodes = a.folder.inodes

    async def looks(path: str) -> dict[str, int] | None:
        if not (world.disk / "D0").exists():
            os.rename(world.disk / "d0", world.disk / "D0")
            os.mkdir(world.disk / "d0")
        return await inodes(path)

    monkeypatch.setattr(a.folder, "inodes", looks)
    monkeypatch.setattr("reconciler.executor.folder_presence.FRESH", 0.0)
    a.write("d0/new", b"2")
    await a.sync()
    await a.sync()
    expected = {"D0": None, "D0/one": b"1", "D0/new": b"2", "d0": None}
    assert world.on_disk() == a.tree() == expected
    assert not world.requests("POST", "Docs/d0/new")


async def test_a_server_whose_looks_tell_other_inodes_each_time_holds_up_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = await world.device("a")
    a.mkdir("d0")
    await a.sync()
    inodes, told = a.folder.inodes, itertools.count(1 << 40)

    async def looks(path: str) -> dict[str, int] | None:
        found = await inodes(path)
        return None if found is None else {name: next(told) for name in found}

    monkeypatch.setattr(a.folder, "inodes", looks)
    monkeypatch.setattr("reconciler.executor.folder_presence.FRESH", 0.0)
    a.write("d0/new", b"2")
    a.write("d0/other", b"3")
    report = await a.sync()
    assert report.complete, report.problems
    assert world.on_disk() == {"d0": None, "d0/new": b"2", "d0/other": b"3"}


@pytest.mark.parametrize("inode", [0, 5, (1 << 63) - 1])
async def test_a_server_that_tells_wrong_inodes_costs_no_content(
    world: World, monkeypatch: pytest.MonkeyPatch, inode: int
) -> None:
    a, b = await world.device("a"), await world.device("b")
    upload, make = a.folder.upload, a.folder.make_folder

    async def sends(path: str, *args: Any, **options: Any) -> int:
        await upload(path, *args, **options)
        return inode

    async def makes(path: str, mtime: int) -> int:
        await make(path, mtime)
        return inode

    monkeypatch.setattr(a.folder, "upload", sends)
    monkeypatch.setattr(a.folder, "make_folder", makes)
    expected: dict[str, bytes | None] = {}
    for folder in ("one", "two"):
        a.mkdir(folder)
        expected[folder] = None
        for number in range(12):
            a.write(f"{folder}/{number}", f"{folder} {number}".encode())
            expected[f"{folder}/{number}"] = f"{folder} {number}".encode()
    await a.sync()
    await b.sync()
    b.rename("one/3", "two/three")
    expected["two/three"] = expected.pop("one/3")
    await b.sync()
    a.write("two/5", b"anew")
    expected["two/5"] = b"anew"
    await a.sync()
    await a.sync()
    await b.sync()
    assert world.on_disk() == a.tree() == b.tree() == expected
    assert not (await a.sync()).outcomes
