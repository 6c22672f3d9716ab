"""Others' changes are seen soon in folders where somebody is at work, and nowhere else at a price:
a real server over HTTP."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable

import pytest
import trio

from reconciler.engine.looks.hot_folders import MOST
from reconciler.filters import Filter
from reconciler.model import ROOT, Conflict, Direction, Mode, Settings
from syncin_mount.devserver import Reply, Rule
from tests.engine.world import SETTINGS, Device, World

pytestmark = pytest.mark.slow
"""Two seconds pass between two looks."""

LONG = 3600.0
"""Seconds until the next listing: what is seen before was not seen by one."""


async def started(world: World, settings: Settings = SETTINGS, *, follow: bool = False) -> Device:
    """A drive that has listed once."""
    (world.disk / "docs").mkdir()
    (world.disk / "docs" / "a").write_text("first")
    (world.disk / "docs" / "b").write_text("theirs")
    device = await world.device(settings=settings, manual=False, listing_every=LONG, follow=follow)
    await world.settled(device)
    assert device.read("docs/a") == b"first"
    return device


async def until(condition: Callable[[], bool], what: str) -> None:
    with trio.move_on_after(30):
        while not condition():  # noqa: ASYNC110 (a server and its answers are waited for)
            await trio.sleep(0.02)
        return
    pytest.fail(f"this never came about: {what}")


def replace(world: World, path: str, text: str) -> None:
    """As an upload does: another inode."""
    target = world.disk / path
    beside = target.with_name(".sync-in.tmp")
    beside.write_text(text)
    os.replace(beside, target)


def listings(world: World) -> int:
    return sum("/operation/diff/" in each.path for each in world.server.requests)


def looks(world: World) -> list[str]:
    return [each.path for each in world.server.requests if "/browse/" in each.path]


def is_read(device: Device, path: str, data: bytes) -> Callable[[], bool]:
    def look() -> bool:
        try:
            return device.read(path) == data
        except (FileNotFoundError, AssertionError):
            return False

    return look


async def test_an_edit_and_a_new_file_are_seen_without_a_listing(world: World) -> None:
    device = await started(world)
    before = listings(world)
    device.engine.visit(device.node("docs"))
    replace(world, "docs/a", "second edition")
    (world.disk / "docs" / "new").write_text("new")
    await until(is_read(device, "docs/a", b"second edition"), "the edit is here")
    await until(is_read(device, "docs/new", b"new"), "the new file is here")
    replace(world, "docs/new", "newer still")
    await until(is_read(device, "docs/new", b"newer still"), "the next edit is here")
    assert listings(world) == before


async def test_nobody_is_asked_about_folders_that_nobody_visits(world: World) -> None:
    device = await started(world)
    assert looks(world) == []
    device.engine.visit(ROOT)
    await until(lambda: len(looks(world)) >= 2, "the root is looked into")
    assert {path.rstrip("/").rpartition("/")[2] for path in looks(world)} == {"Docs"}


@pytest.mark.parametrize("what", ["delete", "rename", "folder"])
async def test_what_a_look_cannot_tell_is_listed_at_once(world: World, what: str) -> None:
    device = await started(world)
    device.engine.visit(device.node("docs"))
    docs = world.disk / "docs"
    expected = {"docs", "docs/a", "docs/b"}
    node = device.node("docs/a")
    if what == "delete":
        (docs / "a").unlink()
        expected -= {"docs/a"}
    elif what == "rename":
        (docs / "a").rename(docs / "z")
        expected = {"docs", "docs/z", "docs/b"}
    else:
        (docs / "folder").mkdir()
        expected |= {"docs/folder"}
    await until(lambda: set(device.tree()) == expected, what)
    if what == "rename":
        assert device.node("docs/z") == node, "a move is a move"


async def test_what_no_listing_explains_is_not_asked_about_for_ever(world: World) -> None:
    """In mode secure each difference asks for a listing, whose checksums tell what a look cannot:
    once."""
    device = await started(world, settings=Settings(host="desk", mode=Mode.SECURE))
    device.engine.visit(device.node("docs"))
    replace(world, "docs/a", "second edition")
    await until(is_read(device, "docs/a", b"second edition"), "secure mode lists")
    await until(lambda: not device.engine.status().running, "the run ends")
    before, seen = listings(world), len(looks(world))
    await until(lambda: len(looks(world)) >= seen + 2, "it is looked into again")
    assert listings(world) == before


async def test_both_edited_is_a_conflict_as_ever(world: World) -> None:
    device = await started(world, settings=Settings(host="desk", conflict=Conflict.REMOTE))
    device.engine.visit(device.node("docs"))
    device.write("docs/a", b"mine")
    replace(world, "docs/a", "theirs, which wins")
    await until(is_read(device, "docs/a", b"theirs, which wins"), "the server's version wins")
    assert b"mine" in device.bin().values()
    assert device.engine.status().conflicts == 1


async def test_an_edit_of_a_file_that_is_open_for_writing_waits(world: World) -> None:
    device = await started(world)
    node = device.node("docs/a")
    device.replica.begin_write(node, discard=False)
    device.engine.visit(device.node("docs"))
    replace(world, "docs/a", "second edition")
    await until(lambda: len(looks(world)) >= 2, "it was looked into")
    assert device.read("docs/a") == b"first"


async def test_a_drive_that_only_sends_looks_at_nothing(world: World) -> None:
    settings = Settings(host="desk", direction=Direction.UPLOAD)
    device = await world.device(settings=settings, manual=False, listing_every=LONG)
    await world.settled(device)
    device.engine.visit(ROOT)
    assert device.engine._looks.due() == math.inf
    device.engine.settings = SETTINGS
    assert device.engine._looks.due() < math.inf


async def test_another_client_sent_something(world: World) -> None:
    device = await started(world)
    before = listings(world)
    (world.disk / "docs" / "new").write_text("of another client")
    device.engine.others_sent()
    await until(is_read(device, "docs/new", b"of another client"), "it is here")
    assert listings(world) == before + 1


async def test_what_a_look_brought_is_no_proof_against_a_backup(world: World) -> None:
    """A backup was put back whose trash has nothing of what came after it: what goes here goes to
    the bin, although one file has the inode that a look has just told (simulation, seed 20133)."""
    device = await started(world)
    device.engine.visit(ROOT)
    await until(lambda: bool(looks(world)), "a look")
    (world.disk / "from the backup").write_text("older than all")
    shutil.rmtree(world.disk / "docs")
    await until(is_read(device, "from the backup", b"older than all"), "a look or a listing")
    await until(lambda: "docs" not in device.tree_of_names(), "what came after it goes")
    assert {b"first", b"theirs"} <= set(device.bin().values())


async def test_who_may_not_write_any_more_is_not_overwritten_by_a_look(world: World) -> None:
    """A run halts then, as what waits was not given up by anybody."""
    device = await started(world)
    device.engine.visit(ROOT)
    device.engine.settings = Settings(host="desk", direction=Direction.DOWNLOAD, restricted=True)
    assert device.engine._looks.due() == math.inf


async def test_another_folder_at_the_same_path_is_not_taken_for_ours(world: World) -> None:
    """Somebody moved the synchronized folder, and made another one where it was."""
    device = await started(world, follow=True)
    device.engine.visit(ROOT)
    await until(lambda: bool(looks(world)), "a look")
    [path] = world.server.store.state.paths
    row = world.server.store.row_by_id(path.file_id)
    assert row is not None
    moved = world.disk.with_name("Moved")
    world.disk.rename(moved)
    row.path = "Moved"
    world.disk.mkdir()
    (world.disk / "docs").mkdir()
    (world.disk / "foreign").write_text("of somebody else")
    await until(lambda: device.folder.root == "personal/Moved", "it follows")
    await until(lambda: not device.engine.status().running, "the run ends")
    assert "foreign" not in device.tree_of_names()
    (moved / "new").write_text("ours")
    await until(is_read(device, "new", b"ours"), "it goes on where the folder is now")


async def test_mode_secure_that_comes_with_the_settings_takes_no_looks_word(world: World) -> None:
    device = await started(world, follow=True)
    device.engine.visit(device.node("docs"))
    await until(lambda: bool(looks(world)), "a look")
    before = listings(world)
    await world.on_account_page(device, diff_mode=Mode.SECURE)
    replace(world, "docs/a", "second edition")
    await until(is_read(device, "docs/a", b"second edition"), "the edit is here")
    assert listings(world) > before


async def test_a_server_that_refuses_looks_is_not_pestered(world: World) -> None:
    device = await started(world)
    refusal = Rule(effect=Reply(500), path="*/browse/*")
    world.faults.add(refusal)
    device.engine.visit(device.node("docs"))
    await until(lambda: world.faults.acted(refusal) > 0, "a look")
    assert device.engine._looks.due() > trio.current_time() + 30
    device.write("docs/mine", b"mine")
    await until((world.disk / "docs" / "mine").exists, "all else goes on")


async def test_one_folder_that_the_server_cannot_read_does_not_end_the_looks_into_others(
    world: World,
) -> None:
    (world.disk / "ill").mkdir()
    device = await started(world)
    refusal = Rule(effect=Reply(500), path="*/browse/*/ill*")
    world.faults.add(refusal)
    device.engine.visit(device.node("ill"))
    await until(lambda: world.faults.acted(refusal) > 0, "a look that fails")
    device.engine.visit(device.node("docs"))
    replace(world, "docs/a", "second edition")
    await until(is_read(device, "docs/a", b"second edition"), "the other folder is looked into")


async def test_open_folders_that_the_server_has_not_take_nobodys_turn(world: World) -> None:
    """Left out by a filter: each of them was due at once, again and again."""
    device = await started(world, settings=Settings(host="desk", filters=Filter(rule=is_cache)))
    device.mkdir("cache")
    for number in range(60):
        device.mkdir(f"cache/{number}")
    opened = [device.node(f"cache/{number}") for number in range(60)]
    device.mkdir("last")
    await until((world.disk / "last").exists, "it is sent")
    await until(lambda: device.replica.base(device.node("last")) is not None, "that is known")
    opened.append(device.node("last"))
    device.engine.open_folders(lambda: opened)
    device.engine.visit(device.node("last"))
    await until(lambda: len(looks(world)) >= 2, "it is looked into")
    assert len(device.engine._looks._hot._visited) <= 2
    before, began = len(looks(world)), trio.current_time()
    await until(lambda: len(looks(world)) >= before + 2, "and again")
    assert trio.current_time() - began < 8


def is_cache(path: str) -> bool:
    return path.partition("/")[0] == "cache"


async def test_more_folders_than_are_remembered(world: World) -> None:
    device = await started(world)
    for number in range(MOST + 20):
        (world.disk / f"many {number}").mkdir()
    await device.engine.sync()
    nodes = [device.node(f"many {number}") for number in range(MOST + 20)]
    device.engine.open_folders(lambda: nodes)
    before = len(looks(world))
    for node in nodes:
        device.engine.visit(node)
    await until(lambda: len(looks(world)) > before + 2, "it is looked into some")
    assert device.engine.status().failed is None


async def test_a_server_that_goes_ends_no_look_badly(world: World) -> None:
    device = await started(world)
    device.engine.visit(device.node("docs"))
    await until(lambda: bool(looks(world)), "a look")
    world.stop_server()
    await until(lambda: device.engine.status().online is False, "it is noticed")
    replace(world, "docs/a", "while it was away")
    await world.start_server()
    await until(is_read(device, "docs/a", b"while it was away"), "it goes on")
