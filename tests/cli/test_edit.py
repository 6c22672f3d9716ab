"""`edit`, as a real command."""

from __future__ import annotations

import errno

import pytest

from tests.cli.conftest import World, until


def on_server(world: World) -> dict[str, object]:
    [path] = world.dev.store.state.paths
    return dict(path.settings)


async def begun(world: World) -> None:
    await world.log_in()
    await world.add()


async def test_settings_are_changed_shown_and_sent(world: World):
    await begun(world)
    said = await world.must(
        "edit", "docs", "--mode", "secure", "--conflict", "local", "--trash", "own"
    )
    assert (
        said
        == "docs: mode secure instead of fast, conflict local instead of recent, trash own instead"
        " of auto; the next run follows\n"
    )
    shown = await world.json("show", "docs")
    assert (shown["mode"], shown["conflict"], shown["trash"]) == ("secure", "local", "own")
    await world.must("sync", "docs")
    assert on_server(world)["diffMode"] == "secure"
    assert on_server(world)["conflictMode"] == "local"
    assert await world.must("edit", "docs", "--mode", "secure") == "docs: nothing changed\n"


@pytest.mark.usefixtures("mounts")
async def test_a_mounted_drive_follows_and_keeps_its_place(world: World):
    await begun(world)
    await world.must("mount", "docs")
    (world.drive / "a").write_text("a")
    await world.must("sync", "docs")
    await world.must("edit", "docs", "--direction", "download")
    await world.must("sync", "docs")

    async def refuses() -> bool:
        try:
            (world.drive / "b").write_text("b")
        except OSError as error:
            return error.errno == errno.EROFS
        return False

    await until(refuses, "the drive is read-only")
    again = await world.must("edit", "docs", "--direction", "both")
    assert again.endswith("; the next run follows\n"), "it was mounted for writing"
    await world.must("edit", "docs", "--direction", "download")
    await world.must("umount", "docs")
    await world.must("mount", "docs")
    again = await world.must("edit", "docs", "--direction", "both")
    assert again.endswith("; the next run follows\n")
    await world.must("sync", "docs")
    (world.drive / "c").write_text("c")  # without another mount
    await world.must("edit", "docs", "--direction", "download")
    assert "unmount it" in await world.refused(
        "edit",
        "docs",
        "--mountpoint",
        str(world.base / "elsewhere"),
        status=1,
    )
    await world.must("umount", "docs")
    await world.must(
        "edit", "docs", "--direction", "both", "--mountpoint", str(world.base / "elsewhere")
    )
    await world.must("mount", "docs")
    assert (world.base / "elsewhere" / "a").read_text() == "a"
    (world.base / "elsewhere" / "b").write_text("b")
    await world.must("sync", "docs")
    assert {path.name for path in world.disk.iterdir()} >= {"a", "b"}


async def test_what_cannot_be_is_refused_and_changes_nothing(world: World):
    await begun(world)
    before = await world.json("show", "docs")
    assert "no setting given" in await world.refused("edit", "docs")
    assert "no synchronization 'nope'" in await world.refused("edit", "nope", "--mode", "fast")
    (world.base / "full").mkdir()
    (world.base / "full" / "x").touch()
    assert "not empty" in await world.refused(
        "edit",
        "docs",
        "--mountpoint",
        str(world.base / "full"),
        status=1,
    )
    assert "own folder" in await world.refused(
        "edit",
        "docs",
        "--mountpoint",
        str(world.home / "state" / "x"),
        status=1,
    )
    assert "is not one of" in await world.refused("edit", "docs", "--mode", "quick")
    assert await world.json("show", "docs") == before
