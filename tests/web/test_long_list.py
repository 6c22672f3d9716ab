"""A million transfers on their screen, in a real browser: all of them are reached, and few are
drawn."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.store.filled_history import fill_recent
from tests.web.browser import Tab, new_tab
from tests.web.conftest import World

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(3600)]

ROWS = 1_000_000
DRAWN = 60
"""Rows that a window of 900 pixels has at most, with those beside."""


@pytest.fixture(scope="module")
def long(world: World) -> World:
    """A drive with so many; the last one is the oldest."""
    world.add("Long", "--every", "1d")
    world.must("up")
    world.must("sync", "Long")
    world.must("umount", "Long")
    fill_recent(world.folders.replica("Long") / "history.sqlite", ROWS)
    world.must("mount", "Long")
    return world


def loaded(tab: Tab) -> int:
    """How many rows the list has so far."""
    return int(tab.page.evaluate("Number(document.querySelector('li.row')?.ariaSetSize ?? 0)"))


def scroll_to(tab: Tab, rows: int, once: Callable[[], object]) -> None:
    """To the end again and again, until so many are loaded. Somebody who is at the end and sees
    nothing come asks for it once more."""
    before = loaded(tab)
    while before < rows:
        now = before
        for look in range(6000):
            if look % 500 == 0:
                once()
            now = loaded(tab)
            if now > before:
                break
            tab.page.wait_for_timeout(10)
        assert now > before, f"it does not go on after {before}"
        before = now
        assert tab.page.locator("li.row").count() <= DRAWN


def test_the_oldest_of_a_million_transfers_is_reached(browser: Browser, long: World):
    """By the keyboard, then by the scroll bar, and back to the newest one."""
    with new_tab(browser, long) as tab:
        tab.enter()
        tab.page.get_by_role("link", name="Transfers").click()
        tab.shows(tab.page.get_by_role("list", name="Transfers"))
        keys, row = tab.page.keyboard, tab.page.locator
        scroll_to(tab, ROWS // 2, lambda: keys.press("End"))
        scroll_to(tab, ROWS, lambda: tab.page.evaluate("scrollTo(0, document.body.scrollHeight)"))
        assert loaded(tab) == ROWS
        for _ in range(2):
            keys.press("End")
            tab.shows(row(f"li.row[aria-posinset='{ROWS}']"))
            assert row("li.row").count() <= DRAWN
            keys.press("Home")
            tab.shows(row("li.row[aria-posinset='1']"))
