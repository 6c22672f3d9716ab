"""What the account page does with synchronizations takes effect at the next run: added, changed,
removed, and back."""

from __future__ import annotations

import shutil
import tomllib
from typing import Any

import pytest

from tests.cli.conftest import PASSWORD, World, until

OLD = 1_600_000_000


def on_server(world: World) -> dict[str, Any]:
    [path] = world.dev.store.state.paths
    return path.settings


def on_account_page(world: World, *, at: int, **changes: object) -> None:
    """Somebody edits the settings on the server's page, at that time of the server's clock."""
    on_server(world).update(changes, timestamp=at)


def configured(world: World) -> dict[str, Any]:
    return dict(tomllib.loads(world.config.read_text())["synchronizations"])


async def begun(world: World) -> None:
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")


def lose(world: World, name: str) -> str:
    """Takes a synchronization out of the configuration; how that was."""
    text = world.config.read_text()
    head, _, rest = text.partition(f"[synchronizations.{name}]")
    section, bracket, more = rest.partition("[synchronizations.")
    world.config.write_text(head + bracket + more)
    return section


async def second(world: World) -> None:
    """Another synchronization of the account, whose runs see what the server lists."""
    (world.dev.files_of("user1") / "other").mkdir()
    words = (
        "--server",
        "home",
        "--remote",
        "personal/other",
        "--mountpoint",
        str(world.base / "drive-other"),
    )
    await world.must("add", "other", *words)


def grow_old(world: World) -> None:
    """What is registered is no longer taken for something that a command is just adding."""
    for path in world.dev.store.state.paths:
        path.settings["timestamp"] = OLD


async def test_what_the_configuration_lost_comes_back_disabled_with_its_changes(world: World):
    await begun(world)
    await second(world)
    await world.must("mount", "docs")
    await world.stop()
    (world.drive / "unsent").write_text("only here")
    await world.must("umount", "docs")
    await world.start()
    before = configured(world)["docs"]
    grow_old(world)
    lose(world, "docs")
    assert set(configured(world)) == {"other"}
    await world.must("sync", "other")
    after = configured(world)["docs"]
    assert after == {**before, "enabled": False, "timestamp": OLD}
    assert (
        "the server lists the synchronization 'docs' of personal/docs"
        in (world.home / "state/logs/other.log").read_text()
    )
    await world.must("sync", "docs")
    assert (world.disk / "unsent").read_text() == "only here"


async def test_what_is_just_being_added_is_left_to_who_adds_it(world: World):
    await begun(world)
    await second(world)
    lose(world, "docs")
    await world.must("sync", "other")
    assert set(configured(world)) == {"other"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"localPath": "C:\\Users\\user1\\docs"}, "is no folder that can be a mount point"),
        ({"localPath": "/a/../b"}, "is no folder that can be a mount point"),
        ({"localPath": "{other}/inside"}, "is inside that of 'other'"),
        ({"localPath": "{home}/state"}, "own folder"),
        ({"localPath": "{full}"}, "is not empty"),
        ({"filters": ["(?=a)b*"]}, "the filters cannot be used"),
    ],
)
async def test_what_cannot_be_mounted_here_is_told_and_not_taken_up(
    world: World, change: dict[str, Any], why: str
):
    await begun(world)
    await second(world)
    grow_old(world)
    lose(world, "docs")
    (world.base / "full").mkdir()
    (world.base / "full/x").touch()
    places = {"other": world.base / "drive-other", "home": world.home, "full": world.base / "full"}
    path = next(each for each in world.dev.store.state.paths if each.settings["name"] == "docs")
    path.settings.update(
        {key: v.format(**places) if isinstance(v, str) else v for key, v in change.items()}
    )
    await world.must("sync", "other")
    assert set(configured(world)) == {"other"}
    done = await world.run("list")
    assert done.status == 0
    assert "lists 'docs' (personal/docs) for this computer, which is not taken up: " in done.error
    assert why in done.error
    world.dev.store.state.paths.remove(path)
    await world.must("sync", "other")
    assert (await world.run("list")).error == ""


async def test_a_name_that_is_taken_gets_a_number(world: World):
    await begun(world)
    await second(world)
    grow_old(world)
    lose(world, "docs")
    path = next(each for each in world.dev.store.state.paths if each.settings["name"] == "docs")
    path.settings["name"] = "other"
    await world.must("sync", "other")
    assert configured(world)["other 2"]["remote"] == "personal/docs"


async def test_what_was_removed_here_while_the_server_was_away_is_removed_there_later(world: World):
    await begun(world)
    await second(world)
    await world.must("sync", "other")
    await world.stop()
    done = await world.run("remove", "docs", "--yes")
    assert done.status == 0
    assert "the server could not be told" in done.error
    await world.start()
    grow_old(world)
    await world.must("sync", "other")
    assert set(configured(world)) == {"other"}
    assert [each.settings["name"] for each in world.dev.store.state.paths] == ["other"]
    await world.must("sync", "other")
    assert '"removed": []' in next((world.home / "state/notes").glob("*.json")).read_text()


@pytest.mark.usefixtures("mounts")
async def test_a_drive_that_was_removed_there_keeps_its_changes_and_goes_on_once_registered_again(
    world: World,
):
    await begun(world)
    await world.must("mount", "docs")
    world.dev.store.state.paths.clear()
    (world.drive / "unsent").write_text("only here")
    said = await world.refused("sync", "docs", status=4)
    assert "syncin-mount edit docs --register" in said
    assert not (world.disk / "unsent").exists()
    assert (
        await world.must("edit", "docs", "--register")
    ) == "docs: registered again for personal/docs\n"

    async def sent() -> bool:
        return (world.disk / "unsent").exists()

    await until(sent, "the mounted drive goes on")
    assert "nothing to register" in await world.must("edit", "docs", "--register")


@pytest.mark.parametrize("ahead", [-100_000, 0, 100_000])
async def test_the_last_change_holds_whatever_the_clocks_say(world: World, ahead: int):
    """``ahead``: what the server's clock is ahead of this computer's, in seconds."""
    clock = world.dev_clock
    clock.ahead = ahead
    await begun(world)
    clock.ahead += 5
    on_account_page(world, at=int(clock()), mode="upload", conflictMode="local")
    await world.must("edit", "docs", "--conflict", "remote")
    await world.must("sync", "docs")
    shown = await world.json("show", "docs")
    assert (shown["direction"], shown["conflict"]) == (
        "upload",
        "remote",
    ), "the later of two changes was lost"
    assert (on_server(world)["mode"], on_server(world)["conflictMode"]) == ("upload", "remote")
    clock.ahead += 5
    on_account_page(world, at=int(clock()), mode="both")
    await world.must("sync", "docs")
    shown = await world.json("show", "docs")
    assert (shown["direction"], shown["conflict"]) == (
        "both",
        "remote",
    ), "the page's change was lost"


async def test_both_sides_edited_apart_the_newer_holds(world: World):
    await begun(world)
    await world.stop()
    await world.must("edit", "docs", "--conflict", "local", "--mode", "secure")
    mine = configured(world)["docs"]["timestamp"]
    on_account_page(world, at=mine + 1, mode="upload")
    await world.start()
    await world.must("sync", "docs")
    shown = await world.json("show", "docs")
    assert (shown["direction"], shown["conflict"], shown["mode"]) == ("upload", "recent", "fast")
    await world.stop()
    await world.must("edit", "docs", "--conflict", "local")
    await world.start()
    await world.must("sync", "docs")
    assert on_server(world)["conflictMode"] == "local"


async def test_disabled_there_is_disabled_here(world: World):
    await begun(world)
    on_account_page(world, at=configured(world)["docs"]["timestamp"] + 1, enabled=False)
    assert "disabled on the account page" in await world.refused("sync", "docs", status=4)
    assert configured(world)["docs"]["enabled"] is False
    assert "disabled" in await world.must("list")
    await world.must("enable", "docs")
    await world.must("sync", "docs")
    assert on_server(world)["enabled"] is True


async def test_show_tells_what_the_server_has(world: World):
    await begun(world)
    there = (await world.json("show", "docs"))["on_server"]
    assert there == f"number {configured(world)['docs']['path_id']}, set as here"
    on_account_page(world, at=configured(world)["docs"]["timestamp"] + 1, mode="upload")
    there = (await world.json("show", "docs"))["on_server"]
    assert there.endswith("; direction is set otherwise there: newer, and hold with the next run")
    world.dev.store.state.paths.clear()
    assert "register it again" in (await world.json("show", "docs"))["on_server"]
    await world.stop()
    assert "not known: Nothing answers at" in (await world.json("show", "docs"))["on_server"]
    assert "\non server: " in await world.must("show", "docs")


async def test_what_stays_is_said(world: World):
    await begun(world)
    shutil.copy(world.config, world.base / "before")
    for option, says in (
        ("--name", "syncin-mount rename NAME NEW"),
        ("--server", "the server stays"),
        ("--remote", "is followed when"),
    ):
        assert says in await world.refused("edit", "docs", option, "x")
    assert world.config.read_bytes() == (world.base / "before").read_bytes()


async def disabled_on_the_page(world: World) -> None:
    on_account_page(world, at=configured(world)["docs"]["timestamp"] + 1, enabled=False)


async def test_disabled_there_stops_every_process_until_it_is_enabled(world: World):
    """A second process once took it for what its own user had disabled, and sent."""
    await begun(world)
    await disabled_on_the_page(world)
    for _ in range(3):
        assert "disabled on the account page" in await world.refused("sync", "docs", status=4)
    assert "disabled on the account page" in await world.must("show", "docs")
    assert "disabled on the account page" in await world.refused(
        "sync", "docs", "--dry-run", status=4
    )
    on_account_page(world, at=configured(world)["docs"]["timestamp"] + 1, enabled=True)
    (world.disk / "there").write_text("there")
    await world.must("sync", "docs")
    assert "disabled_there" not in configured(world)["docs"]


async def test_disabled_there_is_noticed_by_any_command_that_asks(world: World):
    """`edit` takes over what the page has newer: that it was disabled there is part of it."""
    await begun(world)
    await disabled_on_the_page(world)
    await world.must("edit", "docs", "--conflict", "local")
    assert configured(world)["docs"]["disabled_there"] is True
    await world.refused("sync", "docs", status=4)
    await world.must("enable", "docs")
    await world.must("sync", "docs")


async def test_disabled_here_is_run_by_hand_whatever_the_page_changes(world: World):
    await begun(world)
    await world.must("disable", "docs")
    await world.must("sync", "docs")
    on_account_page(
        world, at=configured(world)["docs"]["timestamp"] + 1, mode="upload", enabled=False
    )
    await world.must("sync", "docs")
    assert configured(world)["docs"]["direction"] == "upload"


async def test_disabled_there_and_lost_here_comes_back_stopped(world: World):
    await begun(world)
    await disabled_on_the_page(world)
    await second(world)
    grow_old(world)
    lose(world, "docs")
    await world.must("sync", "other")
    assert configured(world)["docs"]["enabled"] is False
    await world.refused("sync", "docs", status=4)


@pytest.mark.usefixtures("mounts")
async def test_disabled_there_a_drive_mounted_by_hand_keeps_what_waits_until_it_is_enabled_there(
    world: World,
):
    await begun(world)
    await disabled_on_the_page(world)
    await world.refused("sync", "docs", status=4)
    done = await world.run("mount", "docs")
    assert (done.status, "nothing is transferred" in done.error) == (0, True), done
    (world.drive / "unsent").write_text("only here")
    await world.refused("sync", "docs", status=4)
    [status] = await world.json("status", "docs")
    assert "disabled on the account page" in status["halted"]
    assert not (world.disk / "unsent").exists()
    on_account_page(world, at=configured(world)["docs"]["timestamp"] + 1, enabled=True)
    await world.must("sync", "docs")
    assert (world.disk / "unsent").read_text() == "only here"
    assert (await world.json("status", "docs"))[0]["halted"] is None


@pytest.mark.parametrize("with_client", [True, False], ids=["computer", "synchronization"])
async def test_what_was_removed_there_is_registered_again_only_when_somebody_says_so(
    world: World, with_client: bool
):
    """``with_client``: the whole computer was removed on the account page, not one
    synchronization."""
    await begun(world)
    await second(world)
    state = world.dev.store.state
    other = [each for each in state.paths if each.settings["name"] == "other" and not with_client]
    state.paths[:] = other
    if with_client:
        state.clients.clear()
    words = ("server", "auth", "home", "--password-stdin")
    done = await world.run(*words, stdin=f"{PASSWORD}\n")
    assert done.status == 0
    assert "docs: the server has no synchronization of personal/docs" in done.error
    assert "syncin-mount edit docs --register" in done.error
    assert ("other:" in done.error) is with_client
    assert state.paths == other
    assert "syncin-mount edit docs --register" in await world.refused("sync", "docs", status=4)
    done = await world.run(*words, "--register", stdin=f"{PASSWORD}\n")
    assert "docs: registered again for personal/docs" in done.out
    assert {each.settings["name"] for each in state.paths} == {"docs", "other"}
    await world.must("sync", "docs")
