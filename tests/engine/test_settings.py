"""Before every run the settings are agreed on with the server: rights, the folder's name, what was
set on its page."""

from __future__ import annotations

import pytest

from reconciler.model import Conflict, Direction, Mode
from reconciler.planner.guards import Danger, rights_gone
from syncin_mount.devserver import Reply, Rule
from tests.engine.world import World

OLD, LATER = 1_600_000_000, 1_700_000_000


async def test_settings_in_agreement_cost_one_request(world: World) -> None:
    world.put("a", b"a", mtime=OLD)
    device = await world.device(follow=True)
    await device.sync()
    before = len(world.server.requests)
    report = await device.sync()
    assert not report.outcomes
    assert [each.method for each in list(world.server.requests)[before:]] == ["PUT", "POST"]
    assert not world.saved


async def test_newer_settings_of_the_server_take_effect(world: World) -> None:
    for number in range(4):
        world.put(f"keep{number}", b"%d" % number, mtime=OLD)
    device = await world.device(follow=True)
    await device.sync()
    await world.on_account_page(device, mode="upload", conflict_mode="local", diff_mode="secure")
    world.put("extra", b"made there")
    await device.sync()
    assert "extra" not in world.on_disk()
    assert list(world.trashed().values()) == [b"made there"]
    [saved] = world.saved
    assert (saved.direction, saved.conflict, saved.mode) == (
        Direction.UPLOAD,
        Conflict.LOCAL,
        Mode.SECURE,
    )
    await device.sync()
    assert len(world.saved) == 1, "what is settled was saved again"


async def test_settings_that_were_registered_with_a_null_for_their_number_are_followed(
    world: World,
) -> None:
    """The server keeps the null, and names it instead of the number as soon as somebody changes a
    setting on its page: seen on the real one, where the drive took that for another server and
    stayed offline."""
    device = await world.device(follow=True)
    [path] = world.server.store.state.paths
    assert "id" not in path.settings, "the number of what has none yet was sent"
    path.settings["id"] = None
    await world.on_account_page(device, mode="upload", conflict_mode="local")
    report = await device.sync()
    assert report.offline is None
    assert device.engine.settings.direction is Direction.UPLOAD
    device.write("mine", b"mine")
    await device.sync()
    assert world.on_disk() == {"mine": b"mine"}


@pytest.mark.expected_log("the server gives no right")
@pytest.mark.expected_log("halted: ")
async def test_without_rights_it_becomes_a_download(world: World) -> None:
    world.team.mkdir(parents=True)
    world.disk = world.team
    for number in range(4):
        world.put(f"keep{number}", b"%d" % number, mtime=OLD)
    device = await world.device(follow=True, remote="spaces/team/Docs")
    assert device.registration is not None
    told: list[bool] = []
    device.registration.on_change.append(lambda: told.append(True))
    await device.sync()
    directions = [device.engine.settings.direction]
    [row] = world.server.store.state.spaces
    row.members["user1"] = "a:m"
    device.write("mine", b"not sent any more")
    device.write("keep0", b"edited, not sent any more")
    before = device.tree()
    report = await device.sync()
    assert report.halted == rights_gone("the synchronized folder", 2)
    assert device.tree() == before
    report = await device.sync(confirmed=True)
    assert report.complete, report.problems
    directions.append(device.engine.settings.direction)
    assert directions == [Direction.BOTH, Direction.DOWNLOAD]
    assert told == [True]
    restriction = device.registration.synchronization.restriction
    assert restriction is not None
    assert "read-only" in restriction
    assert device.registration.synchronization.direction is Direction.BOTH, (
        "the setting itself stays"
    )
    assert (
        device.tree() == world.on_disk() == {f"keep{number}": b"%d" % number for number in range(4)}
    )
    assert sorted(device.bin().values()) == [b"edited, not sent any more", b"not sent any more"]


async def test_a_renamed_folder_is_followed(world: World) -> None:
    world.put("a", b"a", mtime=OLD)
    device = await world.device(follow=True)
    await device.sync()
    world.rename_docs("Papers")
    device.write("b", b"made here")
    report = await device.sync()
    assert report.complete, report.problems
    assert [saved.remote for saved in world.saved] == ["personal/Papers"]
    assert device.tree() == world.on_disk() == {"a": b"a", "b": b"made here"}
    assert not world.disk.with_name("Docs").exists(), "something was sent to where the folder was"


@pytest.mark.expected_log("halted: ")
@pytest.mark.parametrize("name", ["docs", "Döcs", "Do\u0308cs"])
async def test_a_folder_that_only_its_spelling_tells_apart_halts(world: World, name: str) -> None:
    world.put("a", b"a", mtime=OLD)
    device = await world.device(follow=True)
    await device.sync()
    world.rename_docs(name)
    device.write("b", b"made here")
    report = await device.sync()
    assert report.halted
    assert report.halted.danger is Danger.SPELLING
    assert not world.saved
    assert (await device.sync(confirmed=True)).halted, "this is not for --yes to pass"
    assert device.tree() == {"a": b"a", "b": b"made here"}
    assert world.on_disk() == {"a": b"a"}


@pytest.mark.expected_log("halted: ")
async def test_a_registration_that_is_gone_halts_and_keeps_what_was_not_sent(world: World) -> None:
    world.put("a", b"a", mtime=OLD)
    device = await world.device(follow=True)
    await device.sync()
    await world.unregister(device)
    device.write("b", b"made here")
    report = await device.sync()
    assert report.halted
    assert report.halted.danger is Danger.UNREGISTERED
    assert device.tree() == {"a": b"a", "b": b"made here"}
    assert [each.node for each in device.replica.dirty()] == [device.node("b")]
    assert world.on_disk() == {"a": b"a"}


@pytest.mark.expected_log("the server refused the run")
async def test_a_failure_to_agree_is_a_failure_of_the_run(world: World) -> None:
    device = await world.device(follow=True)
    device.write("b", b"made here")
    world.faults.add(Rule(effect=Reply(500), method="PUT", path="*/sync/paths", count=1))
    report = await device.sync()
    assert report.refused
    assert world.on_disk() == {}
    assert (await device.sync()).complete
    assert world.on_disk() == {"b": b"made here"}


@pytest.mark.expected_log("halted: ")
async def test_disabled_on_the_page_it_sends_nothing_until_it_is_enabled(world: World) -> None:
    """A drive that was mounted by hand went on."""
    device = await world.device(follow=True)
    await device.sync()
    await world.on_account_page(device, enabled=False)
    device.write("mine", b"mine")
    report = await device.sync()
    assert report.halted
    assert report.halted.danger is Danger.DISABLED
    assert world.on_disk() == {}
    assert (await device.sync()).halted
    await world.on_account_page(device, enabled=True)
    report = await device.sync()
    assert report.complete, report
    assert world.on_disk() == {"mine": b"mine"}
