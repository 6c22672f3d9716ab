"""A synchronization is edited, renamed and removed in a real browser."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Locator

from tests.web.browser import Tab
from tests.web.conftest import World, until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

PICTURES = os.environ.get("ASSISTANT_PICTURES")


@pytest.fixture(scope="module")
def drives(world: World) -> World:
    """Runs once a day, so that nothing is sent by itself."""
    for name in ("Notes", "Archive"):
        (world.add(name, "--every", "1d") / "there.txt").write_text("there")
    world.go_up()
    return world


def opened(tab: Tab, name: str, item: str) -> Locator:
    tab.card(name).get_by_label(f"More for {name}").click()
    tab.card(name).get_by_role("button", name=item, exact=True).click()
    dialog = tab.page.get_by_role("dialog")
    tab.shows(dialog)
    return dialog


def looks_well(tab: Tab, name: str) -> None:
    if PICTURES:
        tab.page.screenshot(path=f"{PICTURES}/{name}.png")
    assert tab.faults() == []


def test_settings_are_changed(tab: Tab):
    dialog = opened(tab, "Notes", "Settings…")
    tab.shows(dialog.get_by_role("radio", name="Once a day"))
    assert dialog.get_by_role("radio", name="Once a day").is_checked()
    looks_well(tab, "edit")
    dialog.get_by_role("radio", name="Download only").check()
    dialog.get_by_role("button", name="Save").click()
    dialog.wait_for(state="detached")
    assert 'direction = "download"' in tab.world.folders.config_file.read_text()
    tab.shows(tab.card("Notes").get_by_role("img", name="Download only"))
    dialog = opened(tab, "Notes", "Settings…")
    dialog.get_by_role("radio", name="Both ways").check()
    dialog.get_by_role("button", name="Save").click()
    dialog.wait_for(state="detached")
    assert 'direction = "download"' not in tab.world.folders.config_file.read_text()


def test_a_drive_moves_to_another_folder_unless_something_is_open_in_it(tab: Tab):
    world, old = tab.world, tab.world.drive("Notes")
    new = world.base / "drives" / "Moved"
    dialog = opened(tab, "Notes", "Settings…")
    field = dialog.get_by_label("Folder on this computer")
    until(lambda: field.input_value() == str(old), "the folder")
    (world.base / "drives" / "Full").mkdir(exist_ok=True)
    (world.base / "drives" / "Full" / "x").write_text("x")
    field.fill(str(world.base / "drives" / "Full"))
    tab.shows(dialog.get_by_text("The drive is unmounted"))
    looks_well(tab, "mountpoint")
    dialog.get_by_role("button", name="Save").click()
    tab.shows(dialog.get_by_role("alert").get_by_text("is not empty"))
    assert old.is_mount()
    field.fill(str(new))
    with (old / "there.txt").open():
        dialog.get_by_role("button", name="Save").click()
        tab.shows(dialog.get_by_role("alert").get_by_text("files"))
    assert old.is_mount()
    dialog.get_by_label("At another interval").check()
    dialog.get_by_label("Interval", exact=True).fill("3d")
    dialog.get_by_role("button", name="Save").click()
    dialog.wait_for(state="detached")
    until(new.is_mount, "the new place")
    assert (new / "there.txt").read_text() == "there"
    assert not old.is_mount()
    assert 'scheduler = "3d"' in world.folders.config_file.read_text()
    dialog = opened(tab, "Notes", "Settings…")
    dialog.get_by_label("Folder on this computer").fill(str(old))
    dialog.get_by_role("button", name="Save").click()
    dialog.wait_for(state="detached")
    until(old.is_mount, "the former place")


def test_all_are_paused_until_tomorrow_and_resumed(tab: Tab):
    menu = tab.page.get_by_label("More for all")
    menu.click()
    tab.page.get_by_role("button", name="Pause all: Until tomorrow at 6:00").click()
    for name in ("Notes", "Archive"):
        tab.state(name, "Paused")
    assert tab.world.folders.config_file.read_text().count("paused_until") == 2
    menu.click()
    tab.page.get_by_role("button", name="Resume all").click()
    for name in ("Notes", "Archive"):
        tab.state(name, "Up to date")


def test_another_name_is_given_unless_it_is_taken(tab: Tab):
    dialog = opened(tab, "Archive", "Rename…")
    dialog.get_by_label("New name").fill("Notes")
    dialog.get_by_role("button", name="Rename").click()
    tab.shows(dialog.get_by_role("alert").get_by_text("there is a synchronization 'Notes' already"))
    looks_well(tab, "rename")
    dialog.get_by_label("New name").fill("Papers")
    dialog.get_by_role("button", name="Rename").click()
    dialog.wait_for(state="detached")
    tab.state("Papers", "Up to date")
    assert tab.card("Archive").count() == 0
    assert (tab.world.drive("Archive") / "there.txt").read_text() == "there"


def test_what_would_be_lost_is_listed_and_may_be_kept(tab: Tab):
    world, drive = tab.world, tab.world.drive("Notes")
    world.must("pause", "Notes")  # however slow the machine is, the server does not get it
    (drive / "only here.txt").write_text("only here")
    dialog = opened(tab, "Notes", "Remove…")
    tab.shows(dialog.get_by_text("only here.txt"))
    tab.shows(dialog.get_by_text("1 change that the server does not have"))
    looks_well(tab, "remove")
    dialog.get_by_role("button", name="Remove").click()  # nobody agreed
    assert "Notes" in world.folders.config_file.read_text()
    dialog.get_by_role("button", name="Cancel").click()
    dialog.wait_for(state="detached")
    until(drive.is_mount, "it is mounted again")
    tab.state("Notes", "Paused")
    assert (drive / "only here.txt").read_text() == "only here"

    dialog = opened(tab, "Notes", "Remove…")
    tab.shows(dialog.get_by_text("only here.txt"))
    kept = world.base / "kept"
    dialog.get_by_label("Keep all of it in a new folder").fill(str(kept))
    dialog.get_by_role("button", name="Remove").click()
    tab.card("Notes").wait_for(state="detached")
    assert (kept / "only here.txt").read_text() == "only here"
    assert (world.sandbox.server_files / "Notes/there.txt").exists()
    assert not drive.is_mount()


def test_only_what_was_looked_at_is_removed(tab: Tab):
    world, drive = tab.world, tab.world.drive("Archive")
    world.enter()
    assert world.post("/api/remove", {"look": "guess"}).status == 409
    found = world.post("/api/remove/look", {"name": "Papers"}).json
    assert found["lost"] == []
    world.must("mount", "Papers")
    (drive / "since.txt").write_text("since")
    world.must("umount", "Papers")
    answer = world.post("/api/remove", {"look": found["look"]})
    assert (answer.status, "look at it again" in answer.json["why"]) == (409, True)
    again = world.post("/api/remove/look", {"name": "Papers"}).json
    assert [each["paths"] for each in again["lost"]] == [["since.txt"]]
    answer = world.post("/api/remove", {"look": again["look"], "keep": str(world.base / "kept")})
    assert "is there already" in answer.json["why"]
    assert "Papers" in world.folders.config_file.read_text()


def test_what_the_server_has_goes_without_more_questions(tab: Tab):
    tab.world.must("sync", "Papers")
    dialog = opened(tab, "Papers", "Remove…")
    tab.shows(dialog.get_by_text("The server has all that is in it."))
    dialog.get_by_role("button", name="Remove").click()
    tab.shows(tab.page.get_by_role("heading", name="No synchronizations yet"))
    until(lambda: "Papers" not in tab.world.folders.config_file.read_text(), "the removal")
    assert (tab.world.sandbox.server_files / "Archive/since.txt").exists()
