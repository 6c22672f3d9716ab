"""The assistant there and back again: every step is left backwards, and an answer that is lost is
asked for again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from syncin_mount.cli.demo.sandbox import LOGIN
from tests.web.assistant import ALL, HOW, WHERE, WHICH, Assistant, empty_world
from tests.web.browser import new_tab
from tests.web.conftest import World, until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def empty(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    del browser  # it keeps the home that it was started with
    with empty_world(tmp_path_factory.mktemp("back") / "world") as found:
        yield found


@pytest.fixture
def at(browser: Browser, empty: World) -> Iterator[Assistant]:
    with new_tab(browser, empty) as tab:
        tab.enter()
        yield Assistant(tab)


def test_every_step_is_left_backwards_and_keeps_what_was_chosen(at: Assistant, empty: World):
    page = at.page
    page.get_by_role("link", name="Add the first one").click()
    at.is_at("Which server?")
    page.get_by_text("More settings").click()
    at.tab.shows(page.get_by_label("Trusted certificates"))
    address = page.get_by_label("The server's address")
    address.fill(empty.sandbox.url)
    at.go_on()
    at.go_on("Another address")
    assert address.input_value() == empty.sandbox.url
    at.go_on()
    page.get_by_label("Login or e-mail address").fill(LOGIN)
    page.get_by_label("Password").fill(empty.password)
    at.go_on("Log in")
    at.is_at(WHERE)
    at.go_on("New folder")
    page.get_by_role("main").locator("form.new-folder").get_by_role("button", name="Cancel").click()
    page.locator("form.new-folder").wait_for(state="detached")
    at.go_on()
    at.is_at(WHICH)
    at.go_on("Back")
    at.is_at(WHERE)
    assert page.get_by_label("Folder", exact=True).input_value() == "~/Sync-in"
    at.go_on()
    at.choose("Music")
    at.go_on()
    at.is_at(HOW)
    at.go_on("Back")
    at.is_at(WHICH)
    until(page.get_by_role("radio", name="Music", exact=True).is_checked, "the folder of before")
    at.go_on()
    at.is_at(HOW)
    page.get_by_text("More settings").click()
    page.get_by_label("Text").fill(".tiff")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove .tiff").click()
    page.get_by_label("Rules").wait_for(state="detached")
    page.get_by_role("button", name="Folder here (done; change it)").click()
    at.is_at(WHERE)
    at.go_on()
    at.is_at(WHICH)
    at.go_on()
    at.is_at(HOW)
    at.go_on()
    at.is_at(ALL)
    at.go_on("Back")
    at.is_at(HOW)
    assert page.get_by_label("Name", exact=True).input_value() == "Music"
    assert not empty.folders.config_file.read_text().count("[synchronizations")


def test_an_answer_that_is_lost_is_asked_for_again(at: Assistant, empty: World):
    page = at.page
    page.get_by_role("link", name="Add the first one").click()
    at.is_at(WHERE)
    at.go_on()
    at.choose("Music")
    at.go_on()
    at.is_at(HOW)
    name = page.get_by_label("Name", exact=True)
    until(lambda: name.input_value() == "Music", "the name")
    at.go_on()
    at.is_at(ALL)
    page.route("**/api/assistant/start", lambda route: route.abort())
    at.go_on("Start")
    at.is_at("It did not come to its end")
    at.looks_well("lost")
    page.unroute("**/api/assistant/start")
    at.go_on("See how it went")
    until((empty.base / "user1/Sync-in").is_mount, "the drive")
    page.evaluate("() => location.hash = '#/'")
    at.tab.state("Music", "Up to date")
