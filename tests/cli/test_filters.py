"""`filter` and `add --filter`, as real commands."""

from __future__ import annotations

import pytest

from tests.cli.conftest import World, until


def on_server(world: World) -> object:
    [path] = world.dev.store.state.paths
    return path.settings["filters"]


async def test_rules_are_entered_listed_tested_and_sent(world: World):
    await world.log_in()
    words = (
        "add",
        "docs",
        "--server",
        "home",
        "--remote",
        "personal/docs",
        "--mountpoint",
        str(world.drive),
    )
    await world.must(*words, "--filter", "ends-with:.tmp", "--filter", "path:old/")
    assert [
        (rule["kind"], rule["text"], rule["pattern"])
        for rule in await world.json("filter", "list", "docs")
    ] == [
        ("ends-with", ".tmp", ".*.tmp$"),
        ("path", "old", "old"),
    ]
    assert on_server(world) == [".*.tmp$", "old"]
    said = await world.must("filter", "test", "docs", "a/B.TMP", "OLD/x/y", "new", "a/.DS_Store")
    assert said.splitlines() == [
        "a/B.TMP: left out by ends-with:.tmp",
        "OLD/x/y: left out by path:old",
        "new: synchronized",
        "a/.DS_Store: left out by its name, which is left out everywhere (.DS_Store)",
    ]


async def test_a_filter_leaves_out_and_its_end_brings_back(world: World):
    (world.disk / "a.bak").write_text("there")
    (world.disk / "b").write_text("b")
    await world.log_in()
    await world.add()
    await world.must("filter", "add", "docs", "ends-with:.bak", ".*draft.*")
    await world.must("sync", "docs")
    assert (await world.json("status", "docs"))[0]["known"] == 1
    await world.must("filter", "remove", "docs", "1")
    [rule] = await world.json("filter", "list", "docs")
    assert rule["text"] == "draft"
    await world.must("sync", "docs")
    assert (await world.json("status", "docs"))[0]["known"] == 2
    assert on_server(world) == [".*draft.*"]
    assert "nothing changed" in await world.must("filter", "add", "docs", "contains:draft")
    await world.must("filter", "remove", "docs", "contains:draft")
    assert "no filters" in await world.must("filter", "list", "docs")


@pytest.mark.usefixtures("mounts")
async def test_a_mounted_drive_follows(world: World):
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    (world.drive / "a.bak").write_text("before")
    await world.must("sync", "docs")
    await world.must("filter", "add", "docs", "ends-with:.bak")
    (world.drive / "b.bak").write_text("left out")
    (world.drive / "b").write_text("sent")

    async def sent() -> bool:
        return (world.disk / "b").exists()

    await until(sent, "b is on the server")
    await world.must("sync", "docs")
    assert {path.name for path in world.disk.iterdir()} == {"a.bak", "b"}
    [status] = await world.json("status", "docs")
    assert status["waiting"] == 0
    assert await world.json("journal", "docs") == []
    assert {path.name for path in world.drive.iterdir()} == {"a.bak", "b", "b.bak"}
    await world.must("filter", "remove", "docs", "ends-with:.bak")
    await world.must("sync", "docs")
    assert {path.name for path in world.disk.iterdir()} == {"a.bak", "b", "b.bak"}


async def test_what_cannot_be_is_refused_when_it_is_entered(world: World):
    await world.log_in()
    await world.add()
    for rule, says in (
        ("regexp:*.tmp", "'regexp:*.tmp' cannot be a filter: it is no regular expression"),
        ("regexp:(a+)+$", "unsafe"),
        ("regexp:a(?=b)", "looking ahead"),
        ("x" * 1025, "up to 1024 characters"),
    ):
        assert says in await world.refused("filter", "add", "docs", rule)
    many = [f"path:{number}" for number in range(101)]
    assert "up to 100 filters" in await world.refused("filter", "add", "docs", *many)
    assert "has no filter 'nope'" in await world.refused("filter", "remove", "docs", "nope")
    assert await world.json("filter", "list", "docs") == []
    assert "no synchronization 'nope'" in await world.refused("filter", "nope", "list")
    world.config.write_text(
        world.config.read_text().replace("filters = []", 'filters = ["(?=a)b*"]')
    )
    assert "looking ahead" in await world.refused("sync", "docs", status=1)


async def test_wildcards_are_kept_as_what_the_server_stores(world: World):
    await world.log_in()
    await world.add()
    said = await world.must("filter", "add", "docs", "*.bak", "notes.*", "path:old")
    assert "*.bak is kept as ends-with:.bak" in said
    assert r"notes.* is kept as regexp:(?:^|/)notes\.[^/]*$" in said
    assert "path:old is kept" not in said
    await world.must("sync", "docs")
    assert on_server(world) == [".*.bak$", r"(?:^|/)notes\.[^/]*$", "old"]
    tested = await world.must("filter", "test", "docs", "x/a.bak", "x/notes.txt", "note.txt")
    assert [line.partition(":")[2].strip() for line in tested.splitlines()] == [
        "left out by ends-with:.bak",
        r"left out by regexp:(?:^|/)notes\.[^/]*$",
        "synchronized",
    ]
    await world.must("filter", "remove", "docs", "*.bak", "notes.*")
    assert [rule["text"] for rule in await world.json("filter", "list", "docs")] == ["old"]
    assert "has no filter '*.o'" in await world.refused("filter", "remove", "docs", "*.o")


async def test_a_rule_is_tried_before_it_is_added(world: World):
    (world.disk / "old").mkdir()
    for name in ("a.tmp", "old/b.tmp", "keep"):
        (world.disk / name).write_text("12345")
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    said = await world.must("filter", "try", "docs", "*.tmp")
    assert said.splitlines() == [
        "docs: 2 files (10 B) and 0 folders would be left out, on both sides as they are",
        "  a.tmp",
        "  old/b.tmp",
    ]
    found = await world.json("filter", "try", "docs", "old/**", "path:old")
    assert (found["files"], found["folders"], found["size"], found["whole"]) == (1, 1, 5, True)
    assert found["examples"] == ["old"]
    assert await world.json("filter", "list", "docs") == []
