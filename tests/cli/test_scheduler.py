"""Schedules, as real commands and mounted drives: set, shown, followed, and one run after
another."""

from __future__ import annotations

import fcntl
from typing import Any

import pytest

from tests.cli.conftest import World, seconds, until


async def status(world: World) -> Any:
    [found] = await world.json("status", "docs")
    return found


def listings(world: World) -> int:
    return sum("/operation/diff/" in each.path for each in world.dev.requests)


async def test_the_setting_is_shown_changed_and_kept_beside_all_else(world: World):
    await world.log_in()
    await world.add("--every", "15m")
    world.config.write_text("# mine\n" + world.config.read_text())
    assert (
        await world.must("scheduler")
        == "parallel: each run starts when it is due\n  docs: every 15m\n"
    )
    said = await world.must("scheduler", "sequential")
    assert said.startswith("sequential: a run that is due waits until another drive's has ended\n")
    assert await world.json("scheduler") == {
        "scheduler": "sequential",
        "schedules": [{"name": "docs", "schedule": "15m"}],
    }
    assert world.config.read_text().startswith("# mine\n")
    assert '[program]\nscheduler = "sequential"' in world.config.read_text()
    await world.must("edit", "docs", "--every", "off")
    assert await world.json("scheduler") == {
        "scheduler": "sequential",
        "schedules": [{"name": "docs", "schedule": "off"}],
    }
    assert "follows both sides by itself" in await world.must("scheduler", "off")
    assert "'often' is no time" in await world.refused("edit", "docs", "--every", "often")
    assert "sequential" in await world.refused("scheduler", "often")


async def test_what_the_program_table_may_say(world: World):
    await world.log_in()
    world.config.write_text(world.config.read_text() + '\n[program]\nscheduler = "often"\n')
    assert '\'scheduler\' must be "parallel" or "sequential"' in await world.refused(
        "list", status=1
    )


@pytest.mark.usefixtures("mounts")
async def test_a_mounted_drive_follows_its_schedule_and_the_programs(world: World):
    await world.log_in()
    await world.add("--every", "1d")
    await world.must("mount", "docs")

    async def ran() -> bool:
        return (await status(world))["last_run"] is not None

    await until(ran, "the first run")
    now = await status(world)
    assert now["schedule"] == "1d"
    assert seconds(now["next_run"]) - seconds(now["last_run"]) == pytest.approx(86_400, abs=60)
    (world.drive / "mine").write_text("mine")
    before = listings(world)
    await world.must("scheduler", "off")
    assert (await status(world))["next_run"] is None
    await world.must("scheduler", "parallel")
    assert seconds((await status(world))["next_run"]) == pytest.approx(
        seconds(now["next_run"]), abs=5
    )
    assert not (world.disk / "mine").exists(), "it waits for the next run"
    assert listings(world) == before
    await world.must("umount", "docs")
    await world.must("mount", "docs")
    assert seconds((await status(world))["last_run"]) == pytest.approx(
        seconds(now["last_run"]), abs=5
    ), "it is remembered"
    assert seconds((await status(world))["next_run"]) == pytest.approx(
        seconds(now["next_run"]), abs=5
    ), "a mount is no reason for a run"
    assert not (world.disk / "mine").exists()
    await world.must("edit", "docs", "--every", "off")

    async def sent() -> bool:
        return (world.disk / "mine").exists()

    await until(sent, "without a schedule, the change is sent by itself")


@pytest.mark.usefixtures("mounts")
async def test_a_setting_edited_by_hand_is_followed(world: World):
    await world.log_in()
    await world.add("--every", "1h")
    await world.must("mount", "docs")
    world.config.write_text(world.config.read_text() + '\n[program]\nscheduler = "off"\n')

    async def stopped() -> bool:
        return (await status(world))["next_run"] is None

    await until(stopped, "the drive looks into the file by itself")


@pytest.mark.usefixtures("mounts")
async def test_a_run_waits_for_the_run_of_another_process(world: World):
    await world.log_in()
    await world.add("--every", "1h")
    await world.must("scheduler", "sequential")
    before = listings(world)  # `add` has looked whether there is room
    with (world.home / "state" / "scheduler.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        await world.must("mount", "docs")

        async def waits() -> bool:
            return bool((await status(world))["waits_for_turn"])

        await until(waits, "it says that it waits")
        assert "waits for another drive's run" in await world.must("status", "docs")
        assert listings(world) == before
    # The other process has ended, whichever way.

    async def ran() -> bool:
        return listings(world) == before + 1

    await until(ran, "its turn came")
