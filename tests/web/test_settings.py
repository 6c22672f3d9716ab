"""The page's settings in a real browser: accounts, clients, filters, and the program's own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from syncin_mount.config import ConfigurationFile
from tests.web.browser import Tab, new_tab
from tests.web.conftest import World, until
from tests.web.second_server import CODE, PASSWORD, SecondServer, second_server

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

PICTURES = os.environ.get("ASSISTANT_PICTURES")


@pytest.fixture(scope="module")
def drives(world: World) -> World:
    """Two drives that run once a day; ``Papers`` has files of several kinds."""
    for name in ("Papers", "Music"):
        there = world.add(name, "--every", "1d")
        for path in ("plan.odt", "plan.bak", "old/a.bak", "old/b.odt", "build/x.o"):
            (there / path).parent.mkdir(exist_ok=True)
            (there / path).write_text(path)
    world.go_up()
    return world


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondServer]:
    with second_server(tmp_path_factory.mktemp("second")) as found:
        yield found


def settings(tab: Tab) -> None:
    tab.page.get_by_role("link", name="Settings").click()
    tab.shows(tab.page.get_by_role("heading", name="Settings", level=1))


def looks_well(tab: Tab, name: str) -> None:
    """Nobody is kept out, and nothing is wider than the window."""
    width = tab.page.viewport_size
    assert width is not None
    if PICTURES:
        tab.page.screenshot(path=f"{PICTURES}/{name}-{width['width']}.png", full_page=True)
    assert tab.faults() == [], name
    wide = tab.page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= width["width"], name


def account(tab: Tab, name: str) -> Locator:
    return tab.page.get_by_role("article", name=name, exact=True)


def dialog_of(tab: Tab, name: str, button: str) -> Locator:
    account(tab, name).get_by_role("button", name=button, exact=True).click()
    dialog = tab.page.get_by_role("dialog")
    tab.shows(dialog)
    return dialog


def config(world: World) -> str:
    return world.folders.config_file.read_text()


# --- filters --------------------------------------------------------------------------------------


def test_a_rule_is_tried_while_it_is_typed_added_and_removed(tab: Tab):
    world = tab.world
    settings(tab)
    part = tab.page.get_by_role("region", name="Filters")
    tab.shows(part.get_by_text("Nothing is left out but names"))
    part.get_by_label("Text").fill(".bak")
    tab.shows(part.get_by_text("2 files (17 B)"))
    tab.shows(part.get_by_text("old/a.bak"))
    assert ".bak" not in config(world)
    looks_well(tab, "filters-trial")
    part.get_by_role("button", name="Add", exact=True).click()
    tab.shows(part.get_by_text("Paths that end with"))
    until(lambda: '".*.bak$"' in config(world), "the filter")

    part.get_by_role("button", name="Remove .bak…").click()
    tab.shows(part.get_by_text("2 files (17 B)"))
    tab.shows(part.get_by_text("would be synchronized again"))
    looks_well(tab, "filters-remove")
    part.get_by_role("button", name="Keep it").click()
    assert '".*.bak$"' in config(world)
    part.get_by_role("button", name="Remove .bak…").click()
    part.get_by_role("button", name="Remove the rule").click()
    tab.shows(part.get_by_text("Nothing is left out but names"))
    assert '".*.bak$"' not in config(world)


def test_a_folder_is_chosen_in_the_drive_from_the_card(tab: Tab):
    tab.card("Music").get_by_label("More for Music").click()
    tab.card("Music").get_by_role("button", name="Filters…").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Leave out").select_option("path")
    dialog.get_by_role("button", name="Choose…").click()
    dialog.get_by_role("button", name="old", exact=True).click()
    tab.shows(dialog.get_by_role("button", name="a.bak"))
    looks_well(tab, "filters-choose")
    dialog.get_by_role("button", name="This folder").click()
    assert dialog.get_by_label("Text").input_value() == "old"
    tab.shows(dialog.get_by_text("2 files (18 B) and 1 folder"))
    dialog.get_by_role("button", name="Add", exact=True).click()
    tab.shows(dialog.get_by_text("The file or folder"))
    until(lambda: 'filters = ["old"]' in config(tab.world), "the filter")
    looks_well(tab, "filters-dialog")
    (tab.world.sandbox.server_files / "Music/old/new.txt").write_text("left out")
    tab.world.must("sync", "Music")
    assert not (tab.world.drive("Music") / "old/new.txt").exists()


def test_an_expert_s_rule_is_kept_as_the_server_takes_it_or_told_wrong(tab: Tab):
    settings(tab)
    part = tab.page.get_by_role("region", name="Filters")
    part.get_by_label("Leave out").select_option("expert")
    part.get_by_label("Rule", exact=True).fill("regexp:(?=x)")
    tab.shows(part.get_by_role("alert").get_by_text("looking ahead or behind"))
    assert part.get_by_role("button", name="Add", exact=True).is_disabled()
    looks_well(tab, "filters-wrong")
    part.get_by_label("Rule", exact=True).fill("plan.*")
    tab.shows(part.get_by_text("It is kept as"))
    tab.shows(part.get_by_text("2 files (16 B)"))
    part.get_by_label("Rule", exact=True).fill("*.none")
    tab.shows(part.get_by_text("Nothing that is here now fits."))


def test_changes_that_would_not_be_uploaded_are_told(tab: Tab):
    (tab.world.drive("Papers") / "waiting.log").write_text("not sent")
    settings(tab)
    part = tab.page.get_by_role("region", name="Filters")
    part.get_by_label("Text").fill(".log")
    tab.shows(part.get_by_text("1 change in there would not be uploaded any more"))
    tab.world.must("sync", "Papers")


# --- accounts -------------------------------------------------------------------------------------


def test_another_account_is_added_warned_of_edited_and_forgotten(tab: Tab, other: SecondServer):
    settings(tab)
    tab.shows(account(tab, "cloud").get_by_text("Used by Papers, Music"))
    looks_well(tab, "settings")
    tab.page.get_by_role("button", name="Add an account").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("The server's address").fill(other.url)
    dialog.get_by_role("button", name="Continue").click()
    tab.shows(dialog.get_by_text(other.fingerprint))
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Continue").click()
    dialog.get_by_label("Login or e-mail address").fill("user2")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Log in").click()
    dialog.get_by_label("Code of the second factor").fill(CODE)
    dialog.get_by_role("button", name="Log in").click()
    dialog.wait_for(state="detached")
    name = "home"
    tab.shows(account(tab, name).get_by_text("Not safe:"))
    tab.shows(account(tab, name).get_by_text("No synchronization uses it"))
    looks_well(tab, "accounts-unsafe")

    dialog = dialog_of(tab, name, "Edit…")
    assert dialog.get_by_label("Address").input_value() == other.url
    looks_well(tab, "account-edit")
    dialog.get_by_label("I accept a certificate").uncheck()
    dialog.get_by_role("button", name="Save").click()
    tab.shows(dialog.get_by_text(other.fingerprint))
    looks_well(tab, "account-edit-certificate")
    dialog.get_by_label("I accept a certificate").check()
    dialog.get_by_label("Trusted certificates").fill("/nowhere.pem")
    dialog.get_by_role("button", name="Save").click()
    tab.shows(dialog.get_by_role("alert").get_by_text("there is no file /nowhere.pem"))
    dialog.get_by_label("Trusted certificates").fill("")
    dialog.get_by_label("Proxy").fill("none")
    dialog.get_by_role("button", name="Save").click()
    dialog.wait_for(state="detached")
    tab.shows(account(tab, name).get_by_text("without a proxy"))

    dialog = dialog_of(tab, name, "Edit…")
    dialog.get_by_label("Address").fill("https://127.0.0.1:1")
    dialog.get_by_role("button", name="Save").click()
    tab.shows(dialog.get_by_text("Keep it, though nobody answers there now"))
    dialog.get_by_role("button", name="Cancel").click()
    assert '127.0.0.1:1"' not in config(tab.world)

    dialog = dialog_of(tab, name, "Forget…")
    looks_well(tab, "account-forget")
    dialog.get_by_role("button", name="Log out and forget").click()
    account(tab, name).wait_for(state="detached")
    assert name not in ConfigurationFile(tab.world.folders).read().servers


def test_an_account_in_use_is_not_forgotten_and_says_what_uses_it(tab: Tab):
    settings(tab)
    dialog = dialog_of(tab, "cloud", "Forget…")
    tab.shows(dialog.get_by_text("Papers, Music"))
    assert dialog.get_by_role("button", name="Log out and forget").count() == 0
    dialog.get_by_role("button", name="Cancel").click()
    dialog.wait_for(state="detached")


def test_this_computer_logs_in_again(tab: Tab):
    settings(tab)
    dialog = dialog_of(tab, "cloud", "Log in again…")
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Log in").click()
    tab.shows(dialog.get_by_role("alert"))
    dialog.get_by_label("Password").fill(tab.world.password)
    dialog.get_by_role("button", name="Log in").click()
    dialog.wait_for(state="detached")


def test_another_computer_is_logged_out_of_the_account(tab: Tab):
    world = tab.world
    world.sandbox.log_in("laptop", "cloud")
    settings(tab)
    dialog = dialog_of(tab, "cloud", "Clients…")
    tab.shows(dialog.get_by_text("this computer"))
    tab.shows(dialog.get_by_text("personal/Papers, personal/Music"))
    clients = dialog.get_by_role("article")
    until(lambda: clients.count() == 2, "both clients")
    looks_well(tab, "clients")
    clients.nth(1).get_by_role("button", name="Log out").click()
    tab.shows(clients.nth(1).get_by_text("Its access ends within half an hour."))
    looks_well(tab, "clients-remove")
    clients.nth(1).get_by_role("button", name="Keep it").click()
    assert clients.count() == 2
    clients.nth(1).get_by_role("button", name="Log out").click()
    clients.nth(1).get_by_role("button", name="Log it out").click()
    until(lambda: clients.count() == 1, "the client's end")
    assert world.sandbox.run("laptop", "remote", "ls", "--server", "cloud").status != 0
    dialog.get_by_label(f"Log out {os.uname().nodename}").click()
    tab.shows(dialog.get_by_text("waits until you log in again"))
    dialog.get_by_role("button", name="Keep it").click()


# --- the program ----------------------------------------------------------------------------------


def test_the_program_s_own_settings_are_changed(tab: Tab):
    world = tab.world
    settings(tab)
    part = tab.page.get_by_role("region", name="This program")
    part.get_by_label("Notices on the desktop").uncheck()
    until(lambda: "notifications = false" in config(world), "the setting")
    part.get_by_label("What the logs keep").select_option("warning")
    until(lambda: 'log = "warning"' in config(world), "the level")
    part.get_by_label("Schedules of all synchronizations").select_option("sequential")
    until(lambda: 'scheduler = "sequential"' in config(world), "the schedules")
    part.get_by_role("button", name="Limit the bandwidth of all…").click()
    dialog = tab.page.get_by_role("dialog", name="Bandwidth of all")
    dialog.get_by_label("Upload").fill("512")
    dialog.get_by_role("button", name="Save").click()
    dialog.wait_for(state="detached")
    until(lambda: config(world).count('limit_up = "512K"') == 2, "the limits")
    part.get_by_label("Notices on the desktop").check()
    until(lambda: "notifications = true" in config(world), "the setting")
    part.get_by_label("What the logs keep").select_option("info")
    part.get_by_label("Schedules of all synchronizations").select_option("parallel")
    until(lambda: 'scheduler = "parallel"' in config(world), "the schedules")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_telephone_s_width_and_in_the_dark(browser: Browser, drives: World, scheme: str):
    options = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    with new_tab(browser, drives, **options) as tab:
        tab.enter()
        settings(tab)
        part = tab.page.get_by_role("region", name="Filters")
        part.get_by_label("Text").fill(".odt")
        tab.shows(part.get_by_text("old/b.odt"))
        looks_well(tab, f"settings-{scheme}")
        dialog_of(tab, "cloud", "Edit…")
        looks_well(tab, f"account-{scheme}")


def test_a_rule_is_added_with_the_keyboard_alone(tab: Tab):
    settings(tab)
    part = tab.page.get_by_role("region", name="Filters")
    part.get_by_label("Leave out").focus()
    keys = tab.page.keyboard
    keys.press("Tab")
    keys.type("keyboard")
    tab.shows(part.get_by_text("Nothing that is here now fits."))
    keys.press("Enter")
    tab.shows(part.get_by_label("Rules").get_by_text("keyboard"))
    part.get_by_role("button", name="Remove keyboard…").focus()
    keys.press("Enter")
    tab.shows(part.get_by_role("button", name="Remove the rule"))
    keys.press("Tab")
    keys.press("Tab")
    keys.press("Enter")
    tab.shows(part.get_by_text("Nothing is left out but names"))


def test_what_was_set_is_shown_until_the_program_has_it(tab: Tab):
    """Neither an older answer nor another reason to draw takes it back meanwhile."""
    world, page = tab.world, tab.page
    settings(tab)
    box = page.get_by_role("region", name="This program").get_by_label("Notices on the desktop")
    was = box.is_checked()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/program/edit", hold)
    box.click()
    with page.expect_response("**/api/program"):
        world.must("scheduler", "sequential")
    schedules = page.get_by_label("Schedules of all synchronizations")
    expect(schedules).to_have_value("sequential")
    assert box.is_checked() is not was
    with page.expect_response("**/api/program"):
        held.pop().continue_()
    page.unroute("**/api/program/edit")
    expect(box).to_be_checked(checked=not was)
    page.route("**/api/program/edit", lambda route: route.abort())
    box.click()
    expect(box).to_be_checked(checked=not was)
    page.unroute("**/api/program/edit")
    box.click()
    until(lambda: f"notifications = {str(was).lower()}" in config(world), "the setting")
    world.must("scheduler", "parallel")
