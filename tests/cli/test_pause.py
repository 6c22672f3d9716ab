"""`pause` and `resume`, as real commands."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from syncin_mount.config import Configuration, ConfigurationFile, Folders
from tests.cli.conftest import World, until


async def test_sync_says_that_it_is_paused_and_what_to_do(world: World):
    await world.log_in()
    await world.add()
    (world.disk / "theirs").write_text("theirs")
    assert (
        await world.must("pause", "docs")
        == "docs: paused; nothing is transferred until: syncin-mount resume docs\n"
    )
    assert await world.must("pause", "--all") == "docs: is paused already\n"
    told = await world.refused("sync", "docs", status=1)
    assert (
        told == "'docs' is paused, and nothing is transferred; resume it: syncin-mount resume docs"
    )
    assert "Files to download: 1" in await world.must("sync", "--dry-run", "docs")
    assert (await world.json("status"))[0]["paused"] is True
    assert (await world.json("show", "docs"))["paused"] is True
    assert await world.must("resume", "--all") == "docs: resumed; pending changes are uploaded\n"
    assert await world.must("resume", "docs") == "docs: is not paused\n"
    await world.must("sync", "docs")
    assert "say which" in await world.refused("pause")
    assert "there is no synchronization 'nope'" in await world.refused("pause", "docs", "nope")
    assert (await world.json("show", "docs"))["paused"] is False, "all that are named, or none"
    [registered] = world.dev.store.state.paths
    assert "paused" not in registered.settings, "it is this computer's alone"


@pytest.mark.usefixtures("mounts")
async def test_a_mounted_drive_works_on_as_offline_and_the_pause_outlasts_it(world: World):
    await world.log_in()
    await world.add()
    (world.disk / "theirs").write_text("theirs")
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    await world.must("pause", "docs")
    (world.drive / "mine").write_text("mine")
    assert (world.drive / "theirs").read_text() == "theirs"
    requests = len(world.dev.requests)
    await world.must("umount", "docs")
    await world.must("mount", "docs")
    [now] = await world.json("status", "docs")
    assert (now["paused"], now["waiting"]) == (True, 1)
    assert "paused" in await world.must("status", "docs")
    assert (world.drive / "mine").read_text() == "mine"
    assert len(world.dev.requests) == requests
    await world.must("resume", "docs")

    async def sent() -> bool:
        return (world.disk / "mine").exists()

    await until(sent, "it goes on")


def configuration_of(world: World) -> ConfigurationFile:
    home = world.home
    return ConfigurationFile(Folders(home, home / "state", home / "run", portable=True))


async def test_a_pause_with_an_end_says_when_and_is_over_then(world: World):
    await world.log_in()
    await world.add()
    before = time.time()
    told = await world.must("pause", "docs", "--for", "1h")
    [now] = await world.json("status")
    assert now["paused"] is True
    assert now["paused_until"] == (await world.json("show", "docs"))["paused_until"]
    file = configuration_of(world)
    end = file.read().synchronizations["docs"].paused_until
    assert end is not None
    assert before + 3599 <= end <= time.time() + 3601
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(end))
    assert told == (
        f"docs: paused; nothing is transferred until {at}, or until: syncin-mount resume docs\n"
    )
    assert f"nothing is synchronized until {at}, or" in await world.must("status", "docs")
    assert f"until {at}" in await world.must("show", "docs")

    assert " 06:00, or" in await world.must("pause", "docs", "--until", "tomorrow")
    assert " 18:30, or" in await world.must("pause", "docs", "--until", "18:30")
    assert "until: syncin" in await world.must("pause", "docs")
    assert (await world.json("status"))[0]["paused_until"] is None

    def over(present: Configuration) -> Configuration:
        docs = present.synchronizations["docs"]
        return present.with_synchronization(replace(docs, paused_until=int(time.time())))

    file.update(over)
    assert (await world.json("status"))[0]["paused"] is False
    assert (await world.json("show", "docs"))["paused"] is False
    await world.must("sync", "docs")
    assert await world.must("resume", "docs") == "docs: is not paused\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--for", "1h", "--until", "18:30"), "not both"),
        (("--for", "31d"), "from 1m to 30d"),
        (("--for", "soon"), "no length of time"),
        (("--until", "25:00"), "'25:00' is no time of day"),
        (("--until", "yesterday"), "no time of day"),
    ],
)
async def test_an_end_that_is_none_is_refused(world: World, words: tuple[str, ...], why: str):
    await world.log_in()
    await world.add()
    assert why in await world.refused("pause", "docs", *words, status=2)
    assert (await world.json("status"))[0]["paused"] is False


@pytest.mark.usefixtures("mounts")
async def test_a_mounted_drive_goes_on_by_itself_when_the_pause_ends(world: World):
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    await world.must("pause", "docs", "--for", "1m")
    (world.drive / "mine").write_text("mine")
    [now] = await world.json("status", "docs")
    assert now["paused_until"] is not None
    file = configuration_of(world)

    def soon(present: Configuration) -> Configuration:
        docs = present.synchronizations["docs"]
        return present.with_synchronization(replace(docs, paused_until=int(time.time()) + 2))

    file.update(soon)

    async def sent() -> bool:
        return (world.disk / "mine").exists()

    await until(sent, "it goes on")

    async def noted() -> bool:
        docs = file.read().synchronizations["docs"]
        return (docs.paused, docs.paused_until) == (False, None)

    await until(noted, "the configuration says so")
