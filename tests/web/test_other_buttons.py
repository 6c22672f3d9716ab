"""Buttons that no other test presses: dialogs that are left, lists that are read on, what is tried
again."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator

from tests.web.browser import Tab
from tests.web.conftest import World, until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

MANY = 52
"""Conflicts: more than are listed at first."""

FAULTS = """
[[rule]]
path = "*refused*"
effect = "reply"
status = 403
"""
"""What the server says of a file."""


@pytest.fixture(scope="module")
def drives(world: World) -> Iterator[World]:
    """Three that run once a day, without a desktop; ``Many`` has many conflicts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"):
            patch.delenv(name, raising=False)
        for name, count in (("Notes", 5), ("Archive", 5), ("Many", MANY)):
            there = world.add(name, "--every", "1d")
            (there / "folder").mkdir()
            for number in range(count):
                (there / "folder" / f"{number}.txt").write_text(f"{number}")
        world.go_up()
        there, here = world.sandbox.server_files / "Many/folder", world.drive("Many") / "folder"
        for number in range(MANY):
            (here / f"{number}.txt").write_text("from here")
            (there / f"{number}.txt").write_text("from there")
            os.utime(there / f"{number}.txt", (time.time() + 10,) * 2)
        world.must("sync", "Many")
        yield world


def more(tab: Tab, entry: str, name: str = "Notes") -> None:
    """Chooses from the menu of the card."""
    tab.card(name).get_by_label(f"More for {name}").click()
    tab.card(name).locator(".items").get_by_role("button", name=entry, exact=True).click()


def dialog_of(tab: Tab) -> Locator:
    dialog = tab.page.get_by_role("dialog")
    tab.shows(dialog)
    return dialog


def leave(tab: Tab, button: str) -> None:
    """By the button at its foot."""
    dialog_of(tab).locator("footer").get_by_role("button", name=button, exact=True).click()
    tab.page.get_by_role("dialog").wait_for(state="detached")


def go(tab: Tab, screen: str) -> None:
    tab.page.get_by_role("link", name=screen).click()
    tab.shows(tab.page.get_by_role("heading", name=screen, level=1))


def config(tab: Tab) -> str:
    return tab.world.folders.config_file.read_text()


def test_a_dialog_that_is_left_changes_nothing(tab: Tab):
    before = config(tab)
    for entry, button in (
        ("Details…", "Close"),
        ("Filters…", "Close"),
        ("Limit the bandwidth…", "Cancel"),
        ("Settings…", "Cancel"),
        ("Rename…", "Cancel"),
    ):
        more(tab, entry)
        leave(tab, button)
    more(tab, "Details…")
    dialog_of(tab).locator("header").get_by_role("button", name="Close").click()
    tab.page.get_by_role("dialog").wait_for(state="detached")
    go(tab, "Settings")
    for entry, button in (("Clients…", "Close"), ("Log in again…", "Cancel")):
        tab.page.get_by_role("button", name=entry).click()
        leave(tab, button)
    assert config(tab) == before


def test_a_plan_is_folded_and_left(tab: Tab):
    world = tab.world
    tab.card("Notes").get_by_role("button", name="Simulate").click()
    tab.shows(dialog_of(tab).get_by_text("Nothing: both sides are the same"))
    leave(tab, "Close")
    (world.drive("Notes") / "folder/new.txt").write_text("new")
    tab.card("Notes").get_by_role("button", name="Simulate").click()
    dialog = dialog_of(tab)
    tab.shows(dialog.get_by_text("new.txt"))
    dialog.locator("summary", has_text="folder").click()
    dialog.get_by_text("new.txt").wait_for(state="hidden")
    dialog.locator("summary", has_text="folder").click()
    tab.shows(dialog.get_by_text("new.txt"))
    leave(tab, "Cancel")
    assert not (world.sandbox.server_files / "Notes/folder/new.txt").exists()
    world.must("sync", "Notes")


def test_what_waits_and_what_is_in_the_trash_stays_after_a_second_thought(tab: Tab):
    world, page = tab.world, tab.page
    (world.drive("Notes") / "folder/4.txt").unlink()
    world.must("sync", "Notes")
    (world.drive("Notes") / "waits.txt").write_text("waits")
    go(tab, "Waiting")
    rows = page.get_by_role("list", name="Changes that wait").get_by_role("listitem")
    tab.shows(rows.filter(has_text="waits.txt").first)
    page.get_by_role("checkbox", name="Choose all").check()
    page.get_by_role("button", name="Discard…").click()
    leave(tab, "Cancel")
    assert (world.drive("Notes") / "waits.txt").read_text() == "waits"
    go(tab, "Trash")
    page.get_by_label("Which trash").select_option("server")
    rows = page.get_by_role("list", name="Trash").get_by_role("listitem")
    rows.filter(has_text="4.txt").get_by_role("checkbox").check()
    page.get_by_role("button", name="Delete for good…").click()
    leave(tab, "Cancel")
    assert "folder/4.txt" in world.must("bin", "list", "Notes", "--server")
    world.must("sync", "Notes")


def test_the_first_key_leads_past_the_screens_to_the_content(tab: Tab):
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("() => document.activeElement.id") == "main"


def test_the_folder_on_each_side_is_opened_and_its_path_copied(tab: Tab):
    card, page = tab.card("Notes"), tab.page
    with page.context.expect_page() as opened:
        card.get_by_title("Open on the server").click()
    assert opened.value.url.startswith(f"{tab.world.sandbox.url}/#/spaces/files/personal/Notes")
    opened.value.close()
    card.get_by_title("Open in the file manager").click()
    notice = page.get_by_role("status").get_by_text(str(tab.world.drive("Notes")))
    tab.shows(notice)  # no desktop is there
    page.get_by_role("button", name="Dismiss").click()
    notice.wait_for(state="detached")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    more(tab, "Copy the folder's path")
    assert page.evaluate("() => navigator.clipboard.readText()") == str(tab.world.drive("Notes"))


def test_one_is_limited_mounted_and_enabled_from_its_card(tab: Tab):
    world, card = tab.world, tab.card("Notes")
    more(tab, "Limit the bandwidth…")
    dialog_of(tab).get_by_label("Download").fill("300")
    dialog_of(tab).get_by_role("button", name="Save").click()
    tab.shows(card.get_by_text("300 KiB/s down"))
    world.must("limit", "Notes", "--down", "off")
    world.must("umount", "Notes")
    tab.state("Notes", "Not mounted")
    card.get_by_role("button", name="Mount", exact=True).click()
    tab.state("Notes", "Up to date")
    assert world.drive("Notes").is_mount()
    more(tab, "Disable")
    tab.state("Notes", "Disabled")
    more(tab, "Enable")
    tab.state("Notes", "Up to date")
    assert world.drive("Notes").is_mount()


def test_a_run_is_stopped(tab: Tab):
    world, card = tab.world, tab.card("Archive")
    world.must("limit", "Archive", "--up", "20K")
    (world.drive("Archive") / "large").write_bytes(bytes(3_000_000))
    card.get_by_role("button", name="Sync now").click()
    tab.shows(card.get_by_role("progressbar"))
    card.get_by_role("button", name="Stop").click()
    tab.shows(card.get_by_role("button", name="Sync now"))
    assert not (world.sandbox.server_files / "Archive/large").exists()
    world.must("limit", "Archive", "--up", "off")
    world.must("sync", "Archive")
    assert (world.sandbox.server_files / "Archive/large").stat().st_size == 3_000_000


def test_all_run_at_once_and_their_schedules_are_switched(tab: Tab):
    page = tab.page
    page.locator("summary", has_text="Sync all").click()
    page.get_by_role("button", name="All at once").click()
    for name in tab.world.drives:
        tab.shows(tab.card(name).get_by_text(re.compile("^Synced: ")))
    for word, how in (("Schedules: off", "off"), ("Schedules: beside one another", "parallel")):
        page.get_by_label("More for all").click()
        page.get_by_role("button", name=word).click()
        until(lambda how=how: f'scheduler = "{how}"' in config(tab), word)  # type: ignore[misc]


def test_the_icon_in_the_tray_is_switched(tab: Tab):
    go(tab, "Settings")
    box = tab.page.get_by_label("Icon in the desktop's tray")
    box.uncheck()
    until(lambda: "tray = false" in config(tab), "the setting")
    box.check()
    until(lambda: "tray = false" not in config(tab), "the setting")


def test_the_list_of_the_drive_s_files_is_walked_and_closed(tab: Tab):
    more(tab, "Filters…")
    dialog = dialog_of(tab)
    dialog.get_by_label("Leave out").select_option("path")
    dialog.get_by_role("button", name="Choose…").click()
    dialog.get_by_role("button", name="folder", exact=True).click()
    tab.shows(dialog.get_by_role("button", name="0.txt"))
    dialog.get_by_role("navigation").get_by_role("button", name="Notes").click()
    tab.shows(dialog.get_by_role("button", name="folder", exact=True))
    dialog.get_by_role("button", name="Close the list").click()
    dialog.get_by_role("button", name="folder", exact=True).wait_for(state="detached")
    assert dialog.get_by_label("Text").input_value() == ""


def test_health_is_looked_at_again_and_leads_to_the_account(tab: Tab):
    page, world = tab.page, tab.world
    go(tab, "Health")
    checks = page.get_by_role("region", name="Checks")
    tab.shows(checks.get_by_text("is let in at"))
    checks.get_by_text("are looked at…").wait_for(state="detached")
    for token in world.folders.tokens.iterdir():
        token.write_text("spoiled")
    checks.get_by_role("button", name="Check again").click()
    tab.shows(checks.get_by_role("link", name="Accounts"))
    with page.expect_response("**/api/logs"):
        page.get_by_role("button", name="Read again").click()
    checks.get_by_role("link", name="Accounts").click()
    tab.shows(page.get_by_role("heading", name="Settings", level=1))
    world.must("server", "auth", "cloud", "--password-stdin", stdin=f"{world.password}\n")


def test_many_conflicts_are_listed_on_and_acknowledged_at_once(tab: Tab):
    page = tab.page
    needs = page.get_by_role("region", name="Needs you")
    needs.get_by_role("link", name="Look at").click()
    tab.shows(page.get_by_role("heading", name="Conflicts", level=1))
    page.get_by_label("Synchronization").select_option("Many")
    listed = page.locator("li.conflict")
    until(lambda: listed.count() == 50, "the first of them")
    tab.shows(page.locator(".comparison"))
    page.get_by_role("button", name="Hide").click()
    page.locator(".comparison").wait_for(state="detached")
    page.get_by_role("button", name="Show more").click()
    until(lambda: listed.count() == MANY, "all of them")
    page.get_by_role("button", name="Acknowledge all").click()
    until(lambda: listed.count() == 0, "the end of them")
    go(tab, "Synchronizations")
    needs.wait_for(state="detached")


def test_what_was_refused_is_tried_again(tab: Tab):
    world, needs = tab.world, tab.page.get_by_role("region", name="Needs you")
    server = world.sandbox
    faults = world.base / "faults.toml"
    faults.write_text(FAULTS)
    server.kill_server()
    server.start_server(world.base / "requests.log", "--faults", str(faults))
    (world.drive("Notes") / "refused.txt").write_text("mine")
    server.run("home", "sync", "Notes")
    tab.shows(needs.get_by_text("refused.txt"))
    assert tab.faults() == []
    server.kill_server()
    server.start_server(world.base / "requests.log")
    needs.get_by_role("button", name="Try again").click()
    until((world.sandbox.server_files / "Notes/refused.txt").exists, "the upload")
    needs.wait_for(state="detached")


def test_a_drive_that_could_not_be_mounted_is_tried_again(tab: Tab):
    world, needs = tab.world, tab.page.get_by_role("region", name="Needs you")
    world.must("umount", "Notes")
    in_the_way = world.drive("Notes") / "in the way"
    in_the_way.write_text("x")
    tab.card("Notes").get_by_role("button", name="Mount", exact=True).click()
    again = needs.get_by_role("button", name="Try again")
    tab.shows(again)
    with tab.page.expect_response("**/api/mount"):
        again.click()
    in_the_way.unlink()
    tab.state("Notes", "Up to date")  # by the supervisor itself, at the latest
    needs.wait_for(state="detached")
