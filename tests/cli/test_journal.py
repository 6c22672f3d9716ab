"""`journal`: what waits and why, and what people stop, let go and undo."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import World, until

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]


async def start(world: World) -> None:
    """A mounted drive with two documents that both sides have; then the server is away."""
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    (world.drive / "doc.txt").write_text("base")
    (world.drive / "other.txt").write_text("other")
    await world.must("sync", "docs")
    await world.stop()


async def waiting(world: World, *words: str) -> dict[str, dict[str, Any]]:
    """By path, the last operation of each."""
    return {row["path"]: row for row in await world.json("journal", "docs", *words)}


async def numbers(world: World, *paths: str) -> list[str]:
    found = await waiting(world)
    return [str(found[path]["number"]) for path in paths]


@pytest.mark.parametrize("mounted", [True, False])
async def test_changes_are_stopped_let_go_and_undone(world: World, mounted: bool):
    await start(world)
    (world.drive / "doc.txt").write_text("edited")
    (world.drive / "other.txt").unlink()
    (world.drive / "new.txt").write_text("new")
    (world.drive / "made").mkdir()
    (world.drive / "made/inside").write_text("inside")
    if not mounted:
        await world.must("umount", "docs")
    doc, other, new, made, inside = await numbers(
        world, "doc.txt", "other.txt", "new.txt", "made", "made/inside"
    )
    assert (
        await world.must("journal", "hold", "docs", doc, made)
        == "doc.txt is held, until it is released\nmade is held, with all that is in it, until it"
        " is released\n"
    )
    found = await waiting(world)
    assert {path for path, row in found.items() if row["held"]} == {
        "doc.txt",
        "made",
        "made/inside",
    }
    assert found["doc.txt"]["why"] == "You hold it; “journal release” lets it go."
    assert (
        found["made/inside"]["why"]
        == "You hold a folder that it is in; “journal release” lets it go."
    )
    assert (await world.json("status", "docs"))[0]["held_count"] == 2
    assert "(2 held: 'journal' tells which)" in await world.must("status", "docs")
    said = await world.refused("journal", "release", "docs", inside, status=1)
    assert (
        said == "made/inside stays as it is: the hold is that of its folder made; release that one"
    )
    said = await world.refused("journal", "release", "docs", other, status=1)
    assert said == "other.txt stays as it is: it is not held"
    assert (
        await world.must("journal", "discard", "docs", other, new)
        == "other.txt is as on the server again\nnew.txt is in the bin now\n"
    )
    said = await world.refused("journal", "discard", "docs", new, status=1)
    assert said == f"nothing waits under the number {new}"
    await world.start()
    if not mounted:
        await world.must("mount", "docs")
    await world.run("sync", "docs")
    assert {path.name for path in world.disk.iterdir()} == {"doc.txt", "other.txt"}
    assert (world.disk / "doc.txt").read_text() == "base"
    assert await world.read("other.txt") == "other"
    assert not (world.drive / "new.txt").exists()
    doc, made = await numbers(world, "doc.txt", "made")
    assert await world.must("journal", "release", "docs", made) == "made is let go\n"
    assert (
        await world.must("journal", "discard", "docs", doc)
        == "doc.txt is as on the server again; what you had changed is in the bin\n"
    )
    assert await world.read("doc.txt") == "base"
    await world.must("sync", "docs")
    assert (world.disk / "made/inside").read_text() == "inside"
    assert await world.must("journal", "docs") == "nothing waits: the server has every change\n"
    assert {
        row["path"]: row["why"] for row in await world.json("bin", "list", "docs", "--local")
    } == dict.fromkeys(("new.txt", "doc.txt"), "you discarded it before it was sent")


async def test_a_hold_outlives_a_killed_drive(world: World):
    await start(world)
    (world.drive / "doc.txt").write_text("edited")
    (number,) = await numbers(world, "doc.txt")
    await world.must("journal", "hold", "docs", number)
    await world.run("umount", "--force", "docs")
    await world.start()
    await world.must("mount", "docs")
    assert (await world.run("sync", "docs")).status == 1
    assert (world.disk / "doc.txt").read_text() == "base"
    assert await world.read("doc.txt") == "edited"
    assert "You hold it" in await world.must("explain", "docs", "doc.txt")


async def test_each_change_is_shown_with_why_it_waits(world: World):
    await start(world)
    (world.drive / "doc.txt").write_text("edited")
    (world.drive / ".DS_Store").write_text("of a file manager")

    async def offline() -> bool:
        return bool((await waiting(world))["doc.txt"]["state"] == "offline")

    await until(offline, "the drive knows that the server is away")
    with (world.drive / "open.txt").open("w") as file:
        file.write("x" * 100_000)
        file.flush()
        number = (await waiting(world))["open.txt"]["number"]
        said = await world.refused("journal", "discard", "docs", str(number), status=1)
        assert said == "open.txt stays as it is: “open.txt” is open for writing; close it first"
    found = await waiting(world, "--all")
    assert found[".DS_Store"]["why"] == "it stays here: its name or a filter leaves it out"
    assert ".DS_Store" not in await waiting(world)
    assert "offline: " in await world.must("journal", "list", "docs")
    await world.must("umount", "docs")
    assert {row["why"] for row in (await waiting(world)).values()} == {"the drive is not mounted"}


async def test_a_reader_of_a_discarded_file_keeps_what_it_reads(world: World):
    await start(world)
    (world.drive / "doc.txt").write_text("edited")
    (number,) = await numbers(world, "doc.txt")
    with (world.drive / "doc.txt").open() as file:
        await world.must("journal", "discard", "docs", number)
        assert file.read() == "edited"
    await world.start()
    await world.must("sync", "docs")
    assert await world.read("doc.txt") == "base"


@pytest.mark.parametrize(
    "words", [("journal", "hold", "docs"), ("journal", "discard", "docs", "x"), ("journal",)]
)
async def test_what_is_not_said_is_asked_for_in_one_sentence(world: World, words: tuple[str, ...]):
    await world.log_in()
    await world.add()
    done = await world.run(*words)
    assert done.status == 2
    assert "Traceback" not in done.error
    assert done.error.count("\n") == 1
