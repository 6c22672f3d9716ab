"""Two computers of one user in one folder: each tells the server when it sent something, and asks
about the other. (That a listing follows at once: tests/engine/test_folder_looks.py.)"""

from __future__ import annotations

import pytest

from tests.cli.conftest import World, until

pytestmark = pytest.mark.usefixtures("mounts")


async def test_what_one_sends_the_other_sees(world: World) -> None:
    second, other = world.base / "home2", world.base / "drive2"
    await world.log_in()
    await world.add()
    await world.log_in(home=second)
    await world.add(home=second, drive=other)
    for home in (world.home, second):
        await world.must("mount", "docs", home=home)
        await world.must("sync", "docs", home=home)

    async def asked() -> bool:
        clients = [each for each in world.dev.requests if each.path.endswith("/sync/clients")]
        return len(clients) >= 4

    await until(asked, "both have asked about the other")
    (world.drive / "new").write_text("mine")

    async def told() -> bool:
        return any(path.settings.get("lastSync") for path in world.dev.store.state.paths)

    await until(told, "the server was told")

    async def seen() -> bool:
        return (other / "new").exists()

    await until(seen, "the other computer has it")


async def test_a_sync_without_a_mount_tells_the_others(world: World) -> None:
    second = world.base / "home2"
    await world.log_in()
    await world.add("--direction", "upload")
    await world.log_in(home=second)
    await world.add(home=second, drive=world.base / "drive2")
    await world.must("sync", "docs")
    [first, _] = world.dev.store.state.paths
    assert not first.settings.get("lastSync"), "nothing was sent"
    await world.must("mount", "docs")
    (world.drive / "new").write_text("mine")
    await world.must("pause", "docs")
    await world.must("umount", "docs")
    await world.must("resume", "docs")
    await world.must("sync", "docs")
    [first, _] = world.dev.store.state.paths
    assert first.settings["lastSync"].endswith("Z")
