"""Tabs that go on: beside another, and while the supervisor is killed and comes back."""

from __future__ import annotations

import os
import signal

import pytest
from playwright.sync_api import Browser

from syncin_mount.control.supervision import NAME
from syncin_mount.control.transport import listener_of
from tests.web.browser import new_tab
from tests.web.conftest import World, until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def notes(world: World) -> World:
    there = world.add("Notes")
    (there / "one.txt").write_text("one")
    world.go_up()
    return world


def test_what_one_tab_does_the_other_shows(browser: Browser, notes: World):
    with new_tab(browser, notes) as one, new_tab(browser, notes) as two:
        for tab in (one, two):
            tab.enter()
            tab.state("Notes", "Up to date")
            tab.shows(tab.card("Notes").get_by_text("1 · 3 B"))
        one.card("Notes").locator("summary").filter(has_text="Pause").click()
        one.card("Notes").get_by_role("button", name="Until you resume it").click()
        two.state("Notes", "Paused")
        two.card("Notes").get_by_role("button", name="Resume").click()
        one.state("Notes", "Up to date")


def test_a_tab_outlives_a_supervisor_that_is_killed(browser: Browser, notes: World):
    """The drive goes on; the tab keeps what it knew and says what to do, since only a new ticket
    opens the page of the next supervisor."""
    with new_tab(browser, notes) as tab:
        tab.enter()
        tab.state("Notes", "Up to date")
        killed = notes.supervisor
        os.kill(killed, signal.SIGKILL)
        tab.shows(tab.page.get_by_role("alert").get_by_text("syncin-mount does not answer"))
        tab.state("Notes", "Up to date")
        assert (notes.drive("Notes") / "one.txt").read_text() == "one"
        until(lambda: listener_of(notes.folders.socket(NAME)) is None, "the supervisor's end")
        notes.must("up")
        assert notes.supervisor != killed
        tab.enter()
        tab.page.get_by_role("alert").wait_for(state="detached")
        tab.state("Notes", "Up to date")
        (notes.drive("Notes") / "two.txt").write_text("two")
        tab.shows(tab.card("Notes").get_by_text("2 · 6 B"))


HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_tab_whose_token_ended_asks_for_a_new_address(browser: Browser, notes: World):
    """As after twelve hours without use (tests/web/test_gate.py): here it ends since its ticket
    came a second time."""
    with new_tab(browser, notes) as tab:
        ticket = notes.open_page()
        tab.hosts.add(notes.host)
        tab.page.goto(f"http://{notes.host}/#ticket={ticket}")
        tab.state("Notes", "Up to date")
        assert notes.post("/api/token", {"ticket": ticket}, token="").status == 401
        tab.page.evaluate(HIDE, arg=True)
        tab.page.evaluate(HIDE, arg=False)
        tab.shows(tab.page.get_by_role("heading", name="Open the page again"))
        tab.shows(tab.page.get_by_text("syncin-mount ui"))
