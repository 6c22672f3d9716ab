"""Names that other systems stumble over: case, Unicode forms, length, and what the server refuses
or cannot hold."""

from __future__ import annotations

import os
import unicodedata

import pytest

from syncin_mount.devserver import Reply, Rule
from tests.engine.world import World, until

OLD, EARLIER, LATER = 1_600_000_000, 1_650_000_000, 1_700_000_000
NFC, NFD = (unicodedata.normalize(form, "café.txt") for form in ("NFC", "NFD"))
LONG = "n" * 247
"""Too long for the server to receive a file under this name."""


def transfers(world: World) -> int:
    requests = [(method, "/operation/personal") for method in ("PUT", "POST", "GET")]
    return sum(world.requests(*each) for each in requests)


@pytest.mark.parametrize("where", ["here", "there"])
async def test_renames_in_case_only_are_moves(world: World, where: str) -> None:
    world.put("a.txt", b"a", mtime=OLD)
    world.put("dir/b.txt", b"b", mtime=OLD)
    device = await world.device()
    await device.sync()
    before = transfers(world)
    if where == "here":
        device.rename("a.txt", "A.txt")
        device.rename("dir", "Dir")
    else:
        (world.disk / "a.txt").rename(world.disk / "A.txt")
        (world.disk / "dir").rename(world.disk / "Dir")
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk() == {"A.txt": b"a", "Dir": None, "Dir/b.txt": b"b"}
    assert transfers(world) == before
    assert world.requests("MOVE") == (2 if where == "here" else 0)
    assert not (await device.sync()).outcomes


async def test_names_that_differ_in_case_or_form_only_are_two_files(world: World) -> None:
    assert NFC != NFD
    device = await world.device()
    world.put(NFC, b"from there", mtime=OLD)
    world.put("readme", b"small, from there", mtime=OLD)
    device.write(NFD, b"from here", mtime=OLD)
    device.write("README", b"BIG, from here", mtime=OLD)
    report = await device.sync()
    assert report.complete, report.problems
    assert report.conflicts == 0
    expected = {
        NFC: b"from there",
        NFD: b"from here",
        "readme": b"small, from there",
        "README": b"BIG, from here",
    }
    assert device.tree() == world.on_disk() == expected
    device.write(NFC, b"edited here", mtime=LATER)
    world.put(NFD, b"edited there", mtime=LATER)
    device.unlink("README")
    await device.sync()
    expected = {NFC: b"edited here", NFD: b"edited there", "readme": b"small, from there"}
    assert device.tree() == world.on_disk() == expected


async def test_a_file_takes_the_name_of_its_unicode_twin(world: World) -> None:
    world.put(NFC, b"content", mtime=OLD)
    world.put("d/" + NFD, b"other", mtime=OLD)
    device = await world.device()
    await device.sync()
    before = transfers(world)
    device.rename(NFC, NFD)
    (world.disk / "d" / NFD).rename(world.disk / "d" / NFC)
    await device.sync()
    assert device.tree() == world.on_disk() == {NFD: b"content", "d": None, "d/" + NFC: b"other"}
    assert transfers(world) == before


async def test_a_name_that_is_not_utf8_stays_here_until_it_is_renamed(world: World) -> None:
    name = os.fsdecode(b"caf\xe9")
    device = await world.device()
    device.write("good", b"1")
    device.mkdir(name)
    device.write(f"{name}/in it", b"2")
    for _ in range(2):
        report = await device.sync()
        assert not report.complete
        assert world.on_disk() == {"good": b"1"}
        assert device.tree() == {"good": b"1", name: None, f"{name}/in it": b"2"}
        whys = {problem.path: problem.why for problem in report.problems}
        assert whys.keys() == {name, f"{name}/in it"}
        assert "not UTF-8" in whys[name]
        assert "rename it" in whys[name]
    device.rename(name, "cafe")
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk() == {"good": b"1", "cafe": None, "cafe/in it": b"2"}


@pytest.mark.expected_log("This name is not allowed here")
async def test_a_name_that_the_server_refuses_is_listed_and_tried_again_when_renamed(
    world: World,
) -> None:
    """By itself, without `sync`: the pause of a refusal ends with the rename."""
    world.put("other", b"0", mtime=OLD)
    device = await world.device(debounce=0.05, manual=False)
    await world.settled(device)
    refusal = Reply(403, '{"statusCode":403,"message":"This name is not allowed here"}')
    world.faults.add(Rule(refusal, path="*/personal/Docs/bad"))
    device.write("bad", b"1")
    device.write("fine", b"2")
    await until(lambda: bool(device.engine.status().problems) and len(world.on_disk()) == 2)
    [problem] = device.engine.status().problems
    assert problem.path == "bad"
    assert "This name is not allowed here" in problem.why
    assert world.on_disk() == {"other": b"0", "fine": b"2"}
    device.rename("bad", "good")
    await world.settled(device)
    assert world.on_disk() == device.tree() == {"other": b"0", "fine": b"2", "good": b"1"}
    assert device.engine.status().problems == ()


RESERVED = ["CON", "PRN", "AUX", "NUL", "COM1", "COM9", "LPT1", "LPT9"]
"""The server's list of names that no folder is made with: Windows', in capitals alone."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *RESERVED,
        "con",
        "Lpt1",
        "NUL.txt",
        "COM0",
        "a:b",
        "what?",
        'say "x"',
        "back\\slash",
        "tab\there",
        "\x85",
        "\x7f",
    ],
)
async def test_names_that_the_server_makes_no_folder_of_arrive_all_the_same(
    world: World, name: str
) -> None:
    device = await world.device()
    device.mkdir(name)
    device.write(f"{name}/{name}", b"content")
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk() == {name: None, f"{name}/{name}": b"content"}
    device.rename(f"{name}/{name}", name + name)
    device.rmdir(name)
    assert (await device.sync()).complete
    assert device.tree() == world.on_disk() == {name + name: b"content"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*RESERVED, "\u2028", "\x85"])
async def test_folders_move_to_and_from_such_names(world: World, name: str) -> None:
    device = await world.device()
    device.mkdir("plain")
    device.mkdir(name)
    device.mkdir(f"{name}/{name}")
    device.write(f"{name}/{name}/{name}", b"content")
    assert (await device.sync()).complete
    device.rename(name, f"plain/{name}")
    device.rename("plain", name)
    assert (await device.sync()).complete
    assert device.tree() == world.on_disk()
    assert world.on_disk()[f"{name}/{name}/{name}/{name}"] == b"content"
    assert not (await device.sync()).outcomes


async def test_a_folder_that_another_version_of_the_server_refuses_by_its_name(
    world: World,
) -> None:
    """Whatever its list is, the way around is tried once, and no request is sent again and
    again."""
    refusal = Reply(400, '{"statusCode":400,"message":"Forbidden characters"}')
    world.faults.add(Rule(refusal, method="POST", path="*/operation/make/*/odd"))
    device = await world.device()
    device.mkdir("odd")
    device.write("odd/file", b"1")
    assert (await device.sync()).complete
    assert device.tree() == world.on_disk() == {"odd": None, "odd/file": b"1"}


@pytest.mark.parametrize("name", [LONG, "ü" * 127, "n" * 255])
async def test_names_longer_than_the_server_can_receive(world: World, name: str) -> None:
    """Up under a short name, then MOVE; edited again, and from the other side."""
    device = await world.device()
    device.mkdir(name)
    device.write(f"{name}/{name}", b"first", mtime=OLD)
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk() == {name: None, f"{name}/{name}": b"first"}
    device.write(f"{name}/{name}", b"second", mtime=EARLIER)
    await device.sync()
    assert world.on_disk() == {name: None, f"{name}/{name}": b"second"}
    world.put(f"{name}/{name}", b"third", mtime=LATER)
    await device.sync()
    assert device.tree() == {name: None, f"{name}/{name}": b"third"}
    device.rename(f"{name}/{name}", "short")
    device.rmdir(name)
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk() == {"short": b"third"}
    assert not (await device.sync()).outcomes


async def test_a_conflict_copy_of_a_long_name_fits(world: World) -> None:
    device = await world.device()
    device.write(LONG, b"a file here")
    world.put(f"{LONG}/in it", b"a folder there")
    report = await device.sync()
    assert report.complete, report.problems
    assert device.tree() == world.on_disk()
    [copy] = [path for path, data in world.on_disk().items() if data == b"a file here"]
    assert "(conflict " in copy
    assert len(copy.encode()) <= 246
