"""The other screens in a real browser: transfers, waiting, conflicts, trash, explain."""

from __future__ import annotations

import os
import time

import pytest
from playwright.sync_api import Browser

from tests.web.browser import Tab, new_tab
from tests.web.conftest import World, until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

SCREENS = ("transfers", "waiting", "conflicts", "trash", "explain")


@pytest.fixture(scope="module")
def drives(world: World) -> World:
    """Two that run once a day, so that nothing goes on by itself; conflicts, a deletion here and
    one on the server, and a change that waits, all in ``Notes``."""
    for name in ("Notes", "Music"):
        there = world.add(name, "--every", "1d")
        for number in range(5):
            (there / f"{number}.txt").write_text(f"{number}")
    world.go_up()
    there, here = world.sandbox.server_files / "Notes", world.drive("Notes")
    (here / "0.txt").write_text("from here, and longer")
    (there / "0.txt").write_text("from there")
    os.utime(there / "0.txt", (time.time() + 10,) * 2)
    for name in ("3.txt", "4.txt"):
        (here / name).write_text("this one lost, too")
        (there / name).write_text("this one won")
        os.utime(there / name, (time.time() + 10,) * 2)
    (there / "1.txt").unlink()
    (here / "2.txt").unlink()
    world.must("sync", "Notes")
    (here / "new.txt").write_text("not sent yet")
    (here / "other.txt").write_text("not sent either")
    return world


def go(tab: Tab, screen: str) -> None:
    tab.page.get_by_role("link", name=screen).click()
    tab.shows(tab.page.get_by_role("heading", name=screen, level=1))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_everybody_can_use_them(browser: Browser, drives: World, scheme: str, width: int):
    size = {"width": width, "height": 800}
    with new_tab(browser, drives, viewport=size, color_scheme=scheme) as tab:
        tab.enter()
        for screen in SCREENS:
            tab.page.evaluate(f"() => location.hash = '#/{screen}'")
            tab.shows(tab.page.get_by_role("heading", name=screen.title(), level=1))
            tab.page.get_by_text("One moment…").wait_for(state="detached")
            assert tab.faults() == [], screen
            assert tab.page.evaluate("() => document.documentElement.scrollWidth") <= width, screen


def test_transfers_are_found_by_path_action_and_drive(tab: Tab):
    go(tab, "Transfers")
    rows = tab.page.get_by_role("list", name="Transfers").get_by_role("listitem")
    tab.shows(rows.filter(has_text="4.txt").filter(has_text="Music"))
    tab.page.get_by_label("Search in paths").fill("1.TXT")
    until(lambda: all("1.txt" in text for text in rows.all_inner_texts()), "the search")
    tab.page.get_by_label("Action").select_option("delete")
    tab.shows(rows.filter(has_text="Delete here"))
    assert rows.count() == 1
    tab.page.get_by_label("Synchronization").select_option("Music")
    tab.shows(tab.page.get_by_role("heading", name="Nothing here"))
    tab.page.get_by_label("Action").select_option("")
    tab.shows(rows.filter(has_text="1.txt").filter(has_text="Download"))
    tab.page.get_by_label("Failed only").check()
    tab.shows(tab.page.get_by_role("heading", name="Nothing here"))


def test_what_waits_says_why_and_is_held_released_and_discarded(tab: Tab):
    go(tab, "Waiting")
    rows = tab.page.get_by_role("list", name="Changes that wait").get_by_role("listitem")
    page = tab.page
    page.get_by_label("Synchronization").select_option("Notes")
    mine = rows.filter(has_text="new.txt")
    tab.shows(mine.first)

    def choose() -> None:
        for each in mine.get_by_role("checkbox").all():
            each.check()

    choose()
    page.get_by_role("button", name="Hold").click()
    tab.shows(mine.filter(has_text="You hold it").first)
    choose()
    page.get_by_role("button", name="Release").click()
    mine.filter(has_text="You hold it").first.wait_for(state="detached")
    choose()
    page.get_by_role("button", name="Discard…").click()
    page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    mine.first.wait_for(state="detached")
    assert not (tab.world.drive("Notes") / "new.txt").exists()
    assert (tab.world.drive("Notes") / "other.txt").exists()
    page.get_by_label("Synchronization").select_option("Music")
    tab.shows(page.get_by_role("heading", name="Nothing waits"))


def test_the_trash_here_and_on_the_server_is_restored_and_emptied(tab: Tab):
    go(tab, "Trash")
    page, world = tab.page, tab.world
    rows = page.get_by_role("list", name="Trash").get_by_role("listitem")
    page.get_by_label("Synchronization").select_option("Notes")
    rows.filter(has_text="0.txt").get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Restore").click()
    until(lambda: bool([*world.drive("Notes").glob("0 (restored *).txt")]), "the restored file")
    page.get_by_label("Which trash").select_option("server")
    theirs = rows.filter(has_text="2.txt")
    theirs.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Delete for good…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    theirs.first.wait_for(state="detached")


def test_a_file_managers_menu_leads_to_the_path_and_to_the_trash(tab: Tab):
    tab.enter("explain/Notes/other.txt")
    tab.shows(tab.page.get_by_role("heading", name="other.txt"))
    assert tab.page.get_by_label("Synchronization").input_value() == "Notes"
    assert tab.page.get_by_placeholder("A path in Notes").input_value() == "other.txt"
    go(tab, "Transfers")
    go(tab, "Explain")
    assert tab.page.get_by_role("heading", name="other.txt").count() == 0  # told once
    tab.enter("trash/Music")
    tab.shows(tab.page.get_by_role("heading", name="Trash", level=1))
    assert tab.page.get_by_label("Synchronization").input_value() == "Music"


def test_a_path_is_explained(tab: Tab):
    tab.enter("conflicts/Music")
    tab.shows(tab.page.get_by_role("heading", name="Conflicts", level=1))
    assert tab.page.get_by_label("Synchronization").input_value() == "Music"
    go(tab, "Explain")
    tab.page.get_by_label("Synchronization").select_option("Notes")
    tab.page.get_by_placeholder("A path in Notes").fill("other.txt")
    tab.page.get_by_role("button", name="Explain").click()
    tab.shows(tab.page.get_by_role("heading", name="other.txt"))
    here, agreed, there = tab.page.locator(".side-state").all_inner_texts()
    assert "other.txt" in here
    assert "New" in here
    assert "Never" in agreed
    assert "Nothing" in there
    flow = tab.page.locator(".flow")
    assert "Upload, from this computer to the server" in (flow.text_content() or "")
    assert "head" in (flow.locator(".wire").nth(1).get_attribute("class") or "")
    assert tab.faults() == []
    tab.page.get_by_placeholder("A path in Notes").fill("4.txt")
    tab.page.get_by_role("button", name="Explain").click()
    tab.shows(tab.page.get_by_role("heading", name="4.txt"))
    assert "As agreed" in tab.page.locator(".side-state").nth(0).inner_text()
    assert "As agreed" in tab.page.locator(".side-state").nth(2).inner_text()
    assert tab.page.locator(".flow").count() == 0
    tab.page.get_by_placeholder("A path in Notes").fill("nowhere.txt")
    tab.page.get_by_role("button", name="Explain").click()
    tab.shows(tab.page.get_by_text("Neither side has “nowhere.txt”"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_everybody_can_read_an_explanation(
    browser: Browser, drives: World, scheme: str, width: int
):
    size = {"width": width, "height": 800}
    with new_tab(browser, drives, viewport=size, color_scheme=scheme) as tab:
        tab.enter()
        tab.page.evaluate("() => location.hash = '#/explain'")
        tab.page.get_by_label("Synchronization").select_option("Notes")
        tab.page.get_by_placeholder("A path in Notes").fill("other.txt")
        tab.page.get_by_role("button", name="Explain").click()
        tab.shows(tab.page.locator(".flow"))
        assert tab.faults() == []
        assert tab.page.evaluate("() => document.documentElement.scrollWidth") <= width
        if folder := os.environ.get("SHOTS"):
            tab.page.screenshot(path=f"{folder}/explain-{scheme}-{width}.png", full_page=True)
