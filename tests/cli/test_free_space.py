"""A complete copy that does not fit is told before it fills the disk."""

from __future__ import annotations

import pytest

from tests.cli.conftest import World, until
from tests.small_disk import small_disk

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

MIB = 1 << 20


async def problems(world: World) -> list[str]:
    [status] = await world.json("status", "docs")
    return [each["why"] for each in status["problems"] if "needs" in each["why"]]


async def test_a_first_run_that_will_not_fit_says_so_before_the_disk_is_full(world: World):
    for number in range(4):
        with (world.disk / f"big {number}").open("wb") as file:
            file.truncate(20 * MIB)
    await world.log_in()
    with small_disk(world.home / "state/replicas", "tmpfs", 60) as disk:
        await world.add("--yes")
        await world.must("limit", "docs", "--down", "200K")  # so that there is time to look
        await world.must("mount", "docs")

        async def is_told() -> bool:
            return bool(await problems(world))

        await until(is_told, "the problem")
        [why] = await problems(world)
        assert disk.room > 15 * MIB, "it is told before"
        assert "to be downloaded (" in why
        assert f"are free in {world.home}/state/replicas/docs; make room there" in why
        assert "syncin-mount filter add docs RULE" in why
        [status] = await world.json("status", "docs")
        assert status["state"] == "downloading"
        for number in range(3):  # one fits
            (world.disk / f"big {number}").unlink()

        async def fits() -> bool:
            return not await problems(world)

        await world.must("limit", "docs", "--down", "off")
        await until(fits, "room for what is left")
        await world.must("umount", "--force", "docs")
