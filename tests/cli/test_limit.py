"""`limit` and the limits of one run, as real commands."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import World


async def limits(world: World) -> Any:
    [now] = await world.json("status", "docs")
    return now["limit_up"], now["limit_down"]


async def test_limits_are_set_shown_and_kept(world: World):
    await world.log_in()
    await world.add()
    assert await world.must("limit") == "NAME  UP   DOWN\ndocs  off  off\n"
    assert (
        await world.must("limit", "docs", "--up", "2M", "--down", "1.5M")
        == "NAME  UP  DOWN\ndocs  2M  1536K\n"
    )
    assert await world.must("limit", "--all", "--down", "off") == "NAME  UP  DOWN\ndocs  2M  off\n"
    assert await world.json("limit", "docs") == [
        {"name": "docs", "limit_up": 2 << 20, "limit_down": None}
    ]
    assert 'limit_up = "2M"' in world.config.read_text()
    assert await limits(world) == (2 << 20, None)
    for wrong in ("fast", "-2M", "0", "10", "2M/min"):
        assert "as 500K, 2M or 1.5M; or off" in await world.refused(
            "limit", "docs", f"--up={wrong}"
        )
    assert "say which" in await world.refused("limit", "--up", "2M")
    world.config.write_text(world.config.read_text().replace('"2M"', '"much"'))
    assert "'limit_up' must be bytes a second" in await world.refused("limit", status=1)


@pytest.mark.usefixtures("mounts")
async def test_a_mounted_drive_takes_them_up_and_one_run_has_its_own(world: World):
    await world.log_in()
    await world.add()
    await world.must("limit", "docs", "--up", "3M")
    await world.must("mount", "docs", "--manual")
    assert await limits(world) == (3 << 20, None)
    await world.must("limit", "docs", "--up", "off", "--down", "4M")
    assert await limits(world) == (None, 4 << 20)
    (world.drive / "mine").write_bytes(bytes(300_000))
    [report] = await world.json("sync", "docs", "--limit-up", "200K", "--limit-down", "off")
    assert report["seconds"] > 1.0, "300 KB at 200 KiB a second"
    assert await limits(world) == (None, 4 << 20), "those that are set again"
